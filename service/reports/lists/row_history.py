"""The history of rows as a list to export, for the auditor: who changed which field of what, when, in which case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple
from uuid import UUID

from service.domain.accounts.roles import Role
from service.domain.persons.identity import initial
from service.domain.system import row_words
from service.domain.system.settings import SETTINGS
from service.domain.system.use_case_words import STEPS, WORDS, use_case_word
from service.domain.training.scores import write_score
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message
from service.models.db.clock import CHINA
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime.case_list import NUMBER_LENGTH
from service.models.queries.runtime.object_names import NameHistory, ObjectName
from service.models.queries.system.row_changes import ORDER, changes_query
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import Control, FilterField, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable
from service.validation.typed_text import as_id, as_instant

HIDDEN = N_("有，不在此显示")
NOTHING = "—"
MAX_LENGTH = 200  # characters of a value that are shown
Names = Mapping[str, ObjectName]


class ChangeKind(Labelled):
    """The kind of a change of a row."""

    INSERT = "insert", N_("新增")
    UPDATE = "update", N_("修改")
    DELETE = "delete", N_("删除")


class Link(NamedTuple):
    """The row that a value points to."""

    table: str
    id: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field before and after, in words, and what the values point to, if anything."""

    field: str
    before: Message | str
    after: Message | str
    before_link: Link | None
    after_link: Link | None


COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("table", N_("类别"), CellType.LABEL),
    Column("object", N_("对象")),
    Column("object_id", N_("对象编号"), CellType.CODE),
    Column("change", N_("变更"), CellType.LABEL),
    Column("fields", N_("变更内容"), CellType.LABEL),
    Column("use_case", N_("事项"), CellType.LABEL),
    Column("login", N_("登录名"), CellType.CODE),
    Column("actor", N_("办理人")),
    Column("organisation", N_("办理单位"), CellType.LABEL),
    Column("behalf", N_("代"), CellType.LABEL),
    Column("case_number", N_("案卷编号"), CellType.CODE),
    Column("step", N_("案卷第几步"), CellType.NUMBER),
)


class RowHistoryTable(PagedTable):
    """Rows with their changes field by field; what ids point to is looked up for a page at once."""

    def _shown(self, rows: list[Any]) -> list[Any]:
        return told(rows)


def told(rows: Sequence[Any], book: NameHistory | None = None) -> list[Any]:
    """The changes with ``name`` of their object, ``step`` of its case and ``changes``, field by field;
    names as they were then.
    """
    known, told = book or NameHistory(None, ids_in(rows)), []
    for row in rows:
        names = known.at(row.at)
        name = name_of(row.table_name, names.get(str(row.row_id)))
        step = (row.seq or 0) + 1  # people count from 1
        told.append(SimpleNamespace(**row._mapping, name=name, step=step, changes=_changes(row, names)))
    return told


def ids_in(rows: Iterable[Any]) -> set[UUID]:
    """The ids of the changed rows, and of all that their values point to."""
    found = set()
    for row in rows:
        values = [*(row.before or {}).values(), *(row.after or {}).values()]
        several = [one for value in values for one in (value if isinstance(value, list) else [value])]
        found |= {key for one in several if isinstance(one, str) and (key := as_id(one))} | {row.row_id}
    return found


def _changes(row: Any, names: Names) -> tuple[FieldChange, ...]:
    before, after = row.before or {}, row.after or {}
    told = []
    for column in dict.fromkeys((*before, *after)):
        word = row_words.column_word(row.table_name, column)
        if word:
            old, new = before.get(column), after.get(column)
            shown = [value_word(row.table_name, column, value, names) for value in (old, new)]
            told.append(FieldChange(word, shown[0], shown[1], link_of(old, names), link_of(new, names)))
    return tuple(told)


def link_of(value: Any, names: Names) -> Link | None:
    """The row that a value points to."""
    found = names.get(value) if isinstance(value, str) else None
    return Link(found.table, str(value)) if found else None


def name_of(table: str, found: ObjectName | None) -> str:
    """The name of a row as the auditor sees it; '' for one that has none."""
    if found is None:
        return ""
    return initial(found.name) if found.is_person or table == "case_instance" else found.name


def value_word(table: str, column: str, value: Any, names: Names) -> Message | str:
    """A value as an administrator may read it: codes as words, ids as names, nothing personal (domain.md §9)."""
    place = (table, column)
    if value is None or value in ("", []):
        return NOTHING
    if value == "hidden" or place in row_words.KEPT_BACK:
        return Message(HIDDEN)
    if isinstance(value, bool):
        return Message(N_("是") if value else N_("否"))
    if place in row_words.NAMES:
        return initial(str(value))
    if place in row_words.TENTHS and isinstance(value, int):
        return write_score(value)
    if place == ("setting", "key") and value in SETTINGS:
        return Message(SETTINGS[value].label)
    if isinstance(value, list):
        return _several(table, column, value, names)
    if isinstance(value, dict):
        return "；".join(f"{name} {one}" for name, one in value.items())[:MAX_LENGTH]
    return _one(table, column, str(value), names)


def _one(table: str, column: str, text: str, names: Names) -> Message | str:
    if found := names.get(text):
        return Message(name_of(found.table, found)) if not found.is_person else name_of(found.table, found)
    codes = row_words.codes_of(table, column)
    if text in codes:
        return Message(codes[text])
    if as_id(text):
        return f"…{text[-NUMBER_LENGTH:]}"
    if "T" in text and (at := as_instant(text)) and at.tzinfo:
        return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
    return text[:MAX_LENGTH]


def _several(table: str, column: str, values: list[Any], names: Names) -> Message | str:
    told = {f"v{n}": value_word(table, column, value, names) for n, value in enumerate(values[:20])}
    return Message("、".join(f"%({name})s" for name in told), **told)


def _cells(row: Any) -> Row:
    own = columns.plain(row, "at", "login", "organisation", "behalf")
    return own | {
        "table": row_words.table_word(row.table_name),
        "object": row.name,
        "object_id": str(row.row_id),
        "change": ChangeKind(row.kind).label,
        "fields": _sentence(row.changes),
        "use_case": use_case_word(row.use_case),
        "actor": row.display_name,
        "case_number": str(row.case_id)[-NUMBER_LENGTH:] if row.case_id else "",
        "step": row.step if row.case_id else None,
    }


def _sentence(changes: Iterable[FieldChange]) -> Message | str:
    """Write each field before and after, in one sentence."""
    values: dict[str, Any] = {"end": Message(N_("；"))}
    parts = []
    for n, one in enumerate(changes):
        values |= {f"f{n}": Message(one.field), f"b{n}": one.before, f"a{n}": one.after}
        parts.append(f"%(f{n})s %(b{n})s → %(a{n})s")
    return Message("%(end)s".join(parts), **values) if parts else ""


def read(_user: User, chosen: ReportFilter) -> RowHistoryTable:
    """Read the changes, latest first."""
    return RowHistoryTable(COLUMNS, changes_query(chosen), ORDER, _cells)


LISTS = (
    Report(
        "row-history",
        N_("数据变更"),
        frozenset({Role.AUDIT_ADMIN}),
        read,
        filters=(
            search(N_("编号、证书、班次、单位、登录名"), N_("对象"), "number"),
            lookup("kind", lambda _user: list(row_words.TABLES.items()), N_("全部类别"), N_("类别")),
            lookup("what", lambda _user: [*STEPS.items(), *WORDS.items()], N_("全部事项"), N_("事项")),
            search(N_("办理人登录名"), N_("办理人"), "actor"),
            FilterField("since", Control.DAY, N_("从")),
            FilterField("until", Control.DAY, N_("至")),
        ),
        sign="swap",
        page=ListPage(
            N_("没有符合条件的变更"),
            none_yet_note=N_("换一个条件，或清除条件后再找。"),
            region=N_("数据变更，可左右滚动"),
            note=N_("每一行业务数据的每次变更；个人信息只显示有无。"),
        ),
        is_plain=True,
    ),
)
