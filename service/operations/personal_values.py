"""Personal texts of a case: case data and journal hold references to them, and the texts stand encrypted in a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeGuard
from uuid import UUID

from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.runtime.case import PersonalValue
from service.models.tables.system.audit import AuditEvent

ERASURE = "erase_personal_text"  # the event of a lawful one


def is_reference(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Tell whether a value of case data refers to a personal text."""
    return isinstance(value, Mapping) and "personal" in value


def typed_text(data: Mapping[str, Any], name: str) -> str | None:
    """The text behind a variable, None for none or an erased one; a case by an older form holds the text itself."""
    value = data.get(name)
    if is_reference(value):
        return session().get_one(PersonalValue, UUID(value["personal"])).value
    return None if value is None else str(value)


def erase(rows: Iterable[PersonalValue], rule: str, at: datetime) -> int:
    """Erase texts for good, with a record of each that is sealed like every event: by which rule, by whom, when.

    The journal keeps reference and salted digest, so that it is still proved; no text can be guessed from them
    without the salt. Returns how many there were.
    """
    count = 0
    for row in rows:
        row.value = row.salt = None
        row.erased_at = at
        detail = {"rule": rule}
        event = AuditEvent(action=ERASURE, at=at, object_type="personal_value", object_id=row.id, detail=detail)
        session().add(event)
        count += 1
    return count


def with_texts(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same data with the texts in the place of the references, for a reader who may see them; one query.

    The reference to an erased text stays.
    """
    [opened] = all_with_texts([data])
    return opened


def all_with_texts(
    rows: Sequence[Mapping[str, Any]], read: Mapping[str, str | None] | None = None
) -> list[dict[str, Any]]:
    """Open the references of many rows of data, like ``with_texts``.

    read: texts by id that the caller has already; the others take one query.
    """
    read = read or {}
    referred = {value["personal"] for data in rows for value in data.values() if is_reference(value)}
    ids = {UUID(key) for key in referred - read.keys()}
    known = {key: text for key, text in read.items() if text is not None}
    if ids:
        query = select(PersonalValue.id, PersonalValue.value).where(PersonalValue.id.in_(ids))
        known |= {str(key): text for key, text in session().execute(query) if text is not None}
    return [
        {name: known.get(value["personal"], value) if is_reference(value) else value for name, value in data.items()}
        for data in rows
    ]
