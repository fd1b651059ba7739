"""Passwords of accounts: which may not come back, and what happens when one has been used for 90 days (domain.md §5.1)."""

from __future__ import annotations

import base64
from datetime import timedelta
from itertools import pairwise

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.accounts.passwords import LOCK_DURATION, MAX_FAILURES, REMEMBERED_PASSWORDS
from service.domain.accounts.privacy import VERSION
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import FormerPassword, User
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration, passwords
from tests.builders.stage import known
from tests.builders.world import authority_user, fresh, make_unit, make_user, sign_in

FIRST = "Kestrel-mountain-7"
DAYS_90 = timedelta(days=90)


def officer(role: str = "provincial_authority", organisation: str = "37") -> User:
    """An account with a real password that was changed already."""
    unit_id = make_unit().id if role == "enterprise" else authority_id(organisation)
    user, _ = administration.create_user(
        None, login=f"{role[:4]}-37", display_name="张甲子", role=role, organisation_id=unit_id, password=FIRST
    )
    with transaction(Operation("test")):
        user.must_change, user.privacy_version = False, VERSION
    return user


def enter(client: FlaskClient, user: User, password: str = FIRST):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", data={"login": user.login, "password": password})


def change(client: FlaskClient, present: str, new: str):  # type: ignore[no-untyped-def]
    return client.post("/password", data={"present": present, "new": new, "again": new})


def basic(user: User, password: str = FIRST) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user.login}:{password}".encode()).decode()}


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing that takes no time: these tests change a password many times."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def test_the_last_five_passwords_do_not_come_back(client: FlaskClient, clock: MovingClock, fast: None) -> None:
    user = officer()
    enter(client, user)
    used = [FIRST, *(f"Heron-valley-4{n}" for n in range(REMEMBERED_PASSWORDS))]
    for present, new in pairwise(used):
        clock.move(timedelta(minutes=10))
        assert change(client, present, new).status_code == 302
    for old in used[:-1]:
        answer = change(client, used[-1], old)
        assert answer.status_code == 422
        assert "最近用过的 5 个密码不能再用" in answer.get_data(as_text=True)
    clock.move(timedelta(minutes=10))
    assert change(client, used[-1], "Osprey-river-88").status_code == 302
    assert change(client, "Osprey-river-88", used[1]).status_code == 422
    assert change(client, "Osprey-river-88", FIRST).status_code == 302  # the sixth before it is forgotten
    assert len(FormerPassword.of(user.id)) == REMEMBERED_PASSWORDS


def test_a_reset_does_not_bring_an_old_password_back(client: FlaskClient, clock: MovingClock, fast: None) -> None:
    user, sysadmin = officer(), known(make_user("sys_admin", authority_id("platform")))
    first = administration.reset_password(sysadmin, user.id)
    administration.assent(known(make_user("security_admin", authority_id("platform"))), user.id)
    clock.move(timedelta(minutes=1))
    enter(client, user, first)
    assert change(client, first, FIRST).status_code == 422
    assert change(client, first, "Heron-valley-42").status_code == 302


def test_after_90_days_the_password_is_changed_at_the_next_sign_in(client: FlaskClient, clock: MovingClock) -> None:
    user = officer()
    clock.move(DAYS_90)
    enter(client, user)
    assert client.get("/inbox").status_code == 200
    client.post("/sign-out")
    clock.move(timedelta(seconds=1))
    enter(client, user)
    assert client.get("/inbox").location == "/password"
    assert "密码已用满有效期" in client.get("/password").get_data(as_text=True)
    assert change(client, FIRST, "Heron-valley-42").status_code == 302
    assert client.get("/inbox").status_code == 200
    assert not fresh(user).must_change


def test_a_running_session_is_not_broken_off_by_the_end_of_the_password(
    client: FlaskClient, clock: MovingClock
) -> None:
    user = officer()
    clock.move(DAYS_90 - timedelta(minutes=1))
    enter(client, user)
    clock.move(timedelta(minutes=5))
    assert client.get("/inbox").status_code == 200


def test_units_keep_their_passwords_and_administrators_do_not(client: FlaskClient, clock: MovingClock) -> None:
    unit, administrator = officer("enterprise"), officer("audit_admin", "platform")
    clock.move(DAYS_90 + timedelta(seconds=1))
    enter(client, unit)
    assert client.get("/inbox").status_code == 200
    client.post("/sign-out")
    enter(client, administrator)
    assert client.get("/cases").location == "/password"


@pytest.mark.parametrize(("used", "told"), [(82, None), (83, "还有 7 天"), (89, "还有 1 天"), (90, "密码今天到期")])
def test_the_home_page_warns_in_the_last_seven_days(
    client: FlaskClient, app: Flask, clock: MovingClock, used: int, told: str | None
) -> None:
    user = authority_user()
    clock.move(timedelta(days=used))
    page = sign_in(client, user).get("/").get_data(as_text=True)
    assert told in page if told else "到期后登录须先更换" not in page


def test_the_policy_sets_the_days_or_none(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    secadmin, user = known(make_user("security_admin", authority_id("platform"))), officer()
    sign_in(client, secadmin)
    assert client.post("/settings", data={"password_days": "181"}).status_code == 422
    client.post("/settings", data={"password_days": "30"})
    clock.move(timedelta(days=31))
    assert passwords.is_stale(user)
    sign_in(client, secadmin).post("/settings", data={"password_days": "0"})
    assert not passwords.is_stale(user)
    assert passwords.days_left(user) is None


def test_basic_sign_in_is_refused_when_the_password_is_past_its_days(client: FlaskClient, clock: MovingClock) -> None:
    user = officer()
    assert client.get("/engine-rest/task", headers=basic(user)).status_code == 200
    clock.move(DAYS_90 + timedelta(seconds=1))
    answer = client.get("/engine-rest/task", headers=basic(user))
    assert answer.status_code == 403
    assert "密码已过有效期" in answer.get_data(as_text=True)
    assert not fresh(user).must_change  # asked for at the web's sign-in, not by reading


def test_the_history_of_an_account_names_no_hash(client: FlaskClient, clock: MovingClock, fast: None) -> None:
    from service.models.tables.system.audit import RowChange

    user = officer()
    enter(client, user)
    change(client, FIRST, "Heron-valley-42")
    told = [str((row.before, row.after)) for row in RowChange.of(user.id)]
    assert any("'password_hash': 'hidden'" in one for one in told)
    assert "$argon2" not in "".join(told)
    session().rollback()


def test_r2_wrong_present_passwords_lock_like_failed_sign_ins(
    client: FlaskClient, app: Flask, clock: MovingClock, fast: None
) -> None:
    user = officer()
    enter(client, user)
    for n in range(MAX_FAILURES):
        answer = change(client, f"Guess-the-word-{n}", "Heron-valley-42")
        assert answer.status_code == 422
        told = answer.get_data(as_text=True)
        assert 'id="present-wrong"' in told
        assert ("现在的密码不对" in told) is (n < MAX_FAILURES - 1)
    assert "已锁定 30 分钟" in told
    right = change(client, FIRST, "Heron-valley-42")  # answered like a wrong one
    assert right.status_code == 422
    assert "已锁定 30 分钟" in right.get_data(as_text=True)
    assert enter(app.test_client(), user).status_code == 429
    trail = select(AuditEvent.outcome).where(AuditEvent.action == "change_password")
    assert list(session().scalars(trail)) == ["refused"] * MAX_FAILURES
    clock.move(LOCK_DURATION)
    again = app.test_client()
    enter(again, user)
    assert change(again, FIRST, "Heron-valley-42").status_code == 302
