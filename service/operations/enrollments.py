"""Enrolment rows: load with class and person, move between states, take and free seats, notify the class."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, bindparam, inspect, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.util import identity_key

from service.domain.training.classes import ENROLLABLE, ClassState
from service.domain.training.enrollment_state import (
    LIVE_STATES,
    EnrollmentState,
    takes_seat,
)
from service.domain.training.enrollments import FULL
from service.domain.units.units import UnitKind
from service.errors import N_, Conflict
from service.models.db.prepared_statements import execute_prepared
from service.models.db.session import session
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment, Score, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.operations.context import Context

MAX_REASON_LENGTH = 500  # characters, as the column has them

Row = TypeVar("Row", Enrollment, Person)

_ENROLLMENT = select(Enrollment).where(Enrollment.id == bindparam("id")).options(joinedload(Enrollment.training_class))
_TRAINEE = (
    select(Person)
    .where(Person.id == bindparam("id"))
    .options(joinedload(Person.unit), joinedload(Person.qualification_type))
)
_SCORES = select(Score).where(Score.enrollment_id == bindparam("id"))


def load_enrollment(data: dict[str, Any]) -> Enrollment:
    """Load the enrolment of a case with its class. Raises Conflict if it is gone."""
    key = UUID(data["enrollment_id"])
    found = _read(Enrollment, key, _ENROLLMENT, {"training_class"})
    if found is None:
        raise Conflict(N_("这份报名已不存在。"))
    return found


def load_trainee(enrollment: Enrollment) -> Person:
    """Load the person of an enrolment with unit and qualification type."""
    return load_enrolled_person(enrollment.person_id)


def load_enrolled_person(person_id: UUID) -> Person:
    """Load an enrolled person with unit and qualification type."""
    person = _read(Person, person_id, _TRAINEE, {"unit", "qualification_type"})
    assert person is not None  # enrolments keep their person
    return person


def _read(kind: type[Row], key: UUID, query: Select[Row], relations: set[str]) -> Row | None:
    """Load a row with its relations; one that an earlier handler of the same step has loaded costs no query."""
    known: Row | None = session().identity_map.get(identity_key(kind, key))
    if known is not None and not {*relations, "id"} & inspect(known).unloaded:
        return known
    return execute_prepared(query, {"id": key}).scalar_one_or_none()


def give_reason(enrollment: Enrollment, reason: str | None) -> None:
    """Note why an enrolment goes where it goes."""
    if reason is not None:
        enrollment.reason = reason[:MAX_REASON_LENGTH]


def write_enrollment_state(enrollment: Enrollment, to: EnrollmentState, stage: str | None, context: Context) -> None:
    """Write the state that the diagram says; a seat is freed or taken again, and the class told.

    stage: the diagram's own name of it. Raises Conflict when a seat is to be taken again and none is free.
    """
    now = EnrollmentState(enrollment.state)
    enrollment.stage = stage
    if to is now:
        return
    enrollment.state = to
    enrollment.ended_on = None if to in LIVE_STATES else context.today
    if takes_seat(now) and not takes_seat(to):
        seats = update(TrainingClass).where(TrainingClass.id == enrollment.class_id)
        session().execute(seats.values(taken=TrainingClass.taken - 1), execution_options={"synchronize_session": False})
    elif takes_seat(to) and not takes_seat(now):
        take_seat(enrollment.training_class)
    notify_class(enrollment.training_class, context)


def take_seat(training_class: TrainingClass) -> None:
    """Take a seat by a guarded update. Raises Conflict when none is free (R40), or when the class was closed, cancelled
    or moved since it was read: the time limits of this enrolment were counted from what was read (R35)."""
    row, seen = TrainingClass, training_class
    takes_more = row.state.in_(tuple(ENROLLABLE)), ~row.enrolment_closed
    unchanged = *takes_more, row.starts_on == seen.starts_on, row.ends_on == seen.ends_on
    seats = update(TrainingClass).where(row.id == seen.id, row.taken < row.capacity, *unchanged).returning(row.id)
    taken = seats.values(taken=row.taken + 1).execution_options(synchronize_session=False)
    if session().execute(taken).one_or_none() is None:
        free = session().scalar(select(row.taken < row.capacity).where(row.id == seen.id))
        raise Conflict(N_("该班刚刚有变动，请刷新后重新报名。") if free else FULL)


def notify_class(training_class: TrainingClass, context: Context) -> None:
    """Let the case of the class compute its progress again."""
    if training_class.case_id and training_class.state not in (ClassState.COMPLETED, ClassState.CANCELLED):
        context.send_message(training_class.case_id, "enrollment_changed")


def is_academy(unit: Organisation) -> bool:
    """True for an academy, whose persons need no confirmation (R44)."""
    return unit.kind == UnitKind.ACADEMY


def load_scores(enrollment: Enrollment) -> dict[int, Score]:
    """Load the scores of an enrolment by attempt, 1 and 2."""
    found = execute_prepared(_SCORES, {"id": enrollment.id}).scalars()
    return {score.attempt: score for score in found}
