"""Forms: a form-js JSON becomes fields to draw and a marshmallow schema that turns what was typed into clean data.

What a form may hold: textfield, textarea, number, select, radio, checkbox, checklist, datetime (subtype date), text.
Properties of a field: ``personal`` (kept apart, encrypted), ``decimals`` ("1": tenths as an integer), ``show_if`` and
``required_if`` (see ``Condition``), ``note.<value>`` (a line under a choice).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError
from marshmallow import fields as base

from service.errors import N_, InvalidInput, Message

LONGEST = {"textfield": 200, "textarea": 1000}
WHOLE_LIMIT = 2**53
_TERM = re.compile(r"""\s*(\w+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)')\s*""")

REQUIRED = N_("这一项必填。")
NO_SUCH_FIELD = N_("表单里没有这一项，请刷新页面后重新填写。")
NOT_AN_OPTION = N_("请从列出的选项中选择。")


class FormError(ValueError):
    """A .form file that says something this service does not understand; found when a definition is checked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a field shows or is required: any of ``any_of``, each all of its terms (name, is_equal, value).

    Written ``decision == 'reject' or decision == 'return'``; ``and`` binds closer than ``or``.
    """

    any_of: tuple[tuple[tuple[str, bool, str], ...], ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it is true of what was typed; an absent value equals ''."""
        return any(all((_text(values.get(n)) == v) is same for n, same, v in terms) for terms in self.any_of)

    def to_json(self) -> str:
        """For the page, which shows and hides fields by the same rule."""
        return json.dumps(self.any_of, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: value, label, and a line that says what follows from it."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One component of a form. minimum, maximum in the unit people type; decimals: digits after the point."""

    key: str
    type: str
    label: str
    hint: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    options_key: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int = 0
    shortest: int = 0
    longest: int = 200
    pattern: str = ""
    default: str = ""
    placeholder: str = ""
    personal: bool = False
    show_if: Condition | None = None
    required_if: Condition | None = None

    def is_shown(self, values: Mapping[str, Any]) -> bool:
        """Whether the field takes part, given what was typed elsewhere."""
        return self.show_if is None or self.show_if.holds(values)

    def is_required(self, values: Mapping[str, Any]) -> bool:
        """Whether it must be filled."""
        return self.required or (self.required_if is not None and self.required_if.holds(values))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """data: JSON without floats, None where nothing was typed; personal: values to be kept apart, by field."""

    data: dict[str, Any]
    personal: dict[str, str]


def clean(form: bytes, raw: Mapping[str, Any]) -> Cleaned:
    """Clean what was typed into a form; raises InvalidInput with an error at each field.

    Fields that do not show are None, whatever was sent for them; a field the form does not have is refused.
    """
    schema, known = _schema(form), fields(form)
    hidden = {f.key for f in known if f.key and not f.is_shown(raw)}
    given = {k: v for k, v in raw.items() if k not in hidden and not _is_empty(v)}
    wrong: dict[str, Any] = {}
    loaded: dict[str, Any] = {}
    try:
        loaded = schema.load(given)
    except ValidationError as error:
        wrong = {name: found[0] for name, found in error.messages_dict.items()}
        loaded = dict(error.valid_data or {})  # what was filled in well is not missing
    for field in known:
        is_blank = loaded.get(field.key) in (None, False, [])
        if field.key and is_blank and field.key not in hidden and field.is_required(raw):
            wrong.setdefault(field.key, Message(REQUIRED))
    if wrong:
        raise InvalidInput(wrong)
    empty: dict[str, Any] = {
        f.key: False if f.type == "checkbox" else [] if f.type == "checklist" else None for f in known if f.key
    }
    data = {key: loaded.get(key, nothing) for key, nothing in empty.items()}
    personal = {f.key: str(data.pop(f.key)) for f in known if f.personal and data[f.key] is not None}
    return Cleaned(data, personal)


@lru_cache(maxsize=256)
def fields(form: bytes) -> tuple[Field, ...]:
    """The fields of a form in their order. Raises FormError for a form that cannot be understood."""
    try:
        components = json.loads(form)["components"]
        return tuple(_field(c) for c in components)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormError(f"{type(error).__name__}: {error}") from error


def title(form: bytes) -> str:
    """The form's own heading, or ''."""
    return str(json.loads(form).get("title", ""))


def decisions(form: bytes) -> list[Option]:
    """The choices of a form that many tasks can be given at once: nothing else has to be typed for them.

    A form without fields has one choice, without value or label; one with several choices or figures has none.
    """
    known = [f for f in fields(form) if f.key]
    if not known:
        return [Option("", "")]
    asked = choice(form)
    if asked is None:
        return []
    others = [f for f in known if f is not asked]
    return [o for o in asked.options if not any(_needs_typing(f, {asked.key: o.value}) for f in others)]


def choice(form: bytes) -> Field | None:
    """The one choice that a form asks for, or None: of several it is a form to be filled in."""
    found = [f for f in fields(form) if f.type in ("radio", "select") and (f.required or f.required_if)]
    return found[0] if len(found) == 1 else None


def _needs_typing(field: Field, values: Mapping[str, Any]) -> bool:
    is_note = field.type in ("textfield", "textarea") and not field.is_required(values)
    return field.is_shown(values) and not is_note


@lru_cache(maxsize=256)
def _schema(form: bytes) -> Schema:
    members: dict[str, base.Field[Any]] = {f.key: _Typed(f) for f in fields(form) if f.key}
    schema = Schema.from_dict(members, name="Form")(unknown=RAISE)
    schema.error_messages = {**schema.error_messages, "unknown": Message(NO_SUCH_FIELD)}  # type: ignore[dict-item]
    return schema


class _Typed(base.Field[Any]):
    """The marshmallow field of a component: text, number, choice or date, each error a Message."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_more: Any) -> Any:
        match self.field.type:
            case "number":
                return _number(self.field, value)
            case "checkbox":
                return _tick(value)
            case "select" | "radio":
                return _choice(self.field, value)
            case "checklist":
                return [_choice(self.field, v) for v in (value if isinstance(value, list) else [value])]
            case "datetime":
                return _date(value)
            case _:
                return _line(self.field, value)


def _refuse(text: str, **values: Any) -> ValidationError:
    return ValidationError([Message(text, **values)])


def _number(field: Field, value: Any) -> int:
    """A number in units of its last digit: with one decimal, ``54.5`` → 545."""
    try:
        number = (
            Decimal(str(value).strip().replace("，", ",").translate(_FULL_WIDTH))
            if not isinstance(value, bool)
            else Decimal("NaN")
        )
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise _refuse(N_("请填写数字。"))
    if field.minimum is not None and field.maximum is not None and not field.minimum <= number <= field.maximum:
        raise _refuse(N_("须在 %(least)s 与 %(most)s 之间。"), least=field.minimum, most=field.maximum)
    if field.minimum is not None and number < field.minimum:
        raise _refuse(N_("不能小于 %(least)s。"), least=field.minimum)
    if field.maximum is not None and number > field.maximum:
        raise _refuse(N_("不能大于 %(most)s。"), most=field.maximum)
    if abs(number) >= WHOLE_LIMIT:
        raise _refuse(N_("数字太大。"))
    scaled = number.scaleb(field.decimals)
    if scaled != int(scaled):
        raise _refuse(N_("最多 %(digits)s 位小数。") if field.decimals else N_("请填写整数。"), digits=field.decimals)
    return int(scaled)


_FULL_WIDTH = str.maketrans("０１２３４５６７８９．－", "0123456789.-")


def _tick(value: Any) -> bool:
    if value in (True, "true", "on", "1"):
        return True
    if value in (False, "false", "0"):
        return False
    raise _refuse(NOT_AN_OPTION)


def _choice(field: Field, value: Any) -> str:
    """One of the options; options that come from case data are checked by the handler that uses them."""
    if not isinstance(value, str) or len(value) > 100:
        raise _refuse(NOT_AN_OPTION)
    if not field.options_key and value not in {o.value for o in field.options}:
        raise _refuse(NOT_AN_OPTION)
    return value


def _date(value: Any) -> str:
    """A civil date, ``2026-11-24``."""
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError:
        raise _refuse(N_("请按“年-月-日”填写日期，如 2026-11-24。")) from None


def _line(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse(N_("请填写文字。"))
    text = value.replace("\r\n", "\n").strip()
    allowed = "\n\t" if field.type == "textarea" else ""
    if any(not c.isprintable() and c not in allowed for c in text):
        raise _refuse(N_("含有不能保存的字符，请删去后重试。"))
    if len(text) > field.longest:
        raise _refuse(N_("最多 %(most)s 个字，现在有 %(now)s 个。"), most=field.longest, now=len(text))
    if len(text) < field.shortest:
        raise _refuse(N_("至少 %(least)s 个字。"), least=field.shortest)
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise _refuse(N_("格式不对。%(hint)s"), hint=field.hint)
    return text


def _field(component: Mapping[str, Any]) -> Field:
    kind = component["type"]
    if kind == "text":
        return Field("", "text", str(component["text"]))
    if kind not in ("textfield", "textarea", "number", "select", "radio", "checkbox", "checklist", "datetime"):
        raise FormError(f"component {kind!r}")
    rules, extra = component.get("validate", {}), component.get("properties", {})
    return Field(
        key=component["key"],
        type=kind,
        label=str(component.get("label") or component.get("dateLabel") or ""),
        hint=str(component.get("description", "")),
        required=rules.get("required") is True,
        options=tuple(_option(o, extra) for o in component.get("values", ())),
        options_key=str(component.get("valuesKey", "")),
        minimum=_decimal(rules.get("min")),
        maximum=_decimal(rules.get("max")),
        decimals=int(extra.get("decimals", component.get("decimalDigits", 0))),
        shortest=int(rules.get("minLength", 0)),
        longest=int(rules.get("maxLength", LONGEST.get(kind, 200))),
        pattern=str(rules.get("pattern", "")),
        default=_text(component.get("defaultValue")),
        placeholder=str(component.get("appearance", {}).get("placeholder", "")),
        personal=extra.get("personal") == "true",
        show_if=_condition(extra.get("show_if")),
        required_if=_condition(extra.get("required_if")),
    )


def _option(option: Mapping[str, Any], extra: Mapping[str, Any]) -> Option:
    value = str(option["value"])
    return Option(value, str(option["label"]), str(extra.get(f"note.{value}", "")))


def _condition(text: str | None) -> Condition | None:
    if not text:
        return None
    return Condition(tuple(tuple(_term(t) for t in re.split(r"\band\b", part)) for part in re.split(r"\bor\b", text)))


def _term(text: str) -> tuple[str, bool, str]:
    found = _TERM.fullmatch(text)
    if not found:
        raise FormError(f"condition {text!r}: write name == 'value'")
    return found[1], found[2] == "==", found[3] if found[3] is not None else found[4]


def _decimal(value: Any) -> Decimal | None:
    return None if value is None or value == "" else Decimal(str(value))


def _text(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())
