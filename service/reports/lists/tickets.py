"""Support tickets as a list to export: a reader's own and those of his desk (R69, R70)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.tickets import TicketKind, TicketState
from service.errors import N_
from service.models.queries.notices import ticket_list
from service.models.queries.notices.ticket_list import TicketFilter
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
    Column("number", N_("编号"), CellType.CODE),
    Column("kind", N_("类型"), CellType.LABEL),
    Column("subject", N_("主题")),
    Column("requester", N_("提问人")),
    Column("organisation", N_("单位"), CellType.LABEL),
    Column("created_at", N_("提交"), CellType.INSTANT),
    Column("progress", N_("进度")),
    Column("expected_on", N_("预计完成"), CellType.DAY),
    Column("rating", N_("评价"), CellType.NUMBER),
    columns.STATE,
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The tickets of the list page: the reader's own, or those of his desk."""
    query = ticket_list.tickets_query(user, TicketFilter(chosen.q, chosen.state, chosen.kind, chosen.view == "desk"))
    return PagedTable(COLUMNS, query, ticket_list.ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(
        row, "number", "subject", "requester", "organisation", "created_at", "progress", "expected_on", "rating"
    )
    return own | {"kind": TicketKind(row.kind).label, "state": TicketState(row.state).label}


LISTS = (
    Report(
        "tickets",
        N_("在线客服"),
        frozenset(Role),
        read,
        filters=("q", "kind", "state", "view"),
        options={"kind": tuple(TicketKind), "state": tuple(TicketState)},
        sign="chat",
    ),
)
