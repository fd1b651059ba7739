"""培训班学员统计 (S84): how many persons of each unit were in each class, and how many passed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.training.training_kind import TrainingKind
from service.errors import N_
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports.annual_classes import conditions, rate
from service.reports.attempts import CAME, judged, number_of, participated, passed
from service.reports.framework import columns
from service.reports.framework.filters import PROVINCE, YEAR, choice, hidden
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

Province = aliased(Organisation)
SUMS = ("enrolled", "came", "participated", "judged", "passed")
COLUMNS = (
    columns.CLASS,
    columns.CLASS_CODE,
    columns.TRAINING_KIND,
    columns.STARTS,
    columns.PROVINCE,
    columns.UNIT,
    Column("enrolled", N_("人数"), CellType.NUMBER),
    Column("came", N_("报到"), CellType.NUMBER),
    Column("participated", N_("参考"), CellType.NUMBER),
    Column("passed", N_("合格"), CellType.NUMBER),
    Column("rate", N_("合格率"), CellType.RATIO),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read a row a class and unit, without enrolments that were rejected, withdrawn or cancelled."""
    grouped = (
        select(
            Enrollment.class_id,
            Enrollment.unit_id,
            Enrollment.authority_id,
            func.count().label("enrolled"),
            number_of(Enrollment.state.in_(CAME)).label("came"),
            number_of(participated).label("participated"),
            number_of(judged).label("judged"),
            number_of(passed).label("passed"),
        )
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .where(
            visible_to(user, Enrollment),
            Enrollment.state.not_in(("rejected", "withdrawn", "cancelled")),
            *_conditions(chosen),
        )
    )
    rows = grouped.group_by(Enrollment.class_id, Enrollment.unit_id, Enrollment.authority_id).subquery("trained")
    query = (
        select(
            rows,
            TrainingClass.title.label("class_title"),
            TrainingClass.code.label("class_code"),
            TrainingClass.kind,
            TrainingClass.starts_on,
            Organisation.name.label("unit_name"),
            Organisation.sort_key,
            Province.name.label("province"),
        )
        .join(TrainingClass, TrainingClass.id == rows.c.class_id)
        .join(Organisation, Organisation.id == rows.c.unit_id)
        .outerjoin(Province, Province.id == rows.c.authority_id)
    )
    order = SortOrder((TrainingClass.starts_on, TrainingClass.id, Organisation.sort_key, Organisation.id))
    return PagedTable(COLUMNS, query, order, _cells, SUMS, rate)


def _conditions(chosen: ReportFilter) -> list[Any]:
    """Like the annual table, but the province is that of the units, not the organiser."""
    found = conditions(ReportFilter(year=chosen.year, kind=chosen.kind))
    if chosen.province:
        found.append(Enrollment.authority_id == chosen.province)
    if chosen.class_id:
        found.append(Enrollment.class_id == chosen.class_id)
    return found


def _cells(row: Any) -> Row:
    own = columns.plain(
        row, "class_id", "class_title", "class_code", "starts_on", "province", "unit_id", "unit_name", *SUMS
    )
    return own | {"kind": columns.label(TrainingKind, row.kind)} | rate(own)


REPORT = Report(
    name="class-trainees",
    title=N_("培训班学员统计"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read,
    filters=(YEAR, choice("kind", tuple(TrainingKind), N_("全部类型")), PROVINCE, hidden("class_id")),
    defaults=lambda _user: {"year": str(today().year)},
    is_yearly=True,
    sign="people",
    summary=(
        (N_("人数"), "enrolled"),
        (N_("报到"), "came"),
        (N_("参考"), "participated"),
        (N_("合格"), "passed"),
        (N_("合格率"), "rate"),
    ),
    position=60,
    menu_section="reports",
)
