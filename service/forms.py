"""Forms: what was typed into the fields of a .form becomes clean data. ``engine.forms`` reads the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, pre_load

from service.engine.forms.components import LIST, MAX_ROWS, OF_THE_PAGE
from service.engine.forms.conditions import Condition
from service.engine.forms.defaults import first_value
from service.engine.forms.fields import Field, Option
from service.engine.forms.reader import read_form
from service.engine.forms.typed_fields import typed_field
from service.errors import InvalidInput, Message
from service.validation.fields import Typed, by_path
from service.validation.messages import NO_SUCH_FORM_FIELD, NOT_ROWS, REQUIRED, TOO_MANY_ROWS

__all__ = [
    "OF_THE_PAGE",
    "Cleaned",
    "Condition",
    "Field",
    "FormError",
    "Option",
    "choice",
    "clean",
    "decisions",
    "decisions_with_reason",
    "fields",
    "first_value",
    "listed_fields",
    "reason",
    "title",
]


class FormError(ValueError):
    """A .form file that says something this service does not understand; the gate refuses it before.

    zh: the same in Chinese.
    """

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.zh = zh


@dataclass(frozen=True, slots=True)
class Cleaned:
    """data: JSON without floats, None where nothing was typed; personal: values to be kept apart, by field."""

    data: dict[str, Any]
    personal: dict[str, str]


def clean(form: bytes, raw: Mapping[str, Any]) -> Cleaned:
    """Clean what was typed into a form; raises InvalidInput with an error at each field.

    Fields that do not show are None, whatever was sent for them; a field the form does not have is refused, one that
    is only shown left out.
    """
    cleaned, wrong = _clean(fields(form), raw)
    if wrong:
        raise InvalidInput(wrong)
    return cleaned


def _clean(known: tuple[Field, ...], raw: Mapping[str, Any]) -> tuple[Cleaned, dict[str, Message]]:
    """Read what was typed into some fields, and name what is wrong with it."""
    asked = tuple(f for f in known if f.key and not f.readonly)
    readonly = {f.key for f in known if f.readonly}
    shown = _shown(asked, {name: value for name, value in raw.items() if name not in readonly})
    lists = [f for f in asked if f.columns]
    rows = {f.key: _clean_rows(f, shown.pop(f.key)) for f in lists if f.key in shown}
    loaded, wrong = _load(_schema(tuple(f for f in asked if not f.columns)), shown)
    for key, (found, errors) in rows.items():
        loaded[key], wrong = found, wrong | errors
    return _apart(asked, loaded), _missing(asked, raw, loaded) | wrong


def _clean_rows(field: Field, sent: Any) -> tuple[list[dict[str, Any]], dict[str, Message]]:
    """The rows of a list in which something was typed; an error stands at ``list.row.field``."""
    if not isinstance(sent, list) or not all(isinstance(row, Mapping) for row in sent):
        return [], {field.key: Message(NOT_ROWS)}
    if len(sent) > (field.rows if field.is_fixed else MAX_ROWS):
        return [], {field.key: Message(TOO_MANY_ROWS, most=field.rows if field.is_fixed else MAX_ROWS)}
    rows, wrong = [], dict[str, Message]()
    for at, row in enumerate(sent):
        if all(_is_empty(value) or value is False for value in row.values()):
            continue
        cleaned, errors = _clean(field.columns, row)
        rows.append(cleaned.data)
        wrong |= {f"{field.key}.{at}.{name}": message for name, message in errors.items()}
    return rows, wrong


def fields(form: bytes) -> tuple[Field, ...]:
    """The fields of a form in their order. Raises FormError for a form that cannot be drawn."""
    read = read_form(form)
    if fatal := [fault for fault in read.faults if fault.is_fatal]:
        raise FormError(
            " ".join(f"{fault.key}: {fault.en}" for fault in fatal),
            " ".join(f"{fault.key}：{fault.zh}" for fault in fatal),
        )
    return tuple(read.fields)


def listed_fields(form: bytes) -> tuple[Field, ...]:
    """List the fields of a form that can be read, of a version in force, too, that today's gate would refuse."""
    return tuple(read_form(form).fields)


def title(form: bytes) -> str:
    """The form's own heading, or ''."""
    return read_form(form).title


def decisions(form: bytes) -> list[Option]:
    """The choices of a form that many tasks can be given at once: nothing else has to be typed for them.

    A form without fields has one choice, without value or label; one with several choices or figures has none.
    """
    known = [f for f in fields(form) if f.key and not f.readonly]
    if not known:
        return [Option("", "")]
    asked = choice(form)
    if asked is None:
        return []
    others = [f for f in known if f is not asked]
    return [o for o in asked.options if not any(_needs_typing(f, {asked.key: o.value}) for f in others)]


def decisions_with_reason(form: bytes) -> list[Option]:
    """The choices of a form for which nothing but the reason is asked: many tasks can be given them with one."""
    asked, why = choice(form), reason(form)
    if asked is None or why is None:
        return []
    others = [f for f in fields(form) if f.key and not f.readonly and f not in (asked, why)]
    needing = [o for o in asked.options if why.is_required({asked.key: o.value})]
    return [o for o in needing if not any(_needs_typing(f, {asked.key: o.value}) for f in others)]


def reason(form: bytes) -> Field | None:
    """The field of a form in which its decision is reasoned, or None."""
    return next((f for f in fields(form) if f.key == "reason" and not f.readonly), None)


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
def _schema(asked: tuple[Field, ...]) -> FormSchema:
    members: dict[str, Any] = {f.key: typed_field(f) for f in asked}
    schema: FormSchema = FormSchema.from_dict(members, name="Form")()  # type: ignore[assignment]
    return schema


def _shown(asked: Sequence[Field], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Drop what is empty or was sent for a field that does not show; unknown names stay, to be refused."""
    hidden = {f.key for f in asked if not f.is_shown(raw)}
    return {k: v for k, v in raw.items() if k not in hidden and not _is_empty(v)}


def _missing(asked: Sequence[Field], raw: Mapping[str, Any], loaded: Mapping[str, Any]) -> dict[str, Message]:
    """Find the required fields that show and were left empty."""
    empty = [f for f in asked if loaded.get(f.key) in (None, False, [])]
    return {f.key: Message(REQUIRED) for f in empty if f.is_shown(raw) and f.is_required(raw)}


def _apart(asked: Sequence[Field], loaded: Mapping[str, Any]) -> Cleaned:
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


def _nothing(field: Field) -> Any:
    """Give the value of a field where nothing was typed."""
    return {"checkbox": False, "checklist": [], LIST: []}.get(field.type)


def _is_empty(value: Any) -> bool:
    return value is None or value == [] or (isinstance(value, str) and not value.strip())
