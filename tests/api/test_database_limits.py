"""Time limits of the database: nothing waits for ever, and each limit is said in words."""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import OperationalError

from service import migrations
from service.app import create_app
from service.config import settings
from service.infrastructure.postgres import Server
from service.models.db.errors import REFUSALS
from service.models.db.session import db
from service.models.db.time_limits import COMMAND, JOB, MIGRATION, PAGE, TimeLimits, limit_transactions
from service.models.tables.accounts.user import User
from service.web.shell.request_routes import THREADS
from service.workflow.system import readiness
from tests.api.v1_world import PASSWORD, give_password, make_world
from tests.builders.stage import Stage, enroll, publish_class, task_of
from tests.builders.web_server import serving
from tests.builders.world import sign_in
from tests.database import addresses

LIMITS = {"page": PAGE, "job": JOB, "command": COMMAND, "migration": MIGRATION}
INTERFACES = ("/notices", "/api/v1/persons", "/engine-rest/task")
SHORT = TimeLimits(lock=1, statement=4, idle_in_transaction=4, transaction=9)


@pytest.mark.parametrize("name", LIMITS)
def test_every_kind_of_connection_has_its_limits(app: Flask, name: str) -> None:
    limits = LIMITS[name]
    options = " ".join(f"-c {parameter}={value}" for parameter, value in limits.settings().items())
    engine = create_engine(settings().database_url, connect_args={"options": options}, poolclass=NullPool)
    limit_transactions(engine, limits)
    assert limits_of(engine) == limits
    assert limits.lock > 0
    assert name in ("command", "migration") or all((limits.statement, limits.idle_in_transaction, limits.transaction))


def test_a_page_works_within_those_of_a_page(app: Flask) -> None:
    assert signature(create_app).parameters["limits"].default is PAGE
    assert limits_of(db.engine) == replace(PAGE, idle_in_transaction=0, transaction=0)  # of the tests


def limits_of(engine: Engine) -> TimeLimits:
    names = (*PAGE.settings(), "transaction_timeout")
    columns = ", ".join(f"extract(epoch FROM current_setting('{name}')::interval)::int" for name in names)
    with engine.connect() as connection:
        return TimeLimits(*connection.execute(text(f"SELECT {columns}")).one())


@pytest.fixture
def short_limits(app: Flask) -> Iterator[None]:
    """Connections of the test within shorter limits."""

    def shorten(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            for parameter, value in SHORT.settings().items():
                cursor.execute(f"SET {parameter} = '{value}'")
            cursor.execute(f"SET transaction_timeout = '{SHORT.transaction}s'")
        connection.commit()

    event.listen(db.engine, "connect", shorten)
    db.engine.dispose()
    yield
    event.remove(db.engine, "connect", shorten)
    db.session.remove()
    db.engine.dispose()


@pytest.fixture
def stage(app: Flask, clock: Any) -> Stage:
    made = make_world()
    give_password()
    return made


class Reader:
    """Who reads an address of any interface: signed in, and with credentials."""

    def __init__(self, app: Flask, user: User) -> None:
        self._client: FlaskClient = sign_in(app.test_client(), user)
        self._credentials = (user.login, PASSWORD)

    def get(self, path: str) -> Any:
        return self._client.get(path, auth=None if path in INTERFACES[:1] else self._credentials)


def answering(monkeypatch: pytest.MonkeyPatch, app: Flask, path: str, view: Callable[..., Any]) -> None:
    """Put ``view`` in the place of what answers at this address."""
    endpoint, _ = app.url_map.bind("").match(path)
    view.__dict__.update(vars(app.view_functions[endpoint]))  # who may, and what it reads
    monkeypatch.setitem(app.view_functions, endpoint, view)


@pytest.mark.parametrize("path", INTERFACES)
def test_every_refusal_of_the_database_is_said_on_every_interface(
    app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    reader = Reader(app, stage.association)
    for code, refusal in REFUSALS.items():
        told = type("Told", (psycopg2.OperationalError,), {"pgcode": code.ljust(5, "0")})

        def fail(told: type[Exception] = told, **_: Any) -> None:
            raise OperationalError("SELECT secret", {}, told("secret"))

        answering(monkeypatch, app, path, fail)
        answer = reader.get(path)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (refusal.status, str(refusal.retry_after)), (
            code
        )
        assert answer.status_code in (409, 503)
        assert str(refusal.message) in answer.get_data(as_text=True), code
        assert "secret" not in answer.get_data(as_text=True)


def end_connection(sql: str) -> Callable[..., None]:
    def run(**_: Any) -> None:
        db.session.execute(text(sql))

    return run


def rest(**_: Any) -> None:
    db.session.execute(text("SELECT 1"))
    time.sleep(4.5)
    db.session.execute(text("SELECT 1"))


def hold(**_: Any) -> None:
    for _step in range(20):
        db.session.execute(text("SELECT pg_sleep(0.5)"))


FAILING: dict[str, tuple[Callable[..., None], str]] = {
    "statement": (end_connection("SELECT pg_sleep(20)"), "57014"),
    "rest in a transaction": (rest, "08"),  # it is cut off without a word
    "transaction": (hold, "08"),
    "killed": (end_connection("SELECT pg_terminate_backend(pg_backend_pid())"), "57"),
    "only to be read": (
        end_connection("SET TRANSACTION READ ONLY; CREATE TEMP TABLE t (x int); UPDATE person SET name = name"),
        "25006",
    ),
}


@pytest.mark.usefixtures("short_limits")
@pytest.mark.parametrize("path", INTERFACES)
def test_each_limit_is_reached_said_and_gone_with_the_next_request(
    app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    reader = Reader(app, stage.association)
    usual = app.view_functions[app.url_map.bind("").match(path)[0]]
    for name, (view, code) in FAILING.items():
        answering(monkeypatch, app, path, view)
        answer = reader.get(path)
        expected = REFUSALS[code]
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, str(expected.retry_after)), name
        assert str(expected.message) in answer.get_data(as_text=True), name
        answering(monkeypatch, app, path, usual)
        assert reader.get(path).status_code == 200, name


@contextlib.contextmanager
def locked(statement: str) -> Iterator[None]:
    """Somebody holds what the statement locks."""
    address = settings().owner_url.replace("+psycopg2", "", 1)
    with contextlib.closing(psycopg2.connect(address)) as other, other.cursor() as cursor:
        cursor.execute(statement)
        yield
        other.rollback()


@pytest.mark.usefixtures("short_limits")
def test_a_locked_case_is_said_on_every_interface_and_its_task_is_still_there(app: Flask, stage: Stage) -> None:
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment")
    client = sign_in(app.test_client(), stage.province)
    credentials = (stage.province.login, PASSWORD)
    digest = re.search(r'name="form_digest" value="(\w+)"', client.get(f"/tasks/{task.id}").text)
    assert digest
    typed = {"decision": "confirm", "form_digest": digest[1]}
    asked = {
        f"/tasks/{task.id}": {"data": typed},
        f"/engine-rest/task/{task.id}/complete": {
            "json": {"variables": {"decision": {"value": "confirm"}}},
            "auth": credentials,
        },
    }
    db.session.remove()  # the test's own transaction may not rest either
    with locked(f"SELECT id FROM case_instance WHERE id = '{case}' FOR UPDATE"):
        for path, sent in asked.items():
            answer = client.post(path, **sent)
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "5"), answer.text
            assert "没有保存" in answer.get_data(as_text=True)
    answer = client.post(f"/tasks/{task.id}", data=typed)
    assert answer.status_code in (302, 303)


def test_who_waits_for_a_locked_row_does_not_keep_health_from_answering(
    app: Flask, server: Server, tmp_path: Path
) -> None:
    stage = make_world()
    give_password()
    case = enroll(stage, publish_class(stage), stage.person())
    task = task_of(case, "confirm_enrollment")
    url, credentials = f"/engine-rest/task/{task.id}/complete", (stage.province.login, PASSWORD)
    requested = 3 * 2 * THREADS["api"]
    with serving(addresses(server, f"test_{os.getpid()}"), tmp_path / "web.log") as (port, _process):
        here = f"http://127.0.0.1:{port}"
        with (
            locked(f"SELECT id FROM case_instance WHERE id = '{case}' FOR UPDATE"),
            ThreadPoolExecutor(requested) as everybody,
        ):
            body = {"variables": {"decision": {"value": "confirm"}}}
            asked = [
                everybody.submit(requests.post, here + url, json=body, auth=credentials, timeout=90)
                for _ in range(requested)
            ]
            heard = []
            while not all(one.done() for one in asked):
                heard += [requests.get(f"{here}{path}", timeout=4).status_code for path in ("/healthz", "/readyz")]
            answers = [one.result() for one in asked]
        assert set(heard) == {200}
        assert {one.status_code for one in answers} <= {503, 429}, answers[0].text
        assert all("Retry-After" in one.headers for one in answers)
        assert requests.post(here + url, json=body, auth=credentials, timeout=30).status_code == 204


def test_a_migration_waits_shortly_and_comes_again(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []
    monkeypatch.setattr(migrations, "LOCK_WAITS", (0, 0, 0))

    def change() -> bool:
        tries.append(1)
        with migrations._alone(settings().owner_url) as connection:
            connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
            if len(tries) == 3:
                holder.__exit__(None, None, None)
            connection.execute(text("LOCK TABLE person"))
        return True

    holder = locked("LOCK TABLE person IN ACCESS SHARE MODE")
    holder.__enter__()
    assert migrations._beside_traffic(change)
    assert len(tries) == 3


def test_what_cannot_be_written_is_not_ready(app: Flask, client: FlaskClient, server: Server) -> None:
    database = f"test_{os.getpid()}"
    assert client.get("/readyz").json == {"status": "ok", "faults": [], "warnings": []}
    server.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    db.engine.dispose()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["faults"]) == (503, ["the database can only be read: a standby?"])
    server.execute(f'ALTER DATABASE "{database}" RESET default_transaction_read_only')
    db.engine.dispose()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize(
    ("free", "status", "told"),
    [(10 << 20, 503, "is full"), (500 << 20, 200, "nearly full: 500 MB"), (9 << 30, 200, "")],
)
def test_a_disk_is_told_before_it_is_full_and_when_it_is(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, free: int, status: int, told: str
) -> None:
    usage = type("Usage", (), {"free": free, "total": 100 << 30})
    monkeypatch.setattr(readiness.shutil, "disk_usage", lambda _: usage)
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert told in "".join(answer.json["faults"] + answer.json["warnings"])
    assert bool(told) is bool(answer.json["faults"] or answer.json["warnings"])
