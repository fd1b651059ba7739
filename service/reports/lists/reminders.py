"""The reminders that an authority has sent to units without data, as a list to export (S14)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.units.units import UnitKind
from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.queries.units import unit_completeness
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row, roles_that_may
from service.reports.framework.table import PagedTable

COLUMNS = (
    Column("name", N_("单位名称")),
    Column("kind", N_("单位类型"), CellType.LABEL),
    Column("published_at", N_("催报时间"), CellType.INSTANT),
    Column("body", N_("内容")),
    Column("readers", N_("已读账号"), CellType.NUMBER),
    Column("now", N_("现在"), CellType.LABEL),
)
ENTERED, MISSING = N_("已录入"), N_("尚未录入")


def read(user: User, _chosen: ReportFilter) -> PagedTable:
    """Read the reminders, latest first."""
    return PagedTable(COLUMNS, unit_completeness.reminders_query(user), unit_completeness.SENT, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(row, "name", "published_at", "body", "readers")
    return own | {"kind": UnitKind(row.kind).label, "now": ENTERED if row.is_done else MISSING}


LISTS = (
    Report(
        "reminders",
        N_("催报记录"),
        roles_that_may(Action.ADD_UNIT),
        read,
        sign="bell",
        is_plain=True,
        page=ListPage(
            N_("还没有催报过"),
            none_yet_note=N_("在“尚未录入的单位”中可逐家或一次全部催报。"),
            region=N_("催报记录，可左右滚动"),
        ),
    ),
)
