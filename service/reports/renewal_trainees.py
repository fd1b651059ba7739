"""换证学员及考核成绩 (S94): who renewed in a year, with scores, outcome, and how far the new certificate is."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import and_, case, func, not_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.training.scores import ABSENT
from service.domain.values.calendar import civil_date
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.db.clock import today
from service.models.db.pagination import SortOrder
from service.models.queries.names import named
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import First, Second, failed, flag, in_year, judged, participated, passed, with_scores
from service.reports.framework import columns
from service.reports.framework.chart import Bar, Chart
from service.reports.framework.filters import PROVINCE, QUERY, TYPE, YEAR, choice
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable, share

Province = aliased(Organisation)
HELD, NOT_YET = N_("是"), N_("否")


class Outcome(Labelled):
    """Outcome of an examination."""

    PASSED = "passed", N_("合格")
    FAILED = "failed", N_("不合格")
    OPEN = "open", N_("未定")


COLUMNS = (
    columns.PERSON,
    columns.SEX,
    columns.ID_NUMBER,
    columns.UNIT,
    columns.PROVINCE,
    columns.TYPE,
    columns.NUMBER,
    Column("old_valid_to", N_("原有效期至"), CellType.DAY),
    columns.CLASS,
    Column("examined_on", N_("考核日期"), CellType.DAY),
    Column("score", N_("成绩"), CellType.SCORE),
    Column("makeup", N_("补考"), CellType.SCORE),
    Column("outcome", N_("结论"), CellType.LABEL),
    Column("valid_to", N_("新有效期至"), CellType.DAY),
    Column("printed", N_("打印"), CellType.LABEL, is_minor=True),
    Column("approved", N_("审批"), CellType.LABEL, is_minor=True),
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The renewal enrolments of persons who were not refused and did not withdraw, by class and pinyin."""
    states = _states()
    query = (
        select(Enrollment.id)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .join(Person, Person.id == Enrollment.person_id)
        .where(
            visible_to(user, Enrollment),
            Enrollment.kind == "renewal",
            Enrollment.state.not_in(("rejected", "withdrawn", "cancelled")),
            *_conditions(chosen, states),
        )
    )
    counted = query.add_columns(flag(participated).label("participated"), flag(judged).label("judged"), *_flags(states))
    order = SortOrder((TrainingClass.starts_on, Person.sort_key, Enrollment.id))
    sums = ("participated", "judged", "passed", "failed", "open")
    return PagedTable(COLUMNS, query, order, _cells, sums, _figures, _details, counted)


def _flags(states: dict[str, Any]) -> list[Any]:
    return [flag(states[key]).label(key) for key in ("passed", "failed", "open")]


def _details(ids: list[UUID]) -> Any:
    """Select the cells of these enrolments."""
    made = (
        select(
            Certificate.id, Certificate.number, Certificate.valid_to, Certificate.printed_count, Certificate.approval
        )
        .where(Certificate.enrollment_id == Enrollment.id, Certificate.state != "void")
        .order_by(Certificate.edition.desc())
        .limit(1)
        .lateral("made")
    )
    held = select(Certificate.number).where(Certificate.person_id == Person.id, Certificate.state == "valid")
    query = with_scores(
        select(
            Enrollment.id,
            Person.id.label("person_id"),
            Person.name,
            Person.sex,
            Person.id_number_masked,
            Organisation.name.label("unit_name"),
            Province.name.label("province"),
            QualificationType.name.label("type_name"),
            func.coalesce(made.c.number, held.limit(1).scalar_subquery()).label("number"),
            Enrollment.snapshot["valid_to"].astext.label("old_valid_to"),
            TrainingClass.title.label("class_title"),
            TrainingClass.id.label("class_id"),
            First.id.label("first_id"),
            First.value.label("first"),
            First.submitted_at,
            Second.id.label("second_id"),
            Second.value.label("second"),
            Second.submitted_at.label("second_at"),
            made.c.id.label("certificate_id"),
            made.c.valid_to,
            made.c.printed_count,
            made.c.approval,
            *_flags(_states()),
        )
        .select_from(Enrollment)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .join(Person, Person.id == Enrollment.person_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .outerjoin(Province, Province.id == Enrollment.authority_id)
    )
    return query.outerjoin(made, made.c.id.is_not(None)).where(Enrollment.id.in_(ids))


def _states() -> dict[str, Any]:
    return {"passed": passed, "failed": failed, "open": and_(not_(passed), not_(func.coalesce(failed, False)))}


def _figures(row: Row) -> Row:
    return {"rate": share("passed", "judged")(row)}


def _conditions(chosen: ReportFilter, states: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    if chosen.year:
        found.append(in_year(TrainingClass.starts_on, chosen.year))
    if chosen.province:
        found.append(Enrollment.authority_id == chosen.province)
    if chosen.type:
        found.append(Person.qualification_type_id == chosen.type)
    if chosen.state:
        found.append(case((states[chosen.state], 1), else_=0) == 1)
    if chosen.q:
        found.append(named(Person, chosen.q))
    return found


def _cells(row: Any) -> Row:
    outcome = next(o for o in Outcome if getattr(row, o))
    at = row.second_at or row.submitted_at
    return {
        **columns.person(row),
        **columns.plain(
            row,
            "unit_name",
            "province",
            "type_name",
            "number",
            "certificate_id",
            "class_title",
            "class_id",
            "valid_to",
            "old_valid_to",
        ),
        "examined_on": civil_date(at) if at else None,
        "outcome": outcome.label,
        "outcome_code": str(outcome),
        "score": _score(row.first_id, row.first),
        "makeup": _score(row.second_id, row.second),
        "printed": None if row.certificate_id is None else HELD if row.printed_count else NOT_YET,
        "approved": None if row.certificate_id is None else HELD if row.approval == "approved" else NOT_YET,
    }


def _score(entered: Any, value: int | None) -> int | str | None:
    """Tenths, the word for an absence, or None where nothing was entered."""
    return None if entered is None else ABSENT if value is None else value


def chart(_user: User, _chosen: ReportFilter, table: PagedTable) -> Chart:
    """Passed, failed and undecided, with the share of those who took the examination that passed."""
    sums = table.totals()
    return Chart(
        N_("考核结论"),
        (Bar(N_("换证"), (sums["passed"], sums["failed"], sums["open"]), str(sums["rate"])),),
        (N_("合格"), N_("不合格"), N_("未定")),
        N_("右侧为合格率：合格 ÷ 成绩已确认的参考人数"),
    )


REPORT = Report(
    name="renewal-trainees",
    title=N_("换证学员及考核成绩"),
    roles=frozenset({Role.MINISTRY, Role.ASSOCIATION}),
    read=read,
    chart=chart,
    filters=(QUERY, YEAR, PROVINCE, TYPE, choice("state", tuple(Outcome), N_("全部状态"))),
    defaults=lambda _user: {"year": str(today().year)},
    is_yearly=True,
    sign="swap",
    summary=(
        (N_("参考"), "participated"),
        (N_("合格"), "passed"),
        (N_("不合格"), "failed"),
        (N_("未定"), "open"),
        (N_("合格率"), "rate"),
    ),
    position=40,
    menu_section="reports",
)
