"""Definitions, cases, jobs and incidents over ``/engine-rest``: who sees what, in which shape."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.runtime.case import Incident, Job
from tests.api.rest_world import DIAGRAM, FILES, Machine, World, make_world, start

LISTS = (
    "/process-definition",
    "/process-instance",
    "/task",
    "/history/process-instance",
    "/history/activity-instance",
    "/job",
    "/incident",
)
MIGRATIONS = ("/batch", "/history/batch")  # of whoever may migrate
EVERYBODY = ("ministry", "association", "officer-a", "enterprise", "institution", "auditor", "processes", "accounts")
SEES_THE_CASE = {"ministry", "association", "auditor", "processes", "enterprise", "officer-a", "officer-b"}
"""domain.md §9: A, readers of histories, and whoever started it with the province."""


@pytest.fixture
def world(app: Flask) -> World:
    return make_world()


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("login", EVERYBODY)
def test_every_list_and_its_count_agree_for_every_role(
    client: FlaskClient, world: World, login: str, path: str
) -> None:
    start(client)
    machine = Machine(client, login)
    rows, count = machine.get(path), machine.get(f"{path}/count")
    assert (rows.status_code, count.status_code) == (200, 200)
    assert count.json == {"count": len(rows.json)}
    if path in ("/process-instance", "/history/process-instance"):
        assert bool(rows.json) == (login in SEES_THE_CASE)
    if path == "/task":
        assert bool(rows.json) == (login == "officer-a")


@pytest.mark.parametrize("path", MIGRATIONS)
@pytest.mark.parametrize("login", EVERYBODY)
def test_migrations_are_listed_for_whoever_may_migrate(
    client: FlaskClient, world: World, login: str, path: str
) -> None:
    machine = Machine(client, login)
    answers = machine.get(path), machine.get(f"{path}/count"), machine.get(f"{path}/{new_id()}")
    expected = [200, 200, 404] if login == "processes" else [403, 403, 403]
    assert [answer.status_code for answer in answers] == expected


@pytest.mark.parametrize("path", [*LISTS, *MIGRATIONS, "/version", "/deployment", "/no/such/place"])
def test_nothing_is_told_without_credentials(client: FlaskClient, world: World, path: str) -> None:
    answer = client.get(f"/engine-rest{path}")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert set(answer.json) == {"type", "message", "code"}


@pytest.mark.parametrize(
    "path",
    [
        "/process-instance/1",
        "/task/1",
        "/history/process-instance/1",
        "/job/1",
        "/incident/1",
        "/process-definition/nothing",
        "/process-definition/a:1:b",
        "/process-definition/key/nothing/xml",
        "/nowhere",
    ],
)
def test_what_does_not_exist_is_not_found(client: FlaskClient, world: World, path: str) -> None:
    answer = Machine(client, "ministry").get(path)
    assert (answer.status_code, set(answer.json)) == (404, {"type", "message", "code"})


def test_a_definition_and_its_diagram(client: FlaskClient, world: World) -> None:
    machine = Machine(client, "enterprise")
    row = machine.get("/process-definition/key/rest_trial").json
    assert set(row) == {
        "id",
        "key",
        "category",
        "description",
        "name",
        "version",
        "resource",
        "deploymentId",
        "diagram",
        "suspended",
        "tenantId",
        "versionTag",
        "historyTimeToLive",
        "startableInTasklist",
    }
    assert (row["key"], row["name"], row["version"], row["resource"]) == (
        "rest_trial",
        "接口试办",
        1,
        "rest_trial.bpmn",
    )
    assert machine.get(f"/process-definition/{row['id']}").json == row
    assert machine.get(f"/process-definition/{row['id']}/xml").json == {"id": row["id"], "bpmn20Xml": DIAGRAM}
    assert machine.get("/process-definition", key="rest_trial", latestVersion="true").json == [row]
    assert machine.get("/process-definition", processDefinitionId=row["id"]).json == [row]


def test_a_new_version_is_listed_beside_the_old_and_only_it_starts_cases(client: FlaskClient, world: World) -> None:
    from service.workflow.versions import deployments

    old = Machine(client, "association").get("/process-definition/key/rest_trial").json["id"]
    changed = DIAGRAM.replace("省级审核", "省级复核").encode()
    deployments.deploy({**FILES, "rest_trial.bpmn": changed}, process="rest_trial")
    machine = Machine(client, "association")
    rows = machine.get("/process-definition", key="rest_trial", sortBy="version", sortOrder="desc").json
    assert [row["version"] for row in rows] == [2, 1]
    assert machine.get("/process-definition/key/rest_trial").json["version"] == 2
    assert machine.post(f"/process-definition/{old}/start", {}).status_code == 409


def test_the_calls_a_modeler_makes_before_it_deploys(client: FlaskClient, world: World) -> None:
    machine = Machine(client, "processes")
    assert machine.get("/deployment", maxResults="0").json == []
    assert machine.get("/version").json == {"version": "7.24.0"}
    assert {row["name"] for row in machine.get("/deployment").json} >= {"接口试办"}


def test_a_running_case_has_camundas_shape(client: FlaskClient, world: World) -> None:
    case = start(client, key="K-9")
    row = Machine(client, "ministry").get(f"/process-instance/{case}").json
    assert row | {"definitionId": ""} == {
        "links": [],
        "id": case,
        "definitionId": "",
        "definitionKey": "rest_trial",
        "businessKey": "K-9",
        "caseInstanceId": None,
        "ended": False,
        "suspended": False,
        "tenantId": None,
    }
    assert (
        Machine(client, "ministry").get(f"/process-instance/{case}/variables").json["authority_id"]["type"] == "String"
    )
    past = Machine(client, "ministry").get("/history/process-instance", processInstanceBusinessKey="K-9").json[0]
    assert (past["state"], past["endTime"], past["startActivityId"]) == ("ACTIVE", None, "start")


def test_jobs_and_incidents_are_seen_by_those_who_see_the_case(client: FlaskClient, world: World) -> None:
    case = start(client)
    with transaction(Operation("test")) as session:
        job = Job(
            id=new_id(),
            case_id=case,
            element="wait",
            kind="timer",
            due_at=now(),
            run_at=now(),
            state="failed",
            retries=0,
            error="boom",
        )
        session.add(job)
        session.flush()
        session.add(Incident(case_id=case, job_id=job.id, element="wait", message="boom"))
    ministry, elsewhere = Machine(client, "ministry"), Machine(client, "officer-42")
    (incident,) = ministry.get("/incident", processInstanceId=case).json
    assert (incident["incidentMessage"], incident["configuration"], incident["activityId"]) == (
        "boom",
        str(job.id),
        "wait",
    )
    (row,) = ministry.get("/job", processInstanceId=case, noRetriesLeft="true").json
    assert (row["id"], row["exceptionMessage"]) == (str(job.id), "boom")
    assert elsewhere.get("/incident").json == []
    assert elsewhere.get(f"/job/{job.id}").status_code == 404
