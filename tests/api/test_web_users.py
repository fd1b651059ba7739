"""Accounts by their pages: who may make which, the first password shown once, disabling and unlocking."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.domain.accounts.passwords import MAX_FAILURES
from service.models.db.clock import MovingClock, now
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import authentication
from tests.builders.stage import known
from tests.builders.world import authority_user, fresh, make_unit, make_user, sign_in


@pytest.fixture
def sysadmin(app: Flask, clock: MovingClock) -> User:
    return known(make_user("sys_admin", authority_id("platform")))


def make(client: FlaskClient, **fields: str):  # type: ignore[no-untyped-def]
    entry = {"role": "enterprise", "login": "enterprise-9", "display_name": "蒋戊申"} | fields
    return client.post("/users", data=entry)


def test_a_province_makes_an_account_for_its_unit_and_hands_the_password_over(
    client: FlaskClient, sysadmin: User
) -> None:
    unit = make_unit()
    sign_in(client, authority_user())
    assert unit.name in client.get("/users/new?role=enterprise").get_data(as_text=True)
    page = make(client, organisation_id=str(unit.id)).get_data(as_text=True)
    password = re.search(r'<code class="first">([^<]+)</code>', page)
    assert password
    user = User.by_login("enterprise-9")
    assert user is not None
    assert user.must_change
    assert authentication.matches(user, password[1])
    assert password[1] not in client.get("/users").get_data(as_text=True)


def test_nobody_makes_an_account_out_of_his_scope_or_above_his_level(client: FlaskClient, sysadmin: User) -> None:
    other = make_unit(province="41")
    sign_in(client, authority_user())
    assert make(client, organisation_id=str(other.id)).status_code == 404
    assert make(client, role="ministry", organisation_id=str(authority_id("ministry"))).status_code == 422
    assert make(client, role="nonsense", organisation_id=str(uuid4())).status_code == 422
    sign_in(client, known(make_user("enterprise", other.id)))
    assert client.get("/users").status_code == 404
    assert User.by_login("enterprise-9") is None


def test_wrong_entries_come_back_at_their_fields(client: FlaskClient, sysadmin: User) -> None:
    unit = make_unit()
    sign_in(client, sysadmin)
    page = make(client, login="X!", display_name="", organisation_id=str(unit.id)).get_data(as_text=True)
    assert 'id="login-wrong"' in page
    assert 'id="display_name-wrong"' in page
    assert 'value="X!"' in page
    assert 'id="organisation_id-wrong"' in make(client, organisation_id="").get_data(as_text=True)
    make(client, organisation_id=str(unit.id))
    assert "已有人使用" in make(client, organisation_id=str(unit.id)).get_data(as_text=True)
    wrong_kind = make(client, role="ministry", login="ministry-9", organisation_id=str(unit.id)).get_data(as_text=True)
    assert "这个角色不能属于所选的单位" in wrong_kind


def test_a_disabled_account_is_signed_out_at_once_and_can_come_back(app: Flask, sysadmin: User) -> None:
    admin, officer = app.test_client(), app.test_client()
    user = authority_user()
    sign_in(officer, user)
    sign_in(admin, sysadmin).post(f"/users/{user.id}/disable")
    assert officer.get("/inbox").status_code == 302
    assert "撤回" in admin.get("/users").get_data(as_text=True)
    admin.post(f"/users/{user.id}/enable")
    assert fresh(user).state == "active"


def test_a_reset_password_is_a_first_password_again(client: FlaskClient, sysadmin: User) -> None:
    user = authority_user()
    page = sign_in(client, sysadmin).post(f"/users/{user.id}/reset").get_data(as_text=True)
    assert user.login in page
    assert fresh(user).must_change


def test_the_security_administrator_only_unlocks(client: FlaskClient, sysadmin: User) -> None:
    user = authority_user()
    for n in range(MAX_FAILURES):
        client.post(
            "/sign-in", data={"login": user.login, "password": "no"}, environ_overrides={"REMOTE_ADDR": f"10.0.0.{n}"}
        )
    sign_in(client, known(make_user("security_admin", authority_id("platform"))))
    page = client.get(f"/users?q={user.login}").get_data(as_text=True)
    assert "已锁定" in page
    assert f"/users/{user.id}/unlock" in page
    assert client.post(f"/users/{user.id}/disable").status_code == 404
    client.post(f"/users/{user.id}/unlock")
    assert fresh(user).locked_until is None


def test_a_province_cannot_touch_the_account_of_another_authority(client: FlaskClient, sysadmin: User) -> None:
    ministry = authority_user("ministry")
    sign_in(client, authority_user())
    assert client.post(f"/users/{ministry.id}/disable").status_code in (403, 404)
    assert client.post(f"/users/{uuid4()}/reset").status_code == 404
    assert fresh(ministry).state == "active"


def test_unlocking_comes_back_to_the_list_as_it_was_narrowed(client: FlaskClient, app: Flask) -> None:
    user = make_user("provincial_authority", authority_id("37"), locked_until=now() + timedelta(minutes=10))
    sign_in(client, make_user("security_admin", authority_id("platform")))
    address = f"/users/{user.id}/unlock?role=provincial_authority&amp;q=user"
    assert address in client.get("/users?role=provincial_authority&q=user").get_data(as_text=True)
    answer = client.post(address.replace("&amp;", "&"))
    assert answer.headers["Location"] == "/users?role=provincial_authority&q=user"
