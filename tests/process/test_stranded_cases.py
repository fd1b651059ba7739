"""Whoever proposes or approves a version knows how many running cases stand at what it has no more, and what to do."""

from __future__ import annotations

import html
from collections import Counter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service import engine
from service.models.db.session import session
from service.models.tables.runtime.case import Case, Task
from service.workflow.runtime import tasks
from service.workflow.versions import deployments, drafts
from service.workflow.versions.deployments import Author
from service.workflow.versions.stranded_cases import RULE, warnings_of_files
from tests.builders.approval import require_approval
from tests.builders.world import sign_in
from tests.process.small_process import DIAGRAM, FORM, deploy, person
from tests.process.test_version_changes import PLACES, deployed, drawn, renamed

GONE = DIAGRAM.replace('"look"', '"read"').replace('formKey="read"', 'formKey="look"')
ANOTHER_TYPE = DIAGRAM.replace("bpmn:exclusiveGateway", "bpmn:inclusiveGateway")


def told(files: dict[str, bytes]) -> dict[str, str]:
    return {one.element: one.zh for one in warnings_of_files(files)}


@pytest.mark.parametrize("name", PLACES)
def test_cases_are_counted_wherever_they_stand(app: Flask, clock: Any, name: str) -> None:
    """At tasks, joins, timers, instances, calls and events; nothing is said of what keeps its id."""
    files = drawn(name)
    deployed(files)
    for _ in range(2):
        tasks.start(None, "case", {"x": 1})
    states = session().scalars(select(Case.state).where(Case.ended_at.is_(None)))
    standing = Counter(place for state in states for place in {*engine.places(bytes(state))})
    assert standing
    assert told(files) == {}
    changed, goes = renamed(files)
    found = told(changed)
    assert found.keys() == standing.keys() & goes.keys() != set()
    assert all(text.startswith(f"{standing[place]} 件") for place, text in found.items())


def test_where_no_case_stands_nothing_is_said(app: Flask) -> None:
    deploy()
    assert told({"small.bpmn": GONE.encode(), "look.form": FORM.encode()}) == {}
    tasks.start(person("one", "association"), "small", {})
    assert told({"small.bpmn": ANOTHER_TYPE.encode(), "look.form": FORM.encode()}) == {}
    assert told({"small.bpmn": b"<broken", "look.form": FORM.encode()}) == {}
    assert "look" in told({"small.bpmn": GONE.encode(), "look.form": FORM.encode()})


@pytest.mark.parametrize(
    ("language", "said"), [("zh", "1 件在办案卷停在"), ("en", 'Running cases that stand at "View" (look): 1.')]
)
def test_it_is_said_wherever_one_proposes_or_approves(client: FlaskClient, language: str, said: str) -> None:
    """In the studio, in the answer to a deployment, on the page of the version, and to the approver."""
    deploy()
    tasks.start(person("one", "association"), "small", {})
    require_approval()
    proposer, approver = person("proposer", "process_admin"), person("approver", "process_admin")
    sign_in(client, proposer)
    client.post("/language", data={"language": language})
    files = {"small.bpmn": GONE, "look.form": FORM}
    saved = client.post("/studio/small/draft", json={"files": files, "version": 0})
    assert saved.json is not None
    findings = [one for one in saved.json["findings"] if one["rule"] == RULE]
    assert {one["element"] for one in findings} == {"look"}
    assert all(said in one["text"] and one["remedy"] for one in findings)
    done = deployments.deploy(
        {name: text.encode() for name, text in files.items()}, Author("page", proposer, note="改")
    )
    assert done.change is not None
    assert [one.element for one in done.warnings if one.rule == RULE] == [one["element"] for one in findings]
    task = session().scalars(select(Task.id).where(Task.case_id == done.change.case_id)).one()
    assert said in html.unescape(client.get("/processes/small?version=2").text)
    sign_in(client, approver)
    client.post("/language", data={"language": language})
    page = html.unescape(client.get(f"/tasks/{task}").text)
    assert said in page
    assert findings[0]["remedy"] in page
    assert drafts.judge("small", files)[0][0].is_warning
