"""The answers and requests of ``/engine-rest`` as JSON Schema, under Camunda's names; a test compares them with life.

A field is written ``name: type``, where ``|null`` may follow the type; "null" alone is a field without meaning here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+0000$"
TYPES: Mapping[str, Schema] = {
    "text": {"type": "string"},
    "id": {"type": "string", "format": "uuid"},
    "instant": {"type": "string", "pattern": INSTANT},
    "number": {"type": "integer"},
    "flag": {"type": "boolean"},
    "links": {"type": "array", "maxItems": 0},
}
OF_A_CASE = {"processInstanceId": "id", "processDefinitionId": "text"}
BATCH = {
    **{"id": "id", "type": "text", "totalJobs": "number", "batchJobsPerSeed": "number"},
    **{"invocationsPerBatchJob": "number", "seedJobDefinitionId": "null", "monitorJobDefinitionId": "null"},
    **{"batchJobDefinitionId": "null", "tenantId": "null", "createUserId": "text|null"},
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "ProcessDefinitionDto": {
        **{"id": "text", "key": "text", "category": "null", "description": "null", "name": "text", "version": "number"},
        **{"resource": "text", "deploymentId": "text", "diagram": "null", "suspended": "flag", "tenantId": "null"},
        **{"versionTag": "null", "historyTimeToLive": "null", "startableInTasklist": "flag"},
    },
    "ProcessDefinitionDiagramDto": {"id": "text", "bpmn20Xml": "text"},
    "DeploymentDto": {
        **{"links": "links", "id": "text", "name": "text", "source": "text"},
        **{"deploymentTime": "instant", "tenantId": "null"},
    },
    "DeploymentResourceDto": {"id": "text", "name": "text", "deploymentId": "text"},
    "ProcessInstanceDto": {
        **{"links": "links", "id": "id", "definitionId": "text", "definitionKey": "text", "businessKey": "text|null"},
        **{"caseInstanceId": "null", "ended": "flag", "suspended": "flag", "tenantId": "null"},
    },
    "TaskDto": {
        **{"id": "id", "name": "text", "assignee": "text|null", "created": "instant", "due": "instant|null"},
        **{"followUp": "instant|null", "lastUpdated": "null", "delegationState": "null", "description": "text|null"},
        **{"executionId": "id", "owner": "null", "parentTaskId": "null", "priority": "number", **OF_A_CASE},
        **{"taskDefinitionKey": "text", "caseExecutionId": "null", "caseInstanceId": "null"},
        **{"caseDefinitionId": "null", "suspended": "flag", "formKey": "text|null", "camundaFormRef": "null"},
        **{"tenantId": "null", "taskState": "text"},
    },
    "JobDto": {
        **{"id": "id", "jobDefinitionId": "null", **OF_A_CASE, "processDefinitionKey": "text", "executionId": "id"},
        **{"exceptionMessage": "text|null", "failedActivityId": "text|null", "retries": "number"},
        **{"dueDate": "instant|null", "suspended": "flag", "priority": "number", "tenantId": "null"},
        **{"createTime": "instant", "batchId": "null"},
    },
    "IncidentDto": {
        **{"id": "id", **OF_A_CASE, "executionId": "id", "incidentTimestamp": "instant", "incidentType": "text"},
        **{"activityId": "text", "failedActivityId": "text", "causeIncidentId": "id", "rootCauseIncidentId": "id"},
        **{"configuration": "id|null", "incidentMessage": "text", "tenantId": "null", "jobDefinitionId": "null"},
        **{"annotation": "null"},
    },
    "HistoricProcessInstanceDto": {
        **{"id": "id", "businessKey": "text|null", "processDefinitionId": "text", "processDefinitionKey": "text"},
        **{"processDefinitionName": "text", "processDefinitionVersion": "number", "startTime": "instant"},
        **{"endTime": "instant|null", "removalTime": "null", "durationInMillis": "number|null"},
        **{"startUserId": "text|null", "startActivityId": "text|null", "deleteReason": "null"},
        **{"rootProcessInstanceId": "id", "superProcessInstanceId": "null", "superCaseInstanceId": "null"},
        **{"caseInstanceId": "null", "tenantId": "null", "state": "text"},
    },
    "HistoricActivityInstanceDto": {
        **{"id": "text", "parentActivityInstanceId": "id", "activityId": "text", "activityName": "text|null"},
        **{"activityType": "text", "processDefinitionKey": "text", **OF_A_CASE, "executionId": "id"},
        **{"taskId": "id|null", "calledProcessInstanceId": "null", "calledCaseInstanceId": "null"},
        **{"assignee": "text|null", "startTime": "instant", "endTime": "instant|null"},
        **{"durationInMillis": "number|null", "canceled": "flag", "completeScope": "flag", "tenantId": "null"},
        **{"removalTime": "null", "rootProcessInstanceId": "id"},
    },
    "FormDto": {"key": "text|null", "camundaFormRef": "null", "contextPath": "null"},
    "BatchDto": {**BATCH, "jobsCreated": "number", "suspended": "flag"},
    "BatchStatisticsDto": {
        **{**BATCH, "jobsCreated": "number", "suspended": "flag"},
        **{"remainingJobs": "number", "completedJobs": "number", "failedJobs": "number"},
    },
    "HistoricBatchDto": {
        **{**BATCH, "startTime": "instant", "endTime": "instant|null", "removalTime": "null"},
        **{"executionStartTime": "instant"},
    },
    "CountResultDto": {"count": "number"},
    "VersionDto": {"version": "text"},
}
NOT_DEPLOYED = ("deployedCaseDefinitions", "deployedDecisionDefinitions", "deployedDecisionRequirementsDefinitions")
ERROR: Schema = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "message": {"type": "string"},
        "code": {"type": ["integer", "null"]},
        "fields": {"type": "object", "additionalProperties": {"type": "string"}},
        "details": {"type": "object", "additionalProperties": {"type": "object"}},
    },
    "required": ["type", "message", "code"],
    "additionalProperties": False,
}
VARIABLE: Schema = {
    "type": "object",
    "properties": {"type": {"type": "string"}, "value": {}, "valueInfo": {"type": "object"}},
    "required": ["value"],
}
VARIABLES: Schema = {"type": "object", "additionalProperties": VARIABLE}


def schema_of(name: str) -> Schema:
    """Return the schema of an answer that has exactly these fields."""
    properties = {field: _type(written) for field, written in FIELDS[name].items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def started() -> Schema:
    """Return the schema of a case just started, with its variables if they were asked for."""
    found = schema_of("ProcessInstanceDto")
    return found | {"properties": found["properties"] | {"variables": VARIABLES}}


def proven() -> Schema:
    """Return the schema of a deployment with the proof that it passed."""
    found = schema_of("DeploymentDto")
    return found | {"properties": found["properties"] | {"proof": {"type": "object"}}}


def deployed() -> Schema:
    """Return the schema of a deployment just made, with the process definitions that came of it by id."""
    found = schema_of("DeploymentDto")
    made = {"type": "object", "additionalProperties": schema_of("ProcessDefinitionDto")}
    none = {name: {"type": "null"} for name in NOT_DEPLOYED}
    texts = {name: {"type": "string"} for name in ("file", "element", "rule", "zh", "en")}
    said = texts | {"line": {"type": "integer"}}
    warnings = {"type": "array", "items": {"type": "object", "properties": said}}
    more = {"deployedProcessDefinitions": made, "warnings": warnings}
    return found | {"properties": found["properties"] | more | none}


IDS: Schema = {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1}
INSTRUCTION: Schema = {
    "type": "object",
    "properties": {"sourceActivityIds": IDS, "targetActivityIds": IDS, "updateEventTrigger": {"type": "boolean"}},
}


def migration_plan() -> Schema:
    """Return the schema of a plan by which cases go from one definition to another."""
    names = {"sourceProcessDefinitionId": {"type": "string"}, "targetProcessDefinitionId": {"type": "string"}}
    return {"type": "object", "properties": {**names, "instructions": {"type": "array", "items": INSTRUCTION}}}


def migration_report() -> Schema:
    """Return the schema of what is wrong with the instructions of a plan."""
    texts = {"type": "array", "items": {"type": "string"}}
    report = {"type": "object", "properties": {"instruction": INSTRUCTION, "failures": texts}}
    return {"type": "object", "properties": {"instructionReports": {"type": "array", "items": report}}}


def _type(written: str) -> Schema:
    kind, _, nullable = written.partition("|")
    if kind == "null":
        return {"type": "null"}
    return TYPES[kind] | ({"type": [TYPES[kind]["type"], "null"]} if nullable else {})
