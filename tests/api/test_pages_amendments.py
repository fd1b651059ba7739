"""Putting right from the page of the class: a check-in taken back, a confirmed score corrected by two people."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.training.training import Enrollment, TrainingClass
from tests.builders.stage import Stage, at_nine, do, enroll, make_stage, publish_class, task_of
from tests.builders.world import sign_in


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def test_a_check_in_is_taken_back_until_there_is_a_score(client: FlaskClient, stage: Stage, clock: Any) -> None:  # R48
    found, training_class = _checked_in(stage, clock)
    sign_in(client, stage.association)
    assert "撤销报到" in client.get(f"/classes/{training_class.id}").get_data(as_text=True)
    assert client.post(f"/enrollments/{found.id}/undo-check-in").status_code == 302
    session().refresh(found)
    assert found.state == "confirmed"
    assert client.post(f"/enrollments/{found.id}/undo-check-in").status_code == 409
    assert sign_in(client, stage.province).post(f"/enrollments/{found.id}/undo-check-in").status_code == 404


def test_a_confirmed_score_is_corrected_on_proposal(client: FlaskClient, stage: Stage, clock: Any) -> None:  # R51
    found, training_class = _checked_in(stage, clock)
    do(stage.institution, found.case_id, "record_score", score="61")
    do(stage.association, found.case_id, "confirm_score", decision="confirm")
    sign_in(client, stage.association)
    assert "更正成绩" in client.get(f"/classes/{training_class.id}").get_data(as_text=True)
    where = f"/enrollments/{found.id}/correct"
    wrong = client.post(where, data={"score": "101", "reason": "看错一行"})
    assert wrong.status_code == 422
    assert 'id="score-wrong"' in wrong.get_data(as_text=True)
    assert client.post(where, data={"score": "71", "reason": "看错一行"}).status_code == 302
    assert client.post(where, data={"score": "72", "reason": "看错一行"}).status_code == 409
    page = sign_in(client, stage.colleague).get(f"/tasks/{task_of(found.case_id, 'assent_correction').id}")
    assert "71" in (seen := page.get_data(as_text=True).partition("更正后的成绩")[2][:200])
    assert "看错一行" in seen


def _checked_in(stage: Stage, clock: Any) -> tuple[Enrollment, TrainingClass]:
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    do(stage.association, case, "check_in")
    return session().scalars(select(Enrollment).where(Enrollment.case_id == case)).one(), training_class
