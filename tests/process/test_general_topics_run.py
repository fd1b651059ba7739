"""What the gate lets through of a general topic runs: each topic, each input parameter, each value nearly right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from xml.sax.saxutils import escape

import pytest
from flask import Flask

from service.config import OutboundHosts
from service.engine import StepError
from service.errors import AnpeiError
from service.handlers import general
from service.infrastructure import outbound_http
from service.models.db.clock import MovingClock
from service.models.tables.accounts.user import User
from service.workflow.processes import definitions
from service.workflow.runtime import jobs, tasks
from service.workflow.versions import deployments
from tests.builders.stage import make_stage
from tests.unit.name_mutations import near_miss
from tests.unit.validation_diagrams import chain, process

TEXTS = {"title": "第 {count} 件", "title_en": "No. {count}", "body": "说明：{word}", "body_en": "Said: {word}"}
GIVEN: dict[str, dict[str, str]] = {
    "general.set_state": {},
    "general.notify": {**TEXTS, "to_role": "association", "by_mail": "true", "to_organisation": "", "to_person": ""},
    "general.document": TEXTS,
    "general.start_case": {"process": "quiet", "variables": '${{"word": word}}', "business_key": "K-1"},
    "general.http": {"url": "https://partner.example/x", "method": "PUT", "content": "好", "secret": "mine"},
}
"""Each topic as it is right; ``""``: left out."""
ODD = (
    "",
    "true",
    "True",
    "ture",
    "ＴＲＵＥ",
    "1",
    "长" * 300,
    "x" * 70_000,
    "{kinds}",
    "{word_s}",
    "{ word }",
    "{word",
    "｛word｝",
    "{{word}}",
    "%(word)s 100%",
    "${word}",
    "${kinds}",
    "${1}",
    "${None}",
    "${True}",
    '${""}',
    '${"association"}',
    '${["association"]}',
    '${{"word": word}}',
    '${{"wrod": word}}',
    "${{}}",
    "${{word: 1}}",
    "${dict(word = word)}",
    "00000000-0000-4000-8000-000000000000",
    "${starter_id}",
    "${starter_organisation_id}",
)
COMPUTED = (
    "${word}",
    "${{word: 1}}",
    "${kinds}",
    "${dict(word = word)}",
    "${starter_id}",
    "${starter_organisation_id}",
)
"""Values that only a case has: what cannot be is a fault of its step, told in words."""
START = (
    {"type": "textfield", "key": "word", "label": "字", "validate": {"required": True}},
    {"type": "number", "key": "count", "label": "件数"},
    {"type": "checkbox", "key": "ticked", "label": "是否"},
    {
        "type": "checklist",
        "key": "kinds",
        "label": "类别",
        "values": [{"label": "甲", "value": "a"}, {"label": "乙", "value": "b"}],
    },
)


def form(*components: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": "default", "schemaVersion": 16, "components": components}).encode()


def begun(body: str, key: str) -> bytes:
    """A process of this key that the association starts with a form."""
    drawn = process(body, more='isExecutable="true" camunda:candidateStarterGroups="association"').decode()
    return drawn.replace('id="P"', f'id="{key}"').replace('id="s"', f'id="s" camunda:formKey="start_{key}"').encode()


def asking(topic: str, inputs: Mapping[str, str]) -> dict[str, bytes]:
    drawn = "".join(
        f'<camunda:inputParameter name="{name}">{escape(text)}</camunda:inputParameter>'
        for name, text in inputs.items()
        if text
    )
    task = (
        f'<serviceTask id="ask" camunda:type="external" camunda:topic="{topic}"><extensionElements>'
        f"<camunda:inputOutput>{drawn}</camunda:inputOutput></extensionElements></serviceTask>"
    )
    return {"asking.bpmn": begun(chain(task), "asking"), "start_asking.form": form(*START)}


def changed() -> Iterator[tuple[str, str, str]]:
    for topic, inputs in GIVEN.items():
        for name, right in inputs.items():
            for value in dict.fromkeys((right, near_miss(right or "xy"), right.upper(), f" {right} ", *ODD)):
                yield topic, name, value


@pytest.fixture
def failed(monkeypatch: pytest.MonkeyPatch) -> list[Exception]:
    """What jobs fail of; calls go nowhere."""
    allowed = OutboundHosts(frozenset({"https://partner.example:443"}), (), {"mine": b"key"})
    monkeypatch.setattr(outbound_http, "allowed_hosts", lambda: allowed)
    monkeypatch.setattr(outbound_http, "_address", lambda *_asked: "192.0.2.1")
    monkeypatch.setattr(outbound_http, "_exchange", lambda *_asked: b"")
    found: list[Exception] = []
    monkeypatch.setattr(jobs, "_fail", lambda _job, _lease, error: found.append(error))
    return found


def test_each_topic_is_here_with_each_of_its_parameters() -> None:
    assert {topic: set(inputs) for topic, inputs in GIVEN.items()} == {
        topic: set(inputs) for topic, inputs in general.INPUTS.items()
    }


def test_what_is_let_through_runs(app: Flask, clock: MovingClock, failed: list[Exception]) -> None:
    """A note or warning does not stop a deployment, so what has one runs, too."""
    association = make_stage().association.id
    deployments.deploy({"quiet.bpmn": begun(chain(), "quiet"), "start_quiet.form": form(START[0])})
    broken, ran = [], set()
    for topic, name, value in changed():
        files = asking(topic, GIVEN[topic] | {name: value})
        said = definitions.examine(files)
        if any(issue.is_refusal or issue.rule == "started_processes_are_there" for issue in said):
            continue
        deployments.deploy(files)
        failed.clear()
        try:
            tasks.start_by_key(
                User.get(association), "asking", {"word": "字", "count": "2", "ticked": True, "kinds": ["a"]}
            )
            jobs.run_all()
        except Exception as error:
            failed.append(error)
        told = (StepError, AnpeiError, outbound_http.CallRefused) if value in COMPUTED else ()
        ran.add((topic, name))
        broken += [f"{topic} {name}={value[:40]!r}: {one!r:.150}" for one in failed if not isinstance(one, told)]
    assert not broken, "\n".join(broken)
    assert ran == {(topic, name) for topic, inputs in GIVEN.items() for name in inputs}
