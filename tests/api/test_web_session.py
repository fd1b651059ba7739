"""Sign-in, its lock-out, sessions and passwords."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.domain.accounts.attempts import SIGN_INS
from service.domain.accounts.privacy import VERSION
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.attempt import Attempt
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import authority_id
from service.workflow.accounts import administration, authentication
from tests.builders.world import authority_user, fresh, make_unit, make_user, sign_in

PASSWORD = "Kestrel-mountain-7"
NEW = "Heron-valley-42"


@pytest.fixture
def officer(app: Flask) -> User:
    user, _ = administration.create_user(
        None,
        login="province-37",
        display_name="张甲子",
        role="provincial_authority",
        organisation_id=authority_id("37"),
        password=PASSWORD,
    )
    return change(user, must_change=False, privacy_version=VERSION)


def change(user: User, **values: Any) -> User:
    with transaction(Operation("test")):
        for name, value in values.items():
            setattr(user, name, value)
    return user


def enter(client: FlaskClient, login: str = "province-37", password: str = PASSWORD, source: str = "10.0.0.1"):  # type: ignore[no-untyped-def]
    return client.post(
        "/sign-in", data={"login": login, "password": password}, environ_overrides={"REMOTE_ADDR": source}
    )


def text(response) -> str:  # type: ignore[no-untyped-def]
    return re.sub(r"<[^>]+>|\s+", " ", response.get_data(as_text=True))


def test_the_right_password_opens_the_home_page(client: FlaskClient, officer: User) -> None:
    assert enter(client).headers["Location"] == "/"
    page = client.get("/")
    assert page.status_code == 200
    assert "张甲子" in text(page)
    assert fresh(officer).last_login is not None


def test_the_login_is_known_in_capitals_too(client: FlaskClient, officer: User) -> None:
    assert enter(client, "Province-37 ").status_code == 302


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(client: FlaskClient, officer: User) -> None:
    wrong, unknown = enter(client, password="no"), enter(client, "nobody", "no")
    assert wrong.status_code == unknown.status_code == 401
    keep = re.compile(r'value="[^"]*"|req-\w+')
    assert keep.sub("", wrong.get_data(as_text=True)) == keep.sub("", unknown.get_data(as_text=True))
    assert "再错 4 次将锁定" in text(wrong)
    assert PASSWORD not in text(wrong)


def test_five_failures_lock_the_login_for_half_an_hour(client: FlaskClient, officer: User, clock: MovingClock) -> None:
    answers = [enter(client, password=f"no-{n}", source=f"10.0.0.{n}").status_code for n in range(5)]
    assert answers == [401, 401, 401, 401, 429]
    clock.move(timedelta(minutes=29))
    assert enter(client).status_code == 429
    clock.move(timedelta(minutes=2))
    assert enter(client).status_code == 302


def test_an_unknown_login_is_locked_alike(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    assert [enter(client, "nobody", "no", f"10.0.0.{n}").status_code for n in range(6)] == [
        401,
        401,
        401,
        401,
        429,
        429,
    ]


def test_failures_over_more_than_a_quarter_of_an_hour_do_not_lock(
    client: FlaskClient, officer: User, clock: MovingClock
) -> None:
    for n in range(8):
        assert enter(client, password="no", source=f"10.0.0.{n}").status_code == 401
        clock.move(timedelta(minutes=5))


def test_a_success_begins_the_count_anew(client: FlaskClient, officer: User, clock: MovingClock) -> None:
    for _ in range(4):
        enter(client, password="no")
    assert enter(client).status_code == 302
    client.post("/sign-out")
    assert enter(client, password="no").status_code == 401


def test_one_source_that_tries_many_logins_is_slowed_down(
    client: FlaskClient, officer: User, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(authentication, "matches", lambda user, password: user is not None and password == PASSWORD)
    for n in range(SIGN_INS.free):
        enter(client, f"nobody-{n}", "no", "10.9.9.9")
    assert enter(client, source="10.9.9.9").status_code == 429
    assert enter(client, source="10.9.9.8").status_code == 302


def test_what_was_typed_as_login_is_nowhere_stored(client: FlaskClient, app: Flask) -> None:
    enter(client, "370000198001010025", "no")
    assert all("370000198001010025" not in attempt.key for attempt in session().scalars(select(Attempt)))
    of_people = select(AuditEvent).where(AuditEvent.action.not_in(("deploy_process", "upgrade_database")))
    assert [(e.action, e.outcome, e.detail) for e in session().scalars(of_people)] == [("sign_in", "refused", {})]


def test_a_disabled_account_cannot_sign_in(client: FlaskClient, officer: User) -> None:
    change(officer, state="disabled")
    assert enter(client).status_code == 401


def test_the_first_password_must_be_changed_before_anything_else(client: FlaskClient, app: Flask) -> None:
    unit = make_unit()
    _, first = administration.create_user(
        None, login="fresh-1", display_name="新甲子", role="enterprise", organisation_id=unit.id
    )
    enter(client, "fresh-1", first)
    assert client.get("/inbox").headers["Location"] == "/password"
    changed = client.post("/password", data={"present": first, "new": NEW, "again": NEW})
    assert changed.headers["Location"] == "/"
    assert client.get("/inbox").headers["Location"] == "/privacy?next=/inbox"
    assert "个人信息处理告知" in text(client.get("/privacy"))
    assert client.post("/privacy", data={"next": "/inbox"}).headers["Location"] == "/inbox"
    assert client.get("/inbox").status_code == 200


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"present": "no", "new": NEW, "again": NEW}, "现在的密码不对"),
        ({"present": PASSWORD, "new": NEW, "again": "other"}, "两次输入的新密码不一致"),
        ({"present": PASSWORD, "new": "short", "again": "short"}, "密码至少 10 位"),
        ({"present": PASSWORD, "new": PASSWORD, "again": PASSWORD}, "不能与现在的密码相同"),
        ({"present": PASSWORD, "new": "Province-37-x", "again": "Province-37-x"}, "密码不能包含登录名"),
    ],
)
def test_a_bad_new_password_is_refused_at_its_field(
    client: FlaskClient, officer: User, fields: dict[str, str], wrong: str
) -> None:
    enter(client)
    answer = client.post("/password", data=fields)
    assert answer.status_code == 422
    assert wrong in text(answer)
    assert 'value="' + PASSWORD not in answer.get_data(as_text=True)


def test_a_changed_password_ends_the_other_sessions(app: Flask, officer: User) -> None:
    here, there = app.test_client(), app.test_client()
    enter(here)
    enter(there)
    here.post("/password", data={"present": PASSWORD, "new": NEW, "again": NEW})
    assert here.get("/inbox").status_code == 200
    assert there.get("/inbox").headers["Location"].startswith("/sign-in")


def test_a_session_ends_after_half_an_hour_without_a_request(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    sign_in(client, authority_user())
    clock.move(timedelta(minutes=29))
    assert client.get("/inbox").status_code == 200
    clock.move(timedelta(minutes=29))
    assert client.get("/inbox").status_code == 200
    clock.move(timedelta(minutes=31))
    assert client.get("/inbox").headers["Location"].startswith("/sign-in?next=/inbox")
    assert "离开超过 30 分钟" in text(client.get("/sign-in"))


def test_requests_that_run_by_themselves_do_not_keep_a_session(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    sign_in(client, authority_user())
    for _ in range(3):
        clock.move(timedelta(minutes=9))
        client.get("/inbox", headers={"X-Background": "1"})
    clock.move(timedelta(minutes=4))
    assert client.get("/inbox").status_code == 302


def test_an_administrator_has_a_quarter_of_an_hour(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    sign_in(client, make_user("audit_admin", authority_id("platform")))
    clock.move(timedelta(minutes=16))
    assert client.get("/inbox").status_code == 302


def test_the_sign_in_says_why_a_session_ended_and_leads_back(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    user = authority_user()
    sign_in(client, user)
    clock.move(timedelta(minutes=30))
    assert client.get("/cases?state=ended").location == "/sign-in?next=/cases?state%3Dended"
    assert "离开超过 30 分钟，已自动退出" in text(client.get("/sign-in"))
    assert "离开超过" not in text(client.get("/sign-in"))  # said once
    sign_in(client, user)
    for _ in range(12 * 4):
        clock.move(timedelta(minutes=15))
        client.get("/more")
    assert "登录已满 12 小时" in text(client.get("/sign-in"))
    sign_in(client, user)
    change(user, epoch=user.epoch + 1)
    assert client.get("/inbox").status_code == 302
    assert "这次登录已被结束" in text(client.get("/sign-in"))
    sign_in(client, fresh(user))
    change(fresh(user), state="disabled")
    assert client.get("/inbox").status_code == 302  # at once (R4)


def test_the_policy_sets_how_long_a_session_lasts(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    sign_in(client, make_user("security_admin", authority_id("platform")))
    client.post("/settings", data={"session_minutes": "5", "session_hours": "1", "administrator_session_minutes": "6"})
    user = authority_user()
    sign_in(client, user)
    clock.move(timedelta(minutes=4, seconds=59))
    assert client.get("/inbox").status_code == 200
    clock.move(timedelta(minutes=5))
    assert client.get("/inbox").status_code == 302
    assert "离开超过 5 分钟" in text(client.get("/sign-in"))
    sign_in(client, user)
    for _ in range(14):
        clock.move(timedelta(minutes=4))
        assert client.get("/more").status_code == 200
    clock.move(timedelta(minutes=4))
    assert client.get("/more").status_code == 302
    assert "登录已满 1 小时" in text(client.get("/sign-in"))


def test_a_form_sent_too_late_comes_back_to_its_page_after_the_sign_in(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    sign_in(client, authority_user())
    clock.move(timedelta(minutes=31))
    form = {"Referer": "http://localhost/plans/new?year=2027"}
    assert (
        client.post("/plans", data={"title": "计划"}, headers=form).location == "/sign-in?next=/plans/new?year%3D2027"
    )
    sign_in(client, authority_user())
    clock.move(timedelta(minutes=31))
    foreign = client.post("/plans", data={"title": "计划"}, headers={"Referer": "https://evil.example/plans/new"})
    assert foreign.location == "/sign-in"
    sign_in(client, authority_user())
    clock.move(timedelta(minutes=31))
    part = client.get("/inbox", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/inbox?view=mine"})
    assert part.headers["HX-Redirect"] == "/sign-in?next=/inbox?view%3Dmine"


def test_a_page_learns_how_long_the_session_lasts_and_prolongs_it(
    client: FlaskClient, app: Flask, clock: MovingClock
) -> None:
    sign_in(client, authority_user())
    clock.move(timedelta(minutes=28))
    assert client.get("/session", headers={"X-Background": "1"}).json == {"left": 120, "until": 12 * 3600 - 28 * 60}
    assert client.post("/session").json == {"left": 1800, "until": 12 * 3600 - 28 * 60}
    clock.move(timedelta(minutes=29))
    assert 'data-left="1800 ' in client.get("/inbox").get_data(as_text=True)
    clock.move(timedelta(minutes=31))
    assert client.get("/session", headers={"X-Background": "1"}).status_code == 302


def test_a_session_ends_after_twelve_hours_in_any_case(client: FlaskClient, app: Flask, clock: MovingClock) -> None:
    sign_in(client, authority_user())
    for _ in range(12 * 60 // 20 - 1):
        clock.move(timedelta(minutes=20))
        assert client.get("/more").status_code == 200
    clock.move(timedelta(minutes=20))
    assert client.get("/more").status_code == 302


def test_the_way_back_never_leads_to_another_site(client: FlaskClient, officer: User) -> None:
    for address in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = client.post(f"/sign-in?next={address}", data={"login": "province-37", "password": PASSWORD})
        assert answer.headers["Location"] == "/"
        client.post("/sign-out")
    answer = client.post("/sign-in?next=/cases?state=ended", data={"login": "province-37", "password": PASSWORD})
    assert answer.headers["Location"] == "/cases?state=ended"


def test_language_theme_and_text_size_are_kept_with_the_account(client: FlaskClient, officer: User) -> None:
    enter(client)
    for name, value in (("language", "en"), ("theme", "dark"), ("text", "large")):
        client.post("/appearance", data={name: value})
    client.post("/appearance", data={"theme": "pink"})
    page = client.get("/").get_data(as_text=True)
    assert '<html lang="en" data-bs-theme="dark" data-text="large">' in page
    assert fresh(officer).preferences == {"language": "en", "theme": "dark", "text": "large"}


def test_sign_out_ends_the_session(client: FlaskClient, app: Flask) -> None:
    sign_in(client, authority_user())
    client.post("/sign-out")
    assert client.get("/").headers["Location"] == "/sign-in"


def test_the_cookie_is_out_of_reach_and_the_page_may_load_nothing_foreign(client: FlaskClient, officer: User) -> None:
    plain = enter(client).headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    secure = client.get("/sign-out", base_url="https://localhost")
    assert secure.headers["Strict-Transport-Security"]
    policy = client.get("/").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "default-src 'none'" in policy
    assert client.get("/").headers["Cache-Control"] == "no-store"


def test_over_https_the_cookie_is_secure(client: FlaskClient, officer: User) -> None:
    answer = client.post("/sign-in", data={"login": "province-37", "password": PASSWORD}, base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_form_from_another_site_is_refused(app: Flask, officer: User) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        client = app.test_client()
        assert enter(client).status_code == 400
        assert "页面已过期" in text(enter(client))
        token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").get_data(as_text=True))
        assert token
        answer = client.post("/sign-in", data={"login": "province-37", "password": PASSWORD, "csrf_token": token[1]})
        assert answer.status_code == 302
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_the_security_administrator_unlocks(client: FlaskClient, officer: User, clock: MovingClock) -> None:
    for n in range(5):
        enter(client, password="no", source=f"10.0.0.{n}")
    session().expire_all()
    administration.unlock(make_user("security_admin", authority_id("platform")), officer.id)
    assert enter(client).status_code == 302
