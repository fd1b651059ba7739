"""schemathesis against ``/engine-rest``: no fault, and every answer is as its document says (issue 8)."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from service.domain.accounts import passwords
from service.models.db.session import session
from service.models.queries.camunda.listing import definition_id
from service.models.tables.case import Case, Task
from service.models.tables.user import User
from service.workflow.runtime import definitions
from tests.api.test_security_forgery import open_tasks as open_tasks
from tests.api.test_v1_schemathesis import run
from tests.conftest import LiveServer

EXAMPLES = 3  # that a generator thinks of, for each operation
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
CHECKS: dict[str, Any] = {"enabled": False, **{name: {"enabled": True} for name in KEPT}}
"""Camunda takes members that it does not know, and answers 404 to a method that an address does not have."""


def test_every_route_is_in_the_document(app: Flask) -> None:
    document = app.test_client().get("/api/engine-rest.json").json
    written = {
        (path.replace("{", "<").replace("}", ">"), way) for path, found in document["paths"].items() for way in found
    }
    routes = {
        (rule.rule, way.lower())
        for rule in app.url_map.iter_rules()
        for way in (rule.methods or set()) - {"OPTIONS", "HEAD"}
        if rule.endpoint.startswith("engine_rest.") and not rule.endpoint.endswith(".unknown")
    }
    assert written == routes


@pytest.mark.parametrize(("role", "least"), [("association", 24), ("enterprise", 20), ("audit_admin", 15)])
def test_schemathesis_finds_nothing(
    live_server: LiveServer, open_tasks: dict[str, Task], monkeypatch: pytest.MonkeyPatch, role: str, least: int
) -> None:
    monkeypatch.setattr(passwords, "locked_until", lambda *_: None)  # it tries wrong credentials by the hundred
    user = session().scalars(select(User).where(User.role == role).order_by(User.id)).first()
    assert user is not None
    current = definitions.current("training_class")
    known = {
        "id": [
            *(str(key) for key in session().scalars(select(Task.id).where(Task.state == "open"))),
            *(str(key) for key in session().scalars(select(Case.id).limit(20))),
            definition_id("training_class", current.number, current.digest),
        ],
        "key": ["training_class", "training_enrollment", "support_ticket"],
    }
    address = f"{live_server.url}/api/engine-rest.json"
    fuzzing = {"enabled": True, "generation": {"max-examples": EXAMPLES}}
    outcome = run(address, User.get(user.id) or user, known, CHECKS, coverage={"enabled": True}, fuzzing=fuzzing)
    assert not outcome.findings, "\n\n".join(outcome.findings.values())
    assert len(outcome.reached) >= least, sorted(outcome.reached)
