"""Support tickets: the user's own and those that the user's role answers (R69, R70)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.tickets import ANSWERING_ROLES, TicketKind, TicketState
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.queries.notices import ticket_list
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import choice, hidden, search
from service.reports.framework.list_page import Chip, ChipRow, ListPage, chips
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable


class View(Labelled):
    """The tickets that the user's role answers, instead of the user's own."""

    DESK = "desk", N_("由我方答复的")


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
    """Read the user's own tickets, or those that the user's role answers."""
    return PagedTable(COLUMNS, ticket_list.tickets_query(user, chosen), ticket_list.ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(
        row, "number", "subject", "requester", "organisation", "created_at", "progress", "expected_on", "rating"
    )
    return own | {"kind": TicketKind(row.kind).label, "state": row.stage or TicketState(row.state).label}


LISTS = (
    Report(
        "tickets",
        N_("在线客服"),
        frozenset(Role),
        read,
        filters=(
            search(N_("工单编号或主题"), N_("查找工单")),
            choice("kind", tuple(TicketKind), N_("全部类型"), N_("工单类型")),
            hidden("state", tuple(TicketState)),
            hidden("view", tuple(View), is_view=True),
        ),
        sign="chat",
        page=ListPage(
            N_("没有符合条件的工单"),
            N_("没有由我方答复的工单"),
            N_("新工单会出现在待办和这里。"),
            N_("工单，可左右滚动"),
            chips=(
                ChipRow(
                    N_("谁的工单"),
                    (Chip("view", View.DESK, View.DESK.label),),
                    N_("我提交的"),
                    roles=frozenset(ANSWERING_ROLES),
                    is_first=True,
                ),
                ChipRow(N_("按状态"), chips("state", tuple(TicketState)), keeps=("view",)),
            ),
            counts=ticket_list.counts,
        ),
    ),
)
