"""The enrolment row of a case: reading it, moving its state, keeping its seat, telling its class. No topics here."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, bindparam, inspect, select, update
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.util import identity_key

from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import (
    ENROLLMENT_MOVES,
    LIVE,
    EnrollmentState,
    takes_seat,
)
from service.domain.training.enrollments import FULL
from service.domain.values.state_machine import check_move
from service.errors import N_, Conflict
from service.models.db.prepared_statements import execute_prepared
from service.models.db.session import session
from service.models.tables.certificate import Certificate
from service.models.tables.organisation import Organisation
from service.models.tables.person import Person
from service.models.tables.training import Enrollment, Score, TrainingClass
from service.operations.context import Context

REASON = 500  # characters a reason may have

Row = TypeVar("Row", Enrollment, Person)

_ENROLLMENT = select(Enrollment).where(Enrollment.id == bindparam("id")).options(joinedload(Enrollment.training_class))
_TRAINEE = (
    select(Person)
    .where(Person.id == bindparam("id"))
    .options(joinedload(Person.unit), joinedload(Person.qualification_type))
)
_SCORES = select(Score).where(Score.enrollment_id == bindparam("id"))
_IN_MAKING = select(Certificate).where(Certificate.enrollment_id == bindparam("id"), Certificate.state == "issued")


def enrollment_of(data: dict[str, Any]) -> Enrollment:
    """The enrolment of a case, with its class; raises Conflict if it is gone."""
    key = UUID(data["enrollment_id"])
    found = _read(Enrollment, key, _ENROLLMENT, {"training_class"})
    if found is None:
        raise Conflict(N_("这份报名已不存在。"))
    return found


def trainee(enrollment: Enrollment) -> Person:
    """The person of an enrolment, with unit and type."""
    return trainee_by(enrollment.person_id)


def trainee_by(person_id: UUID) -> Person:
    """A person who is enrolled, with unit and type."""
    person = _read(Person, person_id, _TRAINEE, {"unit", "qualification_type"})
    assert person is not None  # enrolments keep their person
    return person


def _read(kind: type[Row], key: UUID, query: Select[Row], relations: set[str]) -> Row | None:
    """A row with its relations, without asking again when an earlier topic of the same step has read them."""
    known: Row | None = session().identity_map.get(identity_key(kind, key))
    if known is not None and not {*relations, "id"} & inspect(known).unloaded:
        return known
    return execute_prepared(query, {"id": key}).scalar_one_or_none()


def move(enrollment: Enrollment, to: EnrollmentState, context: Context, reason: str | None = None) -> None:
    """Bring an enrolment to its next state (domain.md §8), give back a seat it no longer takes, and tell its class."""
    now = EnrollmentState(enrollment.state)
    check_move(ENROLLMENT_MOVES, now, to)
    enrollment.state = to
    if reason is not None:
        enrollment.reason = reason[:REASON]
    if to not in LIVE:
        enrollment.ended_on = context.today
    if not takes_seat(to):
        seats = update(TrainingClass).where(TrainingClass.id == enrollment.class_id)
        session().execute(seats.values(taken=TrainingClass.taken - 1), execution_options={"synchronize_session": False})
    tell_class(enrollment.training_class, context)


def take_seat(training_class: TrainingClass) -> None:
    """Take one of the seats that are left, atomically; raises Conflict when there is none (R40), or when the class was
    closed, cancelled or moved since it was read: the limits of this enrolment were counted from what was read (R35)."""
    its, seen = TrainingClass, training_class
    same = its.state == seen.state, its.starts_on == seen.starts_on, its.ends_on == seen.ends_on
    seats = update(TrainingClass).where(its.id == seen.id, its.taken < its.capacity, *same).returning(its.id)
    taken = seats.values(taken=its.taken + 1).execution_options(synchronize_session=False)
    if session().execute(taken).one_or_none() is None:
        free = session().scalar(select(its.taken < its.capacity).where(its.id == seen.id))
        raise Conflict(N_("该班刚刚有变动，请刷新后重新报名。") if free else FULL)


def tell_class(training_class: TrainingClass, context: Context) -> None:
    """Let the case of the class compute its progress anew."""
    if training_class.case_id and training_class.state not in (ClassState.COMPLETED, ClassState.CANCELLED):
        context.send(training_class.case_id, "enrollment_changed")


def is_academy(unit: Organisation) -> bool:
    """Whether a unit is an academy, whose persons nobody confirms (R44)."""
    return unit.kind == "academy"


def scores_of(enrollment: Enrollment) -> dict[int, Score]:
    """The scores of an enrolment by attempt, 1 and 2."""
    found = execute_prepared(_SCORES, {"id": enrollment.id}).scalars()
    return {score.attempt: score for score in found}


def certificate_in_making(enrollment: Enrollment) -> Certificate | None:
    """The certificate that this enrolment brought, while it waits for its approval."""
    return execute_prepared(_IN_MAKING, {"id": enrollment.id}).scalar_one_or_none()
