"""Training plans as a list to export (S90, S106), and the units that have not entered their data yet (S14)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.training.plans import PlanState
from service.domain.training.training_kind import TrainingKind
from service.domain.units.units import UnitKind, UnitState
from service.errors import N_
from service.models.queries.training import plan_list
from service.models.queries.training.plan_list import PlanFilter
from service.models.queries.units import unit_completeness
from service.models.queries.units.unit_completeness import EntryFilter
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    OFFICIAL,
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
)
from service.reports.framework.table import PagedTable

PLANS = (
    Column("title", N_("名称")),
    Column("year", N_("年度"), CellType.CODE),
    Column("month", N_("月份"), CellType.CODE),
    Column("quarter", N_("季度"), CellType.CODE),
    columns.TRAINING_KIND,
    Column("owner", N_("制定单位"), CellType.LABEL),
    Column("place", N_("地点")),
    Column("capacity", N_("名额"), CellType.NUMBER),
    Column("hours", N_("学时"), CellType.NUMBER),
    Column("classes", N_("已开班"), CellType.NUMBER),
    columns.STATE,
)
UNENTERED = (
    Column("name", N_("单位名称")),
    Column("kind", N_("单位类型"), CellType.LABEL),
    columns.PROVINCE,
    columns.STATE,
    Column("persons", N_("人员"), CellType.LABEL),
    Column("account", N_("账号"), CellType.LABEL),
    Column("contact", N_("联系人")),
    Column("unit_phone", N_("联系电话"), CellType.CODE),
    Column("last_login", N_("最近登录"), CellType.INSTANT),
    Column("reminded_at", N_("最近催报"), CellType.INSTANT),
)
YES, NO = N_("有"), N_("没有")


def read_plans(user: User, chosen: ReportFilter) -> PagedTable:
    """The plans of the list page."""
    found = PlanFilter(chosen.q, chosen.year, chosen.kind, chosen.state, chosen.owner)
    return PagedTable(PLANS, plan_list.plans_query(user, found), plan_list.ORDER, _plan)


def _plan(row: Any) -> Row:
    own = columns.plain(row, "title", "owner", "place", "capacity", "hours", "classes")
    times = {name: str(getattr(row, name) or "") for name in ("year", "month", "quarter")}
    return own | times | {"kind": TrainingKind(row.kind).label, "state": PlanState(row.state).label}


def read_unentered(user: User, chosen: ReportFilter) -> PagedTable:
    """The units of the page from which they are reminded."""
    what = chosen.what if chosen.what in unit_completeness.WHAT else ""
    query = unit_completeness.entry_query(user, EntryFilter(chosen.q, what, chosen.province))
    return PagedTable(UNENTERED, query, unit_completeness.ORDER, _unit)


def _unit(row: Any) -> Row:
    own = columns.plain(row, "name", "province", "contact", "last_login", "reminded_at")
    return own | {
        "unit_phone": row.phone,
        "kind": UnitKind(row.kind).label,
        "state": UnitState(row.state).label,
        "persons": YES if row.has_persons else NO,
        "account": YES if row.has_account else NO,
    }


LISTS = (
    Report(
        "plans",
        N_("培训计划"),
        OFFICIAL,
        read_plans,
        filters=("q", "year", "kind", "state", "owner"),
        options={"kind": tuple(TrainingKind), "state": tuple(PlanState)},
        sign="calendar",
    ),
    Report(
        "unentered",
        N_("尚未录入的单位"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_unentered,
        filters=("q", "what", "province"),
        sign="unit",
    ),
)
