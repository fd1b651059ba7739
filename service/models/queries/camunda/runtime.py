"""The lists of the REST API over running work: definitions, cases, tasks, jobs, incidents.

Their machinery: rest_query.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import aliased

from service.models.db.session import session
from service.models.queries.camunda.listing import (
    DefinitionId,
    Filter,
    ListQuery,
    Query,
    after,
    always,
    before,
    equals,
    flag,
    id_equals,
    id_in,
    in_,
    like,
    never,
    number,
    of_definition,
)
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import (
    Case,
    Incident,
    Job,
    Task,
)
from service.models.tables.runtime.process import DefinitionFile, DefinitionVersion

Version = DefinitionVersion
Assignee = aliased(User)
_IS_OF = of_definition(Version.key, Version.number, Version.digest)
_ELEMENT = func.split_part(Task.element, "/", -1)  # its id in its own diagram, without the path to it


def _definitions(_user: User) -> Query:
    """Diagrams are no business data: whoever signed in may read them."""
    return select(
        Version.key,
        Version.number,
        Version.digest,
        Version.name,
        Version.main,
        Version.current,
        Version.source,
        Version.deployed_at,
    )


def _instances(user: User) -> Query:
    columns = (
        Case.id,
        Case.process,
        Case.business_key,
        Case.definition,
        Case.ended_at,
        Case.suspended_at,
        Version.number,
    )
    query = select(*columns).join(Version, Version.digest == Case.definition)
    return query.where(visible_to(user, Case), Case.ended_at.is_(None))


def _tasks(user: User) -> Query:
    query = select(
        Task.id,
        Task.name,
        Task.case_id,
        Task.process,
        Task.definition,
        Task.element,
        Task.form_key,
        Task.opened_at,
        Task.due_at,
        Task.follow_up_at,
        Task.priority,
        Task.summary,
        Task.token,
        Case.suspended_at,
        Assignee.login,
        Version.number,
    )
    query = query.join(Version, Version.digest == Task.definition).outerjoin(Assignee, Assignee.id == Task.assignee_id)
    return query.join(Case, Case.id == Task.case_id).where(visible_to(user, Task), Task.state == "open")


def _jobs(user: User) -> Query:
    query = select(
        Job.id,
        Job.case_id,
        Job.token,
        Job.element,
        Job.kind,
        Job.due_at,
        Job.retries,
        Job.error,
        Job.created_at,
        Case.process,
        Case.definition,
        Case.suspended_at,
        Version.number,
    )
    query = query.join(Case, Case.id == Job.case_id).join(Version, Version.digest == Case.definition)
    return query.where(visible_to(user, Case), Job.state.in_(("pending", "failed")), Job.kind != "external")


def _incidents(user: User) -> Query:
    query = select(
        Incident.id,
        Incident.case_id,
        Incident.job_id,
        Incident.element,
        Incident.message,
        Incident.opened_at,
        Case.process,
        Case.definition,
        Version.number,
    )
    query = query.join(Case, Case.id == Incident.case_id).join(Version, Version.digest == Case.definition)
    return query.where(visible_to(user, Case), Incident.resolved_at.is_(None))


DEFINITIONS = ListQuery(
    base=_definitions,
    key=Version.digest,
    criteria={
        "processDefinitionId": _IS_OF,
        "key": equals(Version.key),
        "keyLike": like(Version.key),
        "keysIn": in_(Version.key),
        "name": equals(Version.name),
        "nameLike": like(Version.name),
        "version": number(Version.number),
        "latestVersion": flag(Version.current.is_(True)),
        "deploymentId": equals(Version.digest),
        "resourceName": equals(Version.main),
        "active": always(),
        "suspended": never(),
    },
    orders={
        "key": Version.key,
        "name": Version.name,
        "version": Version.number,
        "deploymentId": Version.digest,
        "id": Version.digest,
        "deployTime": Version.deployed_at,
    },
    tail=(Version.key, Version.number),
)

DEPLOYMENTS = ListQuery(
    base=_definitions,
    key=Version.digest,
    criteria={"id": equals(Version.digest), "name": equals(Version.name), "nameLike": like(Version.name)},
    orders={"id": Version.digest, "name": Version.name, "deploymentTime": Version.deployed_at},
    tail=(Version.key, Version.number),
)
"""Every version is one deployment."""

INSTANCES = ListQuery(
    base=_instances,
    key=Case.id,
    criteria={
        "processInstanceIds": id_in(Case.id),
        "businessKey": equals(Case.business_key),
        "businessKeyLike": like(Case.business_key),
        "processDefinitionId": _IS_OF,
        "processDefinitionKey": equals(Case.process),
        "processDefinitionKeyIn": in_(Case.process),
        "withIncident": flag(Case.incidents > 0),
        "active": flag(Case.suspended_at.is_(None)),
        "suspended": flag(Case.suspended_at.is_not(None)),
    },
    orders={
        "instanceId": Case.id,
        "definitionKey": Case.process,
        "definitionId": Case.definition,
        "businessKey": Case.business_key,
    },
    tail=(Case.started_at, Case.id),
)

TASKS = ListQuery(
    base=_tasks,
    key=Task.id,
    criteria={
        "taskId": id_equals(Task.id),
        "taskIdIn": id_in(Task.id),
        "processInstanceId": id_equals(Task.case_id),
        "processInstanceIdIn": id_in(Task.case_id),
        "processInstanceBusinessKey": equals(Case.business_key),
        "processInstanceBusinessKeyLike": like(Case.business_key),
        "processInstanceBusinessKeyIn": in_(Case.business_key),
        "processDefinitionId": _IS_OF,
        "processDefinitionKey": equals(Task.process),
        "processDefinitionKeyIn": in_(Task.process),
        "processDefinitionName": equals(Version.name),
        "taskDefinitionKey": equals(_ELEMENT),
        "taskDefinitionKeyIn": in_(_ELEMENT),
        "taskDefinitionKeyLike": like(_ELEMENT),
        "name": equals(Task.name),
        "nameLike": like(Task.name),
        "assignee": Filter("text", lambda login: func.lower(Assignee.login) == login.lower()),
        "assigned": flag(Task.assignee_id.is_not(None)),
        "unassigned": flag(Task.assignee_id.is_(None)),
        "candidateGroup": equals(Task.role),
        "candidateGroups": in_(Task.role),
        "priority": number(Task.priority),
        "dueDate": Filter("instant", lambda at: Task.due_at == at),
        "dueBefore": before(Task.due_at),
        "dueAfter": after(Task.due_at),
        "withoutDueDate": flag(Task.due_at.is_(None)),
        "followUpBefore": before(Task.follow_up_at),
        "followUpAfter": after(Task.follow_up_at),
        "createdOn": Filter("instant", lambda at: Task.opened_at == at),
        "createdBefore": before(Task.opened_at),
        "createdAfter": after(Task.opened_at),
        "active": flag(Case.suspended_at.is_(None)),
        "suspended": flag(Case.suspended_at.is_not(None)),
    },
    orders={
        "id": Task.id,
        "name": Task.name,
        "nameCaseInsensitive": func.lower(Task.name),
        "created": Task.opened_at,
        "dueDate": Task.due_at,
        "followUpDate": Task.follow_up_at,
        "priority": Task.priority,
        "assignee": Assignee.login,
        "instanceId": Task.case_id,
        "executionId": Task.case_id,
    },
    tail=(Task.sort_at, Task.id),
)

JOBS = ListQuery(
    base=_jobs,
    key=Job.id,
    criteria={
        "jobId": id_equals(Job.id),
        "processInstanceId": id_equals(Job.case_id),
        "processDefinitionId": _IS_OF,
        "processDefinitionKey": equals(Case.process),
        "activityId": equals(Job.element),
        "timers": flag(Job.kind == "timer"),
        "messages": flag(Job.kind != "timer"),
        "withException": flag(Job.error.is_not(None)),
        "noRetriesLeft": flag(Job.retries <= 0),
        "withRetriesLeft": flag(Job.retries > 0),
        "active": flag(Case.suspended_at.is_(None)),
        "suspended": flag(Case.suspended_at.is_not(None)),
    },
    orders={
        "jobId": Job.id,
        "jobDueDate": Job.due_at,
        "jobRetries": Job.retries,
        "processInstanceId": Job.case_id,
        "processDefinitionKey": Case.process,
    },
    tail=(Job.due_at, Job.id),
)

INCIDENTS = ListQuery(
    base=_incidents,
    key=Incident.id,
    criteria={
        "incidentId": id_equals(Incident.id),
        "processInstanceId": id_equals(Incident.case_id),
        "processDefinitionId": _IS_OF,
        "processDefinitionKeyIn": in_(Case.process),
        "activityId": equals(Incident.element),
        "incidentMessage": equals(Incident.message),
        "incidentMessageLike": like(Incident.message),
    },
    orders={
        "incidentId": Incident.id,
        "incidentTimestamp": Incident.opened_at,
        "activityId": Incident.element,
        "processInstanceId": Incident.case_id,
    },
    tail=(Incident.opened_at, Incident.id),
)


def find_definition(wanted: DefinitionId | str) -> Any | None:
    """The version with this id, or the current one with this key; None when there is none."""
    is_meant = and_(Version.key == wanted, Version.current) if isinstance(wanted, str) else _IS_OF.where(wanted)
    query = select(*Version.__table__.columns).where(is_meant)
    return session().execute(query).one_or_none()


def main_diagram(digest: str) -> bytes:
    """The main diagram of a bundle as it was deployed."""
    file = (DefinitionFile.definition == Version.digest) & (DefinitionFile.name == Version.main)
    query = select(DefinitionFile.content).join(Version, file).where(Version.digest == digest)
    return session().scalars(query).one()


def form_of(digest: str, form_key: str) -> bytes | None:
    """The form of a user task in the version of its own case; None when the bundle has none of that key."""
    name = f"{form_key}.form"
    query = select(DefinitionFile.content).where(DefinitionFile.definition == digest, DefinitionFile.name == name)
    return session().scalars(query).one_or_none()
