"""The lists of the pages as tables to export: the same queries, filters and scope, more columns (R70, R71)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.persons.identity import Sex
from service.domain.persons.persons import PersonState, PhotoGap
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need
from service.domain.units.unit_fields import Business
from service.domain.units.units import UnitKind, UnitState
from service.errors import N_
from service.models.queries.persons import person_list
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_list, enrollment_list
from service.models.queries.units import unit_list
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import PROVINCE, TYPE, choice, hidden, lookup, search, units
from service.reports.framework.list_page import Chip, ChipRow, ListPage, chips
from service.reports.framework.report import BUSINESS, OFFICIAL, UNITS, CellType, Column, Report, Row
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
    Column("photo", N_("照片"), CellType.LABEL),
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
    """Return the reader of the persons, in the order of pinyin."""

    def read(user: User, chosen: ReportFilter) -> PagedTable:
        return PagedTable(PERSONS, person_list.persons_query(user, chosen, unit_kind), person_list.ORDER, _person)

    return read


def _person(row: Any) -> Row:
    own = columns.plain(row, "name", "unit_id", "unit_name", "type_name", "number", "certificate_id", "valid_to")
    return own | {
        "person_id": row.id,
        "sex": columns.label(Sex, row.sex),
        "id_number": row.id_number_masked,
        "need": columns.label(Need, row.need),
        "photo": N_("有") if row.has_photo else PhotoGap.MISSING.label,
        "state": row.stage or PersonState(row.state).label,
    }


def _read_units(register: str) -> Callable[[User, ReportFilter], PagedTable]:
    """Return the reader of the units of one register, by name."""

    def read(user: User, chosen: ReportFilter) -> PagedTable:
        return PagedTable(UNIT_COLUMNS, unit_list.units_query(user, chosen, register), unit_list.ORDER, _unit)

    return read


def _unit(row: Any) -> Row:
    own = columns.plain(row, "name", "credit_code", "province", "group", "contact", "persons")
    return own | {
        "kind": UnitKind(row.kind).label,
        "business": columns.label(Business, row.business),
        "state": UnitState(row.state).label,
    }


def read_classes(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the classes, the latest first."""
    return PagedTable(CLASSES, class_list.classes_query(user, chosen), class_list.ORDER, _class)


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
        "state": row.stage or ClassState(row.state).label,
    }


def read_enrollments(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the enrolments, the newest first."""
    return PagedTable(ENROLLMENTS, enrollment_list.enrollments_query(user, chosen), enrollment_list.ORDER, _enrollment)


def _enrollment(row: Any) -> Row:
    own = columns.plain(row, "person_id", "name", "unit_name", "class_id", "starts_on", "enrolled_on", "reason")
    return own | {
        "id_number": row.id_number_masked,
        "class_title": row.title,
        "kind": TrainingKind(row.kind).label,
        "state": row.stage or EnrollmentState(row.state).label,
    }


def _years(user: User) -> list[tuple[int, str]]:
    return [(year, str(year)) for year in class_list.years(user)]


def _persons(name: str, title: str, roles: frozenset[Role], unit_kind: str = "") -> Report:
    return Report(
        name,
        title,
        roles,
        _read_persons(unit_kind),
        filters=(
            search(N_("姓名、拼音、证书号、证件后四位"), N_("查找人员")),
            lookup("unit", lambda user: units(user, unit_kind), N_("全部单位"), N_("单位")),
            TYPE,
            choice("state", tuple(PersonState), N_("在册人员"), N_("人员状态")),
            hidden("need", tuple(Need)),
            hidden("photo", tuple(PhotoGap)),
        ),
        sign="people",
        page=ListPage(
            N_("没有符合条件的人员"),
            N_("还没有人员"),
            N_("单位录入人员后会出现在这里。"),
            N_("人员列表，可左右滚动"),
            N_("共 %(n)s 人"),
            chips=(ChipRow(N_("常用条件"), PERSON_CHIPS),),
            counts=lambda user, _chosen: person_list.person_counts(user, unit_kind),
        ),
    )


_STATE, _NEED = (
    {chip.value: chip for chip in chips("state", tuple(PersonState), prefix="state:")},
    {chip.value: chip for chip in chips("need", tuple(Need), prefix="need:")},
)
PERSON_CHIPS: tuple[Chip, ...] = (
    _STATE["pending"],
    *(_NEED[need] for need in ("renewal", "refresher", "initial", "expired")),
    _STATE["draft"],
    _STATE["rejected"],
    *chips("photo", tuple(PhotoGap), prefix="photo:"),
)
UNIT_STATES = (UnitState.COMPLETE, UnitState.DRAFT, UnitState.DELETED)


def _units(name: str, title: str, roles: frozenset[Role], none_yet: str, note: str) -> Report:
    kinds = tuple(kind for kind in UnitKind if kind in unit_list.REGISTERS[name])
    return Report(
        name,
        title,
        roles,
        _read_units(name),
        filters=(
            search(N_("名称、拼音或信用代码"), N_("查找单位")),
            PROVINCE,
            choice("kind", kinds, N_("全部类型"), N_("单位类型")),
            choice("state", UNIT_STATES, N_("全部状态"), N_("状态")),
        ),
        sign="unit",
        page=ListPage(
            N_("没有符合条件的单位"),
            none_yet,
            note,
            N_("单位列表，可左右滚动"),
            counts=lambda user, _chosen: unit_list.unit_counts(user, name),
        ),
    )


LISTS = (
    _persons("persons", N_("人员"), BUSINESS),
    _persons("academy-persons", N_("院校人员"), frozenset({Role.ASSOCIATION}), "academy"),
    _units(
        "units",
        N_("单位"),
        OFFICIAL | UNITS,
        N_("还没有企业"),
        N_("由省级主管部门或协会新增单位并下发账号后，单位自行完善信息。"),
    ),
    _units(
        "branches",
        N_("分公司"),
        OFFICIAL | UNITS,
        N_("没有分公司"),
        N_("分公司由其所在省的主管部门或协会新增，或由企业转入。"),
    ),
    _units(
        "academies",
        N_("院校"),
        frozenset({Role.ASSOCIATION}),
        N_("还没有院校"),
        N_("院校由协会添加，其人员无须省级审批。"),
    ),
    Report(
        "classes",
        N_("培训班"),
        BUSINESS,
        read_classes,
        filters=(
            search(N_("班名、地点或编号"), N_("查找培训班")),
            choice("kind", tuple(TrainingKind), N_("全部类型"), N_("培训类型")),
            lookup("year", _years, N_("全部年度"), N_("年度")),
            hidden("state", tuple(ClassState)),
        ),
        sign="cap",
        page=ListPage(
            N_("没有符合条件的培训班"),
            N_("还没有培训班"),
            N_("取证班由协会开班，再培训班和换证班由省级主管部门开班，发布后会出现在这里。"),
            N_("培训班列表，可左右滚动"),
            N_("共 %(n)s 个"),
            chips=(ChipRow(N_("按状态"), chips("state", tuple(ClassState)), keeps=("kind",)),),
            counts=lambda user, _chosen: class_list.class_counts(user),
        ),
    ),
    Report(
        "enrollments",
        N_("报名"),
        BUSINESS - {Role.MINISTRY},
        read_enrollments,
        filters=(
            search(N_("姓名、拼音或班名"), N_("查找报名")),
            choice("kind", tuple(TrainingKind), N_("全部类型"), N_("培训类型")),
            hidden("state", tuple(EnrollmentState)),
        ),
        sign="tick",
        page=ListPage(
            N_("没有符合条件的报名"),
            N_("还没有报名"),
            N_("从招生中的培训班为人员报名，之后会出现在这里。"),
            N_("报名列表，可左右滚动"),
            N_("共 %(n)s 件"),
            chips=(ChipRow(N_("按状态"), chips("state", tuple(EnrollmentState))),),
            counts=lambda user, _chosen: enrollment_list.enrollment_counts(user),
        ),
    ),
)
