"""Changes in the records of persons as a list to export (S88)."""

from __future__ import annotations

from functools import reduce
from types import SimpleNamespace
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.errors import N_, Message
from service.models.queries.persons.person_changes import FIELDS as COMPARED
from service.models.queries.persons.person_changes import (
    ORDER,
    ChangeKind,
    changes_query,
    kind_of,
)
from service.models.queries.persons.person_history import Change, changes_in
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import hidden, search
from service.reports.framework.list_page import ChipRow, ListPage, chips
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    columns.PERSON,
    columns.ID_NUMBER,
    columns.UNIT,
    Column("change", N_("变更类型"), CellType.LABEL),
    Column("fields", N_("变更内容"), CellType.LABEL),
    Column("actor", N_("办理人")),
    Column("organisation", N_("办理单位"), CellType.LABEL),
)


class ChangesTable(PagedTable):
    """Rows with ``changes``, field by field: names of units and types are looked up for a page at once."""

    def _shown(self, rows: list[Any]) -> list[Any]:
        told = changes_in(rows, COMPARED)
        return [SimpleNamespace(**row._mapping, changes=changes) for row, changes in zip(rows, told, strict=True)]


def read(user: User, chosen: ReportFilter) -> ChangesTable:
    """Read the changes, latest first."""
    return ChangesTable(COLUMNS, changes_query(user, chosen), ORDER, _row)


def _row(row: Any) -> Row:
    own = columns.plain(row, "at", "name", "unit_name", "actor", "organisation", "person_id")
    return own | {
        "id_number": row.id_number_masked,
        "change": kind_of(row.use_case).label,
        "fields": say_changes(row.changes),
    }


def say_changes(told: tuple[Change, ...]) -> Message | None:
    """Write each field before and after, in one sentence."""
    said = [
        Message(
            N_("%(field)s：%(before)s → %(after)s"),
            field=Message(PERSON_FIELDS.labels[one.field]),
            before=_word(one.field, one.before),
            after=_word(one.field, one.after),
        )
        for one in told
    ]
    return reduce(lambda one, more: Message(N_("%(one)s；%(more)s"), one=one, more=more), said) if said else None


def _word(field: str, value: Any) -> str | Message:
    if value is None or value == "":
        return "—"
    if field == "photo_id":
        return Message(N_("有"))
    if isinstance(value, bool):
        return Message(N_("是") if value else N_("否"))
    enumeration = {"id_type": IdType, "sex": Sex}.get(field)
    return Message(enumeration(value).label) if enumeration else str(value)


LISTS = (
    Report(
        "person-changes",
        N_("人员信息变更"),
        frozenset({Role.MINISTRY, Role.ASSOCIATION}),
        read,
        filters=(search(N_("姓名、拼音"), N_("查找人员")), hidden("kind", tuple(ChangeKind))),
        sign="swap",
        page=ListPage(
            N_("没有符合条件的变更"),
            N_("还没有变更"),
            N_("人员的登记信息、单位或资格类型变更后会出现在这里。"),
            N_("人员信息变更，可左右滚动"),
            chips=(ChipRow(N_("变更类型"), chips("kind", tuple(ChangeKind), is_counted=False), keeps=("q",)),),
        ),
    ),
)
