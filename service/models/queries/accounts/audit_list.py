"""The audit trail as a list: filters, one page, latest first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.audit import EVENTS, EventGroup
from service.domain.values.calendar import start_of_day
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime.case_list import has_number
from service.models.queries.runtime.inbox import like
from service.models.tables.accounts.user import User
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.runtime.case import Case
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.export import ExportLog
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((AuditEvent.at, AuditEvent.id), is_descending=True)
OUTCOMES = ("ok", "refused")
About = aliased(User)


def events_query(chosen: ReportFilter) -> Any:
    """Select the events, of all organisations: only the auditor reads them. since, until: civil days, both included.

    purpose, reason: what was written about an export or a print, from the row that the event is about; process_name:
    of the process that was deployed.
    """
    version, key = DefinitionVersion, AuditEvent.detail["process"].astext
    named = select(version.name).where(version.key == key, version.current).scalar_subquery()
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
            ExportLog.purpose,
            PrintBatch.reason,
            named.label("process_name"),
        )
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .outerjoin(Organisation, Organisation.id == AuditEvent.organisation_id)
        .outerjoin(About, About.id == AuditEvent.object_id)
        .outerjoin(ExportLog, ExportLog.id == AuditEvent.object_id)
        .outerjoin(PrintBatch, PrintBatch.id == AuditEvent.object_id)
    )
    if chosen.kind:
        query = query.where(AuditEvent.action.in_(list(EVENTS[EventGroup(chosen.kind)])))
    if chosen.state:
        query = query.where(AuditEvent.outcome == "ok" if chosen.state == "ok" else AuditEvent.outcome != "ok")
    if chosen.what:
        query = query.where(AuditEvent.action == chosen.what)
    if chosen.number:
        about = select(Case.id).where(has_number(chosen.number))
        query = query.where(AuditEvent.object_type == "case", AuditEvent.object_id.in_(about))
    if chosen.since:
        query = query.where(AuditEvent.at >= start_of_day(chosen.since))
    if chosen.until:
        query = query.where(AuditEvent.at < start_of_day(chosen.until + timedelta(days=1)))
    if chosen.q:
        words = like(chosen.q)
        actors = select(User.id).where(or_(User.login.ilike(words), User.display_name.ilike(words)))
        source = func.host(AuditEvent.source)
        query = query.where(or_(AuditEvent.actor_id.in_(actors), source.startswith(chosen.q, autoescape=True)))
    return query


def details_of(row: Any) -> dict[str, Any]:
    """The details of an event of ``events_query`` that hold something, with what was written about it."""
    told = {**row.detail, "purpose": row.purpose, "reason": row.reason}
    if row.process_name:
        told["process"] = row.process_name
    return {name: _in_line(value) for name, value in told.items() if value not in (None, "", {}, [])}


def _in_line(value: Any) -> Any:
    """Several values as a line of text."""
    several = value.values() if isinstance(value, dict) else value
    return "、".join(map(str, several)) if isinstance(value, (dict, list)) else value
