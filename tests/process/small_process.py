"""A small process for tests of the use cases: two officers' tasks, a timer, a message; and the people who do them."""

from __future__ import annotations

from uuid import UUID

from service.domain.accounts.privacy import VERSION
from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case_statements import role_organisation
from service.workflow.versions import deployments

DIAGRAM = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
  xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="http://anpei">
  <bpmn:message id="m_stop" name="stop"/>
  <bpmn:process id="small" name="小流程" isExecutable="true" camunda:candidateStarterGroups="association">
    <bpmn:startEvent id="begun" name="开始"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="begun" targetRef="look"/>
    <bpmn:userTask id="look" name="查看" camunda:candidateGroups="association" camunda:formKey="look"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
    <bpmn:boundaryEvent id="stopped" name="停止" attachedToRef="look"><bpmn:outgoing>f5</bpmn:outgoing><bpmn:messageEventDefinition id="med" messageRef="m_stop"/></bpmn:boundaryEvent>
    <bpmn:boundaryEvent id="late" name="逾期" attachedToRef="look"><bpmn:outgoing>f6</bpmn:outgoing><bpmn:timerEventDefinition id="ted"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P3D</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="look" targetRef="gw"/>
    <bpmn:exclusiveGateway id="gw" name="同意？" default="f4"><bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing><bpmn:outgoing>f4</bpmn:outgoing></bpmn:exclusiveGateway>
    <bpmn:sequenceFlow id="f3" name="是" sourceRef="gw" targetRef="sign"><bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">decision == "yes"</bpmn:conditionExpression></bpmn:sequenceFlow>
    <bpmn:sequenceFlow id="f4" name="否" sourceRef="gw" targetRef="refused"/>
    <bpmn:userTask id="sign" name="签批" camunda:candidateGroups="ministry"><bpmn:incoming>f3</bpmn:incoming><bpmn:outgoing>f7</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f7" sourceRef="sign" targetRef="done"/>
    <bpmn:endEvent id="done" name="完成"><bpmn:incoming>f7</bpmn:incoming></bpmn:endEvent>
    <bpmn:endEvent id="refused" name="不同意"><bpmn:incoming>f4</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="f5" sourceRef="stopped" targetRef="halted"/><bpmn:endEvent id="halted" name="已停止"><bpmn:incoming>f5</bpmn:incoming></bpmn:endEvent>
    <bpmn:sequenceFlow id="f6" sourceRef="late" targetRef="lapsed"/><bpmn:endEvent id="lapsed" name="已逾期"><bpmn:incoming>f6</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""
FORM = """{"type": "default", "schemaVersion": 16, "id": "look", "components": [
  {"type": "radio", "key": "decision", "label": "结论", "values": [{"label": "同意", "value": "yes"}, {"label": "不同意", "value": "no"}], "validate": {"required": true}},
  {"type": "textarea", "key": "comment", "label": "意见", "validate": {"maxLength": 200}}]}
"""


def deploy(diagram: str = DIAGRAM, form: str = FORM) -> str:
    """Deploy the small process; returns the digest of its version."""
    version = deployments.deploy({"small.bpmn": diagram.encode(), "look.form": form.encode()}).version
    assert version is not None
    return version.digest


def person(login: str, role: str, organisation: UUID | None = None) -> User:
    """A user of the one organisation of this role, the platform's for administrators (or of ``organisation``)."""
    with transaction(Operation("test")) as session:
        user = User(
            id=new_id(),
            login=login,
            role=role,
            organisation_id=organisation or role_organisation(role),
            display_name=login,
            password_hash="-",
            must_change=False,
            privacy_version=VERSION,
        )
        session.add(user)
    found = User.get(user.id)
    assert found is not None
    return found
