"""The audit trail as a list: filters, one page, latest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.audit import EVENTS, EventGroup
from service.domain.values.calendar import start_of_day
from service.models.db.pagination import Page, SortOrder, read_page
from service.models.queries.runtime.inbox import like
from service.models.tables.audit import AuditEvent
from service.models.tables.organisation import Organisation
from service.models.tables.user import User

ORDER = SortOrder((AuditEvent.at, AuditEvent.id), is_descending=True)
OUTCOMES = ("ok", "refused")
About = aliased(User)


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What the trail is narrowed to. text: login or name of who did it, or a source address; since, until: civil days, both included."""

    text: str = ""
    group: str = ""
    outcome: str = ""
    since: date | None = None
    until: date | None = None


def events_page(chosen: EventFilter, cursor: str | None = None) -> Page[Any]:
    """One page of the events; whose business they are is not asked: only the auditor reads them."""
    return read_page(events_query(chosen), ORDER, cursor)


def events_query(chosen: EventFilter) -> Any:
    """The query behind the page, whole, for exports."""
    query = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.action,
            AuditEvent.outcome,
            AuditEvent.source,
            AuditEvent.object_type,
            AuditEvent.object_id,
            AuditEvent.detail,
            User.login,
            User.display_name,
            Organisation.name.label("organisation"),
            About.login.label("about"),
        )
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .outerjoin(Organisation, Organisation.id == AuditEvent.organisation_id)
        .outerjoin(About, About.id == AuditEvent.object_id)
    )
    if chosen.group:
        query = query.where(AuditEvent.action.in_(list(EVENTS[EventGroup(chosen.group)])))
    if chosen.outcome:
        query = query.where(AuditEvent.outcome == "ok" if chosen.outcome == "ok" else AuditEvent.outcome != "ok")
    if chosen.since:
        query = query.where(AuditEvent.at >= start_of_day(chosen.since))
    if chosen.until:
        query = query.where(AuditEvent.at < start_of_day(chosen.until + timedelta(days=1)))
    if chosen.text:
        words = like(chosen.text)
        actors = select(User.id).where(or_(User.login.ilike(words), User.display_name.ilike(words)))
        source = func.host(AuditEvent.source)
        query = query.where(or_(AuditEvent.actor_id.in_(actors), source.startswith(chosen.text, autoescape=True)))
    return query
