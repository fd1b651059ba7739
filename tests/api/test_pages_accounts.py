"""One account's page: assent to what the system administrator made, its name, its history, and what disabling does (R1–R5)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.errors import InvalidInput, SignInNeeded
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration, authentication
from service.workflow.runtime import history, tasks
from tests.builders.stage import enroll, known, make_stage, publish_class, task_of
from tests.builders.world import authority_user, fresh, make_unit, make_user, sign_in, stored_values


@pytest.fixture
def sysadmin(app: Flask, clock: MovingClock) -> User:
    return known(make_user("sys_admin", authority_id("platform")))


@pytest.fixture
def secadmin(app: Flask, clock: MovingClock) -> User:
    return known(make_user("security_admin", authority_id("platform")))


def page(client: FlaskClient, address: str) -> str:
    return client.get(address).get_data(as_text=True)


def made_by(actor: User) -> tuple[User, str]:
    return administration.create_user(
        actor,
        login="new-province",
        display_name="蒋戊申",
        role="provincial_authority",
        organisation_id=authority_id("37"),
    )


def test_an_account_made_by_the_system_administrator_has_no_right_before_the_assent(  # S35, domain.md §9
    client: FlaskClient, sysadmin: User, secadmin: User
) -> None:
    user, password = made_by(sysadmin)
    with pytest.raises(SignInNeeded):
        authentication.check_password(user.login, password, "10.0.0.1")
    assert sign_in(client, user).get("/password").status_code == 302
    assert "待同意" in page(sign_in(client, secadmin), "/users?state=waiting")
    assert "同意启用" in page(client, f"/users/{user.id}")
    client.post(f"/users/{user.id}/assent")
    assert not fresh(user).awaits_assent
    assert authentication.check_password(user.login, password, "10.0.0.1").id == user.id
    assert client.post(f"/users/{user.id}/assent").status_code == 409


def test_what_the_security_administrator_refuses_stays_without_rights_even_enabled_again(
    client: FlaskClient, sysadmin: User, secadmin: User
) -> None:
    user, password = made_by(sysadmin)
    sign_in(client, secadmin).post(f"/users/{user.id}/refuse", data={"asked": "1"})
    assert fresh(user).state == "disabled"
    sign_in(client, sysadmin)
    assert client.post(f"/users/{user.id}/assent").status_code == 404
    client.post(f"/users/{user.id}/enable")
    with pytest.raises(SignInNeeded):
        authentication.check_password(user.login, password, "10.0.0.1")


def test_accounts_made_by_the_others_need_no_assent(app: Flask, clock: MovingClock) -> None:  # R1
    user, password = made_by(known(authority_user("ministry")))
    assert authentication.check_password(user.login, password, "10.0.0.1").id == user.id


def test_r4_disabling_gives_claimed_tasks_back_to_the_role_by_a_recorded_input(
    client: FlaskClient, sysadmin: User
) -> None:
    stage = make_stage()
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment")
    tasks.claim(stage.province, task.id)
    assert "1 项待办退还" in page(sign_in(client, sysadmin), f"/users/{stage.province.id}/disable")
    client.post(f"/users/{stage.province.id}/disable")
    session().expire_all()
    assert session().get_one(Task, task.id).assignee_id is None
    assert list(history.verify([case])) == []


def test_the_page_of_an_account_shows_its_history_and_its_name_can_be_mended(
    client: FlaskClient, sysadmin: User
) -> None:  # S97
    user, _ = made_by(sysadmin)
    sign_in(client, sysadmin)
    assert client.post(f"/users/{user.id}/edit", data={"display_name": "蒋"}).status_code == 422
    assert client.post(f"/users/{user.id}/edit", data={"display_name": "蒋戊戌"}).status_code == 302
    text = page(client, f"/users/{user.id}")
    assert "<ins>蒋戊戌</ins>" in text
    assert user.password_hash not in text


def test_an_account_out_of_scope_or_level_does_not_exist(client: FlaskClient, sysadmin: User) -> None:  # R1, R70
    other = make_user("enterprise", make_unit(province="42").id)
    ministry = authority_user("ministry")
    sign_in(client, authority_user())
    for user in (other, ministry):
        for address in (
            f"/users/{user.id}",
            f"/users/{user.id}/edit",
            f"/users/{user.id}/disable",
            f"/users/{user.id}/reset",
        ):
            assert client.get(address).status_code == 404
    assert client.post(f"/users/{other.id}/edit", data={"display_name": "别的名字"}).status_code == 404


def test_the_security_administrator_ends_all_sessions_of_an_account(
    client: FlaskClient, app: Flask, secadmin: User, sysadmin: User
) -> None:
    user = authority_user()
    inside = sign_in(app.test_client(), user)
    assert inside.get("/inbox").status_code == 200
    assert sign_in(client, sysadmin).post(f"/users/{user.id}/sign-out").status_code == 404
    sign_in(client, secadmin).post(f"/users/{user.id}/sign-out")
    assert inside.get("/inbox").status_code == 302
    assert fresh(user).state == "active"


def test_a_deleted_unit_gets_no_new_account(sysadmin: User) -> None:  # R5
    unit = make_unit(state="deleted")
    with pytest.raises(InvalidInput) as refused:
        administration.create_user(
            sysadmin, login="late-1", display_name="蒋戊申", role="enterprise", organisation_id=unit.id
        )
    assert "organisation_id" in refused.value.fields


def test_r2_a_reset_is_confirmed_first(client: FlaskClient, sysadmin: User) -> None:
    user = authority_user()
    assert "只显示一次" in page(sign_in(client, sysadmin), f"/users/{user.id}/reset")
    assert not fresh(user).must_change


def test_s111_an_account_is_modified_within_the_scope_of_whoever_manages_it(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    here, there, away = make_unit(), make_unit(), make_unit(province="42")
    group = make_unit("group")
    user = make_user("enterprise", here.id)
    inside = sign_in(app.test_client(), user)
    sign_in(client, authority_user())
    shown = page(client, f"/users/{user.id}/edit")
    assert there.name in shown
    assert away.name not in shown
    entry = {
        "display_name": " 蒋  戊申 ",
        "organisation_id": str(there.id),
        "phone": "13812345678",
        "mail": "jiang@example.cn",
    }
    assert client.post(f"/users/{user.id}/edit", data=entry | {"organisation_id": str(away.id)}).status_code == 404
    refused = client.post(f"/users/{user.id}/edit", data=entry | {"organisation_id": str(group.id), "phone": "12"})
    assert refused.status_code == 422
    assert "这个角色不能属于所选的单位" in refused.get_data(as_text=True)
    assert 'value="12"' in refused.get_data(as_text=True)
    assert inside.get("/inbox").status_code == 200
    assert client.post(f"/users/{user.id}/edit", data=entry).status_code == 302
    kept = fresh(user)
    assert (kept.display_name, kept.organisation_id) == ("蒋 戊申", there.id)
    assert (kept.phone, kept.phone_masked, kept.mail, kept.mail_masked) == (
        "13812345678",
        "138****5678",
        "jiang@example.cn",
        "j***@example.cn",
    )
    assert inside.get("/inbox").status_code == 302  # another organisation is another scope
    told = page(client, f"/users/{user.id}")
    assert f"<del>{here.name}</del> <ins>{there.name}</ins>" in told
    assert "13812345678" not in told
    assert "jiang@" not in told
    assert client.post(f"/users/{user.id}/edit", data={"display_name": "蒋戊申"}).status_code == 302
    assert fresh(user).phone == "13812345678"  # left empty, it stays


def test_s97_what_the_system_administrator_moves_waits_for_an_assent_again(
    client: FlaskClient, sysadmin: User, secadmin: User
) -> None:
    user = authority_user()
    sign_in(client, sysadmin).post(f"/users/{user.id}/edit", data={"display_name": "张甲子"})
    assert not fresh(user).awaits_assent
    client.post(f"/users/{user.id}/edit", data={"display_name": "张甲子", "organisation_id": str(authority_id("42"))})
    assert fresh(user).awaits_assent
    sign_in(client, secadmin).post(f"/users/{user.id}/assent")
    assert fresh(user).is_active


def test_r4_a_moved_account_leaves_its_tasks_to_its_colleagues(client: FlaskClient, sysadmin: User) -> None:
    stage = make_stage()
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment")
    tasks.claim(stage.province, task.id)
    entry = {"display_name": "张甲子", "organisation_id": str(authority_id("42"))}
    sign_in(client, sysadmin).post(f"/users/{stage.province.id}/edit", data=entry)
    session().expire_all()
    assert session().get_one(Task, task.id).assignee_id is None


def test_one_s_own_account_has_telephone_address_and_wishes(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    user = authority_user()
    sign_in(client, user)
    assert client.post("/account", data={"mail_digest": "true"}).status_code == 422
    entry = {"phone": "053112345678", "mail": "own@example.cn", "mail_digest": "true"}
    assert client.post("/account", data=entry).status_code == 302
    shown = page(client, "/account")
    assert 'value="053112345678"' in shown
    assert 'value="own@example.cn"' in shown
    kept = fresh(user)
    assert kept.preferences["mails"] == ["digest"]
    assert not any(b"own@" in stored for stored in stored_values(User.mail))
    client.post("/account", data={})
    assert (fresh(user).phone, fresh(user).mail, fresh(user).preferences["mails"]) == (None, None, [])


@pytest.mark.parametrize("role", ["security_admin", "audit_admin", "process_admin", "sys_admin", "ministry"])
def test_r2_what_the_system_administrator_resets_he_cannot_sign_in_as_before_the_assent(
    client: FlaskClient, sysadmin: User, secadmin: User, role: str
) -> None:
    home = authority_id("ministry" if role == "ministry" else "platform")
    user, _another = make_user(role, home), make_user(role, home)
    assert "须经安全管理员同意" in page(sign_in(client, sysadmin), f"/users/{user.id}/reset")
    answer = client.post(f"/users/{user.id}/reset").get_data(as_text=True)
    assert "安全管理员同意之前，这个账号不能登录" in answer
    found = re.search(r'<code class="first">([^<]+)</code>', answer)
    assert found
    with pytest.raises(SignInNeeded):
        authentication.check_password(user.login, found[1], "10.0.0.1")
    assert client.post(f"/users/{user.id}/assent").status_code == 404
    assert "重置了密码" in page(sign_in(client, secadmin), f"/users/{user.id}")
    client.post(f"/users/{user.id}/assent")
    assert fresh(user).must_change
    assert authentication.check_password(user.login, found[1], "10.0.0.1").id == user.id


def test_r2_the_last_security_administrator_is_reset_on_the_command_line_alone(
    client: FlaskClient, sysadmin: User, secadmin: User
) -> None:
    make_user("security_admin", authority_id("platform"), state="disabled")
    make_user("security_admin", authority_id("platform"), awaits_assent=True)
    asked = page(sign_in(client, sysadmin), f"/users/{secadmin.id}/reset")
    assert "anpei reset-password" in asked
    assert 'class="btn btn-bad"' not in asked
    answer = client.post(f"/users/{secadmin.id}/reset")
    assert answer.status_code == 409
    assert "anpei reset-password" in answer.get_data(as_text=True)
    assert fresh(secadmin).is_active
    assert not fresh(secadmin).must_change


def test_r2_what_a_province_resets_in_its_scope_needs_no_assent(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    user = make_user("enterprise", make_unit().id)
    assert "须经安全管理员同意" not in page(sign_in(client, authority_user()), f"/users/{user.id}/reset")
    client.post(f"/users/{user.id}/reset")
    assert fresh(user).must_change
    assert fresh(user).is_active


def test_r2_nobody_resets_his_own_password(client: FlaskClient, sysadmin: User) -> None:
    assert "请使用“修改密码”" in page(sign_in(client, sysadmin), f"/users/{sysadmin.id}/reset")
    before = fresh(sysadmin).password_hash
    answer = client.post(f"/users/{sysadmin.id}/reset")
    assert answer.status_code == 409
    assert "请使用“修改密码”" in answer.get_data(as_text=True)
    assert fresh(sysadmin).password_hash == before
