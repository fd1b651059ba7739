"""Eligibility for a class, shown before the enrolment, by the same rules as the process (R31, R38–R41)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState, obstacle_to_window
from service.domain.training.enrollments import (
    FULL,
    Candidate,
    obstacles_to_confirming,
    obstacles_to_enrolling,
)
from service.domain.training.training_need import Facts, Need
from service.errors import Message
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.training.training_need_facts import facts_of
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.operations.enrollment_candidate import build_offer
from service.workflow.training import enrollments


def obstacles(found: TrainingClass, rows: Sequence[Any]) -> dict[UUID, list[Message]]:
    """List the obstacles to enrolling each person today. rows: with id, state, type_code and unit_id."""
    known = facts_of([row.id for row in rows], today())
    needs = enrollments.decide_all(known)
    live = _live_classes([row.id for row in rows])
    provinces = _provinces({row.unit_id for row in rows})
    said = {}
    for row in rows:
        classes = live.get(row.id, set())
        candidate = Candidate(
            state=PersonState(row.state),
            qualification_type=row.type_code,
            need=needs[row.id],
            facts=known[row.id].facts,
            is_in_class=found.id in classes,
            is_enrolled_elsewhere=bool(classes - {found.id}),
        )
        said[row.id] = obstacles_to_enrolling(candidate, build_offer(found, provinces[row.unit_id]), today())
    return said


def obstacle_of_class(found: TrainingClass) -> Message | None:
    """Say why nobody can be enrolled in it today: window, state, seats (R38, R40)."""
    window = found.enrolment_closed, found.enrol_from, found.enrol_until
    if obstacle := obstacle_to_window(ClassState(found.state), *window, today()):
        return obstacle
    return FULL if found.taken >= found.capacity else None


def recheck(enrollment: Enrollment, need: Need, facts: Facts, last_day: date) -> list[Message]:
    """List the obstacles to confirming now (R45, R47).

    enrollment: with person, unit and class loaded; last_day: ``confirm_until`` of its case.
    """
    person, found = enrollment.person, enrollment.training_class
    others = _live_classes([person.id]).get(person.id, set()) - {found.id}
    candidate = Candidate(
        state=PersonState(person.state),
        qualification_type=person.qualification_type.code,
        need=need,
        facts=facts,
        is_enrolled_elsewhere=bool(others),
    )
    return obstacles_to_confirming(candidate, build_offer(found, person.unit.authority_id), today(), last_day)


def _live_classes(person_ids: Sequence[UUID]) -> dict[UUID, set[UUID]]:
    query = select(Enrollment.person_id, Enrollment.class_id).where(
        Enrollment.person_id.in_(person_ids), Enrollment.state.in_(LIVE_ENROLLMENT)
    )
    found: dict[UUID, set[UUID]] = {}
    for person_id, class_id in session().execute(query):
        found.setdefault(person_id, set()).add(class_id)
    return found


def _provinces(unit_ids: Iterable[UUID]) -> dict[UUID, UUID | None]:
    query = select(Organisation.id, Organisation.authority_id).where(Organisation.id.in_(list(unit_ids)))
    return {row[0]: row[1] for row in session().execute(query)}
