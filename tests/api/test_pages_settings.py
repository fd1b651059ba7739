"""Settings and dictionaries by their pages: whose they are, their ranges, their history, and that they have an effect."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.domain.accounts.privacy import VERSION
from service.errors import TooManyAttempts
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.models.tables.system import setting
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import authentication
from tests.builders.stage import draft, enroll, known, make_stage, publish_class, task_of
from tests.builders.world import authority_user, fresh, make_unit, make_user, qualification, sign_in

TYPE = {
    "name": "安全生产管理人员（生产）",
    "initial_hours": "56",
    "refresher_hours": "20",
    "renewal_hours": "24",
    "pass_mark": "70.5",
    "active": "true",
}


@pytest.fixture
def sysadmin(app: Flask, clock: MovingClock) -> User:
    return known(make_user("sys_admin", authority_id("platform")))


@pytest.fixture
def secadmin(app: Flask, clock: MovingClock) -> User:
    return known(make_user("security_admin", authority_id("platform")))


def page(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def test_parameters_and_policy_belong_to_two_administrators(
    client: FlaskClient, sysadmin: User, secadmin: User
) -> None:
    text = page(sign_in(client, sysadmin), "/settings")
    assert "催报间隔天数" in text
    assert "登录失败次数" not in text
    client.post("/settings", data={"sign_in_failures": "10"})
    text = page(sign_in(client, secadmin), "/settings")
    assert "登录失败次数" in text
    assert "资格类型" not in text
    assert client.get("/settings/types/new").status_code == 404
    assert setting.read()["sign_in_failures"] == "5"
    assert sign_in(client, authority_user("association")).get("/settings").status_code == 404


def test_a_setting_is_changed_within_its_range_and_its_history_is_shown(client: FlaskClient, sysadmin: User) -> None:
    sign_in(client, sysadmin)
    shown = {"reminder_days": "7", "was_reminder_days": "3", "attachments": "5", "was_attachments": "5"}
    assert client.post("/settings", data=shown).status_code == 302
    assert setting.read()["reminder_days"] == "7"
    text = page(client, "/settings")
    assert "<del>3</del> <ins>7</ins>" in text
    assert sysadmin.display_name in text
    refused = client.post("/settings", data={"reminder_days": "31", "attachments": "2"})
    assert refused.status_code == 422
    assert 'value="31"' in refused.get_data(as_text=True)
    assert 'id="reminder_days-wrong"' in refused.get_data(as_text=True)
    assert setting.read()["attachments"] == "5"


def test_two_administrators_at_one_setting_do_not_overwrite_each_other(client: FlaskClient, sysadmin: User) -> None:
    sign_in(client, sysadmin)
    client.post("/settings", data={"reminder_days": "7", "was_reminder_days": "3"})
    assert client.post("/settings", data={"reminder_days": "9", "was_reminder_days": "3"}).status_code == 409
    assert setting.read()["reminder_days"] == "7"


def test_fewer_failures_lock_when_the_policy_says_so(client: FlaskClient, secadmin: User) -> None:
    user = authority_user()
    sign_in(client, secadmin).post("/settings", data={"sign_in_failures": "3"})
    for _ in range(2):
        with pytest.raises(Exception, match="登录名或密码不对"):
            authentication.check_password(user.login, "no", "10.0.0.1")
    with pytest.raises(TooManyAttempts):
        authentication.check_password(user.login, "no", "10.0.0.1")


def test_a_shorter_session_ends_sooner(client: FlaskClient, app: Flask, secadmin: User, clock: MovingClock) -> None:
    sign_in(client, secadmin).post("/settings", data={"session_minutes": "10", "session_hours": "1"})
    reader = sign_in(app.test_client(), authority_user())
    clock.move(timedelta(minutes=9))
    assert reader.get("/inbox").status_code == 200
    clock.move(timedelta(minutes=10))
    assert reader.get("/inbox").status_code == 302


def test_r45_the_last_day_of_confirmation_follows_the_setting(client: FlaskClient, sysadmin: User) -> None:
    sign_in(client, sysadmin).post("/settings", data={"confirm_days_before": "4"})
    stage = make_stage()
    found = publish_class(stage)
    case = enroll(stage, found, stage.person())
    due = task_of(case, "confirm_enrollment").due_at
    assert due is not None
    assert (due + timedelta(hours=8)).date() == found.starts_on - timedelta(days=4)


def test_r45_the_card_of_a_confirmation_knows_the_last_day_of_its_case(
    client: FlaskClient, sysadmin: User, clock: MovingClock
) -> None:
    """R45: by the setting, not by the first day of the class; before the timer has let it lapse"""
    sign_in(client, sysadmin).post("/settings", data={"confirm_days_before": "4"})
    stage = make_stage()
    found = publish_class(stage)
    task = task_of(enroll(stage, found, stage.person()), "confirm_enrollment")
    sign_in(client, stage.province)
    assert (
        "确认期限"
        not in client.get(f"/tasks/{task.id}").get_data(as_text=True).partition("办理意见")[0].partition("<main")[2]
    )
    clock.move(timedelta(days=7))
    sign_in(client, stage.province)
    assert "确认期限 2026-03-08 已过。" in client.get(f"/tasks/{task.id}").get_data(as_text=True)


def test_the_service_telephone_stands_in_the_foot_once_it_is_set(
    client: FlaskClient, app: Flask, sysadmin: User
) -> None:  # S83
    assert "服务电话" not in page(sign_in(client, sysadmin), "/")
    client.post("/settings", data={"support_phone": "010-12345678"})
    assert "010-12345678" in page(client, "/")


def test_r36_hours_and_pass_mark_of_a_type_are_changed_with_history_and_bind_the_next_class(
    client: FlaskClient, sysadmin: User
) -> None:
    kind = qualification()
    sign_in(client, sysadmin)
    assert client.post(f"/settings/types/{kind.id}", data=TYPE | {"version": kind.version}).status_code == 302
    found = fresh(kind)
    assert (found.initial_hours, found.pass_mark) == (56, 705)
    assert "70.5" in page(client, f"/settings/types/{kind.id}")
    stage = make_stage()
    with pytest.raises(Exception, match="至少需要 56 学时"):
        publish_class(stage, qualification_types=[kind.code], hours="48")
    assert draft(stage)["hours"] == "48"


def test_a_new_type_is_offered_and_one_that_is_off_is_not(client: FlaskClient, sysadmin: User) -> None:
    sign_in(client, sysadmin)
    assert client.post("/settings/types", data=TYPE | {"code": "BLASTER", "name": "爆破员"}).status_code == 302
    assert ("BLASTER", "爆破员") in QualificationType.choices(by_code=True)
    twice = client.post("/settings/types", data=TYPE | {"code": "BLASTER"})
    assert 'id="code-wrong"' in twice.get_data(as_text=True)
    kind = qualification("BLASTER")
    off = {k: v for k, v in TYPE.items() if k != "active"} | {"version": kind.version}
    client.post(f"/settings/types/{kind.id}", data=off)
    assert "BLASTER" not in dict(QualificationType.choices(by_code=True))


def test_wrong_values_of_a_type_come_back_at_their_fields(client: FlaskClient, sysadmin: User) -> None:
    sign_in(client, sysadmin)
    wrong = {
        "code": "x y",
        "name": "",
        "initial_hours": "0",
        "refresher_hours": "501",
        "renewal_hours": "x",
        "pass_mark": "100.5",
    }
    text = client.post("/settings/types", data=wrong).get_data(as_text=True)
    for name in wrong:
        assert f'id="{name}-wrong"' in text
    stale = client.post(f"/settings/types/{qualification().id}", data=TYPE | {"version": "99"})
    assert stale.status_code == 409
    session().rollback()


def test_the_privacy_notice_is_read_once_before_anything_else(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    user = make_user("enterprise", make_unit().id, privacy_version=0)
    sign_in(client, user)
    assert client.get("/persons?q=a").headers["Location"] == "/privacy?next=/persons?q%3Da"
    assert "我已阅读并遵守" in page(client, "/privacy?next=/persons")
    assert client.post("/privacy", data={"next": "//evil.example/"}).headers["Location"] == "/"
    assert fresh(user).privacy_version == VERSION
    assert client.get("/persons").status_code == 200
    assert "我已阅读并遵守" not in page(client, "/privacy")
