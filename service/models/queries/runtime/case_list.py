"""The list of cases: filtered, in scope, a page at a time; and what stands beside one case."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from service.domain.values.names import join_characters
from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.names import contains
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.case import Case, Incident
from service.models.tables.process import DefinitionVersion
from service.models.tables.user import User

STATES = ("running", "ended", "incident")


ORDER = SortOrder((Case.started_at, Case.id), is_descending=True)


def cases_query(user: User, chosen: ReportFilter) -> Any:
    """Select the cases in scope, with name and number of their version. state: one of ``STATES``."""
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
    return query


_STATES = {"running": Case.ended_at.is_(None), "ended": Case.ended_at.is_not(None), "incident": Case.incidents > 0}


def processes() -> list[tuple[str, str]]:
    """Key and name of every process that has a version in force."""
    query = (
        select(DefinitionVersion.key, DefinitionVersion.name)
        .where(DefinitionVersion.current)
        .order_by(DefinitionVersion.key)
    )
    return [(row[0], row[1]) for row in session().execute(query)]


def open_incidents(case_id: UUID) -> list[Incident]:
    """Return the open incidents of a case, oldest first."""
    query = (
        select(Incident).where(Incident.case_id == case_id, Incident.resolved_at.is_(None)).order_by(Incident.opened_at)
    )
    return list(session().scalars(query))
