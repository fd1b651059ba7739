"""Erasing what is kept of deregistered persons no longer than needed (R75): daily, slice by slice."""

from __future__ import annotations

from service.domain.values.calendar import add_years
from service.models.db.clock import today
from service.models.db.transaction import Operation, transaction
from service.models.queries.persons.retention import delete_photos, due, photos_of
from service.models.tables import setting
from service.models.tables.audit import AuditEvent


def erase_due(limit: int = 50) -> int:
    """Erase telephone and photos of up to ``limit`` persons whose time is over (setting ``erasure_years``);
    returns how many.

    The identity number stays as long as the ledger of certificates does. Doing it again does nothing more.
    """
    before = add_years(today(), -setting.number("erasure_years"))
    with transaction(Operation("erase_personal_data")) as current:
        persons = due(before, limit)
        photos = [photo for person in persons for photo in photos_of(person.id)]
        for person in persons:
            person.phone = person.photo_id = None
        current.flush()
        delete_photos(photos)
        if persons:
            detail = {"persons": len(persons), "ended_before": before.isoformat()}
            current.add(AuditEvent(action="erase_personal_data", detail=detail))
    return len(persons)
