"""Keep ``training_need`` in step: a person's row becomes stale when a fact it is decided from changes.

It also repeats the columns of the person that figures are grouped by; they are never stale.

A row is stale while its ``as_of`` lies before today; a change sets it to the first of all days, and a new person gets a
row that begins stale. ``workflow.training.refresh_need`` decides stale rows again. What is watched is what the
statements of ``training_need_statements`` read: nothing is listed here.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import event, inspect, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import PassiveFlag
from sqlalchemy.orm.attributes import History

from service.models.db.prepared_statements import PreparedStatement
from service.models.db.unit_of_work import UnitOfWork
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingNeed
from service.models.tables.training.training_need_statements import READ, REPEATED

STALE = date(1, 1, 1)
_LINKS = ("person_id", "certificate_id")
"""The columns that lead from a row to the person whose need it decides."""

_MAKE_STALE = PreparedStatement(
    "make_need_stale", "UPDATE training_need SET as_of = :as_of WHERE person_id = ANY(:persons)"
)


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
    changed: set[UUID] = set()
    for row in (*current.new, *current.dirty, *current.deleted):
        if _counts(row, row in current.deleted):
            changed |= _persons_of(current, row)
    if changed:
        _MAKE_STALE.execute({"as_of": STALE, "persons": sorted(changed)})


def _counts(row: Any, is_deleted: bool) -> bool:
    """Tell whether the change of a row can change a need: a column that is read has changed, or the row has gone."""
    columns = READ.get(getattr(row, "__tablename__", ""), frozenset())
    if not columns or not _is_read(row):
        return False
    state = inspect(row)
    return is_deleted or any(_history(state, name).has_changes() for name in columns)


def _is_read(row: Any) -> bool:
    """Leave out the rows that the statements leave out by a constant: enrolments other than renewals (R25)."""
    return row.__tablename__ != "enrollment" or "renewal" in _values(row, "kind")


def _persons_of(current: UnitOfWork, row: Any) -> set[UUID]:
    """The persons to whom the row belongs and, where that has changed, belonged."""
    link = next(name for name in _LINKS if hasattr(type(row), name))
    keys = _values(row, link)
    if link == "person_id":
        return keys
    return set(current.scalars(select(Certificate.person_id).where(Certificate.id.in_(keys))))


def _history(state: Any, name: str) -> History:
    """Return what a column was and is; through ``state.attrs`` every column of the row would be gathered."""
    history: History = state.get_history(name, PassiveFlag.PASSIVE_NO_INITIALIZE)
    return history


def _values(row: Any, name: str) -> set[Any]:
    """The value of a column after the change and before it."""
    history = _history(inspect(row), name)
    return {*history.added, *history.unchanged, *history.deleted} - {None}


def _repeat(current: UnitOfWork, person: Person) -> None:
    """Let the repeated columns follow the person in the same transaction."""
    state = inspect(person)
    if any(_history(state, name).has_changes() for name in REPEATED):
        values = {name: getattr(person, name) for name in REPEATED}
        current.execute(update(TrainingNeed).where(TrainingNeed.person_id == person.id).values(values))


def _unknown(person: Person) -> dict[str, Any]:
    repeated = {name: getattr(person, name) for name in REPEATED}
    return {
        "person_id": person.id,
        "need": "initial",
        "as_of": STALE,
        "reference_date": STALE,
        "decision": "",
        **repeated,
    }
