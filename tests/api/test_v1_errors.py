"""Errors of ``/api/v1`` as RFC 9457 has them; its document and the page of it; and input that nobody means well with."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from service.models.db.session import session
from tests.api.v1_world import PASSWORD, Machine, make_world, told
from tests.builders.stage import Stage
from tests.builders.world import make_person

PROBLEM = "application/problem+json"
NOBODY = "0190b5a0-0000-7000-8000-000000000000"


@pytest.fixture
def stage(client: FlaskClient, clock: Any) -> Stage:
    return make_world()


def problem(answer: Any, status: int) -> Any:
    """The content of a problem, whose common members are there."""
    assert (answer.status_code, answer.mimetype) == (status, PROBLEM), answer.get_data(as_text=True)
    content = answer.json
    assert content["status"] == status
    assert content["type"].startswith("urn:anpei:problem:")
    assert content["request_id"] == answer.headers["X-Request-ID"]
    assert content["title"]
    assert content["detail"]
    return content


@pytest.mark.parametrize(
    "header", ["", "Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer token", "Basic dQBzZXI6eA=="]
)
def test_without_credentials_one_is_asked_for_them(client: FlaskClient, stage: Stage, header: str) -> None:
    answer = client.get("/api/v1/units", headers={"Authorization": header})
    assert problem(answer, 401)["type"] == "urn:anpei:problem:sign_in_needed"
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)]
)
def test_another_web_site_cannot_use_what_a_browser_remembers(
    client: FlaskClient, stage: Stage, site: str, status: int
) -> None:
    credentials = {"auth": (stage.association.login, PASSWORD), "headers": {"Sec-Fetch-Site": site}}
    assert client.get("/api/v1/me", **credentials).status_code == status
    assert client.get("/engine-rest/version", **credentials).status_code == 200  # Camunda Modeler asks from a file


def test_an_enrolment_twice_in_one_batch_is_refused(client: FlaskClient, stage: Stage) -> None:
    twice = [str(stage.association.id)] * 2
    answer = Machine(client, stage.association).post("/enrollments/check-in", {"enrollments": twice})
    assert "不能出现两次" in str(problem(answer, 422))


def test_what_the_database_refuses_tells_no_values(client: FlaskClient, stage: Stage) -> None:  # §5.2
    with pytest.raises(DBAPIError) as caught:
        session().execute(text("SELECT length(:name) / 0"), {"name": "王小明"})
    session().rollback()
    assert "王小明" not in str(caught.value)


def test_five_wrong_passwords_lock_the_account(client: FlaskClient, stage: Stage) -> None:
    for _ in range(4):
        problem(client.get("/api/v1/me", auth=(stage.province.login, "wrong")), 401)
    problem(client.get("/api/v1/me", auth=(stage.province.login, "wrong")), 429)
    problem(client.get("/api/v1/me", auth=(stage.province.login, PASSWORD)), 429)


def test_an_unknown_address_is_not_found_and_a_wrong_method_names_the_right_ones(
    client: FlaskClient, stage: Stage
) -> None:
    machine = Machine(client, stage.association)
    for path in (
        "/nothing",
        "",
        "/",
        "/units/",
        "/units/x",
        f"/units/{NOBODY.replace('-', '')}",
        f"/persons/{NOBODY}/nothing",
    ):
        problem(machine.get(path), 404)
    problem(client.get("/api/v1/units/a%0Ab", auth=(stage.association.login, PASSWORD)), 404)
    for method, path, allowed in (
        ("PUT", "/units", "GET, POST"),
        ("DELETE", f"/units/{NOBODY}", "GET, PATCH"),
        ("GET", f"/persons/{NOBODY}/submit", "POST"),
        ("TRACE", "/me", "GET"),
    ):
        answer = machine.send(method, path)
        assert (problem(answer, 405)["detail"] != "", answer.headers["Allow"]) == (True, allowed)
    asked = client.options("/api/v1/units")
    assert (asked.status_code, asked.headers["Allow"]) == (204, "GET, POST")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"name": "\\ud800"}', 400),
        (b"nul", 400),
        (b'{"a": NaN}', 400),
        (b"[" * 5000, 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b'"x"', 422),
        (b"null", 422),
        (b"1e400", 400),
    ],
)
def test_a_body_that_is_no_object_is_refused(client: FlaskClient, stage: Stage, body: bytes, status: int) -> None:
    machine = Machine(client, stage.association)
    problem(machine.send("POST", "/units", data=body, content_type="application/json"), status)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
def test_a_body_that_is_not_json_is_of_the_wrong_type(client: FlaskClient, stage: Stage, kind: str) -> None:
    machine = Machine(client, stage.association)
    problem(machine.send("POST", "/units", data=b"{}", content_type=kind or None), 415)


def test_a_body_beyond_the_limit_is_too_large(client: FlaskClient, stage: Stage) -> None:
    machine = Machine(client, stage.enterprise)
    problem(machine.send("POST", "/persons", data=b" " * (9 * 1024 * 1024), content_type="application/json"), 413)


def test_what_does_not_fit_the_document_is_told_at_its_name(client: FlaskClient, stage: Stage) -> None:
    machine = Machine(client, stage.enterprise)
    sent = {
        "name": 7,
        "id_number": "a\0b",
        "qualification_type": "",
        "birth_date": "2026-02-30",
        "sex": "x",
        "unit": "x",
        "submit": "yes",
        "photo": "***",
        "post": "长" * 51,
        "unknown": 1,
        "phone": None,
    }
    content = problem(machine.post("/persons", sent), 422)
    assert content["type"] == "urn:anpei:problem:malformed_input"
    assert set(content["errors"]) == set(sent)
    assert content["errors"]["post"] == "最多 50 个字，现在有 51 个。"
    missing = problem(machine.post("/persons", {}), 422)["errors"]
    assert set(missing) == {"name", "id_number", "qualification_type"}
    nested = {"scores": [{"enrollment": NOBODY, "score": 10**30}, {"score": "x"}, 3]}
    wrong = problem(Machine(client, stage.institution).post("/scores", nested), 422)["errors"]
    assert set(wrong) == {"scores.0.score", "scores.1.enrollment", "scores.1.score", "scores.2"}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "limit=1e1",
        "limit=99999999999999999999",
        "total=1",
        "state=",
        "state=x",
        "unit=1",
        "q=" + "长" * 51,
        "nothing=1",
        "limit=1&limit=2",
    ],
)
def test_a_wrong_parameter_is_refused_and_never_ignored(client: FlaskClient, stage: Stage, query: str) -> None:
    answer = client.get(f"/api/v1/persons?{query}", auth=(stage.province.login, PASSWORD))
    assert list(problem(answer, 422)["errors"]) == [query.partition("=")[0]]


@pytest.mark.parametrize("path", ["/persons?q=%00", "/persons?cursor=%00", "/reports/%00", "/units/%00", "/%00"])
def test_a_nul_is_malformed(client: FlaskClient, stage: Stage, path: str) -> None:
    problem(client.get(f"/api/v1{path}", auth=(stage.association.login, PASSWORD)), 400)


def test_a_broken_utf_8_and_a_strange_cursor_find_nothing(client: FlaskClient, stage: Stage) -> None:
    machine = Machine(client, stage.association)
    assert client.get("/api/v1/persons?q=%ED%A0%80", auth=(stage.association.login, PASSWORD)).json["items"] == []
    for cursor in ("x", "WyI-Il0", "WyI-IiwgIlx1MDAwMCIsICIxIl0", "bnVsbA", "e30", "WyI-IiwgMSwgMl0"):
        problem(machine.get("/persons", cursor=cursor), 404)
        problem(machine.get("/classes", cursor=cursor), 404)


def test_rules_are_told_like_on_the_pages_in_either_language(client: FlaskClient, stage: Stage) -> None:
    person = make_person(stage.unit, state="approved")
    for language in ("", "zh-CN", "fr", "en"):
        content = problem(Machine(client, stage.enterprise, language).send("DELETE", f"/persons/{person.id}"), 409)
        assert (content["type"], content["detail"].isascii()) == ("urn:anpei:problem:conflict", language == "en")
    refused = problem(
        Machine(client, stage.province, "en").post(f"/persons/{person.id}/deregister", {"reason": " "}), 422
    )
    assert (refused["type"], refused["errors"]["reason"].isascii()) == ("urn:anpei:problem:invalid_input", True)


@pytest.mark.parametrize(
    ("fault", "status"),
    [(RuntimeError("secret"), 500), (OperationalError("q", {}, Exception(), connection_invalidated=True), 503)],
)
def test_a_fault_tells_its_number_and_no_more(
    client: FlaskClient, stage: Stage, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    from service.models.queries.units import unit_list

    def fail(*_: Any) -> None:
        raise fault

    monkeypatch.setattr(unit_list, "units_query", fail)
    monkeypatch.setitem(client.application.config, "PROPAGATE_EXCEPTIONS", False)
    answer = Machine(client, stage.association).get("/units")
    problem(answer, status)
    assert "secret" not in answer.get_data(as_text=True)


def test_the_document_is_valid_and_names_every_address(client: FlaskClient, app: Flask) -> None:
    document = client.get("/api/openapi.json").json
    validate(document)
    assert document["openapi"] == "3.1.0"
    documented = {
        (path, method.upper())
        for path, operations in document["paths"].items()
        for method in operations
        if method != "parameters"
    }
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/") and not rule.endpoint.startswith("v1_unknown")
        for method in rule.methods or ()
        if method not in ("HEAD", "OPTIONS")
    }
    assert documented == served
    for operations in document["paths"].values():
        for operation in (inner for name, inner in operations.items() if name != "parameters"):
            chinese, _, english = operation["summary"].partition(" / ")
            assert chinese
            assert not chinese.isascii()
            assert english.isascii()
            assert english
            assert {"400", "401", "403", "429", "500", "503"} < set(operation["responses"])


def test_the_page_of_the_document_needs_nobody_and_nothing_from_elsewhere(client: FlaskClient) -> None:
    answer = client.get("/api/docs")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\bon\w+=|(?:src|href)=\"(?:https?:)?//", text)
    assert "/api/openapi.json" in text


def test_nothing_is_kept_by_a_cache(client: FlaskClient, stage: Stage) -> None:
    answer = Machine(client, stage.association).get("/persons")
    assert told(answer)["items"] == []
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in answer.headers
