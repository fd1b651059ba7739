"""领取登记: who received which print and when, with a place for the signature of those still to come (§11, R58)."""

from __future__ import annotations

from service.domain.accounts.roles import Role
from service.errors import N_
from service.models.db.clock import today
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports import print_register
from service.reports.framework import columns
from service.reports.framework.filters import QUERY, YEAR, hidden
from service.reports.framework.report import CellType, Column, Report
from service.reports.framework.table import PagedTable

COLUMNS = (
    columns.NUMBER,
    Column("edition", N_("版本"), CellType.CODE),
    columns.PERSON,
    columns.UNIT,
    Column("at", N_("打印时间"), CellType.INSTANT),
    Column("received_by", N_("领取人")),
    Column("received_on", N_("领取日期"), CellType.DAY),
    Column("signature", N_("签收"), CellType.EMPTY),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the prints of the certificates in scope, the latest first."""
    return print_register.read(user, chosen, COLUMNS)


REPORT = Report(
    name="hand-out-register",
    title=N_("领取登记"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read,
    filters=(QUERY, YEAR, hidden("received", tuple(print_register.Received))),
    defaults=lambda _user: {"year": str(today().year)},
    summary=((N_("已领取"), "received"),),
    sign="print",
    position=95,
)
