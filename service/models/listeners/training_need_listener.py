"""Keep ``training_need`` in step: a person's row becomes stale when a fact it is decided from changes.

It also repeats the columns of the person that figures are grouped by; they are never stale.

A row is stale while its ``as_of`` lies before today; a change sets it to the first of all days, and a new person gets a
row that begins stale. ``workflow.training.refresh_need`` decides stale rows again.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect, text, update
from sqlalchemy.dialects.postgresql import insert

from service.models.db.unit_of_work import UnitOfWork
from service.models.tables.certificate import Certificate
from service.models.tables.person import Person
from service.models.tables.training import Enrollment, RefresherRecord, TrainingNeed

STALE = date(1, 1, 1)
_REPEATED = ("unit_id", "qualification_type_id", "state")  # of the person
_WATCHED: dict[type, tuple[str, ...]] = {Certificate: ("state", "issued_on", "valid_to"), Enrollment: ("state",)}

WRITE_NEEDS = text(
    """
    UPDATE training_need SET need = n.need, as_of = n.as_of, reference_date = n.reference_date, valid_to = n.valid_to,
        certificate_id = n.certificate_id, decision = n.decision
    FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS n(person_id uuid, need text, as_of date, reference_date date,
        valid_to date, certificate_id uuid, decision text)
    WHERE training_need.person_id = n.person_id
    """
)
"""Write the decisions on many persons in one statement; each person has had a row since they were entered."""


def register() -> None:
    """Keep the projection in step with what is written."""
    event.listen(UnitOfWork, "after_flush", _mark)


def _mark(current: UnitOfWork, _context: Any) -> None:
    new = {row.id: row for row in current.new if isinstance(row, Person)}
    if new:
        rows = insert(TrainingNeed).values([_unknown(new[person_id]) for person_id in sorted(new)])
        current.execute(rows.on_conflict_do_nothing())
    for person in (row for row in current.dirty if isinstance(row, Person)):
        _repeat(current, person)
    changed = {_person_of(current, row) for row in (*current.new, *current.dirty) if _counts(row)} - {None}
    if changed:
        current.execute(update(TrainingNeed).where(TrainingNeed.person_id.in_(changed)).values(as_of=STALE))


def _counts(row: object) -> bool:
    """Tell whether the change can change the need: certificates, refresher records,
    renewals that begin or end (R25).
    """
    if isinstance(row, RefresherRecord):
        return True
    if isinstance(row, Enrollment) and row.kind != "renewal":
        return False
    state = inspect(row)
    fields = _WATCHED.get(type(row), ())
    return any(state.attrs[field].history.has_changes() for field in fields)


def _person_of(current: UnitOfWork, row: Any) -> UUID | None:
    if isinstance(row, RefresherRecord):
        certificate = current.get(Certificate, row.certificate_id)
        return certificate.person_id if certificate else None
    return row.person_id


def _repeat(current: UnitOfWork, person: Person) -> None:
    """Let the repeated columns follow the person in the same transaction."""
    state = inspect(person)
    if any(state.attrs[name].history.has_changes() for name in _REPEATED):
        values = {name: getattr(person, name) for name in _REPEATED}
        current.execute(update(TrainingNeed).where(TrainingNeed.person_id == person.id).values(values))


def _unknown(person: Person) -> dict[str, Any]:
    repeated = {name: getattr(person, name) for name in _REPEATED}
    return {
        "person_id": person.id,
        "need": "initial",
        "as_of": STALE,
        "reference_date": STALE,
        "decision": "",
        **repeated,
    }
