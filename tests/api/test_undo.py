"""撤回 on the pages and over REST (R83): one completion and a batch, by whoever did them."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from service.models.db.clock import MovingClock
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.runtime.case import Task
from service.workflow.runtime import jobs, tasks
from tests.api.v1_world import Machine, make_world, told
from tests.builders.stage import Stage, enroll, enrollment_of, publish_class, task_of
from tests.builders.world import sign_in

KIND = "training_enrollment/confirm_enrollment"
UNDO = re.compile(r'action="(/(?:tasks|batches)/[^"]+/undo)"')


@pytest.fixture
def stage(client: FlaskClient, clock: MovingClock) -> Stage:
    return make_world()


def enrolments(stage: Stage, n: int) -> list[UUID]:
    course = publish_class(stage)
    return [enroll(stage, course, stage.person(name=f"陈甲{'子丑寅'[i]}")) for i in range(n)]


def open_of(cases: list[UUID]) -> list[UUID]:
    query = select(Task.id).where(Task.case_id.in_(cases), Task.kind == KIND, Task.state == "open")
    return list(session().scalars(query.order_by(Task.id)))


def follow(client: FlaskClient, answer: Any) -> str:
    while answer.status_code in (302, 303):
        answer = client.get(answer.headers["Location"])
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_one_completion_is_taken_back_from_its_note_and_from_the_list(client: FlaskClient, stage: Stage) -> None:
    [case] = enrolments(stage, 1)
    sign_in(client, stage.province)
    task = task_of(case, "confirm_enrollment")
    digest = re.search(r'name="form_digest" value="([^"]+)"', client.get(f"/tasks/{task.id}").text)
    assert digest
    for place in ("note", "list"):
        sent = {"decision": "confirm", "form_digest": digest[1]}
        page = follow(client, client.post(f"/tasks/{task.id}", data=sent))
        page = page if place == "note" else follow(client, client.get("/inbox?view=done"))
        address = UNDO.search(page)
        assert address, place
        assert enrollment_of(case).state == "confirmed"
        page = follow(client, client.post(address[1]))
        assert "已撤回：陈甲子" in page
        assert enrollment_of(case).state == "pending"
        assert "撤回" in page  # stands in the story of the case
        again = client.post(address[1])
        assert (again.status_code, "这项办理已经撤回" in again.text) == (409, True)
    assert not UNDO.search(client.get("/inbox?view=done").text)


def test_a_batch_is_taken_back_and_who_cannot_be_any_more_is_named(
    client: FlaskClient, stage: Stage, clock: MovingClock
) -> None:
    cases = enrolments(stage, 3)
    sign_in(client, stage.province)
    chosen = [str(key) for key in open_of(cases)]
    sent = {"kind": KIND, "task": chosen, "decision": "confirm", "submission": str(new_id())}
    page = follow(client, client.post("/inbox/batch", data=sent))
    address = UNDO.search(page)
    assert address
    tasks.claim(stage.association, task_of(cases[0], "check_in").id)
    page = follow(client, client.post(address[1]))
    assert "2 条已撤回，1 条不能撤回" in page
    assert "陈甲子" in page
    assert "之后已有人接着办理" in page
    assert [enrollment_of(case).state for case in cases] == ["confirmed", "pending", "pending"]
    assert client.post(f"/batches/{new_id()}/undo").status_code == 404
    clock.move(timedelta(minutes=11))
    assert not UNDO.search(client.get("/inbox?view=done").text)


def test_rest_takes_back_one_and_what_a_key_completed(client: FlaskClient, stage: Stage) -> None:
    cases = enrolments(stage, 2)
    ids = [str(enrollment_of(case).id) for case in cases]
    province, key = Machine(client, stage.province), str(new_id())
    given = {"enrollments": ids, "decision": "confirm"}
    assert told(province.post("/enrollments/confirm", given, Idempotency_Key=key))["done"] == 2
    assert Machine(client, stage.association).post(f"/batches/{key}/undo").status_code == 404
    undone = told(province.post(f"/batches/{key}/undo"))
    assert (undone["done"], [row["enrollment"] for row in undone["results"]]) == (2, ids)
    assert [enrollment_of(case).state for case in cases] == ["pending", "pending"]
    told(province.post(f"/enrollments/{ids[0]}/confirm", {"decision": "confirm"}))
    done = session().scalars(select(Task.id).where(Task.case_id == cases[0], Task.state == "completed")).one()
    assert Machine(client, stage.other_province).post(f"/tasks/{done}/undo").status_code == 404
    assert province.post(f"/tasks/{done}/undo").status_code == 204
    assert told(province.post(f"/tasks/{done}/undo"), 409)["detail"]


def test_the_setting_says_for_how_long(app: Flask, client: FlaskClient, stage: Stage, clock: MovingClock) -> None:
    from service.models.db.transaction import Operation, transaction
    from service.models.tables.system import setting
    from service.models.tables.system.setting import Setting

    with transaction(Operation("test")) as current:
        current.add(Setting(id=new_id(), key="undo_minutes", value="0"))
    setting.forget()
    [case] = enrolments(stage, 1)
    done = task_of(case, "confirm_enrollment").id
    tasks.complete(stage.province, done, {"decision": "confirm"})
    jobs.run_all()
    sign_in(client, stage.province)
    assert not UNDO.search(client.get("/inbox?view=done").text)
    late = client.post(f"/tasks/{done}/undo")
    assert (late.status_code, "已超过可撤回的 0 分钟" in late.text) == (409, True)
