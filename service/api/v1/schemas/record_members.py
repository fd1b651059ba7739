"""Members of requests and answers from the declared fields of a record."""

from __future__ import annotations

from functools import cache
from gettext import NullTranslations, translation
from typing import Any

from service.config import CHECKOUT
from service.validation.fields import Boolean, Choice, Date, Field, Integer, Score, Text
from service.validation.record_fields import FieldKind, Place, RecordField, RecordFields


def record_members(record: RecordFields, place: Place, *, is_whole: bool = False) -> dict[str, Field[Any]]:
    """Build the fields that have no rule of their own,
    for ``Meta.include``; is_whole: what is required must be sent.
    """
    return {
        one.input_name if place is Place.REST_IN else one.key: _member(one, is_whole and one.required)
        for one in record.plain(place)
    }


def describe(field: RecordField) -> str:
    """Write label and hint in Chinese, then in English."""
    english = " ".join(_english().gettext(text).rstrip(".") + "." for text in (field.label, field.hint) if text)
    return f"{field.label}。{field.hint} / {english}"


def _member(field: RecordField, is_required: bool) -> Field[Any]:
    options: dict[str, Any] = {"required": is_required, "allow_none": not field.required}
    description = describe(field)
    match field.kind:
        case FieldKind.INTEGER:
            return Integer(description, field.minimum, field.maximum, **options)
        case FieldKind.SCORE:
            return Score(description, **options)
        case FieldKind.DATE:
            return Date(description, **options)
        case FieldKind.BOOLEAN:
            return Boolean(description, **options)
        case FieldKind.CHOICE if field.choices:
            return Choice(description, field.choices, **options)
        case _:
            is_long, least = field.kind is FieldKind.LINES, int(field.required)
            is_code = field.kind is FieldKind.CODE
            return Text(
                description, field.max_length, min_length=least, multiline=is_long, is_written=is_code, **options
            )


@cache
def _english() -> NullTranslations:
    return translation("messages", CHECKOUT / "service" / "translations", ["en"], fallback=True)
