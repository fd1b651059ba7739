"""Rows of finished and running enrolments for tests of reports: no process runs here."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select

from service.models.db.clock import now, today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, Score, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.workflow.training.enrollments import refresh_need


def make_enrollment(
    person: Person, training_class: TrainingClass, state: str = "completed", *scores: int | None, **more: Any
) -> Enrollment:
    """An enrolment in any state, its case beside it; scores in tenths, None for absent, all but open ones confirmed."""
    digest = session().scalar(select(DefinitionVersion.digest).limit(1))
    case = Case(id=new_id(), process="training_enrollment", definition=digest, state=b"", seq=0, last_hash="0" * 64)
    ended = None if state in LIVE_ENROLLMENT else training_class.ends_on
    values: dict[str, Any] = {
        "class_id": training_class.id,
        "person_id": person.id,
        "unit_id": person.unit_id,
        "authority_id": session().get_one(Organisation, person.unit_id).authority_id,
        "via": "enterprise",
        "enrolled_on": training_class.enrol_from,
        "kind": training_class.kind,
        "state": state,
        "case_id": case.id,
        "ended_on": ended,
        "attempts": len(scores),
        "snapshot": {"valid_to": "2026-06-30"},
    } | more
    row = Enrollment(id=new_id(), **values)
    is_confirmed = state not in ("scored",)
    with transaction(Operation("test")) as current:
        current.add(case)
        current.flush()
        current.add(row)
        current.flush()
        for attempt, value in enumerate(scores, 1):
            at = now()
            current.add(
                Score(
                    id=new_id(),
                    enrollment_id=row.id,
                    attempt=attempt,
                    value=value,
                    submitted_at=at,
                    confirmed_at=at if is_confirmed else None,
                )
            )
    return row


def decide_needs() -> None:
    """Bring the projection of needs to today."""
    refresh_need()


def this_year(month: int, day: int) -> date:
    """A day of the year of the test's clock."""
    return date(today().year, month, day)
