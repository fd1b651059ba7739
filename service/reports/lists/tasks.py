"""The reader's inbox, and what he has done, as lists to export: the columns of the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.tickets import TicketKind
from service.domain.training.training_need import Need
from service.domain.units.units import UnitKind
from service.errors import N_
from service.models.db.clock import now
from service.models.db.pagination import Page
from service.models.queries.runtime import inbox
from service.models.queries.scope import addresses
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    Cells,
    Chosen,
    Column,
    Kind,
    Report,
)
from service.reports.framework.table import BATCH, SHOWN

WHAT = (
    Column("name", N_("事项"), Kind.WORD),
    Column("subject", N_("对象")),
    Column("summary", N_("说明"), Kind.WORDS),
    Column("batch_title", N_("分组"), Kind.WORD),
    Column("unit_name", N_("单位"), Kind.WORD),
)
FACTS = (
    Column("score", N_("成绩"), Kind.SCORE),
    Column("certificate_number", N_("证书编号"), Kind.CODE),
    Column("qualification_name", N_("资格类型"), Kind.WORD),
    Column("need", N_("应参加"), Kind.WORD),
    Column("valid_to", N_("证书有效期至"), Kind.DAY),
    Column("starts_on", N_("开班日"), Kind.DAY),
    Column("ticket_kind", N_("工单类型"), Kind.WORD),
    Column("progress", N_("当前进度"), Kind.WORD),
    Column("unit_kind", N_("单位类型"), Kind.WORD),
)
WHEN = (
    Column("opened_at", N_("提交"), Kind.INSTANT),
    Column("due_at", N_("办理期限"), Kind.INSTANT),
    Column("assignee", N_("办理人")),
)
DONE = (*WHAT, Column("closed_at", N_("办结"), Kind.INSTANT))
WORDS = {"need": Need, "ticket_kind": TicketKind, "unit_kind": UnitKind}

Read = Callable[[str | None, int], inbox.Page]


@dataclass(frozen=True, slots=True)
class TaskTable:
    """Tasks, read as the page reads them. counted: how many there are, up to a number."""

    columns: tuple[Column, ...]
    read: Read
    counted: Callable[[int], int]

    def count(self, most: int) -> int:
        """How many there are, counted to ``most``."""
        return self.counted(most)

    def page(self, cursor: str | None) -> Page[Cells]:
        """One page; a cursor that is none of ours begins anew."""
        found = self.read(cursor, SHOWN)
        return Page([_cells(row) for row in found.rows], found.before, found.after)

    def batches(self) -> Iterator[list[Cells]]:
        """All of them, page by page."""
        cursor: str | None = None
        while True:
            found = self.read(cursor, BATCH)
            yield [_cells(row) for row in found.rows]
            cursor = found.after
            if cursor is None:
                return

    def totals(self) -> Cells:
        """Nothing of a task is summed up."""
        return {}


def read(user: User, chosen: Chosen) -> TaskTable:
    """What waits in the reader's inbox, in the view and of the kind of the page; or what he has done."""
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
        assignee_id=user.id if chosen.view == "mine" else None,
        due_before=inbox.end_of_tomorrow(now()) if chosen.view == "due" else None,
    )
    whose = addresses(user)
    known = inbox.fact_names(whose, found)
    facts = tuple(column for column in FACTS if column.key in known)
    return TaskTable(
        (*WHAT, *facts, *WHEN),
        lambda cursor, size: inbox.read(whose, found, cursor, size),
        lambda most: inbox.count(whose, found, most),
    )


def _cells(row: Any) -> Cells:
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
        filters=("find", "kind", "batch", "view"),
        sign="inbox",
        is_plain=True,
    ),
)
