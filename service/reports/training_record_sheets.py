"""人员培训档案 as sheets, one for each table of the paper: person, trainings, certificates, changes (S12)."""

from __future__ import annotations

from collections.abc import Callable

from service.domain.persons.person_fields import PERSON_FIELDS
from service.errors import N_, NotFound
from service.models.queries.persons.person_changes import kind_of
from service.models.queries.persons.person_history import Version
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports import training_record
from service.reports.framework import columns
from service.reports.framework.filters import hidden
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import WholeTable
from service.reports.lists.person_changes import say_changes
from service.reports.training_record import Record
from service.validation.record_fields import Place, write_value

PLAIN = PERSON_FIELDS.plain(Place.RECORD)
PERSON = (
    columns.PERSON,
    columns.SEX,
    Column("birth_date", N_("出生日期"), CellType.DAY),
    columns.ID_NUMBER,
    columns.UNIT,
    columns.TYPE,
    columns.PHONE,
    columns.STATE,
    *(Column(one.key, one.label) for one in PLAIN),
)
TRAININGS = (
    columns.CLASS,
    columns.TRAINING_KIND,
    columns.STARTS,
    Column("ends_on", N_("结束日"), CellType.DAY),
    Column("hours", N_("学时"), CellType.NUMBER),
    Column("score", N_("成绩"), CellType.LABEL),
    Column("makeup", N_("补考"), CellType.LABEL),
    Column("result", N_("结果"), CellType.LABEL),
)
CERTIFICATES = (
    columns.NUMBER,
    Column("edition", N_("版本"), CellType.NUMBER),
    columns.TYPE,
    Column("issued_on", N_("发证日期"), CellType.DAY),
    columns.VALID_TO,
    columns.STATE,
)
CHANGES = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("change", N_("变更类型"), CellType.LABEL),
    Column("actor", N_("办理人")),
    Column("organisation", N_("办理单位"), CellType.LABEL),
    Column("fields", N_("变更内容"), CellType.LABEL),
)


def _person(found: Record) -> list[Row]:
    person = found.person
    own = columns.plain(person, "name", "birth_date", *(one.key for one in PLAIN))
    said = {one.key: write_value(one, own[one.key]) for one in PLAIN}
    return [
        own
        | said
        | {
            "person_id": person.id,
            "sex": found.sex,
            "id_number": person.id_number_masked,
            "unit_name": person.unit.name,
            "type_name": person.qualification_type.name,
            "phone": person.phone_masked,
            "state": found.state,
        }
    ]


def _trainings(found: Record) -> list[Row]:
    return [
        row
        | {
            "class_title": row["title"],
            "score": next(iter(row["scores"]), None),
            "makeup": next(iter(row["scores"][1:]), None),
            "result": row["state"],
        }
        for row in found.trainings
    ]


def _certificates(found: Record) -> list[Row]:
    return [row | {"type_name": row["type"]} for row in found.certificates]


def _changes(found: Record) -> list[Row]:
    return [_change(version) for version in reversed(found.versions)]


def _change(version: Version) -> Row:
    is_first = version.kind == "insert"
    said = None if is_first else say_changes(version.changes)
    kind = N_("录入") if is_first else kind_of(version.use_case).label
    return columns.plain(version, "at", "actor", "organisation") | {"change": kind, "fields": said}


def _report(
    name: str,
    title: str,
    heads: tuple[Column, ...],
    rows: Callable[[Record], list[Row]],
    parts: tuple[Report, ...] = (),
) -> Report:
    def read(user: User, chosen: ReportFilter) -> WholeTable:
        if chosen.person is None:
            raise NotFound
        return WholeTable(heads, rows(training_record.read(user, chosen.person)))

    return Report(name, title, training_record.ROLES, read, filters=(hidden("person"),), sign="books", parts=parts)


PARTS = (
    _report("record-trainings", N_("培训"), TRAININGS, _trainings),
    _report("record-certificates", N_("证书"), CERTIFICATES, _certificates),
    _report("record-changes", N_("变更记录"), CHANGES, _changes),
)
LISTS = (_report("training-record", N_("人员培训档案"), PERSON, _person, PARTS),)
