"""A case walked through ``/engine-rest``: start, list, claim, complete, history; and everything that must be refused."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow, Task
from tests.api.queries import counted
from tests.api.rest_world import Machine, World, make_world, open_task, start

AGREE = {"variables": {"decision": {"value": "agree", "type": "String"}}}


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


@pytest.fixture
def officer(client: FlaskClient, world: World) -> Machine:
    return Machine(client, "officer-a")


def test_a_case_runs_from_start_to_end(client: FlaskClient, officer: Machine) -> None:
    case = start(client)
    task = open_task(officer, case)
    assert (task["taskDefinitionKey"], task["name"], task["assignee"], task["taskState"]) == (
        "review",
        "省级审核",
        None,
        "Created",
    )
    assert officer.post(f"/task/{task['id']}/complete", AGREE).status_code == 204
    association = Machine(client, "association")
    task = open_task(association, case)
    done = association.post(
        f"/task/{task['id']}/complete",
        {"variables": {"score": {"value": 85.5, "type": "Double"}}, "withVariablesInReturn": True},
    )
    assert done.status_code == 200
    assert done.json["score"] == {"type": "Integer", "value": 855, "valueInfo": {}}
    past = association.get(f"/history/process-instance/{case}").json
    assert (past["state"], past["businessKey"], past["startUserId"]) == ("COMPLETED", "T-1", "enterprise")
    assert association.get(f"/process-instance/{case}").status_code == 404


def test_every_passage_through_an_element_is_in_the_history(client: FlaskClient, officer: Machine) -> None:
    case = start(client)
    officer.post(f"/task/{open_task(officer, case)['id']}/complete", AGREE)
    association = Machine(client, "association")
    rows = association.get(
        "/history/activity-instance", processInstanceId=case, sortBy="startTime", sortOrder="asc"
    ).json
    found = {(row["activityId"], row["activityType"], row["assignee"], row["endTime"] is not None) for row in rows}
    assert found == {
        ("start", "startEvent", None, True),
        ("review", "userTask", "officer-a", True),
        ("grade", "userTask", None, False),
    }
    review = next(row for row in rows if row["activityId"] == "review")
    assert review["activityName"] == "省级审核"
    assert review["taskId"] == review["id"].partition(":")[2]
    assert association.get("/history/activity-instance/count", processInstanceId=case, unfinished="true").json == {
        "count": 1
    }
    only = association.get("/history/activity-instance", activityId="review", taskAssignee="officer-a").json
    assert [row["processInstanceId"] for row in only] == [case]


def test_the_shape_of_a_task_is_camundas(client: FlaskClient, officer: Machine) -> None:
    task = open_task(officer, start(client))
    assert set(task) == {
        "id",
        "name",
        "assignee",
        "created",
        "due",
        "followUp",
        "lastUpdated",
        "delegationState",
        "description",
        "executionId",
        "owner",
        "parentTaskId",
        "priority",
        "processDefinitionId",
        "processInstanceId",
        "taskDefinitionKey",
        "caseExecutionId",
        "caseInstanceId",
        "caseDefinitionId",
        "suspended",
        "formKey",
        "camundaFormRef",
        "tenantId",
        "taskState",
    }
    assert task["formKey"] == "rest_review"
    assert task["processDefinitionId"].startswith("rest_trial:1:")
    assert officer.get(f"/task/{task['id']}").json == task
    assert officer.get(f"/task/{task['id']}/form").json["key"] == "rest_review"
    assert officer.get(f"/task/{task['id']}/deployed-form").json["id"] == "rest_review"


def test_the_variables_of_a_task_are_the_data_of_its_case(client: FlaskClient, officer: Machine) -> None:
    task = open_task(officer, start(client))
    variables = officer.get(f"/task/{task['id']}/variables").json
    assert variables["authority_id"]["type"] == "String"


def test_two_officers_on_one_task_the_second_is_told_and_nothing_happens_twice(
    client: FlaskClient, officer: Machine
) -> None:
    case = start(client)
    task = open_task(officer, case)
    assert officer.post(f"/task/{task['id']}/complete", AGREE).status_code == 204
    late = Machine(client, "officer-b").post(f"/task/{task['id']}/complete", AGREE)
    assert late.status_code == 409
    assert late.json == {"type": "OptimisticLockingException", "message": "已被处理", "code": 1}
    assert session().scalar(select(func.count()).where(JournalRow.case_id == case)) == 2


def test_officers_who_press_at_the_same_moment_complete_a_task_once(app: Flask, world: World) -> None:
    case = start(app.test_client())
    task = open_task(Machine(app.test_client(), "officer-a"), case)
    ready, answers = threading.Barrier(4), []

    def press(login: str) -> None:
        machine = Machine(app.test_client(), login)
        machine.get("/version")
        ready.wait()
        answers.append(machine.post(f"/task/{task['id']}/complete", AGREE).status_code)

    threads = [threading.Thread(target=press, args=(login,)) for login in ("officer-a", "officer-b") * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [204, 409, 409, 409]
    assert session().scalar(select(func.count()).where(JournalRow.case_id == case)) == 2
    assert session().scalar(select(func.count()).where(Task.case_id == case)) == 2


def test_a_claimed_task_is_a_colleagues_and_leaves_the_candidates_list(client: FlaskClient, officer: Machine) -> None:
    task, other = open_task(officer, start(client)), Machine(client, "officer-b")
    assert officer.post(f"/task/{task['id']}/claim", {"userId": "officer-a"}).status_code == 204
    assert officer.get(f"/task/{task['id']}").json["assignee"] == "officer-a"
    assert other.post(f"/task/{task['id']}/claim", {"userId": "officer-b"}).status_code == 409
    assert other.get("/task", candidateGroup="provincial_authority").json == []
    assert len(other.get("/task", candidateGroup="provincial_authority", includeAssignedTasks="true").json) == 1
    assert other.get("/task/count", assignee="officer-a").json == {"count": 1}
    assert other.post(f"/task/{task['id']}/unclaim").status_code == 403
    assert officer.post(f"/task/{task['id']}/unclaim").status_code == 204
    assert other.post(f"/task/{task['id']}/claim").status_code == 204
    assert other.post(f"/task/{task['id']}/assignee", {"userId": "officer-a"}).status_code == 204
    assert other.post(f"/task/{task['id']}/assignee", {"userId": "nobody"}).status_code == 404
    assert other.post(f"/task/{task['id']}/assignee", {"userId": 3}).status_code == 400


@pytest.mark.parametrize("operation", ["claim", "unclaim", "complete"])
@pytest.mark.parametrize("forged", ["5f0c6a2e-9b1d-4e7a-8c3f-2d1b0a9e8f7c", "1", "..%2f..", "a' OR 1=1"])
def test_a_forged_task_id_is_not_found(officer: Machine, operation: str, forged: str) -> None:
    answer = officer.post(f"/task/{forged}/{operation}", {})
    assert answer.status_code == 404
    assert set(answer.json) == {"type", "message", "code"}


def test_a_task_of_another_province_does_not_exist(client: FlaskClient, officer: Machine) -> None:
    case = start(client, province="42", login="association")
    task = open_task(Machine(client, "officer-42"), case)
    assert officer.get(f"/task/{task['id']}").status_code == 404
    assert officer.get(f"/task/{task['id']}/variables").status_code == 404
    assert officer.post(f"/task/{task['id']}/complete", AGREE).status_code == 404
    assert officer.get("/task", processInstanceId=case).json == []
    assert officer.get("/task/count").json == {"count": 0}


@pytest.mark.parametrize("score", [101, -1, 85.55, "many", True])
def test_a_wrong_score_is_refused_at_its_field_and_nothing_is_written(
    client: FlaskClient, officer: Machine, score: Any
) -> None:
    case = start(client)
    officer.post(f"/task/{open_task(officer, case)['id']}/complete", AGREE)
    association = Machine(client, "association")
    task = open_task(association, case)
    answer = association.post(f"/task/{task['id']}/complete", {"variables": {"score": {"value": score}}})
    assert answer.status_code == 400
    assert answer.json["type"] == "InvalidRequestException"
    assert set(answer.json["fields"]) == {"score"}
    assert open_task(association, case) == task
    assert session().scalar(select(func.count()).where(JournalRow.case_id == case)) == 2


@pytest.mark.parametrize(
    "variables", [{}, {"decision": {"value": "perhaps"}}, {"decision": {"value": "agree"}, "colour": {"value": "red"}}]
)
def test_a_form_that_does_not_fit_is_refused_as_on_the_pages(
    client: FlaskClient, officer: Machine, variables: dict[str, Any]
) -> None:
    task = open_task(officer, start(client))
    answer = officer.post(f"/task/{task['id']}/complete", {"variables": variables})
    assert answer.status_code == 400
    assert answer.json["fields"]


def test_messages_come_in_the_readers_language(officer: Machine) -> None:
    english = officer.post(f"/task/{uuid4()}/complete", {}, headers={"Accept-Language": "en-GB,en;q=0.8"}).json[
        "message"
    ]
    chinese = officer.post(f"/task/{uuid4()}/complete", {}, headers={"Accept-Language": "fr"}).json["message"]
    assert english.isascii()
    assert not chinese.isascii()


def test_a_body_that_is_not_json_is_refused_clearly(client: FlaskClient, officer: Machine) -> None:
    task = open_task(officer, start(client))["id"]
    malformed = officer.post(f"/task/{task}/complete", data="{", content_type="application/json")
    assert (malformed.status_code, malformed.json["type"]) == (400, "InvalidRequestException")
    assert officer.post(f"/task/{task}/complete", data="[1]", content_type="application/json").status_code == 400
    assert (
        officer.post(f"/task/{task}/complete", data="a=1", content_type="application/x-www-form-urlencoded").status_code
        == 415
    )
    assert (
        officer.post(f"/task/{task}/complete", data="x" * (9 << 20), content_type="application/json").status_code == 413
    )


def test_only_a_role_that_the_diagram_names_may_start(client: FlaskClient, officer: Machine) -> None:
    answer = officer.post("/process-definition/key/rest_trial/start", {})
    assert (answer.status_code, answer.json["type"]) == (403, "AuthorizationException")
    assert officer.post("/process-definition/key/nothing/start", {}).status_code == 404
    by_id = Machine(client, "association").get("/process-definition/key/rest_trial").json["id"]
    started = Machine(client, "association").post(
        f"/process-definition/{by_id}/start",
        {"withVariablesInReturn": True, "variables": {"authority_id": {"value": str(uuid4())}}},
    )
    assert started.status_code in (200, 400, 404, 409), started.json


def test_a_list_of_tasks_costs_two_statements_however_long(client: FlaskClient, officer: Machine) -> None:
    for n in range(3):
        start(client, key=f"T-{n}")
    officer.get("/task")
    with counted() as sent:
        assert len(officer.get("/task").json) == 3
    assert len(sent) == 2, sent
    with counted() as sent:
        assert officer.get("/task/count").json == {"count": 3}
    assert len(sent) == 2, sent


def test_a_completion_costs_few_statements(client: FlaskClient, officer: Machine) -> None:
    tasks = [open_task(officer, start(client, key=f"T-{n}"))["id"] for n in range(2)]
    officer.post(f"/task/{tasks[0]}/complete", AGREE)
    with counted() as sent:
        assert officer.post(f"/task/{tasks[1]}/complete", AGREE).status_code == 204
    assert len(sent) == 4, sent  # who asks; the case locked; who started it; all that changes


def test_filters_orders_and_pages(client: FlaskClient, officer: Machine) -> None:
    cases = [start(client, key=f"T-{n}") for n in range(3)]
    assert [t["processInstanceId"] for t in officer.get("/task", processInstanceBusinessKey="T-1").json] == [cases[1]]
    assert (
        len(officer.get("/task", processDefinitionKey="rest_trial", taskDefinitionKey="review", nameLike="省级%").json)
        == 3
    )
    assert officer.get("/task", taskDefinitionKey="grade").json == []
    assert officer.get("/task", dueBefore="2000-01-01T00:00:00.000+0000").json == []
    assert len(officer.get("/task", createdAfter="2000-01-01T00:00:00.000+0000", unassigned="true").json) == 3
    rising = [t["id"] for t in officer.get("/task", sortBy="created", sortOrder="asc").json]
    falling = [
        t["id"] for t in officer.get("/task", sortBy="created", sortOrder="desc", firstResult="1", maxResults="1").json
    ]
    assert falling == [rising[1]]
    assert officer.get("/task", maxResults="0").json == []
    posted = officer.post(
        "/task", {"taskDefinitionKeyIn": ["review"], "sorting": [{"sortBy": "name", "sortOrder": "asc"}]}
    )
    assert len(posted.json) == 3
    assert officer.get("/task", colour="red").status_code == 400
