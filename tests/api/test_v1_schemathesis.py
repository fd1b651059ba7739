"""schemathesis against ``/api/v1``: what the document allows and what it does not, as several roles; it must find nothing."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from service.domain.accounts import passwords
from service.domain.accounts.attempts import Pace
from service.models.db.clock import today
from service.models.tables.accounts.user import User
from service.models.tables.persons.identity_correction import CorrectionFile
from service.workflow.persons import corrections, person_records
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.api.v1_world import PASSWORD, give_password, make_world
from tests.builders.stage import Stage, at_nine, certificates_of, do, enroll, enrollment_of, publish_class
from tests.builders.world import make_certificate, make_person, make_unit, portrait
from tests.conftest import LiveServer

SEED = 20261124
ACCEPTED = ["2xx", "401", "403", "404", "409", "429"]
EXAMPLES = 4  # that a generator thinks of, for each operation, well formed and not
NAMED = 0.8  # share of the addresses that name something there is
ENTRY = {
    "name": "陈戊辰",
    "id_number": "370000198001010025",
    "qualification_type": "MANAGER_PROD",
    "no_criminal_record": "true",
}


@schemathesis.check
def what_the_document_allows_is_refused_by_rules_alone(_context: Any, response: Any, case: Any) -> None:
    """A request that fits the document may break a rule of the business (422 ``invalid_input``); it is never malformed."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive and response.status_code in (400, 413, 415, 422):
        assert response.json()["type"] == "urn:anpei:problem:invalid_input", response.text


@pytest.fixture
def stage(app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(passwords, "locked_until", lambda *_: None)  # it tries wrong credentials by the hundred
    monkeypatch.setattr(Pace, "waits_until", lambda *_: None)
    return make_world()


def populate(stage: Stage, clock: Any) -> dict[str, list[str]]:
    """Cases and rows in many states, so that every operation meets something; ids by the name of the parameter."""
    persons = [stage.person() for _ in range(9)]
    ready = publish_class(stage)
    found = [enroll(stage, ready, person) for person in persons[:6]]
    for case in found[1:]:
        do(stage.province, case, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(ready.starts_on))
    jobs.run_all()
    for case in found[2:]:
        do(stage.association, case, "check_in")
    for case in found[3:]:
        do(stage.institution, case, "record_score", score="85.5")
    for case in found[4:]:
        do(stage.association, case, "confirm_score", decision="confirm")
    pending = person_records.save_and_submit(stage.enterprise, None, ENTRY, portrait())
    elsewhere = make_unit("enterprise", "41")
    stranger = make_person(elsewhere)
    held = [
        make_certificate(persons[7]),
        make_certificate(persons[8], today() - timedelta(days=3)),
        make_certificate(stranger),
    ]
    rows: dict[str, Any] = {
        "unit_id": [stage.unit, elsewhere, make_unit("group", "37")],
        "person_id": [*persons, pending, stranger, make_person(stage.unit, state="draft")],
        "class_id": [ready, publish_class(stage)],
        "enrollment_id": [enrollment_of(case) for case in found],
        "certificate_id": [*held, *(row for person in persons for row in certificates_of(person))],
    }
    raw = {"kind": "typing", "statement": "录入时错一字。", "name": "陈戊臣"}
    files = [("户口簿.jpg", portrait())]
    rows["correction_id"] = [corrections.request_correction(stage.enterprise, persons[7].id, raw, files)]
    rows["file_id"] = CorrectionFile.of(rows["correction_id"][0].id)
    enrollments.refresh_need()
    give_password()
    return {name: [str(row.id) for row in kept] for name, kept in rows.items()}


@dataclass
class Outcome:
    """What a run came to: findings, each to be sent again, and how often each operation answered with which status."""

    findings: dict[tuple[str, str], str] = field(default_factory=dict)
    statuses: dict[str, dict[int, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))

    @property
    def reached(self) -> set[str]:
        """The operations that did their work at least once."""
        return {name for name, found in self.statuses.items() if any(200 <= status < 300 for status in found)}

    def note(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            self.findings["error", str(event)] = str(getattr(event, "info", None) or getattr(event, "exception", event))
        if not isinstance(event, events.ScenarioFinished):
            return
        for sent in event.recorder.interactions.values():
            if sent.response is not None and sent.request.method in (event.label or ""):
                self.statuses[event.label or ""][sent.response.status_code] += 1
        for check in (check for checks in event.recorder.checks.values() for check in checks):
            if check.failure_info is not None:
                told = check.failure_info.failure
                text = f"{event.label}: {told.title}\n{told.message}\n{check.failure_info.code_sample}"
                self.findings.setdefault((str(event.label), told.title), text)


# 422 is how a rule of the business refuses what the document allows, 412 how If-Match does: see the check above
CHECKS: dict[str, Any] = {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "412", "422"]}}


def run(
    address: str, user: User, known: dict[str, list[str]], checks: dict[str, Any] | None = None, **phases: Any
) -> Outcome:
    """All that schemathesis sends as this user, always the same. address: of the OpenAPI document."""
    settings = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "auth": {"basic": {"username": user.login, "password": PASSWORD}},
            "generation": {"deterministic": True, "no-shrink": True, "database": "none"},
            "phases": {name: {"enabled": False} for name in ("examples", "coverage", "fuzzing", "stateful")} | phases,
            "checks": checks or CHECKS,
        }
    )
    schema = schemathesis.openapi.from_url(address, config=settings)
    chance = random.Random(SEED)

    @schema.hook
    def map_case(_context: Any, case: Any) -> Any:
        """Most of what is well formed names something that there is."""
        if case.meta is not None and case.meta.generation.mode.is_positive:
            for name in set(case.path_parameters or {}) & set(known):
                if chance.random() < NAMED:
                    case.path_parameters[name] = chance.choice(known[name])
        return case

    outcome = Outcome()
    for event in from_schema(schema).execute():
        outcome.note(event)
    return outcome


@pytest.mark.parametrize(
    ("role", "coverage", "least"),
    [
        ("association", True, 28),
        ("province", False, 18),
        ("enterprise", False, 18),
        ("ministry", False, 12),
        ("institution", False, 12),
    ],
)
def test_schemathesis_finds_nothing(
    live_server: LiveServer, stage: Stage, clock: Any, role: str, coverage: bool, least: int
) -> None:
    """Once every boundary of every parameter, by the role that may most; and as each role what a generator thinks of."""
    known = populate(stage, clock)
    fuzzing = {"enabled": True, "generation": {"max-examples": EXAMPLES}}
    address = f"{live_server.url}/api/openapi.json"
    outcome = run(address, getattr(stage, role), known, coverage={"enabled": coverage}, fuzzing=fuzzing)
    assert not outcome.findings, "\n\n".join(outcome.findings.values())
    assert len(outcome.reached) >= least, sorted(outcome.reached)
