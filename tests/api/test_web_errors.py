"""Errors as pages: what happened, what to do, the request id, in the reader's language, and without the database."""

from __future__ import annotations

import json

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from service.models.queries.accounts import session_list
from service.models.tables.accounts.user import User
from tests.builders.world import authority_user, sign_in


def test_an_unknown_address_is_a_page_with_the_request_id(client: FlaskClient, app: Flask) -> None:
    answer = sign_in(client, authority_user()).get("/no-such-page")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 404
    assert "没有找到" in page
    assert answer.headers["X-Request-ID"] in page
    assert "主导航" in page


def test_without_a_session_the_page_stands_alone(client: FlaskClient, app: Flask) -> None:
    answer = client.get("/no-such-page")
    assert answer.status_code == 404
    assert "主导航" not in answer.get_data(as_text=True)


def test_a_wrong_method_says_which_are_right(client: FlaskClient, app: Flask) -> None:
    answer = sign_in(client, authority_user()).post("/inbox")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


def test_too_large_an_upload_is_413(client: FlaskClient, app: Flask) -> None:
    answer = sign_in(client, authority_user()).post("/password", data={"present": "x" * (9 * 1024 * 1024)})
    assert answer.status_code == 413
    assert "8 MB" in answer.get_data(as_text=True)


def test_a_forged_id_is_not_found(client: FlaskClient, app: Flask) -> None:
    sign_in(client, authority_user())
    for address in ("/tasks/1", "/tasks/0093a6d4-ad91-5d08-9774-bea3c21265f6", "/cases/x", "/processes/x"):
        assert client.get(address).status_code in (403, 404)


def test_a_fault_is_logged_without_what_people_typed(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def break_down(secret: str) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(
        "service.workflow.accounts.authentication.sign_in", lambda login, password, source: break_down(password)
    )
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.post("/sign-in", data={"login": "a", "password": "hunter2-hunter2"})
    said = capsys.readouterr().err
    assert answer.status_code == 500
    assert "系统出错" in answer.get_data(as_text=True)
    assert "RuntimeError" in said
    assert "hunter2" not in said


def test_when_the_database_is_away_the_page_needs_none(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_id: object) -> User:
        raise OperationalError("SELECT 1", {}, Exception("connection refused"))

    sign_in(client, authority_user())
    monkeypatch.setattr(session_list, "find_session", away)
    answer = client.get("/inbox")
    assert answer.status_code == 503
    assert "数据库暂时连接不上" in answer.get_data(as_text=True)


def test_errors_read_in_english(client: FlaskClient, app: Flask) -> None:
    answer = sign_in(client, authority_user(), language="en").get("/no-such-page")
    assert "Not found" in answer.get_data(as_text=True)


def test_a_request_leaves_one_line_without_the_address(
    client: FlaskClient, app: Flask, capsys: pytest.CaptureFixture[str]
) -> None:
    sign_in(client, authority_user()).get("/inbox?find=赵丁卯")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert [(line["rule"], line["status"]) for line in lines] == [("/inbox", 200)]
    assert "赵丁卯" not in json.dumps(lines, ensure_ascii=False)
