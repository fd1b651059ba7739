"""Lists of the REST API over what is past: cases, and passages through elements as the journal records them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Integer, String, Text, and_, cast, column, exists, func, literal, null, select, true, union_all
from sqlalchemy.orm import aliased

from service.models.queries.camunda.listing import (
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
    of_definition,
)
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import (
    Case,
    Job,
    JournalRow,
    Task,
)
from service.models.tables.runtime.process import DefinitionVersion

Version = DefinitionVersion
Starter, Doer = aliased(User), aliased(User)
_IS_OF = of_definition(Version.key, Version.number, Version.digest)


def _passages() -> Any:
    """Every passage through an element. A user task is a row of ``task``;
    all else stands in the trace of a journal row.

    What waited (a timer, external work) began when its job was made; the rest begins and ends with its input.
    """
    done = (
        func.jsonb_array_elements_text(JournalRow.record["trace"])
        .table_valued(column("step", Text), with_ordinality="place", joins_implicitly=True)
        .render_derived()
    )
    element = func.substr(done.c.step, 2)
    is_task = exists().where(Task.case_id == JournalRow.case_id, Task.element == element)
    waited = (
        select(func.max(Job.created_at))
        .where(Job.case_id == JournalRow.case_id, Job.element == element, Job.created_at <= JournalRow.at)
        .scalar_subquery()
    )
    mark = func.concat(cast(JournalRow.case_id, String), ".", JournalRow.seq, ".", done.c.place)
    automatic = (
        select(
            JournalRow.case_id,
            element.label("element"),
            mark.label("mark"),
            cast(null(), Task.id.type).label("task_id"),
            func.coalesce(waited, JournalRow.at).label("started_at"),
            JournalRow.at.label("ended_at"),
            func.starts_with(done.c.step, "-").label("is_cancelled"),
            cast(null(), Task.id.type).label("user_id"),
            (JournalRow.seq * 1000 + cast(done.c.place, Integer)).label("place"),
        )
        .select_from(JournalRow)
        .join(done, true())
        .where(~is_task)
    )
    by_people = select(
        Task.case_id,
        Task.element,
        cast(Task.id, String),
        Task.id,
        Task.opened_at,
        Task.closed_at,
        Task.state == "cancelled",
        func.coalesce(Task.closed_by, Task.assignee_id),
        literal(0),
    )
    return union_all(automatic, by_people).subquery("passage")


PASSAGE = _passages()


def _instances(user: User) -> Query:
    first = aliased(JournalRow)
    start = select(first.record["trace"][0].astext).where(first.case_id == Case.id, first.seq == 0).scalar_subquery()
    query = select(
        Case.id,
        Case.process,
        Case.business_key,
        Case.definition,
        Case.started_at,
        Case.ended_at,
        Version.number,
        Version.name,
        Starter.login,
        start.label("start"),
    )
    query = query.join(Version, Version.digest == Case.definition).outerjoin(Starter, Starter.id == Case.started_by)
    return query.where(visible_to(user, Case))


def _activities(user: User) -> Query:
    query = select(*PASSAGE.c, Case.process, Case.definition, Version.number, Doer.login)
    query = query.select_from(PASSAGE).join(Case, Case.id == PASSAGE.c.case_id)
    query = query.join(Version, Version.digest == Case.definition).outerjoin(Doer, Doer.id == PASSAGE.c.user_id)
    return query.where(visible_to(user, Case))


def _ends_in(element: str) -> Any:
    """The passage's element is this one, wherever the path of calls and subprocesses to it begins."""
    return func.split_part(PASSAGE.c.element, "/", -1) == element


PAST_INSTANCES = ListQuery(
    base=_instances,
    key=Case.id,
    criteria={
        "processInstanceId": id_equals(Case.id),
        "processInstanceIds": id_in(Case.id),
        "processInstanceBusinessKey": equals(Case.business_key),
        "processInstanceBusinessKeyLike": like(Case.business_key),
        "processDefinitionId": _IS_OF,
        "processDefinitionKey": equals(Case.process),
        "processDefinitionKeyIn": in_(Case.process),
        "processDefinitionName": equals(Version.name),
        "processDefinitionNameLike": like(Version.name),
        "finished": flag(Case.ended_at.is_not(None)),
        "unfinished": flag(Case.ended_at.is_(None)),
        "active": flag(Case.ended_at.is_(None)),
        "completed": flag(Case.ended_at.is_not(None)),
        "withIncidents": flag(Case.incidents > 0),
        "startedBefore": before(Case.started_at),
        "startedAfter": after(Case.started_at),
        "finishedBefore": before(Case.ended_at),
        "finishedAfter": after(Case.ended_at),
        "startedBy": Filter("text", lambda login: func.lower(Starter.login) == login.lower()),
    },
    orders={
        "instanceId": Case.id,
        "definitionId": Case.definition,
        "definitionKey": Case.process,
        "definitionName": Version.name,
        "definitionVersion": Version.number,
        "businessKey": Case.business_key,
        "startTime": Case.started_at,
        "endTime": Case.ended_at,
        "duration": Case.ended_at - Case.started_at,
    },
    tail=(Case.started_at, Case.id),
)

ACTIVITIES = ListQuery(
    base=_activities,
    key=PASSAGE.c.mark,
    criteria={
        "processInstanceId": id_equals(PASSAGE.c.case_id),
        "executionId": id_equals(PASSAGE.c.case_id),
        "processDefinitionId": _IS_OF,
        "activityId": Filter("text", _ends_in),
        "taskAssignee": Filter(
            "text", lambda login: and_(PASSAGE.c.task_id.is_not(None), func.lower(Doer.login) == login.lower())
        ),
        "finished": flag(PASSAGE.c.ended_at.is_not(None)),
        "unfinished": flag(PASSAGE.c.ended_at.is_(None)),
        "canceled": flag(PASSAGE.c.is_cancelled),
        "completeScope": flag(~true()),
        "withoutTenantId": always(),
        "startedBefore": before(PASSAGE.c.started_at),
        "startedAfter": after(PASSAGE.c.started_at),
        "finishedBefore": before(PASSAGE.c.ended_at),
        "finishedAfter": after(PASSAGE.c.ended_at),
    },
    orders={
        "activityId": PASSAGE.c.element,
        "startTime": PASSAGE.c.started_at,
        "endTime": PASSAGE.c.ended_at,
        "duration": PASSAGE.c.ended_at - PASSAGE.c.started_at,
        "instanceId": PASSAGE.c.case_id,
        "executionId": PASSAGE.c.case_id,
        "definitionId": Case.definition,
        "occurrence": PASSAGE.c.place,
        "activityInstanceId": PASSAGE.c.mark,
    },
    tail=(PASSAGE.c.started_at, PASSAGE.c.place, PASSAGE.c.mark),
)
