"""Incidents of the cases in scope: those that are open, and what became of those that were tried again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select

from service.models.db.clock import now
from service.models.db.pagination import Page, SortOrder, read_page
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Incident, Job
from service.models.tables.runtime.process import DefinitionVersion

LATELY = timedelta(hours=1)
ORDER = SortOrder((Incident.opened_at, Incident.id))


def _of(user: User) -> Any:
    query = select(
        Incident.id,
        Incident.case_id,
        Incident.job_id,
        Incident.element,
        Incident.message,
        Incident.opened_at,
        Incident.resolved_at,
        Job.kind.label("job_kind"),
        Job.state.label("job_state"),
        Case.process,
        Case.subject,
        Case.suspended_at,
        Case.definition,
        DefinitionVersion.name.label("process_name"),
        User.display_name.label("who"),
    )
    query = query.join(Case, Case.id == Incident.case_id)
    query = query.join(DefinitionVersion, DefinitionVersion.digest == Case.definition)
    query = query.outerjoin(Job, Job.id == Incident.job_id).outerjoin(User, User.id == Incident.resolved_by)
    return query.where(visible_to(user, Case))


def open_page(user: User, cursor: str | None) -> Page[Any]:
    """A page of the open incidents, the oldest first. Raises NotFound for a cursor that was not made here."""
    return read_page(_of(user).where(Incident.resolved_at.is_(None)), ORDER, cursor)


def count_open(user: User) -> int:
    """The number of all open incidents."""
    query = select(func.count()).select_from(Incident).join(Case, Case.id == Incident.case_id)
    return session().scalar(query.where(visible_to(user, Case), Incident.resolved_at.is_(None))) or 0


def handled_lately(user: User, most: int) -> list[Any]:
    """Those that somebody has dealt with within the hour, the latest first, with the state of their jobs."""
    query = _of(user).where(Incident.resolved_at >= now() - LATELY)
    return list(session().execute(query.order_by(Incident.resolved_at.desc(), Incident.id).limit(most)))
