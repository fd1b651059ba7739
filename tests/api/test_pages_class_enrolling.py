"""From the person who needs a training to his enrolment; academies as a whole (S62, S63, S85, S105)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.training.training import Enrollment
from service.workflow.training import enrollments
from tests.builders.stage import Stage, at_nine, do, enroll, make_stage, publish_class
from tests.builders.world import make_person, make_unit, sign_in


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def test_s85_from_the_person_to_his_enrolment(client: FlaskClient, stage: Stage) -> None:
    """S85, S105: person → classes of the kind he needs → the list of that class with him alone"""
    person, other = stage.person(name="欧阳夏丹"), stage.person()
    training_class = publish_class(stage)
    enrollments.refresh_need([person.id, other.id])
    sign_in(client, stage.enterprise)
    step = f"/classes/offers?kind=initial&amp;person={person.id}"
    assert step in client.get(f"/persons/{person.id}").get_data(as_text=True)
    page = client.get(step.replace("&amp;", "&")).get_data(as_text=True)
    assert "为欧阳夏丹选择班次" in page
    assert f"/classes/{training_class.id}/enroll?q=" in page
    page = client.get(f"/classes/{training_class.id}/enroll", query_string={"q": "欧阳夏丹"}).get_data(as_text=True)
    assert f'name="person" value="{person.id}"' in page
    assert str(other.id) not in page


def test_s63_an_academy_as_a_whole_and_no_other(client: FlaskClient, stage: Stage) -> None:
    """S63, R44: the association chooses an academy and enrols everybody the list shows"""
    first, second = make_unit("academy"), make_unit("academy")
    persons = [make_person(unit) for unit in (first, first, second)]
    training_class = publish_class(stage)
    enrollments.refresh_need([p.id for p in persons])
    sign_in(client, stage.association)
    page = client.get(f"/classes/{training_class.id}/enroll?unit={first.id}").get_data(as_text=True)
    assert "整体报名（列出的全部 2 人）" in page
    assert f"/classes/{training_class.id}/enroll?unit={first.id}" in page
    assert client.post(f"/classes/{training_class.id}/enroll?unit={first.id}", data={"all": "true"}).status_code == 302
    rows = session().execute(select(Enrollment.unit_id, Enrollment.state)).all()
    assert [(row[0], row[1]) for row in rows] == [(first.id, "confirmed")] * 2


def test_r48_nobody_is_offered_to_be_checked_in_before_the_day(client: FlaskClient, stage: Stage, clock: Any) -> None:
    """R48: neither in the row of the class nor on the sheet"""
    training_class = publish_class(stage)
    case = enroll(stage, training_class, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    for is_day in (False, True):
        if is_day:
            clock.move_to(at_nine(training_class.starts_on))
        sign_in(client, stage.association)
        assert ("报到：" in client.get(f"/classes/{training_class.id}").get_data(as_text=True)) is is_day
        sheet = client.get(f"/classes/{training_class.id}/check-in").get_data(as_text=True)
        assert ("disabled>为勾选的人员报到" in sheet) is not is_day
