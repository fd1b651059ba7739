"""The content of a form's fields, from case data: for filling a form in, and for showing one as it was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g

from service.errors import N_
from service.forms import Field, first_value
from service.infrastructure.translation import translate
from service.models.queries.system import form_options

PERSONAL = N_("（个人信息，不在此显示）")


def first_values(fields: Iterable[Field], data: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults of the fields, those in FEEL computed from the case; in words where they are only shown."""
    found: dict[str, Any] = {}
    for field in fields:
        value = first_value(field, data)
        if field.readonly and value:
            found[field.key] = answer_text(field, value == "true" if field.type == "checkbox" else value)
        elif value:
            found[field.key] = value
    return found


def values_of(fields: Iterable[Field], data: Mapping[str, Any]) -> dict[str, Any]:
    """The values as a person would type them, of the fields that ``data`` has; a decision is not taken over."""
    found = {}
    for field in fields:
        value = data.get(field.key)
        if field.readonly and value is not None:
            found[field.key] = answer_text(field, value)
        elif field.key and field.key != "decision" and value is not None and not isinstance(value, dict):
            found[field.key] = typed(field, value)
    return found


def read(fields: Iterable[Field], data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Label and answer of each field that was answered, in words."""
    return [
        (translate(f.label), answer_text(f, data[f.key]))
        for f in fields
        if f.key and data.get(f.key) not in (None, "", [], False)
    ]


def typed(field: Field, value: Any) -> Any:
    """A value as a person would type it."""
    if field.columns:
        return [{one.key: typed(one, row.get(one.key)) for one in field.columns} for row in rows_in(value)]
    if field.type == "number" and field.decimals and isinstance(value, int):
        whole, rest = divmod(abs(value), 10**field.decimals)
        sign = "-" if value < 0 else ""
        return f"{sign}{whole}.{rest:0{field.decimals}}" if rest else f"{sign}{whole}"
    return value


def answer_text(field: Field, value: Any) -> str:
    """One answer in words."""
    if field.columns:
        told = [[f"{label} {text}" for label, text in read(field.columns, row)] for row in rows_in(value)]
        return " / ".join(map(" · ".join, told))
    if isinstance(value, dict):
        return translate(PERSONAL)
    if isinstance(value, bool):
        return translate(N_("是") if value else N_("否"))
    if isinstance(value, list | tuple):
        return "、".join(answer_text(field, v) for v in value)
    labels = {o.value: o.label for o in field.options} or _offered(field.options_key)
    return translate(labels[value]) if value in labels else str(typed(field, value))


def rows_in(value: Any) -> list[Mapping[str, Any]]:
    """The rows of a list; none of what an older form, or a mend, has left in their place."""
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


def _offered(key: str) -> dict[str, str]:
    """The labels of choices that only the tables know, read once in a request."""
    if key not in form_options.KEYS:
        return {}
    known: dict[str, dict[str, str]] = g.setdefault("form_options", {})
    if key not in known:
        known[key] = form_options.names(key)
    return known[key]
