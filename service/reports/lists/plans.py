"""Training plans as a list to export (S90, S106), and the units that have not entered their data yet (S14)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.training.plans import PlanState
from service.domain.training.training_kind import TrainingKind
from service.domain.units.units import UnitKind, UnitState
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import plan_list
from service.models.queries.units import unit_completeness
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import PROVINCE, choice, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import OFFICIAL, CellType, Column, Report, Row
from service.reports.framework.table import PagedTable


class MissingData(Labelled):
    """Data that a unit has not entered yet."""

    RECORD = "record", N_("资料待完善")
    PERSONS = "persons", N_("没有人员")
    ACCOUNT = "account", N_("没有账号")


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
    """Read the plans, the latest year first."""
    return PagedTable(PLANS, plan_list.plans_query(user, chosen), plan_list.ORDER, _plan)


def _plan(row: Any) -> Row:
    own = columns.plain(row, "title", "owner", "place", "capacity", "hours", "classes")
    times = {name: str(getattr(row, name) or "") for name in ("year", "month", "quarter")}
    return own | times | {"kind": TrainingKind(row.kind).label, "state": PlanState(row.state).label}


def read_unentered(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the units that lack something, by name."""
    return PagedTable(UNENTERED, unit_completeness.entry_query(user, chosen), unit_completeness.ORDER, _unit)


def _unit(row: Any) -> Row:
    own = columns.plain(row, "name", "province", "contact", "last_login", "reminded_at")
    return own | {
        "unit_phone": row.phone,
        "kind": UnitKind(row.kind).label,
        "state": UnitState(row.state).label,
        "persons": YES if row.has_persons else NO,
        "account": YES if row.has_account else NO,
    }


def _years(user: User) -> list[tuple[int, str]]:
    return [(year, str(year)) for year in plan_list.years(user)]


LISTS = (
    Report(
        "plans",
        N_("培训计划"),
        OFFICIAL,
        read_plans,
        filters=(
            search(N_("名称或地点"), N_("查找计划")),
            lookup("year", _years, N_("全部年度"), N_("年度"), least=0),
            choice("kind", tuple(TrainingKind), N_("全部类型"), N_("类型")),
            choice("state", tuple(PlanState), N_("全部状态"), N_("状态")),
            lookup("owner", plan_list.owners, N_("全部单位"), N_("制定单位")),
        ),
        sign="calendar",
        page=ListPage(
            N_("没有符合条件的计划"),
            N_("还没有计划"),
            N_("协会制定取证计划，省级主管部门制定再培训和换证计划；发布后可据以开班。"),
            N_("计划列表，可左右滚动"),
        ),
    ),
    Report(
        "unentered",
        N_("尚未录入的单位"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_unentered,
        filters=(
            search(N_("名称或拼音"), N_("查找单位")),
            PROVINCE,
            choice("what", tuple(MissingData), N_("全部"), N_("缺什么")),
        ),
        sign="unit",
        page=ListPage(
            N_("没有符合条件的单位"),
            N_("所有单位都已录入"),
            N_("资料齐全，且都已录入人员。"),
            N_("单位列表，可左右滚动"),
            counts=lambda user, _chosen: unit_completeness.entry_counts(user),
        ),
    ),
)
