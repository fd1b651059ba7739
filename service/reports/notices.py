"""The notices a reader may see, and the tasks that wait for him, as lists to export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from service.domain.labels import Labelled
from service.errors import N_
from service.models import Notice, Organisation, Task, User
from service.models.paging import Order
from service.models.scope import visible
from service.reports import columns
from service.reports.report import BUSINESS, Cells, Chosen, Column, Kind, Report
from service.reports.table import PagedTable

Author = aliased(Organisation)


class NoticeKind(Labelled):
    """What kind of announcement it is."""

    NOTICE = "notice", N_("通知")
    BULLETIN = "bulletin", N_("通报")


NOTICES = (
    Column("kind", N_("类型"), Kind.WORD), Column("title", N_("标题")), Column("author", N_("发布单位"), Kind.WORD),
    Column("published_at", N_("发布时间"), Kind.INSTANT), Column("body", N_("内容")),
)  # fmt: skip
TASKS = (
    Column("task", N_("事项"), Kind.WORD), Column("subject", N_("对象")), columns.UNIT, Column("batch_title", N_("批次")),
    Column("opened_at", N_("提交时间"), Kind.INSTANT), Column("due_at", N_("办理时限"), Kind.INSTANT),
)  # fmt: skip


def read_notices(user: User, chosen: Chosen) -> PagedTable:
    """The published notices in scope, newest first (S96, S109)."""
    query = (
        select(Notice.id, Notice.kind, Notice.title, Notice.body, Notice.published_at, Author.name.label("author"))
        .outerjoin(Author, Author.id == Notice.author_id)
        .where(visible(user, Notice), Notice.state == "published")
    )
    if chosen.kind:
        query = query.where(Notice.kind == chosen.kind)
    if chosen.q:
        query = query.where(Notice.title.contains(chosen.q, autoescape=True))
    return PagedTable(NOTICES, query, Order((Notice.published_at, Notice.id), is_descending=True), _notice)


def _notice(row: Any) -> Cells:
    return columns.plain(row, "title", "author", "published_at", "body") | {"kind": NoticeKind(row.kind).label}


def read_tasks(user: User, chosen: Chosen) -> PagedTable:
    """The open tasks of the inbox, in its order."""
    query = select(
        Task.name.label("task"), Task.subject, Task.unit_name, Task.batch_title, Task.opened_at, Task.due_at
    ).where(visible(user, Task), Task.state == "open")
    if chosen.q:
        query = query.where(Task.subject.contains(chosen.q, autoescape=True))
    names = ("task", "subject", "unit_name", "batch_title", "opened_at", "due_at")
    return PagedTable(TASKS, query, Order((Task.sort_at, Task.id)), lambda row: columns.plain(row, *names))


LISTS = (
    Report("notices", N_("通知"), BUSINESS, read_notices, filters=("q", "kind"), options={"kind": tuple(NoticeKind)}, sign="bell"),
    Report("tasks", N_("待办"), BUSINESS, read_tasks, filters=("q",), sign="inbox"),
)  # fmt: skip
