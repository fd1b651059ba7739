"""Erasing what is kept of deregistered persons no longer than needed (R75): daily, slice by slice."""

from __future__ import annotations

from service.domain.values.calendar import add_years
from service.models.db.clock import now, today
from service.models.db.transaction import Operation, transaction
from service.models.queries.persons.retention import delete_photos, due, photos_of, texts_of
from service.models.tables.system import setting
from service.models.tables.system.audit import AuditEvent
from service.operations.personal_values import erase


def erase_due(limit: int = 50) -> int:
    """Erase telephone, photos and the texts in cases of up to ``limit`` persons whose time is over (setting
    ``erasure_years``), each with a record of its own; returns how many.

    The identity number stays as long as the ledger of certificates does. Doing it again does nothing more.
    """
    at = now()
    before = add_years(today(), -setting.number("erasure_years"))
    with transaction(Operation("erase_personal_data")) as current:
        persons = due(before, limit)
        photos = [photo for person in persons for photo in photos_of(person.id)]
        for person in persons:
            person.phone = person.photo_id = None
            detail = {"rule": "R75", "ended_before": before.isoformat()}
            detail["texts"] = str(erase(texts_of(person.id), "R75", at))
            event = AuditEvent(action="erase_personal_data", at=at, detail=detail)
            event.object_type, event.object_id = "person", person.id
            current.add(event)
        current.flush()
        delete_photos(photos)
    return len(persons)
