"""A suspended case: its task says so wherever it stands, and every act on it is refused with nothing typed lost."""

from __future__ import annotations

import re
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule

from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow, Task
from service.workflow.runtime import mends
from service.workflow.runtime.mends import Mend
from tests.api import rest_world, v1_world
from tests.api.v1_world import give_password
from tests.builders.stage import Stage, enroll, enrollment_of, make_stage, publish_class, task_of
from tests.builders.world import sign_in
from tests.process.small_process import person

WHY, TYPED = "等省里核对名单", "材料不全，须补毕业证"
SENTENCE = "这个案卷已暂停，恢复之前不能办理；请联系流程管理员。"


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def task(stage: Stage) -> Task:
    """The confirmation of an enrolment whose case the process administrator has suspended."""
    case_id = enroll(stage, publish_class(stage), stage.person(name="刘己巳"))
    mends.mend(person("kong", "process_admin"), case_id, Mend("suspend", WHY))
    return task_of(case_id, "confirm_enrollment")


def rules(app: Flask, prefix: str, argument: str) -> list[Rule]:
    """The acts on one task below an address."""
    of_task = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(prefix) and "POST" in rule.methods]
    return [rule for rule in of_task if rule.arguments == {argument}]


def seq(task: Task) -> int:
    query = select(JournalRow.seq).where(JournalRow.case_id == task.case_id).order_by(JournalRow.seq.desc())
    return session().scalars(query).first() or 0


def test_a_suspended_task_says_by_whom_and_why(client: FlaskClient, stage: Stage, task: Task) -> None:
    sign_in(client, stage.province)
    for address in ("/inbox", "/inbox?kind=training_enrollment/confirm_enrollment"):
        assert client.get(address).text.count("已暂停") == 1, address
    for address in (f"/tasks/{task.id}", f"/cases/{task.case_id}"):
        shown = client.get(address).text
        assert all(word in shown for word in ("案卷已暂停，恢复之前不能办理。", "kong", WHY)), address
    client.post("/language", data={"language": "en"})
    assert "Suspended" in client.get("/inbox").text
    assert "The case is suspended" in client.get(f"/tasks/{task.id}").text


def test_every_page_act_on_a_suspended_task_is_refused_and_keeps_what_was_typed(
    app: Flask, client: FlaskClient, stage: Stage, task: Task
) -> None:
    before = seq(task)
    sign_in(client, stage.province)
    digest = re.search(r'name="form_digest" value="(\w+)"', client.get(f"/tasks/{task.id}").text)
    assert digest
    typed = {"form_digest": digest[1], "decision": "reject", "reason": TYPED}
    colleague = person("colleague", "provincial_authority", stage.province.organisation_id)
    for rule in rules(app, "/tasks/", "task_id"):
        address = rule.rule.replace("<uuid:task_id>", str(task.id))
        typed["assignee"] = str(colleague.id)
        answer = client.post(address, data=typed)
        assert (answer.status_code, SENTENCE in answer.text, TYPED in answer.text) == (409, True, True), address
        part = client.post(address, data=typed, headers={"HX-Request": "true"})
        assert (part.status_code, "<html" in part.text) == (409, False), address
    kind = "training_enrollment/confirm_enrollment"
    chosen = {"task": str(task.id), "kind": kind, "decision": "confirm", "submission": str(UUID(int=1))}
    assert SENTENCE in client.post("/inbox/batch", data=chosen).text
    client.post("/inbox/claim", data=chosen)
    withdrawal = f"/enrollments/{enrollment_of(task.case_id).id}/withdraw"
    sign_in(client, stage.enterprise)
    answer = client.post(withdrawal, data={"reason": TYPED})
    assert (answer.status_code, SENTENCE in answer.text) == (409, True)
    assert (seq(task), task_of(task.case_id, "confirm_enrollment").assignee_id) == (before, None)


def test_every_call_on_a_suspended_task_is_refused(app: Flask, client: FlaskClient, stage: Stage, task: Task) -> None:
    before = seq(task)
    give_password()
    machine = rest_world.Machine(client, stage.province.login)
    shown = machine.get(f"/task/{task.id}").json
    assert shown["suspended"] is True
    acts = rules(app, "/engine-rest/task/", "id")
    assert len(acts) >= 5
    for rule in acts:
        address = rule.rule.removeprefix("/engine-rest").replace("<id>", str(task.id))
        answer = machine.post(
            address, {"variables": {"decision": {"value": "confirm"}}, "userId": stage.province.login}
        )
        assert (answer.status_code, answer.json["type"]) == (409, "SuspendedEntityInteractionException"), address
        assert answer.json["message"] == SENTENCE
    v1 = v1_world.Machine(client, stage.province)
    answer = v1.post(f"/enrollments/{enrollment_of(task.case_id).id}/confirm", {"decision": "confirm"})
    assert answer.status_code == 409
    assert SENTENCE in answer.text
    assert seq(task) == before
