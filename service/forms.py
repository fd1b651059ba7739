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
from decimal import Decimal
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, pre_load

from service.errors import InvalidInput, Message
from service.validation.fields import EARLIEST, LATEST, Boolean, Choice, Code, Date, List, Number, Text, Typed, by_path
from service.validation.messages import NO_SUCH_FORM_FIELD, REQUIRED

MAX_LENGTHS = {"textfield": 200, "textarea": 1000}
_TERM = re.compile(r"""\s*(\w+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)')\s*""")


class FormError(ValueError):
    """A .form file that says something this service does not understand; found when a definition is checked."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on other fields: any of ``any_of``, each all of its terms (name, is_equal, value).

    Written ``decision == 'reject' or decision == 'return'``; ``and`` binds closer than ``or``.
    """

    any_of: tuple[tuple[tuple[str, bool, str], ...], ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it is true of what was typed; an absent value equals ''."""
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
        """Tell whether the field takes part, given what was typed elsewhere."""
        return self.show_if is None or self.show_if.holds(values)

    def is_required(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it must be filled."""
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
    asked = [f for f in fields(form) if f.key]
    loaded, wrong = _load(_schema(form), _shown(asked, raw))
    if wrong := _missing(asked, raw, loaded) | wrong:
        raise InvalidInput(wrong)
    return _apart(asked, loaded)


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


class FormSchema(Schema):
    """A task form: what people type is tidied before it is read."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": Message(NO_SUCH_FORM_FIELD)}  # type: ignore[dict-item]

    @pre_load
    def _normalise(self, data: Mapping[str, Any], **_options: Any) -> dict[str, Any]:
        return {k: f.normalise(v) if isinstance(f := self.fields.get(k), Typed) else v for k, v in data.items()}


@lru_cache(maxsize=256)
def _schema(form: bytes) -> FormSchema:
    members: dict[str, Any] = {f.key: _schema_field(f) for f in fields(form) if f.key}
    schema: FormSchema = FormSchema.from_dict(members, name="Form")()  # type: ignore[assignment]
    return schema


def _shown(asked: list[Field], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is empty or was sent for a field that does not show; unknown names stay, to be refused."""
    hidden = {f.key for f in asked if not f.is_shown(raw)}
    return {k: v for k, v in raw.items() if k not in hidden and not _is_empty(v)}


def _missing(asked: list[Field], raw: Mapping[str, Any], loaded: Mapping[str, Any]) -> dict[str, Message]:
    """Find the required fields that show and were left empty."""
    empty = [f for f in asked if loaded.get(f.key) in (None, False, [])]
    return {f.key: Message(REQUIRED) for f in empty if f.is_shown(raw) and f.is_required(raw)}


def _apart(asked: list[Field], loaded: Mapping[str, Any]) -> Cleaned:
    """Complete the data with what was left empty, and take the personal values out."""
    data = {f.key: loaded.get(f.key, _nothing(f)) for f in asked}
    personal = {f.key: str(data.pop(f.key)) for f in asked if f.personal and data[f.key] is not None}
    return Cleaned(data, personal)


def _load(schema: FormSchema, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Message]]:
    """Read what was given as JSON values; what was filled in well is there beside the errors of the rest."""
    try:
        loaded, wrong = schema.load(given), {}
    except ValidationError as error:
        loaded = dict(error.valid_data or {})
        wrong = {path.split(".")[0]: message for path, message in by_path(error.messages_dict).items()}
    return {key: value.isoformat() if isinstance(value, date) else value for key, value in loaded.items()}, wrong


def _schema_field(field: Field) -> Any:
    """Build the marshmallow field of a component."""
    match field.type:
        case "number":
            return Number(minimum=field.minimum, maximum=field.maximum, decimals=field.decimals)
        case "checkbox":
            return Boolean()
        case "select" | "radio":
            return _choice(field)
        case "checklist":
            return List(_choice(field))
        case "datetime":
            return Date(earliest=EARLIEST, latest=LATEST)
        case kind:
            return Text(
                max_length=field.longest,
                min_length=field.shortest,
                multiline=kind == "textarea",
                form=field.pattern,
                hint=field.hint,
            )


def _nothing(field: Field) -> Any:
    """Give the value of a field where nothing was typed."""
    return {"checkbox": False, "checklist": []}.get(field.type)


def _choice(field: Field) -> Choice | Code:
    return Code() if field.options_key else Choice("", [o.value for o in field.options])


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
        longest=int(rules.get("maxLength", MAX_LENGTHS.get(kind, 200))),
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
