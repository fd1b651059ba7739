"""Writes rows as Camunda's JSON; fields that have no meaning here are null, as Camunda leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from service.models.queries.camunda import batches
from service.models.queries.camunda.listing import Row, definition_id
from service.models.tables.runtime.version_change import MigrationRun
from service.workflow.processes import definitions


def instant(at: datetime | None) -> str | None:
    """Write an instant as Camunda does: ``2026-11-24T00:00:00.000+0000``."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000" if at else None


def activity(element: str) -> str:
    """Return the id of an element in its own diagram, from its path through calls and subprocesses."""
    return element.rpartition("/")[2]


def definition(row: Row) -> dict[str, Any]:
    """Write a version of a process (ProcessDefinitionDto)."""
    return {
        "id": definition_id(row.key, row.number, row.digest),
        "key": row.key,
        "category": None,
        "description": None,
        "name": row.name,
        "version": row.number,
        "resource": row.main,
        "deploymentId": row.digest,
        "diagram": None,
        "suspended": False,
        "tenantId": None,
        "versionTag": None,
        "historyTimeToLive": None,
        "startableInTasklist": row.current and bool(definitions.starters(definitions.definition(row.digest))),
    }


def deployment(row: Row) -> dict[str, Any]:
    """Write the bundle of a version (DeploymentDto): every version is one deployment."""
    return {
        "links": [],
        "id": row.digest,
        "name": row.name,
        "source": row.source,
        "deploymentTime": instant(row.deployed_at),
        "tenantId": None,
    }


def instance(row: Row) -> dict[str, Any]:
    """Write a case (ProcessInstanceDto)."""
    return {
        "links": [],
        "id": str(row.id),
        "definitionId": definition_id(row.process, row.number, row.definition),
        "definitionKey": row.process,
        "businessKey": row.business_key,
        "caseInstanceId": None,
        "ended": row.ended_at is not None,
        "suspended": row.suspended_at is not None,
        "tenantId": None,
    }


def task(row: Row) -> dict[str, Any]:
    """Write an open user task (TaskDto)."""
    return {
        "id": str(row.id),
        "name": row.name,
        "assignee": row.login,
        "created": instant(row.opened_at),
        "due": instant(row.due_at),
        "followUp": instant(row.follow_up_at),
        "lastUpdated": None,
        "delegationState": None,
        "description": row.summary or None,
        "executionId": str(row.case_id),
        "owner": None,
        "parentTaskId": None,
        "priority": row.priority,
        "processDefinitionId": definition_id(row.process, row.number, row.definition),
        "processInstanceId": str(row.case_id),
        "taskDefinitionKey": activity(row.element),
        "caseExecutionId": None,
        "caseInstanceId": None,
        "caseDefinitionId": None,
        "suspended": row.suspended_at is not None,
        "formKey": row.form_key,
        "camundaFormRef": None,
        "tenantId": None,
        "taskState": "Assigned" if row.login else "Created",
    }


def job(row: Row) -> dict[str, Any]:
    """Write a timer, or automatic work that waits (JobDto)."""
    return {
        "id": str(row.id),
        "jobDefinitionId": None,
        "processInstanceId": str(row.case_id),
        "processDefinitionId": definition_id(row.process, row.number, row.definition),
        "processDefinitionKey": row.process,
        "executionId": str(row.case_id),
        "exceptionMessage": row.error,
        "failedActivityId": activity(row.element) if row.error else None,
        "retries": max(row.retries, 0),
        "dueDate": instant(row.due_at),
        "suspended": row.suspended_at is not None,
        "priority": 0,
        "tenantId": None,
        "createTime": instant(row.created_at),
        "batchId": None,
    }


def incident(row: Row) -> dict[str, Any]:
    """Write a failure without retries (IncidentDto)."""
    return {
        "id": str(row.id),
        "processDefinitionId": definition_id(row.process, row.number, row.definition),
        "processInstanceId": str(row.case_id),
        "executionId": str(row.case_id),
        "incidentTimestamp": instant(row.opened_at),
        "incidentType": "failedJob",
        "activityId": activity(row.element),
        "failedActivityId": activity(row.element),
        "causeIncidentId": str(row.id),
        "rootCauseIncidentId": str(row.id),
        "configuration": str(row.job_id) if row.job_id else None,
        "incidentMessage": row.message,
        "tenantId": None,
        "jobDefinitionId": None,
        "annotation": None,
    }


def past_instance(row: Row) -> dict[str, Any]:
    """Write a case, running or ended (HistoricProcessInstanceDto)."""
    return {
        "id": str(row.id),
        "businessKey": row.business_key,
        "processDefinitionId": definition_id(row.process, row.number, row.definition),
        "processDefinitionKey": row.process,
        "processDefinitionName": row.name,
        "processDefinitionVersion": row.number,
        "startTime": instant(row.started_at),
        "endTime": instant(row.ended_at),
        "removalTime": None,
        "durationInMillis": _duration(row.started_at, row.ended_at),
        "startUserId": row.login,
        "startActivityId": row.start and activity(row.start[1:]),
        "deleteReason": None,
        "rootProcessInstanceId": str(row.id),
        "superProcessInstanceId": None,
        "superCaseInstanceId": None,
        "caseInstanceId": None,
        "tenantId": None,
        "state": "COMPLETED" if row.ended_at else "ACTIVE",
    }


def past_activity(row: Row, name: str | None, kind: str) -> dict[str, Any]:
    """Write one passage through an element (HistoricActivityInstanceDto)."""
    return {
        "id": f"{activity(row.element)}:{row.mark}",
        "parentActivityInstanceId": str(row.case_id),
        "activityId": activity(row.element),
        "activityName": name,
        "activityType": kind,
        "processDefinitionKey": row.process,
        "processDefinitionId": definition_id(row.process, row.number, row.definition),
        "processInstanceId": str(row.case_id),
        "executionId": str(row.case_id),
        "taskId": str(row.task_id) if row.task_id else None,
        "calledProcessInstanceId": None,
        "calledCaseInstanceId": None,
        "assignee": row.login,
        "startTime": instant(row.started_at),
        "endTime": instant(row.ended_at),
        "durationInMillis": _duration(row.started_at, row.ended_at),
        "canceled": row.is_cancelled,
        "completeScope": False,
        "tenantId": None,
        "removalTime": None,
        "rootProcessInstanceId": str(row.case_id),
    }


def _duration(start: datetime, end: datetime | None) -> int | None:
    return round((end - start).total_seconds() * 1000) if end else None


def batch(run: MigrationRun, login: str | None) -> dict[str, Any]:
    """Write a migration in the background (BatchDto); login: of whoever began it."""
    return {
        "id": str(run.id),
        "type": batches.TYPE,
        "totalJobs": run.total,
        "jobsCreated": run.total,
        "batchJobsPerSeed": run.total,
        "invocationsPerBatchJob": 1,
        "seedJobDefinitionId": None,
        "monitorJobDefinitionId": None,
        "batchJobDefinitionId": None,
        "suspended": False,
        "tenantId": None,
        "createUserId": login,
    }


def batch_statistics(run: MigrationRun, login: str | None) -> dict[str, Any]:
    """Write how far a migration is (what BatchStatisticsDto has)."""
    failed = len(run.refused)
    return batch(run, login) | {
        "remainingJobs": max(run.total - run.done, 0),
        "completedJobs": max(run.done - failed, 0),
        "failedJobs": failed,
    }


def past_batch(run: MigrationRun, login: str | None) -> dict[str, Any]:
    """Write a migration with when it began and ended (what HistoricBatchDto has)."""
    told = batch(run, login)
    for name in ("jobsCreated", "suspended"):
        del told[name]
    ended = {"endTime": instant(run.ended_at), "removalTime": None, "executionStartTime": instant(run.at)}
    return told | {"startTime": instant(run.at)} | ended
