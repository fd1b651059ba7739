"""年度培训班情况表 (S95, S108): the classes of a year with what came of them, summed by kind and by organiser."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.permissions import Action
from service.domain.training.classes import ClassState
from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.models.db.clock import today
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import is_unscoped, visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import (
    CAME,
    CONFIRMED,
    certified,
    failed,
    in_year,
    judged,
    number_of,
    participated,
    passed,
)
from service.reports.framework import columns
from service.reports.framework.chart import Bar, Chart
from service.reports.framework.filters import PROVINCE, YEAR, choice
from service.reports.framework.report import OFFICIAL, CellType, Column, Report, Row, Subtotals
from service.reports.framework.table import WholeTable, share

Organiser, Institution = aliased(Organisation), aliased(Organisation)
SUMS = ("planned", "enrolled", "confirmed", "came", "participated", "judged", "passed", "failed", "certified")

COLUMNS = (
    Column("year", N_("年度"), CellType.CODE, is_minor=True),
    columns.CLASS_CODE,
    columns.CLASS,
    columns.TRAINING_KIND,
    Column("organiser", N_("主办"), CellType.LABEL),
    Column("institution", N_("承办机构"), is_minor=True),
    Column("place", N_("地点"), is_minor=True),
    Column("starts_on", N_("开始"), CellType.DAY),
    Column("ends_on", N_("结束"), CellType.DAY, is_minor=True),
    Column("hours", N_("学时"), CellType.NUMBER, is_minor=True),
    Column("planned", N_("计划人数"), CellType.NUMBER),
    Column("enrolled", N_("报名"), CellType.NUMBER),
    Column("confirmed", N_("确认"), CellType.NUMBER),
    Column("came", N_("报到"), CellType.NUMBER),
    Column("participated", N_("参考"), CellType.NUMBER),
    Column("passed", N_("合格"), CellType.NUMBER),
    Column("failed", N_("不合格"), CellType.NUMBER),
    Column("rate", N_("合格率"), CellType.RATIO),
    Column("certified", N_("发证数"), CellType.NUMBER),
)


def read(user: User, chosen: ReportFilter) -> WholeTable:
    """The classes in scope. A province counts its own classes, and of others what its persons did there."""
    enrolled = _enrolled(user, chosen)
    query = (
        select(
            TrainingClass.id.label("class_id"),
            TrainingClass.code.label("class_code"),
            TrainingClass.title.label("class_title"),
            TrainingClass.kind,
            TrainingClass.place,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.hours,
            TrainingClass.capacity.label("planned"),
            Organiser.name.label("organiser"),
            Institution.name.label("institution"),
            *(func.coalesce(enrolled.c[key], 0).label(key) for key in SUMS[1:]),
        )
        .join(Organiser, Organiser.id == TrainingClass.organiser_id)
        .join(Institution, Institution.id == TrainingClass.institution_id)
        .outerjoin(enrolled, enrolled.c.class_id == TrainingClass.id)
        .where(visible_to(user, TrainingClass), *conditions(chosen))
        .order_by(TrainingClass.starts_on, TrainingClass.code)
    )
    if not is_unscoped(user, Action.VIEW_REPORTS):
        query = query.where(or_(visible_to(user, TrainingClass, Action.EDIT_CLASS), enrolled.c.enrolled > 0))
    return WholeTable(COLUMNS, [_cells(row) for row in session().execute(query)], SUMS, rate)


def _enrolled(user: User, chosen: ReportFilter) -> Any:
    """Count the outcomes of the enrolments in scope, a row a class."""
    query = select(
        Enrollment.class_id,
        func.count().label("enrolled"),
        number_of(Enrollment.state.in_(CONFIRMED)).label("confirmed"),
        number_of(Enrollment.state.in_(CAME)).label("came"),
        number_of(participated).label("participated"),
        number_of(judged).label("judged"),
        number_of(passed).label("passed"),
        number_of(failed).label("failed"),
        number_of(certified()).label("certified"),
    ).join(TrainingClass, TrainingClass.id == Enrollment.class_id)
    return query.where(visible_to(user, Enrollment), *conditions(chosen)).group_by(Enrollment.class_id).subquery()


def conditions(chosen: ReportFilter) -> list[Any]:
    """Select the published classes, without cancelled ones, of the year, kind and organiser chosen."""
    found: list[Any] = [TrainingClass.state.not_in((ClassState.DRAFT, ClassState.CANCELLED))]
    if chosen.year:
        found.append(in_year(TrainingClass.starts_on, chosen.year))
    if chosen.kind:
        found.append(TrainingClass.kind == chosen.kind)
    if chosen.province:
        found.append(TrainingClass.organiser_id == chosen.province)
    return found


def rate(row: Row) -> Row:
    """Passed, of those whose score of the examination is confirmed (R88)."""
    return {"rate": share("passed", "judged")(row)}


def _cells(row: Any) -> Row:
    names = (
        "class_id",
        "class_code",
        "class_title",
        "place",
        "starts_on",
        "ends_on",
        "hours",
        "organiser",
        "institution",
    )
    return {
        **columns.plain(row, *names, *SUMS),
        "kind": columns.label(TrainingKind, row.kind),
        "year": str(row.starts_on.year),
    }


def groups(table: WholeTable) -> list[Subtotals]:
    """The sums by kind and by organiser."""
    kinds = [kind.label for kind in TrainingKind]
    return [
        Subtotals(N_("培训类型"), table.sums_by("kind", kinds)),
        Subtotals(N_("主办"), table.sums_by("organiser")),
    ]


def chart(_user: User, _chosen: ReportFilter, table: WholeTable) -> Chart:
    """Draw, by kind, those who passed, those who failed and the others enrolled; at the ends the pass rate."""
    bars = tuple(
        Bar(name, (s["passed"], s["failed"], s["enrolled"] - s["passed"] - s["failed"]), str(s["rate"]))
        for name, s in table.sums_by("kind", [kind.label for kind in TrainingKind])
    )
    return Chart(
        N_("各类培训的报名与合格人数"),
        bars,
        (N_("合格"), N_("不合格"), N_("其他报名")),
        N_("右侧为合格率：合格 ÷ 成绩已确认的参考人数"),
    )


REPORT = Report(
    name="annual-classes",
    title=N_("年度培训班情况表"),
    roles=OFFICIAL,
    read=read,
    chart=chart,
    groups=groups,
    filters=(YEAR, choice("kind", tuple(TrainingKind), N_("全部类型")), PROVINCE),
    defaults=lambda _user: {"year": str(today().year)},
    note=N_(
        "不含草稿和已取消的班。合格率只计成绩已确认的人员，尚无确认的为“—”。省级用户看本省主办的班，以及本省人员参加的外省班（只计本省人员）。"
    ),
    sign="draft",
    position=50,
    menu_section="reports",
)
