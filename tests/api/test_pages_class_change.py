"""The page on which a published class is changed (R33, R35)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from service.workflow.runtime import jobs
from tests.builders.stage import Stage, at_nine, class_of, do, enroll, make_stage, publish_class
from tests.builders.world import sign_in

SHOWN = (
    "place",
    "enrol_from",
    "enrol_until",
    "starts_on",
    "ends_on",
    "capacity",
    "pass_mark",
    "contact",
    "body",
    "seen",
)


@pytest.fixture
def stage(app: Any, clock: Any) -> Stage:
    return make_stage()


def test_r35_the_form_is_filled_in_and_what_is_wrong_comes_back_at_its_field(client: FlaskClient, stage: Stage) -> None:
    found = publish_class(stage, body="请带身份证\n自理食宿")
    enroll(stage, found, stage.person())
    where = f"/classes/{found.id}/change"
    page = sign_in(client, stage.association).get(where).get_data(as_text=True)
    assert where in client.get(f"/classes/{found.id}").get_data(as_text=True)
    assert "请带身份证\n自理食宿" in page
    typed = _typed(page)
    assert (typed["place"], typed["capacity"], typed["pass_mark"]) == ("北京", "40", "60")
    wrong = client.post(
        where, data=typed | {"place": " ", "starts_on": "2026-03-01", "capacity": "0", "contact": "王五"}
    )
    back = wrong.get_data(as_text=True)
    assert wrong.status_code == 422
    assert [f'id="{name}-wrong"' in back for name in ("place", "starts_on", "capacity", "contact")] == [
        True,
        True,
        True,
        False,
    ]
    assert 'value="王五"' in back
    assert client.post(where, data=typed | {"place": "天津"}).status_code == 302
    jobs.run_all()
    assert (class_of(found).place, class_of(found).body) == ("天津", "请带身份证\n自理食宿")
    late = client.post(where, data=typed | {"place": "石家庄"})
    assert late.status_code == 409
    assert "刚被同事修改" in late.get_data(as_text=True)


def test_r35_what_is_fixed_is_shown_as_fixed(client: FlaskClient, stage: Stage, clock: Any) -> None:
    """R35, R48: the first day once somebody has come, the pass mark once there is a score"""
    found = publish_class(stage)
    case = enroll(stage, found, stage.person())
    do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(found.starts_on))
    do(stage.association, case, "check_in")
    do(stage.institution, case, "record_score", score="81")
    page = sign_in(client, stage.association).get(f"/classes/{found.id}/change").get_data(as_text=True)
    fixed = {name for name in SHOWN if re.search(rf'id="{name}"[^>]*readonly', page)}
    assert fixed == {"enrol_from", "enrol_until", "starts_on", "pass_mark"}
    assert client.post(f"/classes/{found.id}/change", data=_typed(page) | {"ends_on": "2026-03-15"}).status_code == 302


def test_r33_the_page_is_its_organisers(client: FlaskClient, stage: Stage) -> None:
    """R33, R70: another organiser does not find it; a class that is over says why"""
    found = publish_class(stage)
    where = f"/classes/{found.id}/change"
    assert sign_in(client, stage.province).get(where).status_code == 404
    assert where not in client.get(f"/classes/{found.id}").get_data(as_text=True)
    sign_in(client, stage.association).post(f"/classes/{found.id}/cancel", data={"reason": "人数不足"})
    assert "不能再修改" in client.get(where).get_data(as_text=True)


def _typed(page: str) -> dict[str, str]:
    """The form as the page draws it."""
    found = {name: re.search(rf'<input[^>]*name="{name}"[^>]*>', page) for name in SHOWN}
    values = {name: re.search(r'value="([^"]*)"', tag[0]) for name, tag in found.items() if tag}
    text = re.search(r'<textarea[^>]*name="body"[^>]*>(.*?)</textarea>', page, re.DOTALL)
    return {name: value[1] for name, value in values.items() if value} | {"body": text[1] if text else ""}
