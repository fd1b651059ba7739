"""Several tasks are handed over with one question, and the desk sees what each has claimed."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow, Task
from service.workflow.runtime import tasks
from tests.builders.stage import make_stage
from tests.builders.world import make_user, sign_in
from tests.process.small_process import deploy


def holder(task_id: Any) -> Any:
    query = select(Task.assignee_id).where(Task.id == task_id)
    return session().scalar(query.execution_options(populate_existing=True))


def test_tasks_of_a_colleague_are_found_by_person_and_handed_over_with_one_question(
    app: Flask, client: FlaskClient, clock: Any
) -> None:
    deploy()
    stage = make_stage()
    ill, third = stage.association, make_user("association", stage.association.organisation_id, display_name="何接手")
    found = [tasks.start(ill, "small", {"n": 1}).tasks[0] for _ in range(3)]
    for task_id in found[:2]:
        tasks.claim(ill, task_id)
    sign_in(client, stage.colleague)
    shown = client.get("/inbox/workload").text
    assert re.search(rf'<td class="inl">2</td>.*?holder={ill.id}', shown, re.DOTALL)
    rows = client.get(f"/inbox?holder={ill.id}").text
    assert [f"task-{task_id}" in rows for task_id in found] == [True, True, False]
    form = {"task": [str(key) for key in found[:2]], "holder": str(ill.id)}
    question = client.post("/inbox/assign", data=form)
    assert "转交 2 条" in question.text
    assert f'value="{third.id}"' in question.text
    assert {holder(key) for key in found[:2]} == {ill.id}
    answer = client.post("/inbox/assign", data=form | {"assignee": str(third.id)}, follow_redirects=True)
    assert "已转交何接手 2 条" in answer.text
    assert {holder(key) for key in found[:2]} == {third.id}
    noted = select(JournalRow.actor_id).where(JournalRow.kind == "assign")
    assert list(session().scalars(noted)) == [stage.colleague.id] * 2


def test_only_a_colleague_of_the_desk_is_handed_tasks_and_nothing_is_seen_by_others(
    app: Flask, client: FlaskClient, clock: Any
) -> None:
    deploy()
    stage = make_stage()
    task_id = tasks.start(stage.association, "small", {"n": 1}).tasks[0]
    tasks.claim(stage.association, task_id)
    sign_in(client, stage.colleague)
    for to in (stage.ministry, stage.enterprise, stage.colleague):
        form = {"task": str(task_id), "assignee": str(to.id), "asked": "1"}
        asked = client.post("/inbox/assign", data=form).text
        assert str(to.id) not in asked.partition('name="assignee"')[2]
        assert holder(task_id) == stage.association.id
    sign_in(client, stage.ministry)
    assert "还没有同事领取待办" in client.get("/inbox/workload").text
    assert str(task_id) not in client.get(f"/inbox?holder={stage.association.id}").text
    colleague = make_user("ministry", stage.ministry.organisation_id)
    form = {"task": str(task_id), "assignee": str(colleague.id), "asked": "1"}
    assert "没有转交" in client.post("/inbox/assign", data=form, follow_redirects=True).text
    assert holder(task_id) == stage.association.id


def test_a_task_without_a_subject_is_found_by_its_own_name(client: FlaskClient, clock: Any) -> None:
    deploy()
    stage = make_stage()
    task_id = tasks.start(stage.association, "small", {"n": 1}).tasks[0]
    sign_in(client, stage.association)
    assert f"task-{task_id}" in client.get("/inbox?find=查看").text
    assert f"task-{task_id}" not in client.get("/inbox?find=签批").text
