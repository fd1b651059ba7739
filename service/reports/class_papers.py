"""班级名册, 签到表, 成绩单, 班级档案: the papers of one class, for its institution and the association (§11)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import case, select
from sqlalchemy.orm import aliased

from service.domain.accounts.roles import Role
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.scores import ABSENT
from service.domain.training.training_kind import TrainingKind
from service.errors import N_, NotFound
from service.models.db.pagination import SortOrder
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.queries.training import class_list
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation
from service.reports.attempts import CAME, CONFIRMED, First, Second, passed, with_scores
from service.reports.framework import columns
from service.reports.framework.filters import hidden
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable, WholeTable

Province = aliased(Organisation)
ROLES = frozenset({Role.ASSOCIATION, Role.TRAINING_INSTITUTION})
_WHO = (columns.PERSON, columns.SEX, columns.UNIT, columns.PROVINCE, columns.TYPE)
ROSTER = (*_WHO, columns.ID_NUMBER, columns.PHONE, columns.STATE)
SIGN_IN = (*_WHO, columns.PHONE, Column("signature", N_("签到"), CellType.EMPTY))
SCORES = (
    *_WHO,
    Column("score", N_("成绩"), CellType.SCORE),
    Column("makeup", N_("补考"), CellType.SCORE),
    Column("outcome", N_("结论"), CellType.LABEL),
)
CLASS = (
    Column("code", N_("编号"), CellType.CODE),
    Column("title", N_("班次")),
    columns.TRAINING_KIND,
    columns.STARTS,
    Column("ends_on", N_("结束日"), CellType.DAY),
    Column("hours", N_("学时"), CellType.NUMBER),
    Column("place", N_("地点")),
    Column("institution", N_("承办机构")),
    Column("capacity", N_("计划人数"), CellType.NUMBER),
    Column("pass_mark", N_("及格线"), CellType.SCORE),
)
PASSED, FAILED = N_("合格"), N_("不合格")


def read_roster(user: User, chosen: ReportFilter) -> PagedTable:
    """Read everybody who is or was confirmed, or waits for it."""
    return _read(user, chosen, ROSTER, (*CONFIRMED, "pending"))


def read_sign_in(user: User, chosen: ReportFilter) -> PagedTable:
    """Read everybody who is confirmed, with a place for the signature."""
    return _read(user, chosen, SIGN_IN, CONFIRMED)


def read_scores(user: User, chosen: ReportFilter) -> PagedTable:
    """Read everybody who came, with the scores."""
    return _read(user, chosen, SCORES, CAME)


def read_class(user: User, chosen: ReportFilter) -> WholeTable:
    """Read the facts of the class, in one row."""
    if chosen.class_id is None:
        raise NotFound
    found = class_list.visible_class(user, chosen.class_id)
    own = ("code", "title", "starts_on", "ends_on", "hours", "place", "capacity", "pass_mark")
    words = {"kind": TrainingKind(found.kind).label, "institution": found.institution.name}
    return WholeTable(CLASS, [columns.plain(found, *own) | words])


def _read(user: User, chosen: ReportFilter, heads: tuple[Column, ...], states: tuple[str, ...]) -> PagedTable:
    if chosen.class_id is None:
        raise NotFound
    query = with_scores(
        select(
            Enrollment.state,
            Enrollment.stage,
            Enrollment.case_id,
            case((Person.is_photo_approved, Person.photo_id)).label("photo_id"),
            Person.id.label("person_id"),
            Person.name,
            Person.sex,
            Person.id_number_masked,
            Person.phone_masked,
            Organisation.name.label("unit_name"),
            Province.name.label("province"),
            QualificationType.name.label("type_name"),
            First.id.label("first_id"),
            First.value.label("first"),
            Second.id.label("second_id"),
            Second.value.label("second"),
            passed.label("passed"),
        )
        .select_from(Enrollment)
        .join(TrainingClass, TrainingClass.id == Enrollment.class_id)
        .join(Person, Person.id == Enrollment.person_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .join(QualificationType, QualificationType.id == Person.qualification_type_id)
        .outerjoin(Province, Province.id == Enrollment.authority_id)
    ).where(
        visible_to(user, Enrollment),
        visible_to(user, TrainingClass),
        Enrollment.class_id == chosen.class_id,
        Enrollment.state.in_(states),
    )
    return PagedTable(heads, query, SortOrder((Organisation.sort_key, Person.sort_key, Enrollment.id)), _cells)


def _cells(row: Any) -> Row:
    return {
        **columns.person(row),
        **columns.plain(row, "unit_name", "province", "type_name", "case_id", "photo_id"),
        "phone": row.phone_masked,
        "state": row.stage or EnrollmentState(row.state).label,
        "signature": None,
        "score": _score(row.first_id, row.first),
        "makeup": _score(row.second_id, row.second),
        "outcome": PASSED if row.passed else FAILED if row.state == "failed" else None,
    }


def _score(entered: Any, value: int | None) -> int | str | None:
    return None if entered is None else ABSENT if value is None else value


PAPERS = (
    Report("class-roster", N_("班级名册"), ROLES, read_roster, filters=(hidden("class_id"),), sign="people"),
    Report("class-sign-in", N_("签到表"), ROLES, read_sign_in, filters=(hidden("class_id"),), sign="draft"),
    Report("class-scores", N_("成绩单"), ROLES, read_scores, filters=(hidden("class_id"),), sign="tick"),
)
FILE = Report(
    "class-file", N_("班级档案"), ROLES, read_class, filters=(hidden("class_id"),), sign="books", parts=PAPERS
)
LISTS = (*PAPERS, FILE)
