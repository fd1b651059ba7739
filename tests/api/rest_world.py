"""What the tests of ``/engine-rest`` need: accounts of each role, a process of their own, and a client with HTTP Basic."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from argon2 import PasswordHasher
from flask.testing import FlaskClient

from service.domain.accounts.privacy import VERSION
from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.units.organisation import Organisation, authority_id
from service.workflow.system import reference_data
from service.workflow.versions import deployments

PASSWORD = "Blasting-Caps-2026"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)  # cheap: the tests check many

DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="definitions" targetNamespace="http://anpei/tests">
  <bpmn:process id="rest_trial" name="接口试办" isExecutable="true" camunda:candidateStarterGroups="enterprise,association">
    <bpmn:startEvent id="start" name="提出" camunda:formKey="rest_start"><bpmn:outgoing>to_review</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="to_review" sourceRef="start" targetRef="review"/>
    <bpmn:userTask id="review" name="省级审核" camunda:candidateGroups="provincial_authority" camunda:formKey="rest_review">
      <bpmn:extensionElements><camunda:properties><camunda:property name="scope" value="authority_id"/></camunda:properties></bpmn:extensionElements>
      <bpmn:incoming>to_review</bpmn:incoming><bpmn:outgoing>to_grade</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="to_grade" sourceRef="review" targetRef="grade"/>
    <bpmn:userTask id="grade" name="评分" camunda:candidateGroups="association" camunda:formKey="rest_grade">
      <bpmn:incoming>to_grade</bpmn:incoming><bpmn:outgoing>to_end</bpmn:outgoing>
    </bpmn:userTask>
    <bpmn:sequenceFlow id="to_end" sourceRef="grade" targetRef="end"/>
    <bpmn:endEvent id="end" name="结束"><bpmn:incoming>to_end</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""


def _form(name: str, *components: dict[str, Any]) -> bytes:
    form = {"type": "default", "schemaVersion": 16, "id": name, "components": list(components)}
    return json.dumps(form, ensure_ascii=False).encode()


FILES = {
    "rest_trial.bpmn": DIAGRAM.encode(),
    "rest_start.form": _form("rest_start", {"type": "textfield", "key": "authority_id", "label": "省份"}),
    "rest_review.form": _form(
        "rest_review",
        {
            "type": "radio",
            "key": "decision",
            "label": "结论",
            "validate": {"required": True},
            "values": [{"label": "同意", "value": "agree"}, {"label": "退回", "value": "return"}],
        },
        {"type": "textarea", "key": "comment", "label": "意见", "validate": {"maxLength": 50}},
    ),
    "rest_grade.form": _form(
        "rest_grade",
        {
            "type": "number",
            "key": "score",
            "label": "成绩",
            "validate": {"required": True, "min": 0, "max": 100},
            "properties": {"decimals": "1"},
        },
    ),
}


@dataclass(frozen=True)
class World:
    """Ids of the accounts by login, and of the unit in province 37."""

    users: dict[str, UUID]
    unit: UUID


def make_world() -> World:
    """Accounts of every role (two officers in province 37), one unit, and the trial process in force."""
    reference_data.ensure()
    unit = Organisation(
        id=new_id(),
        kind="enterprise",
        name="山东试验化工有限公司",
        authority_id=authority_id("37"),
        credit_code="91370100MA3C0001X8",
    )
    school = Organisation(id=new_id(), kind="training_institution", name="试验培训中心")
    with transaction(Operation("test")) as session:
        session.add_all([unit, school])
        session.flush()
        places = {
            "ministry": ("ministry", authority_id("ministry")),
            "association": ("association", authority_id("association")),
            "officer-a": ("provincial_authority", authority_id("37")),
            "officer-b": ("provincial_authority", authority_id("37")),
            "officer-42": ("provincial_authority", authority_id("42")),
            "enterprise": ("enterprise", unit.id),
            "institution": ("training_institution", school.id),
            "auditor": ("audit_admin", authority_id("platform")),
            "processes": ("process_admin", authority_id("platform")),
            "accounts": ("sys_admin", authority_id("platform")),
        }
        users = {
            login: User(
                id=new_id(),
                login=login,
                role=role,
                organisation_id=place,
                display_name=login,
                password_hash=HASH,
                must_change=False,
                privacy_version=VERSION,
            )
            for login, (role, place) in places.items()
        }
        session.add_all(users.values())
    deployments.deploy(FILES, process="rest_trial")
    return World({login: user.id for login, user in users.items()}, unit.id)


class Machine:
    """A client of ``/engine-rest`` that signs every request as one account."""

    def __init__(self, client: FlaskClient, login: str, password: str = PASSWORD) -> None:
        self._client, self._auth = client, (login, password)

    def get(self, path: str, **query: str) -> Any:
        return self._client.get(f"/engine-rest{path}", query_string=query, auth=self._auth)

    def post(self, path: str, content: Any = None, **kwargs: Any) -> Any:
        if content is not None:
            kwargs["json"] = content
        return self._client.post(f"/engine-rest{path}", auth=self._auth, **kwargs)


def start(client: FlaskClient, key: str = "T-1", province: str = "37", login: str = "enterprise") -> str:
    """A case of the trial process, started by the enterprise over REST; its id."""
    variables = {"authority_id": {"type": "String", "value": str(authority_id(province))}}
    answer = Machine(client, login).post(
        "/process-definition/key/rest_trial/start", {"businessKey": key, "variables": variables}
    )
    assert answer.status_code == 200, answer.json
    return str(answer.json["id"])


def open_task(machine: Machine, case_id: str) -> dict[str, Any]:
    """The one open task of a case that this account sees."""
    (found,) = machine.get("/task", processInstanceId=case_id).json
    return dict(found)
