"""Ways and times of many cases, aggregated in the database: one row a way, one an element."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Text, and_, cast, func, literal, or_, select, union_all
from sqlalchemy.dialects.postgresql import aggregate_order_by

from service.models.db.clock import now
from service.models.db.session import session
from service.models.tables.runtime.case import Case, Incident, JournalRow, Task, TaskState

QUANTILES = (0.5, 0.9)


def ways(chosen: Any) -> list[tuple[str, int, str]]:
    """Every way that cases took: the traces of their rows in order, how many took it, one of them.

    chosen: a query of cases.
    """
    cases = chosen.subquery()
    trace = JournalRow.record["trace"].astext
    one = (
        select(JournalRow.case_id, func.string_agg(trace, aggregate_order_by(literal(""), JournalRow.seq)).label("way"))
        .where(JournalRow.case_id.in_(select(cases.c.id)))
        .group_by(JournalRow.case_id)
        .subquery()
    )
    query = select(one.c.way, func.count(), func.max(cast(one.c.case_id, Text))).group_by(one.c.way)
    return [(row[0], row[1], row[2]) for row in session().execute(query)]


def task_times(chosen: Any) -> list[Any]:
    """Of each element with tasks: median and p90 of seconds until claimed (or done unclaimed), from then on, and in
    all, their sum, how many had a deadline and how many missed it.
    """
    cases = chosen.subquery()
    claims = (
        select(
            JournalRow.case_id, JournalRow.record["token"].astext.label("token"), func.max(JournalRow.at).label("at")
        )
        .where(JournalRow.kind.in_(("claim", "assign")), JournalRow.case_id.in_(select(cases.c.id)))
        .group_by(JournalRow.case_id, JournalRow.record["token"].astext)
        .subquery()
    )
    element = func.split_part(Task.element, "/", -1).label("element")
    whole = func.extract("epoch", Task.closed_at - Task.opened_at)
    waiting = func.extract("epoch", func.coalesce(claims.c.at, Task.closed_at) - Task.opened_at)
    working = func.extract("epoch", Task.closed_at - claims.c.at)
    late = or_(Task.closed_at > Task.due_at, and_(Task.state == TaskState.OPEN, Task.due_at < now()))

    def quantiles(seconds: Any, name: str) -> Any:
        return func.percentile_cont(list(QUANTILES)).within_group(seconds).label(name)

    query = (
        select(
            element,
            func.max(Task.name).label("name"),
            quantiles(waiting, "waiting"),
            quantiles(working, "working"),
            quantiles(whole, "whole"),
            func.coalesce(func.sum(whole), 0).label("total"),
            func.count(Task.due_at).label("due"),
            func.count().filter(late).label("late"),
            func.count().filter(Task.state == TaskState.OPEN).label("open"),
        )
        .outerjoin(claims, and_(claims.c.case_id == Task.case_id, claims.c.token == Task.token))
        .where(Task.case_id.in_(select(cases.c.id)), Task.state != TaskState.CANCELLED)
        .group_by(element)
    )
    return list(session().execute(query))


def deviations(chosen: Any, kinds: Collection[str]) -> list[Any]:
    """Of each kind of input that no diagram foresees, and of incidents: how many cases, how often, one of the cases;
    last, without a kind, of all together.
    """
    cases = select(chosen.subquery().c.id)
    moved = select(JournalRow.case_id, JournalRow.kind).where(JournalRow.kind.in_(kinds), JournalRow.case_id.in_(cases))
    failed = select(Incident.case_id, literal("incident").label("kind")).where(Incident.case_id.in_(cases))
    found = union_all(moved, failed).subquery()
    counts = (func.count(found.c.case_id.distinct()), func.count(), func.max(cast(found.c.case_id, Text)))
    query = select(found.c.kind, *counts).group_by(func.rollup(found.c.kind))
    return sorted(session().execute(query), key=lambda row: (row[0] is None, -row[1], row[0] or ""))


def case_times(chosen: Any) -> Any:
    """Numbers of cases and of those that have ended, with median and p90 of the seconds that these took."""
    cases = chosen.subquery()
    seconds = func.extract("epoch", Case.ended_at - Case.started_at)
    query = select(
        func.count().label("cases"),
        func.count(Case.ended_at).label("ended"),
        func.percentile_cont(list(QUANTILES)).within_group(seconds).label("whole"),
    )
    return session().execute(query.where(Case.id.in_(select(cases.c.id)))).one()
