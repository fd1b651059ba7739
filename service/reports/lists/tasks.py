"""The user's inbox and finished tasks, to export with the columns of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.tickets import RepairStep, TicketKind
from service.domain.training.training_need import Need
from service.domain.units.units import UnitKind
from service.errors import N_
from service.models.db.clock import now
from service.models.db.pagination import Page
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import inbox, substitutes
from service.models.queries.scope import inbox_addresses
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import hidden, search
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import BATCH_ROWS, PAGE_ROWS
from service.validation.typed_text import as_id

WHAT = (
    Column("name", N_("事项"), CellType.LABEL),
    Column("subject", N_("对象")),
    Column("summary", N_("说明"), CellType.LABELS),
    Column("batch_title", N_("分组"), CellType.LABEL),
    Column("unit_name", N_("单位"), CellType.LABEL),
)
FACTS = (
    Column("score", N_("成绩"), CellType.SCORE),
    Column("certificate_number", N_("证书编号"), CellType.CODE),
    Column("qualification_name", N_("资格类型"), CellType.LABEL),
    Column("need", N_("应参加"), CellType.LABEL),
    Column("valid_to", N_("证书有效期至"), CellType.DAY),
    Column("starts_on", N_("开班日"), CellType.DAY),
    Column("ticket_kind", N_("工单类型"), CellType.LABEL),
    Column("step", N_("维修步骤"), CellType.LABEL),
    Column("unit_kind", N_("单位类型"), CellType.LABEL),
)
WHEN = (
    Column("opened_at", N_("提交"), CellType.INSTANT),
    Column("due_at", N_("办理期限"), CellType.INSTANT),
    Column("assignee", N_("办理人")),
)
DONE = (*WHAT, Column("closed_at", N_("办结"), CellType.INSTANT))
WORDS = {"need": Need, "ticket_kind": TicketKind, "step": RepairStep, "unit_kind": UnitKind}

Read = Callable[[str | None, int], inbox.Page]


@dataclass(frozen=True, slots=True)
class TaskTable:
    """Tasks, read as the page reads them. counted: how many there are, up to a number."""

    columns: tuple[Column, ...]
    read: Read
    counted: Callable[[int], int]

    def count(self, most: int) -> int:
        """Count the tasks, to ``most``."""
        return self.counted(most)

    def page(self, cursor: str | None) -> Page[Row]:
        """Read a page; an invalid cursor starts from the first."""
        found = self.rows_page(cursor)
        return Page([_cells(row) for row in found.rows], found.before, found.after)

    def rows_page(self, cursor: str | None) -> Page[Any]:
        """Read a page of the tasks themselves."""
        found = self.read(cursor, PAGE_ROWS)
        return Page(list(found.rows), found.before, found.after)

    def batches(self) -> Iterator[list[Row]]:
        """Read all tasks, page by page."""
        cursor: str | None = None
        while True:
            found = self.read(cursor, BATCH_ROWS)
            yield [_cells(row) for row in found.rows]
            cursor = found.after
            if cursor is None:
                return

    def totals(self) -> Row:
        """Return no sums: tasks have none."""
        return {}


def read(user: User, chosen: ReportFilter) -> TaskTable:
    """Read the tasks that wait in the user's inbox, in the view and of the kind chosen; or those the user has done."""
    if chosen.view == "done":
        return TaskTable(
            DONE,
            lambda cursor, size: inbox.read_done(user, chosen.find or None, cursor, size),
            lambda most: inbox.count_done(user, chosen.find or None, most),
        )
    found = inbox.Filter(
        kind=chosen.kind or None,
        batch=chosen.batch or None,
        find=chosen.find or None,
        reader_id=user.id,
        assignee_id=user.id if chosen.view == "mine" else as_id(chosen.holder),
        due_before=inbox.end_of_tomorrow(now()) if chosen.view == "due" else None,
        absent=substitutes.claimed_by(substitutes.absences(user)) if chosen.view == "absent" else None,
    )
    whose = inbox_addresses(user)
    known = inbox.fact_names(whose, found)
    facts = tuple(column for column in FACTS if column.key in known)
    return TaskTable(
        (*WHAT, *facts, *WHEN),
        lambda cursor, size: inbox.read(whose, found, cursor, size),
        lambda most: inbox.count(whose, found, most),
    )


def _cells(row: Any) -> Row:
    facts = {column.key: row.facts.get(column.key) for column in FACTS}
    for name, words in WORDS.items():
        facts[name] = columns.label(words, facts[name])
    own = columns.plain(
        row, "name", "subject", "summary", "batch_title", "unit_name", "opened_at", "due_at", "assignee", "closed_at"
    )
    return facts | own


LISTS = (
    Report(
        "inbox",
        N_("待办"),
        frozenset(Role),
        read,
        filters=(
            search(N_("对象"), name="find"),
            hidden("kind"),
            hidden("batch"),
            hidden("holder"),
            hidden("view", is_view=True),
        ),
        sign="inbox",
        is_plain=True,
    ),
)
