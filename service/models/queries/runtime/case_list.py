"""The list of cases: filtered, in scope, a page at a time; and what stands beside one case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Text, and_, cast, func, or_, select

from service.domain.values.calendar import start_of_day
from service.domain.values.names import join_characters
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import contains
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.runtime.case import Case, Incident, Job, JobState, Task, TaskState
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.validation.typed_text import as_id

STATES = ("running", "ended", "incident", "suspended")
NUMBER_LENGTH = 12  # digits of a case's number that are shown and printed
ORDER = SortOrder((Case.started_at, Case.id), is_descending=True)


def cases_query(user: User, chosen: ReportFilter) -> Any:
    """Select the cases in scope, with name and number of their version. state: one of ``STATES``; number: of a case or
    certificate, or of a class with its enrolments.
    """
    version = DefinitionVersion
    query = select(
        Case.id,
        Case.process,
        Case.subject,
        Case.business_key,
        Case.started_at,
        Case.moved_at,
        Case.ended_at,
        Case.incidents,
        Case.suspended_at,
        version.name.label("process_name"),
        version.number,
    )
    query = query.join(version, version.digest == Case.definition).where(visible_to(user, Case))
    if chosen.process:
        query = query.where(Case.process == chosen.process)
    if chosen.definition:
        query = query.where(Case.definition == chosen.definition)
    if chosen.find:
        about = contains(func.lower(Case.subject), join_characters(chosen.find).lower())
        query = query.where(or_(about, Case.business_key == chosen.find))
    if chosen.state:
        query = query.where(_STATES[chosen.state])
    if chosen.number:
        query = query.where(or_(has_number(chosen.number), _is_enrolled_in(chosen.number)))
    if chosen.q:
        query = query.where(Case.unit_id.in_(select(Organisation.id).where(contains(Organisation.name, chosen.q))))
    query = _of_work(query, chosen)
    if chosen.since:
        query = query.where(Case.started_at >= start_of_day(chosen.since))
    if chosen.until:
        query = query.where(Case.started_at < start_of_day(chosen.until + timedelta(days=1)))
    return query


def _of_work(query: Any, chosen: ReportFilter) -> Any:
    """Narrow by who did something in a case, and by the element of a task that was done, by name or id."""
    if chosen.actor:
        actors = select(User.id).where(func.lower(User.login) == chosen.actor.lower())
        done = select(Task.case_id).where(Task.closed_by.in_(actors), Task.state == TaskState.COMPLETED)
        query = query.where(or_(Case.started_by.in_(actors), Case.id.in_(done)))
    if chosen.element:
        passed = or_(
            contains(func.lower(Task.name), chosen.element.lower()),
            func.split_part(Task.element, "/", -1) == chosen.element,
        )
        query = query.where(Case.id.in_(select(Task.case_id).where(passed, Task.state == TaskState.COMPLETED)))
    return query


def _is_enrolled_in(code: str) -> Any:
    """The cases of the enrolments of a class, by its number."""
    classes = select(TrainingClass.id).where(TrainingClass.code == code)
    return Case.id.in_(select(Enrollment.case_id).where(Enrollment.class_id.in_(classes)))


def has_number(number: str) -> Any:
    """The number of the case, whole or as it is printed, or of the certificate or class that it is about."""
    if whole := as_id(number):
        return Case.id == whole
    holders = select(Certificate.id).where(Certificate.number == number)
    made = select(Certificate.enrollment_id).where(Certificate.number == number)
    return or_(
        func.right(cast(Case.id, Text), NUMBER_LENGTH) == number.lower(),
        Case.business_key == number,
        Case.id.in_(select(Enrollment.case_id).where(Enrollment.id.in_(made))),
        Case.id.in_(select(Reissue.case_id).where(Reissue.certificate_id.in_(holders))),
        Case.id.in_(select(TrainingClass.case_id).where(TrainingClass.code == number)),
    )


_STATES = {
    "running": Case.ended_at.is_(None),
    "ended": Case.ended_at.is_not(None),
    "incident": Case.incidents > 0,
    "suspended": and_(Case.suspended_at.is_not(None), Case.ended_at.is_(None)),
}


def processes() -> list[tuple[str, str]]:
    """Key and name of every process that has a version in force."""
    query = (
        select(DefinitionVersion.key, DefinitionVersion.name)
        .where(DefinitionVersion.current)
        .order_by(DefinitionVersion.key)
    )
    return [(row[0], row[1]) for row in session().execute(query)]


def versions() -> list[tuple[str, str]]:
    """Digest of every version, with its process and number."""
    query = select(DefinitionVersion.digest, DefinitionVersion.key, DefinitionVersion.number)
    rows = session().execute(query.order_by(DefinitionVersion.key, DefinitionVersion.number))
    return [(digest, f"{key} {number}") for digest, key, number in rows]


@dataclass(frozen=True, slots=True)
class Wait:
    """Something that a case waits for. kind: task, timer, async, external, message or signal; name: of a message or
    topic; who: an assignee; due: when it is done by itself, or is to be done; error: of the last try.
    """

    kind: str
    element: str
    name: str = ""
    role: str = ""
    organisation: str = ""
    who: str = ""
    due: datetime | None = None
    error: str | None = None


def waits(case: Case) -> list[Wait]:
    """List all that a running case waits for: people, instants, messages, and work that others do; in two queries."""
    if case.ended_at is not None:
        return []
    tasks = (
        select(Task.element, Task.role, Organisation.name, User.display_name, Task.due_at)
        .outerjoin(Organisation, Organisation.id == Task.organisation_id)
        .outerjoin(User, User.id == Task.assignee_id)
        .where(Task.case_id == case.id, Task.state == TaskState.OPEN)
        .order_by(Task.opened_at, Task.id)
    )
    jobs = (
        select(Job.kind, Job.element, Job.name, Job.due_at, Job.error)
        .where(Job.case_id == case.id, Job.state.in_((JobState.PENDING, JobState.FAILED)), Job.kind != "effect")
        .order_by(Job.due_at, Job.id)
    )
    found = [
        Wait("task", element, "", role, organisation or "", who or "", due)
        for element, role, organisation, who, due in session().execute(tasks)
    ]
    found += [
        Wait(kind, element, name, due=due if kind == "timer" else None, error=error)
        for kind, element, name, due, error in session().execute(jobs)
    ]
    for waited in case.awaited:
        kind, _, name = waited.partition(":")
        found.append(Wait(kind, "", name))
    return found


def open_incidents(case_id: UUID) -> list[Incident]:
    """Return the open incidents of a case, oldest first."""
    query = (
        select(Incident).where(Incident.case_id == case_id, Incident.resolved_at.is_(None)).order_by(Incident.opened_at)
    )
    return list(session().scalars(query))
