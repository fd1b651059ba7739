"""Columns that repeat or sum up others, compared with a fresh computation: ``anpei check-data`` (R81, §11)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service.domain.training.enrollment_state import EnrollmentState, takes_seat
from service.domain.units.units import UnitKind, UnitState, missing_fields
from service.errors import N_
from service.models.db.clock import today
from service.models.db.collation import name_keys
from service.models.db.session import session
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, Score, TrainingClass, TrainingNeed
from service.models.tables.training.training_need_statements import REPEATED
from service.models.tables.units.organisation import UNITS, Organisation
from service.workflow.training.enrollments import decide_all
from service.workflow.units.units import record

ROWS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class DataDifference:
    """A column of a row that holds another value than the rows from which it follows. It names nobody: keys only."""

    table: str
    key: UUID
    column: str
    stored: Any
    computed: Any


Check = Callable[[], Iterator["DataDifference | None"]]
"""Goes through the rows of a projection: None for one that is right."""


def _needs() -> Iterator[DataDifference | None]:
    """The training that persons need; stale rows are going to be decided, so that only what is never stale counts."""
    for rows in _slices(select(TrainingNeed, Person).join(Person, Person.id == TrainingNeed.person_id), Person.id):
        fresh = [need.person_id for need, _ in rows if need.as_of == today()]
        known = facts_of(fresh, today())
        decided = decide_all(known)
        for need, person in rows:
            computed: dict[str, Any] = {name: getattr(person, name) for name in REPEATED}
            if facts := known.get(person.id):
                valid_to = facts.facts["valid_to"]
                computed |= {"need": str(decided[person.id]), "certificate_id": facts.certificate_id}
                computed |= {"reference_date": facts.facts["reference_date"], "valid_to": valid_to}
            yield from _compare("training_need", person.id, need, computed)
    for person_id in session().scalars(select(Person.id).where(Person.id.not_in(select(TrainingNeed.person_id)))):
        yield DataDifference("training_need", person_id, "person_id", None, person_id)


def _names() -> Iterator[DataDifference | None]:
    """Keys by which names are ordered, compared and found."""
    for rows in _slices(select(Person), Person.id):
        for (person,) in rows:
            yield from _compare("person", person.id, person, name_keys(person.name, is_person=True))
    for rows in _slices(select(Organisation), Organisation.id):
        for (unit,) in rows:
            keys = name_keys(unit.name)
            if unit.code:
                keys["sort_key"] = unit.code  # authorities stand in the order of GB/T 2260
            if unit.folded_name == f"{keys['folded_name'][:360]} {unit.id}":
                del keys["folded_name"]  # one of two that were kept apart when names were first compared folded
            yield from _compare("organisation", unit.id, unit, keys)


def _seats() -> Iterator[DataDifference | None]:
    """Seats taken in classes (R40)."""
    seated = [state for state in EnrollmentState if takes_seat(state)]
    taken = _number(Enrollment.id, Enrollment.class_id == TrainingClass.id, Enrollment.state.in_(seated))
    for rows in _slices(select(TrainingClass, taken), TrainingClass.id):
        for row, number in rows:
            yield from _compare("training_class", row.id, row, {"taken": number})


def _prints() -> Iterator[DataDifference | None]:
    """Prints of certificates (R58)."""
    printed = _number(PrintRecord.id, PrintRecord.certificate_id == Certificate.id)
    for rows in _slices(select(Certificate, printed), Certificate.id):
        for row, number in rows:
            yield from _compare("certificate", row.id, row, {"printed_count": number})


def _attempts() -> Iterator[DataDifference | None]:
    """Attempts at the examination (R49)."""
    entered = _number(Score.id, Score.enrollment_id == Enrollment.id)
    for rows in _slices(select(Enrollment, entered), Enrollment.id):
        for row, number in rows:
            yield from _compare("enrollment", row.id, row, {"attempts": number})


def _records() -> Iterator[DataDifference | None]:
    """Completeness of the records of units (R3)."""
    live = select(Organisation).where(Organisation.kind.in_(UNITS), Organisation.state != UnitState.DELETED)
    for rows in _slices(live, Organisation.id):
        for (unit,) in rows:
            is_draft = bool(missing_fields(UnitKind(unit.kind), record(unit)))
            computed = UnitState.DRAFT if is_draft else UnitState.COMPLETE
            yield from _compare("organisation", unit.id, unit, {"state": str(computed)})


CHECKS: dict[str, tuple[str, Check]] = {
    "training_need": (N_("应参加的培训"), _needs),
    "names": (N_("姓名和单位名称的检索"), _names),
    "seats": (N_("培训班已占名额"), _seats),
    "prints": (N_("证书打印次数"), _prints),
    "attempts": (N_("考核次数"), _attempts),
    "records": (N_("单位信息是否完善"), _records),
}
"""Name → what is checked, and how."""


def differences(names: list[str] | None = None) -> Iterator[tuple[str, DataDifference | None]]:
    """Go through the checks (all, or those named): every row that was looked at, with what is wrong with it."""
    for name in names or CHECKS:
        for found in CHECKS[name][1]():
            yield name, found


def _slices(query: Any, key: Any) -> Iterator[Any]:
    """The rows of a query in the order of a key, some at a time; those read before are let go."""
    last: UUID | None = None
    while True:
        more = query.order_by(key).limit(ROWS_AT_ONCE)
        rows = session().execute(more if last is None else more.where(key > last)).unique().all()
        if not rows:
            return
        last = _key(rows[-1], key)
        yield rows
        session().expunge_all()


def _key(row: Any, key: Any) -> UUID:
    entity = next(one for one in row if isinstance(one, key.class_))
    found: UUID = entity.id
    return found


def _number(counted: Any, *conditions: Any) -> Any:
    return select(func.count(counted)).where(*conditions).scalar_subquery()


def _compare(table: str, key: UUID, row: Any, computed: dict[str, Any]) -> Iterator[DataDifference | None]:
    wrong: list[DataDifference | None] = [
        DataDifference(table, key, name, getattr(row, name), value)
        for name, value in computed.items()
        if _plain(getattr(row, name)) != _plain(value)
    ]
    yield from wrong or [None]


def _plain(value: Any) -> Any:
    return None if value is None else str(value) if not isinstance(value, int) else value
