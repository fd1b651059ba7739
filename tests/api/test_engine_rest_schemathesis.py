"""schemathesis against ``/engine-rest``: no fault, and every answer is as its document says."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from service.domain.accounts import passwords
from service.domain.accounts.attempts import Pace
from service.models.db.session import session
from service.models.queries.camunda.listing import definition_id
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task
from service.workflow.processes import definitions
from tests.api.test_pages_fuzz import DECEIT
from tests.api.test_security_forgery import open_tasks as open_tasks
from tests.api.test_v1_schemathesis import run
from tests.builders.stage import known as known_user
from tests.builders.stored import texts_with
from tests.conftest import LiveServer

EXAMPLES = 3  # that a generator thinks of, for each operation
KEPT = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
CHECKS: dict[str, Any] = {"enabled": False, **{name: {"enabled": True} for name in KEPT}}
"""Camunda takes members that it does not know, and answers 404 to a method that an address does not have."""


@pytest.mark.parametrize(
    ("role", "least"),
    [
        ("association", 18),
        ("provincial_authority", 18),
        ("enterprise", 18),
        ("training_institution", 18),
        ("audit_admin", 12),
    ],
)
def test_schemathesis_finds_nothing(
    live_server: LiveServer,
    open_tasks: dict[str, Task],
    monkeypatch: pytest.MonkeyPatch,
    role: str,
    least: int,
) -> None:
    """As each role what a generator thinks of, well formed and not; hostile values by the hundred: test_pages_fuzz.py."""
    monkeypatch.setattr(passwords, "locked_until", lambda *_: None)  # it tries wrong credentials by the hundred
    monkeypatch.setattr(Pace, "waits_until", lambda *_: None)
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
    outcome = run(address, known_user(user), known, CHECKS, fuzzing=fuzzing)
    assert not outcome.findings, "\n\n".join(outcome.findings.values())
    assert len(outcome.reached) >= least, sorted(outcome.reached)
    assert texts_with(DECEIT) == {}
