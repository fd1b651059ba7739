"""Changes in the records of persons as a list to export (S88)."""

from __future__ import annotations

from functools import reduce
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.persons.identity import IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.errors import N_, Message
from service.models.db.pagination import Page, read_page
from service.models.queries.persons.person_changes import FIELDS as COMPARED
from service.models.queries.persons.person_changes import (
    ORDER,
    ChangeFilter,
    ChangeKind,
    changes_query,
    kind_of,
)
from service.models.queries.persons.person_history import Change, changes_in
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
)
from service.reports.framework.table import SHOWN, PagedTable

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
    """Names of units and types are looked up for a page at once."""

    def page(self, cursor: str | None, size: int = SHOWN) -> Page[Row]:
        """One page, latest first."""
        found = read_page(self.query, self.order, cursor, size)
        told = changes_in(found.rows, COMPARED)
        return Page([_row(*one) for one in zip(found.rows, told, strict=True)], found.before, found.after)


def read(user: User, chosen: ReportFilter) -> ChangesTable:
    """The changes of the list page."""
    query = changes_query(user, ChangeFilter(chosen.q, chosen.kind))
    return ChangesTable(COLUMNS, query, ORDER, lambda row: _row(row, ()))


def _row(row: Any, told: tuple[Change, ...]) -> Row:
    own = columns.plain(row, "at", "name", "unit_name", "actor", "organisation", "person_id")
    return own | {"id_number": row.id_number_masked, "change": kind_of(row.use_case).label, "fields": _say(told)}


def _say(told: tuple[Change, ...]) -> Message | None:
    """Each field before and after, in one sentence."""
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
        filters=("q", "kind"),
        options={"kind": tuple(ChangeKind)},
        sign="people",
    ),
)
