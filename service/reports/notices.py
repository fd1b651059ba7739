"""The notices a reader may see, as a list to export (S96, S109, S119)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import aliased

from service.domain.labels import Labelled
from service.errors import N_
from service.models import Notice, Organisation, User
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


LIST = Report(
    "notices",
    N_("通知"),
    BUSINESS,
    read_notices,
    filters=("q", "kind"),
    options={"kind": tuple(NoticeKind)},
    sign="bell",
)
