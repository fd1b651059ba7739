"""Cases: the list and its filters, the replay, incidents, and the definitions page."""

from __future__ import annotations

from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.models.db.clock import MovingClock
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Incident
from service.models.tables.runtime.process import DeploymentFault
from service.models.tables.system.audit import AuditEvent
from service.models.tables.units.organisation import authority_id
from service.workflow.processes import definitions
from service.workflow.runtime.incidents import record_incident
from service.workflow.training import enrollments
from tests.builders.stage import Stage, do, enroll, enrollment_of, known, make_stage, publish_class
from tests.builders.world import make_user, sign_in


@pytest.fixture
def stage(app: Flask, clock: MovingClock) -> Stage:
    return make_stage()


@pytest.fixture
def case_id(stage: Stage) -> UUID:
    """An enrolment that was refused."""
    made = enroll(stage, publish_class(stage), stage.person(name="刘己巳"))
    do(stage.province, made, "confirm_enrollment", decision="reject", reason="照片不清晰")
    return made


def platform(role: str) -> User:
    return known(make_user(role, authority_id("platform")))


def look(client: FlaskClient, user: User, address: str) -> str:
    answer = sign_in(client, user).get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def test_a_case_tells_its_history_without_a_script(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    page = look(client, stage.province, f"/cases/{case_id}")
    assert "刘己巳" in page
    assert "照片不清晰" not in page.split('id="diagram"')[0]
    assert "报名确认" in page
    assert "不予确认" in page
    assert "已办结" in page


def test_the_replay_says_what_was_where_and_what_changed(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    answer = sign_in(client, stage.province).get(f"/cases/{case_id}/replay.json").get_json()
    first, last = answer["steps"][0], answer["steps"][-1]
    assert first["tokens"]
    assert "confirm_enrollment" in first["tokens"]
    assert not first["ended"]
    assert last["ended"]
    assert last["done"]["confirm_enrollment"] == 1
    assert last["given"][0][1] == "不予确认"
    decision = next(row for row in last["data"] if row["name"] == "decision")
    assert decision["changed"]
    assert decision["after"] == "不予确认"
    assert decision["before"] == "无"
    (address,) = answer["diagrams"].values()
    diagram = client.get(address)
    assert diagram.status_code == 200
    assert b"<bpmn:definitions" in diagram.data
    assert "immutable" in diagram.headers["Cache-Control"]


def test_out_of_scope_a_case_does_not_exist(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    sign_in(client, stage.other_province)
    assert client.get(f"/cases/{case_id}").status_code == 404
    assert client.get(f"/cases/{case_id}/replay.json").status_code == 404
    assert "刘己巳" not in client.get("/cases").get_data(as_text=True)


def test_the_list_is_filtered(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    assert "刘己巳" in look(client, stage.province, "/cases?find=己巳&process=training_enrollment&state=ended")
    assert "刘己巳" not in look(client, stage.province, "/cases?state=running")
    assert "刘己巳" not in look(client, stage.province, "/cases?find=nobody")
    assert "刘己巳" in look(client, stage.province, "/cases?process=nonsense&state=nonsense")


@pytest.mark.parametrize("role", ["audit_admin", "process_admin"])
def test_administrators_see_no_names(client: FlaskClient, stage: Stage, case_id: UUID, role: str) -> None:
    user = platform(role)
    for address in ("/cases", f"/cases/{case_id}", f"/cases/{case_id}/replay.json"):
        page = look(client, user, address)
        assert "刘己巳" not in page
    assert "刘＊＊" in look(client, user, "/cases")


def test_each_look_of_an_auditor_is_remembered(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    auditor = platform("audit_admin")
    look(client, auditor, f"/cases/{case_id}")
    look(client, stage.province, f"/cases/{case_id}")
    seen = session().query(AuditEvent).filter_by(action="open_case").all()
    assert [(event.actor_id, event.object_id) for event in seen] == [(auditor.id, case_id)]


def test_an_incident_shows_and_is_resolved_by_the_process_administrator(
    client: FlaskClient, stage: Stage, case_id: UUID
) -> None:
    record_incident(case_id, "confirm_enrollment", "RuntimeError: broken")
    (incident,) = session().query(Incident).all()
    assert "出了故障" in look(client, stage.province, f"/cases/{case_id}")
    said = {"case": str(case_id), "reason": "程序已修好。"}
    assert client.post(f"/incidents/{incident.id}/resolve", data=said).status_code == 404
    admin = platform("process_admin")
    assert "标为已处理" in look(client, admin, f"/cases/{case_id}")
    answer = client.post(f"/incidents/{incident.id}/resolve", data=said)
    assert answer.headers["Location"] == f"/cases/{case_id}"
    assert "出了故障" not in look(client, admin, f"/cases/{case_id}")


def test_definitions_show_versions_forms_and_where_cases_stand(client: FlaskClient, stage: Stage) -> None:
    enroll(stage, publish_class(stage), stage.person())
    admin = platform("process_admin")
    assert "培训报名到取证" in look(client, admin, "/processes")
    page = look(client, admin, "/processes/training_enrollment")
    assert '{"confirm_enrollment": 1}' in page
    assert "不予确认的原因" in page
    assert "confirm_enrollment.form" in page
    assert look(client, admin, "/processes/training_enrollment?version=1")
    assert sign_in(client, admin).get("/processes/training_enrollment?version=9").status_code == 404


def test_a_refused_file_is_told_with_line_element_and_remedy(client: FlaskClient, app: Flask) -> None:
    with transaction(Operation("test")) as current:
        current.add(
            DeploymentFault(
                id=new_id(),
                file="x.bpmn",
                line=7,
                element="task_1",
                zh="没有表单。请指定表单。",
                en="No form. Name one.",
            )
        )
    admin = platform("process_admin")
    page = look(client, admin, "/processes")
    assert all(word in page for word in ("x.bpmn", "7", "task_1", "请指定表单"))
    client.post("/appearance", data={"language": "en"})
    assert "Name one." in client.get("/processes").get_data(as_text=True)


def test_an_unknown_diagram_is_not_found(client: FlaskClient, stage: Stage) -> None:
    assert sign_in(client, stage.province).get(f"/diagrams/{'0' * 64}.bpmn").status_code == 404


def test_every_step_names_the_version_of_its_moment(client: FlaskClient, stage: Stage, case_id: UUID) -> None:
    number = definitions.current("training_enrollment").number
    steps = sign_in(client, stage.province).get(f"/cases/{case_id}/replay.json").get_json()["steps"]
    assert {step["version"] for step in steps} == {number}


def test_an_earlier_decision_is_told_in_the_words_of_its_own_form(client: FlaskClient, stage: Stage) -> None:
    """Several forms of the process ask for a decision; each offers other choices."""
    case_id = enroll(stage, publish_class(stage), stage.person())
    do(stage.province, case_id, "confirm_enrollment", decision="confirm")
    enrollments.withdraw(stage.enterprise, enrollment_of(case_id).id, "另有安排")
    steps = sign_in(client, stage.province).get(f"/cases/{case_id}/replay.json").get_json()["steps"]
    told = [row["after"] for row in steps[-1]["data"] if row["name"] == "decision"]
    assert told == ["同意报名"]
