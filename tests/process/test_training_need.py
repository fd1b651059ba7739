"""The projection of the training need: decided again when what it is decided from has changed (R22–R29)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.persons.person import Person
from service.models.tables.training.training import TrainingNeed
from service.workflow.certificates.certificates import revoke
from service.workflow.training.enrollments import refresh_need
from tests.builders.stage import Stage, at_nine, do, ended_at, enroll, make_stage, publish_class
from tests.builders.world import make_certificate


def _need(person: Person) -> TrainingNeed:
    query = select(TrainingNeed).where(TrainingNeed.person_id == person.id)
    return session().scalars(query.execution_options(populate_existing=True)).one()


def _is_stale(person: Person) -> bool:
    return _need(person).as_of < today()


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def test_r25_a_renewal_that_begins_makes_the_need_stale(stage: Stage) -> None:
    person = stage.person()
    make_certificate(person, date(2026, 3, 8))
    refresh_need()
    assert (_need(person).need, _is_stale(person)) == ("renewal", False)
    enroll(stage, publish_class(stage, "renewal"), person)
    assert _is_stale(person)


def test_r25_a_renewal_that_fails_after_the_last_day_makes_the_need_stale(stage: Stage, clock: Any) -> None:
    """In progress in the morning, expired once it has failed: not first on the next day."""
    person = stage.person()
    make_certificate(person, date(2026, 3, 8))
    found = publish_class(stage, "renewal", makeup_allowed="")
    case = enroll(stage, found, person)
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    refresh_need()
    assert _need(person).need == "in_progress"
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="12")
    do(stage.association, case, "confirm_score", decision="confirm")
    assert ended_at(case) == "failed"
    assert _is_stale(person)
    refresh_need()
    assert (_need(person).need, _is_stale(person)) == ("expired", False)


def test_r23_a_certificate_that_ends_makes_the_need_stale(stage: Stage) -> None:
    person = stage.person()
    held = make_certificate(person)
    refresh_need()
    assert not _is_stale(person)
    revoke(stage.ministry, held.id, "提交的学历材料系伪造。")
    assert _is_stale(person)
    refresh_need()
    assert _need(person).need == "initial"
