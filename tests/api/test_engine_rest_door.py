"""Who comes in to ``/engine-rest`` and from where: HTTP Basic, lock-out, origins; and what a supervisor may ask."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from service.api.http.auth import credential_cache
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.workflow.accounts import authentication
from service.workflow.accounts.passwords import hash_password
from tests.api.rest_world import PASSWORD, Machine, World, make_world
from tests.database import alter_as_owner


@pytest.fixture
def world(app: Flask) -> World:
    credential_cache.forget()
    return make_world()


def change(world: World, **values: Any) -> None:
    with transaction(Operation("test")):
        user = session().get_one(User, world.users["officer-a"])
        for name, value in values.items():
            setattr(user, name, value)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The logins whose password was really checked, in order."""
    seen: list[str] = []
    check = authentication.check_password

    def noted(login: str, password: str, source: str) -> User:
        seen.append(login)
        return check(login, password, source)

    monkeypatch.setattr(authentication, "check_password", noted)
    return seen


def test_a_password_is_checked_once_and_then_remembered(client: FlaskClient, world: World, checks: list[str]) -> None:
    machine = Machine(client, "officer-a")
    assert [machine.get("/version").status_code for _ in range(3)] == [200] * 3
    assert checks == ["officer-a"]


def test_what_is_remembered_is_no_password(client: FlaskClient, world: World) -> None:
    Machine(client, "officer-a").get("/version")
    assert PASSWORD not in repr(vars(credential_cache))


def test_a_wrong_password_is_refused_and_never_remembered(client: FlaskClient, world: World, checks: list[str]) -> None:
    machine = Machine(client, "officer-a", "wrong")
    answers = [machine.get("/version") for _ in range(2)]
    assert [(a.status_code, a.json["type"]) for a in answers] == [(401, "AuthenticationException")] * 2
    assert checks == ["officer-a"] * 2
    assert Machine(client, "nobody").get("/version").status_code == 401


def test_five_failures_lock_the_account_also_for_who_was_remembered(client: FlaskClient, world: World) -> None:
    right = Machine(client, "officer-a")
    assert right.get("/version").status_code == 200
    wrong = Machine(client, "officer-a", "wrong")
    assert [wrong.get("/version").status_code for _ in range(5)] == [401, 401, 401, 401, 429]
    assert right.get("/version").status_code == 429


def test_a_disabled_account_is_out_at_once(client: FlaskClient, world: World) -> None:
    machine = Machine(client, "officer-a")
    assert machine.get("/version").status_code == 200
    change(world, state="disabled")
    assert machine.get("/version").status_code == 401


@pytest.mark.parametrize("values", [{"password_hash": hash_password("Another-One-2026")}, {"epoch": 2}])
def test_a_changed_password_or_epoch_is_checked_anew(
    client: FlaskClient, world: World, checks: list[str], values: dict[str, Any]
) -> None:
    machine = Machine(client, "officer-a")
    machine.get("/version")
    change(world, **values)
    machine.get("/version")
    assert checks == ["officer-a"] * 2


def test_the_first_password_must_be_changed_on_the_pages_first(client: FlaskClient, world: World) -> None:
    change(world, must_change=True)
    answer = Machine(client, "officer-a").get("/task")
    assert (answer.status_code, answer.json["type"]) == (403, "AuthorizationException")


def test_a_session_of_the_pages_opens_nothing_here(client: FlaskClient, world: World) -> None:
    client.post("/sign-in", data={"login": "officer-a", "password": PASSWORD})
    assert client.get("/engine-rest/task").status_code == 401


@pytest.mark.parametrize("header", ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer token", "Digest a=b"])
def test_malformed_credentials_are_no_credentials(client: FlaskClient, world: World, header: str) -> None:
    assert client.get("/engine-rest/version", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("origin", ["file://", "null"])
def test_a_page_opened_from_a_file_may_ask(client: FlaskClient, world: World, origin: str) -> None:
    preflight = client.options("/engine-rest/deployment/create", headers={"Origin": origin})
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == origin
    assert preflight.headers["Access-Control-Allow-Headers"] == "authorization,content-type,accept"
    refused = client.get("/engine-rest/version", headers={"Origin": origin})
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, origin)


def test_no_other_origin_may_and_the_pages_allow_none(client: FlaskClient, world: World) -> None:
    stranger = client.options("/engine-rest/version", headers={"Origin": "https://example.org"})
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert "Access-Control-Allow-Origin" not in client.get("/healthz", headers={"Origin": "null"}).headers


def test_alive_and_ready(client: FlaskClient, world: World) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json["faults"]) == (200, [])


def test_not_ready_when_the_tables_are_old_or_nothing_is_in_force(client: FlaskClient, world: World) -> None:
    alter_as_owner("UPDATE alembic_version SET version_num = 'older'")
    with transaction(Operation("test")):
        session().execute(text("UPDATE definition_version SET current = false"))
    answer = client.get("/readyz")
    assert (answer.status_code, len(answer.json["faults"])) == (503, 2)
