"""The task page: facts, form, draft, errors at their fields, and what happens when somebody was first."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.errors import NotFound
from service.models.db.clock import MovingClock
from service.models.db.session import session
from service.models.queries.runtime import inbox
from service.models.tables.runtime.case import Task
from service.workflow.runtime import tasks
from tests.builders.stage import Stage, enroll, make_stage, publish_class, task_of
from tests.builders.world import make_user, sign_in


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def task(stage: Stage) -> Task:
    return task_of(enroll(stage, publish_class(stage), stage.person(name="刘己巳")), "confirm_enrollment")


def send(client: FlaskClient, task_id: UUID, **fields: Any):  # type: ignore[no-untyped-def]
    page = client.get(f"/tasks/{task_id}").get_data(as_text=True)
    digest = re.search(r'name="form_digest" value="(\w+)"', page)
    return client.post(f"/tasks/{task_id}", data={"form_digest": digest[1] if digest else "", **fields})


def state_of(task: Task) -> str:
    session().expire_all()
    return session().get_one(Task, task.id).state


def test_the_page_shows_the_facts_the_form_and_the_history(client: FlaskClient, stage: Stage, task: Task) -> None:
    page = sign_in(client, stage.province).get(f"/tasks/{task.id}").get_data(as_text=True)
    assert "报名确认 · 刘己巳" in page
    assert stage.unit.name in page
    assert "本件经过" in page
    assert re.search(r'type="radio" name="decision" value="confirm" required', page)
    assert "data-required-if" in page
    assert "提交并看下一条" in page


def test_a_decision_moves_the_case(client: FlaskClient, stage: Stage, task: Task) -> None:
    answer = send(sign_in(client, stage.province), task.id, decision="confirm")
    assert answer.headers["Location"] == "/inbox"
    assert state_of(task) == "completed"
    assert "已提交：刘己巳" in client.get("/inbox").get_data(as_text=True)


def test_submitting_leads_to_the_next_of_the_same_kind(client: FlaskClient, stage: Stage, task: Task) -> None:
    other = task_of(enroll(stage, publish_class(stage), stage.person()), "confirm_enrollment")
    first, second = sorted([task, other], key=lambda t: (t.sort_at, t.id))
    answer = send(sign_in(client, stage.province), first.id, decision="confirm", then="next")
    assert answer.headers["Location"] == f"/tasks/{second.id}"
    assert send(client, second.id, decision="confirm", then="next").headers["Location"] == "/inbox"


def test_each_task_has_its_number_among_those_that_are_the_readers(
    client: FlaskClient, stage: Stage, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the first by 下一条 to the last: 1, 2, 3 of 3; what a colleague holds, or is of another kind, is not counted."""
    found = publish_class(stage)
    others = [task_of(enroll(stage, found, stage.person()), "confirm_enrollment") for _ in range(3)]
    colleague = make_user(stage.province.role, stage.province.organisation_id)
    tasks.claim(colleague, others[0].id)
    free = sorted([task, *others[1:]], key=lambda t: (t.sort_at, t.id))
    sign_in(client, stage.province)
    address, told = f"/tasks/{free[0].id}", []
    while address:
        page = client.get(address).get_data(as_text=True)
        told.append(re.findall(r"第 (\d+) / (\d+) 条", page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        address = following[1] if following else ""
    assert told == [[("1", "3")], [("2", "3")], [("3", "3")]]
    monkeypatch.setattr(inbox, "MAX_COUNTED", 2)  # as many as are beside the first
    assert "/ 3 条" not in client.get(f"/tasks/{free[0].id}").get_data(as_text=True)


def test_after_the_last_comes_the_one_that_was_passed_over(client: FlaskClient, stage: Stage, task: Task) -> None:
    other = task_of(enroll(stage, publish_class(stage), stage.person()), "confirm_enrollment")
    first, last = sorted([task, other], key=lambda t: (t.sort_at, t.id))
    answer = send(sign_in(client, stage.province), last.id, decision="confirm", then="next")
    assert answer.headers["Location"] == f"/tasks/{first.id}"


def test_a_task_about_nobody_is_told_by_its_own_name(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.association)
    started = client.post("/classes")
    draft = client.get(started.headers["Location"]).get_data(as_text=True)
    found = re.search(r'name="form_digest" value="(\w+)"', draft)
    assert found
    client.post(started.headers["Location"], data={"decision": "discard", "form_digest": found[1]})
    assert "已提交：拟定班次。" in client.get("/inbox").get_data(as_text=True)


def test_a_choice_that_is_not_offered_is_not_replaced_by_the_first(client: FlaskClient, stage: Stage) -> None:
    sign_in(client, stage.association)
    where = client.post("/classes").headers["Location"]
    task_id = UUID(where.rpartition("/")[2])
    answer = send(client, task_id, decision="keep", institution_id="00000000-0000-0000-0000-000000000000")
    select = re.search(r'<select[^>]*id="institution_id".*?</select>', answer.get_data(as_text=True), re.DOTALL)
    assert answer.status_code == 422
    assert select
    assert '<option value="">请选择</option>' in select[0]


def test_an_error_stands_at_its_field_and_what_was_typed_stays(client: FlaskClient, stage: Stage, task: Task) -> None:
    answer = send(sign_in(client, stage.province), task.id, decision="reject", reason="")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="reason-wrong"' in page
    assert re.search(r'value="reject" required checked', page)
    assert state_of(task) == "open"


def test_a_field_that_the_form_does_not_have_is_told(client: FlaskClient, stage: Stage, task: Task) -> None:
    answer = send(sign_in(client, stage.province), task.id, decision="confirm", state="approved")
    assert answer.status_code == 422
    assert "表单里没有这一项" in answer.get_data(as_text=True)


def test_what_was_typed_is_never_markup(client: FlaskClient, stage: Stage, task: Task) -> None:
    answer = send(sign_in(client, stage.province), task.id, decision="nonsense", reason="<script>alert(1)</script>")
    assert answer.status_code == 422
    assert "<script>alert" not in answer.get_data(as_text=True)


def test_the_second_officer_learns_who_was_first(client: FlaskClient, stage: Stage, task: Task) -> None:
    from tests.builders.world import authority_user

    colleague = authority_user()
    sign_in(client, colleague)
    page = client.get(f"/tasks/{task.id}").get_data(as_text=True)
    digest = re.search(r'name="form_digest" value="(\w+)"', page)
    assert digest
    tasks.complete(stage.province, task.id, {"decision": "confirm"})
    answer = client.post(f"/tasks/{task.id}", data={"form_digest": digest[1], "decision": "reject", "reason": "不同意"})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "已被处理" in page
    assert "张甲子 已于" in page
    assert "草稿" in page
    assert client.get(f"/tasks/{task.id}").status_code == 200


def test_a_stale_form_comes_back_with_what_was_typed(client: FlaskClient, stage: Stage, task: Task) -> None:
    sign_in(client, stage.province)
    answer = client.post(f"/tasks/{task.id}", data={"form_digest": "0123456789abcdef", "decision": "confirm"})
    assert answer.status_code == 422
    assert "表单已更换版本" in answer.get_data(as_text=True)
    assert state_of(task) == "open"


def test_out_of_scope_a_task_does_not_exist(client: FlaskClient, stage: Stage, task: Task) -> None:
    for user in (stage.other_province, stage.enterprise, stage.association, stage.institution, stage.ministry):
        sign_in(client, user)
        assert client.get(f"/tasks/{task.id}").status_code == 404
        assert client.post(f"/tasks/{task.id}", data={"decision": "confirm"}).status_code == 404
        assert client.post(f"/tasks/{task.id}/claim").status_code == 404
    assert state_of(task) == "open"


def test_a_claim_can_be_taken_back_from_the_message(client: FlaskClient, stage: Stage, task: Task) -> None:
    sign_in(client, stage.province).post(f"/tasks/{task.id}/claim")
    page = client.get(f"/tasks/{task.id}").get_data(as_text=True)
    assert f'action="/tasks/{task.id}/unclaim"' in page
    assert "退还待办" in page


def test_a_long_form_offers_the_choices_of_the_tables(client: FlaskClient, stage: Stage) -> None:
    from service.models.tables.units.organisation import authority_id

    data = {"organiser_id": str(authority_id("association")), "organiser_role": "association"}
    started = tasks.start(stage.association, "training_class", data)
    page = sign_in(client, stage.association).get(f"/tasks/{started.tasks[0]}").get_data(as_text=True)
    assert stage.centre.name in page
    assert 'name="qualification_types" value="MANAGER_PROD"' in page
    assert 'value="60"' in page


def test_a_wrong_score_comes_back_at_its_field(client: FlaskClient, stage: Stage, clock: MovingClock) -> None:
    from tests.builders.stage import at_nine, do

    training_class = publish_class(stage)
    case_id = enroll(stage, training_class, stage.person())
    do(stage.province, case_id, "confirm_enrollment", decision="confirm")
    clock.move_to(at_nine(training_class.starts_on))
    do(stage.association, case_id, "check_in")
    score = task_of(case_id, "record_score")
    answer = send(sign_in(client, stage.institution), score.id, score="101")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'id="score-wrong"' in page
    assert 'value="101"' in page
    assert state_of(score) == "open"


def test_a_task_is_handed_to_a_colleague_and_to_nobody_else(client: FlaskClient, stage: Stage, task: Task) -> None:
    from tests.builders.world import authority_user, make_user

    colleague = authority_user()
    other_role = make_user("group", stage.province.organisation_id)
    idle = [
        make_user("provincial_authority", stage.province.organisation_id, **more)
        for more in ({"state": "disabled"}, {"state": "locked"}, {"awaits_assent": True})
    ]
    sign_in(client, stage.province)
    assert f'value="{colleague.id}"' in client.get(f"/tasks/{task.id}").get_data(as_text=True)
    for stranger in (stage.other_province, other_role, *idle):
        assert client.post(f"/tasks/{task.id}/assign", data={"assignee": str(stranger.id)}).status_code == 422
        with pytest.raises(NotFound):  # the interface has no list of colleagues before it
            tasks.assign(stage.province, task.id, stranger.id)
    assert client.post(f"/tasks/{task.id}/assign", data={"assignee": str(colleague.id)}).status_code == 302
    session().expire_all()
    assert session().get_one(Task, task.id).assignee_id == colleague.id
