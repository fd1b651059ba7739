"""The lists of the pages as tables to export: the same queries, filters and scope, more columns (R70, R71)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.persons.identity import Sex
from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.domain.units.units import Business, UnitKind, UnitState
from service.errors import N_
from service.models.queries.persons import person_list
from service.models.queries.persons.person_list import PersonFilter
from service.models.queries.training import class_list, enrollment_list
from service.models.queries.training.class_list import ClassFilter
from service.models.queries.training.enrollment_list import EnrollmentFilter
from service.models.queries.units import unit_list
from service.models.queries.units.unit_list import UnitFilter
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    BUSINESS,
    OFFICIAL,
    UNITS,
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
)
from service.reports.framework.table import PagedTable

PERSONS = (
    columns.PERSON,
    columns.SEX,
    columns.ID_NUMBER,
    columns.UNIT,
    columns.TYPE,
    columns.NUMBER,
    columns.VALID_TO,
    Column("need", N_("应参加"), CellType.LABEL),
    columns.STATE,
)
UNIT_COLUMNS = (
    Column("name", N_("单位名称")),
    Column("kind", N_("单位类型"), CellType.LABEL),
    columns.PROVINCE,
    Column("group", N_("所属集团")),
    Column("credit_code", N_("统一社会信用代码"), CellType.CODE),
    Column("business", N_("业务范围"), CellType.LABEL),
    Column("contact", N_("联系人")),
    Column("persons", N_("人员"), CellType.NUMBER),
    columns.STATE,
)
CLASSES = (
    columns.CLASS_CODE,
    columns.CLASS,
    columns.TRAINING_KIND,
    Column("organiser", N_("主办"), CellType.LABEL),
    Column("institution", N_("承办机构")),
    Column("place", N_("地点")),
    Column("enrol_from", N_("报名开始"), CellType.DAY),
    Column("enrol_until", N_("报名截止"), CellType.DAY),
    Column("starts_on", N_("开始"), CellType.DAY),
    Column("ends_on", N_("结束"), CellType.DAY),
    Column("taken", N_("报名"), CellType.NUMBER),
    Column("capacity", N_("名额"), CellType.NUMBER),
    columns.STATE,
)
ENROLLMENTS = (
    columns.PERSON,
    columns.ID_NUMBER,
    columns.UNIT,
    columns.CLASS,
    columns.TRAINING_KIND,
    columns.STARTS,
    Column("enrolled_on", N_("报名日期"), CellType.DAY),
    columns.STATE,
    Column("reason", N_("原因"), CellType.LABEL),
)


def _read_persons(unit_kind: str = "") -> Callable[[User, ReportFilter], PagedTable]:
    """The persons of a list page."""

    def read(user: User, chosen: ReportFilter) -> PagedTable:
        found = PersonFilter(
            text=chosen.q,
            unit_id=chosen.unit,
            qualification_type_id=chosen.type,
            state=chosen.state,
            need=chosen.need,
            unit_kind=unit_kind,
        )
        return PagedTable(PERSONS, person_list.persons_query(user, found), person_list.ORDER, _person)

    return read


def _person(row: Any) -> Row:
    own = columns.plain(row, "name", "unit_id", "unit_name", "type_name", "number", "certificate_id", "valid_to")
    return own | {
        "person_id": row.id,
        "sex": columns.label(Sex, row.sex),
        "id_number": row.id_number_masked,
        "need": columns.label(Need, row.need),
        "state": PersonState(row.state).label,
    }


def _read_units(register: str) -> Callable[[User, ReportFilter], PagedTable]:
    """The units of one list page."""

    def read(user: User, chosen: ReportFilter) -> PagedTable:
        found = UnitFilter(chosen.q, chosen.province, chosen.kind, chosen.state, register)
        return PagedTable(UNIT_COLUMNS, unit_list.units_query(user, found), unit_list.ORDER, _unit)

    return read


def _unit(row: Any) -> Row:
    own = columns.plain(row, "name", "credit_code", "province", "group", "contact", "persons")
    return own | {
        "kind": UnitKind(row.kind).label,
        "business": columns.label(Business, row.business),
        "state": UnitState(row.state).label,
    }


def read_classes(user: User, chosen: ReportFilter) -> PagedTable:
    """The classes of the list page."""
    found = ClassFilter(chosen.q, chosen.kind, chosen.state, chosen.year)
    return PagedTable(CLASSES, class_list.classes_query(user, found), class_list.ORDER, _class)


def _class(row: Any) -> Row:
    own = columns.plain(
        row,
        "place",
        "enrol_from",
        "enrol_until",
        "starts_on",
        "ends_on",
        "taken",
        "capacity",
        "organiser",
        "institution",
    )
    return own | {
        "class_id": row.id,
        "class_code": row.code,
        "class_title": row.title,
        "kind": TrainingKind(row.kind).label,
        "state": ClassState(row.state).label,
    }


def read_enrollments(user: User, chosen: ReportFilter) -> PagedTable:
    """The enrolments of the list page."""
    found = EnrollmentFilter(chosen.q, chosen.state, chosen.kind)
    return PagedTable(ENROLLMENTS, enrollment_list.enrollments_query(user, found), enrollment_list.ORDER, _enrollment)


def _enrollment(row: Any) -> Row:
    own = columns.plain(row, "person_id", "name", "unit_name", "class_id", "starts_on", "enrolled_on", "reason")
    return own | {
        "id_number": row.id_number_masked,
        "class_title": row.title,
        "kind": TrainingKind(row.kind).label,
        "state": EnrollmentState(row.state).label,
    }


ASSOCIATION = frozenset({Role.ASSOCIATION})
UNIT_STATES = {"state": tuple(UnitState)}
PERSON_FILTERS = ("q", "unit", "type", "state", "need")
PERSON_STATES = {"state": tuple(PersonState), "need": tuple(Need)}

LISTS = (
    Report(
        "persons", N_("人员"), BUSINESS, _read_persons(), filters=PERSON_FILTERS, options=PERSON_STATES, sign="people"
    ),
    Report(
        "academy-persons",
        N_("院校人员"),
        ASSOCIATION,
        _read_persons("academy"),
        filters=PERSON_FILTERS,
        options=PERSON_STATES,
        sign="people",
    ),
    Report(
        "units",
        N_("单位"),
        OFFICIAL | UNITS,
        _read_units("units"),
        filters=("q", "province", "kind", "state"),
        options={"kind": tuple(UnitKind), **UNIT_STATES},
        sign="unit",
    ),
    Report(
        "branches",
        N_("分公司"),
        OFFICIAL | UNITS,
        _read_units("branches"),
        filters=("q", "province", "state"),
        options=UNIT_STATES,
        sign="unit",
    ),
    Report(
        "academies",
        N_("院校"),
        ASSOCIATION,
        _read_units("academies"),
        filters=("q", "province", "state"),
        options=UNIT_STATES,
        sign="unit",
    ),
    Report(
        "classes",
        N_("培训班"),
        BUSINESS,
        read_classes,
        filters=("q", "kind", "state", "year"),
        options={"kind": tuple(TrainingKind), "state": tuple(ClassState)},
        sign="cap",
    ),
    Report(
        "enrollments",
        N_("报名"),
        BUSINESS - {Role.MINISTRY},
        read_enrollments,
        filters=("q", "kind", "state"),
        options={"kind": tuple(TrainingKind), "state": tuple(EnrollmentState)},
        sign="tick",
    ),
)
