"""schemathesis against ``/api/v1``: what the document allows and what it does not, as several roles; it must find nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from flask import Flask
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from service.domain import passwords
from service.models import User, authority_id, today
from tests.api.v1_world import PASSWORD, give_password, make_world
from tests.builders.stage import Stage
from tests.builders.trained import decide_needs, make_enrollment
from tests.builders.world import make_certificate, make_class, make_person, make_photo, make_unit
from tests.conftest import LiveServer

ACCEPTED = ("2xx", "401", "403", "404", "409", "429")
EXAMPLES = 6  # of one operation and phase
STAT: dict = {}
KNOWN_SHARE = 0.8  # of the addresses that name something there is


@dataclass(frozen=True)
class Ids:
    """What there is to be asked for, by the name of the parameter."""

    known: dict[str, list[str]]


def populate(stage: Stage) -> Ids:
    """Rows in many states, so that operations meet something to work on."""
    day = today()
    branch = make_unit("enterprise", "41")
    persons = [stage.person() for _ in range(8)] + [
        make_person(stage.unit, state=state) for state in ("draft", "pending", "rejected", "approved")
    ]
    make_photo(persons[-1])
    stranger = make_person(branch)
    ready = make_class(institution=stage.centre, starts_on=day, ends_on=day + timedelta(days=2), enrol_until=day)
    later = make_class("initial", organiser=authority_id("association"), institution=stage.centre)
    states = (("pending",), ("confirmed",), ("checked_in",), ("scored", 850), ("completed", 900), ("failed", 300, None))
    enrollments = [
        make_enrollment(person, ready, state, *scores)
        for person, (state, *scores) in zip(persons, states, strict=False)
    ]
    certificates = [
        make_certificate(persons[6]), make_certificate(persons[7], day + timedelta(days=-3)),
        make_certificate(stranger), make_certificate(persons[4], state="issued"),
    ]  # fmt: skip
    decide_needs()
    give_password()
    rows = {
        "unit_id": [stage.unit, branch], "person_id": [*persons, stranger], "class_id": [ready, later],
        "enrollment_id": enrollments, "certificate_id": certificates,
    }  # fmt: skip
    return Ids({name: [str(row.id) for row in found] for name, found in rows.items()})


def configuration(user: User) -> SchemathesisConfig:
    return SchemathesisConfig.from_dict(
        {
            "seed": 20261124,
            "auth": {"basic": {"username": user.login, "password": PASSWORD}},
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True, "database": "none"},
            "phases": {"stateful": {"enabled": False}},
            # 422 is how a rule of the business refuses what the document allows, 412 how If-Match does: see the check below
            "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "412", "422"]}},
        }
    )


@pytest.fixture
def stage(app: Flask, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(passwords, "locked_until", lambda *_: None)  # it tries wrong credentials by the hundred
    return make_world()


@schemathesis.check
def what_the_document_allows_is_refused_by_rules_alone(_context: Any, response: Any, case: Any) -> None:
    """A request that fits the document may break a rule of the business (422 ``invalid_input``); it is never malformed."""
    is_positive = case.meta is not None and case.meta.generation.mode.is_positive
    if is_positive and response.status_code in (400, 413, 415, 422):
        assert response.json()["type"] == "urn:anpei:problem:invalid_input", response.text


def findings(url: str, user: User, ids: Ids) -> Iterator[str]:
    """What schemathesis finds as this user, told so that it can be sent again."""
    schema = schemathesis.openapi.from_url(f"{url}/api/openapi.json", config=configuration(user))
    chance = random.Random(1)

    @schema.hook
    def map_path_parameters(_context: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        for name in parameters or {}:
            if name in ids.known and chance.random() < KNOWN_SHARE:
                parameters[name] = chance.choice(ids.known[name])
        return parameters

    seen = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.NonFatalError | events.FatalError):
            yield str(getattr(event, "info", None) or getattr(event, "exception", event))
        if isinstance(event, events.ScenarioFinished):
            for i in event.recorder.interactions.values():
                if i.response is not None:
                    import collections
                    STAT.setdefault(event.label, collections.Counter())[i.response.status_code] += 1
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        key = (event.label, failure.title)
                        if key not in seen:
                            seen.add(key)
                            yield f"{event.phase} {event.label}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}\n"


@pytest.mark.parametrize("role", ["association", "province", "enterprise", "ministry", "institution"])
def test_schemathesis_finds_nothing(live_server: LiveServer, stage: Stage, role: str) -> None:
    found = list(findings(live_server.url, getattr(stage, role), populate(stage)))
    n=0
    for k,v in sorted(STAT.items()):
        print(k,dict(v)); n+=sum(v.values())
    print("TOTAL",n)
    assert not found, "\n\n".join(found)
