"""When the projection ``training_need`` of a person is out of date: what it is decided from has changed.

A row is stale while its ``as_of`` lies before today; a change sets it to the first of all days, and a new person gets a
row that begins stale. ``workflow.training.refresh_need`` decides stale rows anew.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from service.models.certificate import Certificate
from service.models.person import Person
from service.models.training import Enrollment, RefresherRecord, TrainingNeed

STALE = date(1, 1, 1)
_WATCHED: dict[type, tuple[str, ...]] = {Certificate: ("state", "issued_on", "valid_to"), Enrollment: ("state",)}


@event.listens_for(Session, "after_flush")
def _mark(current: Session, _context: Any) -> None:
    new = {row.id for row in current.new if isinstance(row, Person)}
    if new:
        row = insert(TrainingNeed).values([_unknown(person_id) for person_id in sorted(new)])
        current.execute(row.on_conflict_do_nothing())
    changed = {_person_of(current, row) for row in (*current.new, *current.dirty) if _counts(row)} - {None}
    if changed:
        current.execute(update(TrainingNeed).where(TrainingNeed.person_id.in_(changed)).values(as_of=STALE))


def _counts(row: object) -> bool:
    """Whether the change can change the need: certificates, refresher records, renewals that begin or end (R25)."""
    if isinstance(row, RefresherRecord):
        return True
    if isinstance(row, Enrollment) and row.kind != "renewal":
        return False
    state = inspect(row)
    fields = _WATCHED.get(type(row), ())
    return any(state.attrs[field].history.has_changes() for field in fields)


def _person_of(current: Session, row: Any) -> UUID | None:
    if isinstance(row, RefresherRecord):
        certificate = current.get(Certificate, row.certificate_id)
        return certificate.person_id if certificate else None
    return row.person_id


def _unknown(person_id: UUID) -> dict[str, Any]:
    return {"person_id": person_id, "need": "initial", "as_of": STALE, "reference_date": STALE, "decision": ""}
