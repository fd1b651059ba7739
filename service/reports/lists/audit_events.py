"""The audit trail as a list to export, for the auditor."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.audit import DETAILS, EventGroup, word_of
from service.domain.accounts.roles import Role
from service.errors import N_, Message
from service.models.queries.accounts.audit_list import (
    ORDER,
    OUTCOMES,
    EventFilter,
    events_query,
)
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
)
from service.reports.framework.table import PagedTable

COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("event", N_("事项"), CellType.LABEL),
    Column("login", N_("登录名"), CellType.CODE),
    Column("display_name", N_("姓名")),
    Column("organisation", N_("单位"), CellType.LABEL),
    Column("source", N_("来源地址"), CellType.CODE),
    Column("object", N_("对象")),
    Column("outcome", N_("结果"), CellType.LABEL),
    Column("detail", N_("说明")),
)


def read(_user: User, chosen: ReportFilter) -> PagedTable:
    """The events of the list page."""
    outcome = chosen.state if chosen.state in OUTCOMES else ""
    found = EventFilter(chosen.q, chosen.kind, outcome, chosen.since, chosen.until)
    return PagedTable(COLUMNS, events_query(found), ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(row, "at", "login", "display_name", "organisation")
    about = row.about or (f"{row.object_type} {row.object_id}" if row.object_id else "")
    return own | {
        "event": word_of(row.action),
        "source": str(row.source or ""),
        "object": about,
        "detail": _told(row.detail),
        "outcome": N_("成功") if row.outcome == "ok" else N_("未成功"),
    }


def _told(detail: dict[str, Any]) -> Message | str:
    """What is told of an event besides, in the words of the page."""
    values: dict[str, Any] = {"end": Message(N_("；"))}
    told = []
    for n, (name, value) in enumerate((k, v) for k, v in detail.items() if v not in (None, "", {}, [])):
        values[f"name{n}"] = Message(DETAILS.get(name, name))
        values[f"value{n}"] = Message(N_("是") if value else N_("否")) if isinstance(value, bool) else str(value)
        told.append(f"%(name{n})s %(value{n})s")
    return Message("%(end)s".join(told), **values) if told else ""


LISTS = (
    Report(
        "audit-events",
        N_("日志审计"),
        frozenset({Role.AUDIT_ADMIN}),
        read,
        filters=("q", "kind", "state", "since", "until"),
        options={"kind": tuple(EventGroup)},
        sign="search",
    ),
)
