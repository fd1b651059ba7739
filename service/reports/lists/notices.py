"""The notices a reader may see, and the bulletins of his organisation, as lists to export (S96, S109, S110, S119)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.notices import (
    NoticeKind,
    NoticeState,
    body_of,
    title_of,
)
from service.errors import N_, NotFound
from service.infrastructure import rich_text
from service.models.queries.notices import notice_list
from service.models.queries.notices.notice_list import NoticeFilter
from service.models.tables.notice import Notice
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    BUSINESS,
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
)
from service.reports.framework.table import PagedTable

NOTICES = (
    Column("kind", N_("类型"), CellType.LABEL),
    Column("title", N_("标题"), CellType.LABEL),
    Column("author", N_("发布单位"), CellType.LABEL),
    Column("published_at", N_("发布时间"), CellType.INSTANT),
    Column("read_at", N_("阅读时间"), CellType.INSTANT),
    Column("body", N_("内容"), CellType.LABEL),
)
BULLETINS = (
    Column("title", N_("标题")),
    Column("created_at", N_("起草"), CellType.INSTANT),
    Column("published_at", N_("发布时间"), CellType.INSTANT),
    Column("readers", N_("已读"), CellType.NUMBER),
    columns.STATE,
    Column("body", N_("内容")),
)


READERS = (
    Column("organisation", N_("单位"), CellType.LABEL),
    Column("display_name", N_("姓名")),
    Column("role", N_("角色"), CellType.LABEL),
    Column("state", N_("状态"), CellType.LABEL),
    Column("read_at", N_("阅读时间"), CellType.INSTANT),
)


def read_notices(user: User, chosen: ReportFilter) -> PagedTable:
    """The notices of the list page, with what they say."""
    found = NoticeFilter(chosen.q, chosen.kind, unread=chosen.unread == "1")
    query = notice_list.notices_query(user, found).add_columns(Notice.body)
    return PagedTable(NOTICES, query, notice_list.ORDER, _notice)


def _notice(row: Any) -> Row:
    own = columns.plain(row, "author", "published_at", "read_at")
    title, body = title_of(row.facts, row.title), body_of(row.facts, _text(row))
    return own | {"kind": NoticeKind(row.kind).label, "title": title, "body": body}


def read_bulletins(user: User, chosen: ReportFilter) -> PagedTable:
    """The bulletins of the page on which they are written."""
    query = notice_list.own_query(user, NoticeFilter(chosen.q, state=chosen.state)).add_columns(Notice.body)
    return PagedTable(BULLETINS, query, notice_list.OWN, _bulletin)


def _bulletin(row: Any) -> Row:
    own = columns.plain(row, "title", "created_at", "published_at", "readers")
    return own | {"state": NoticeState(row.state).label, "body": _text(row)}


def read_readers(user: User, chosen: ReportFilter) -> PagedTable:
    """Who of the audience of one of the reader's own bulletins has read it, and who has not (R68). Raises NotFound."""
    notice = notice_list.own_bulletin(user, chosen.notice)
    if notice is None:
        raise NotFound
    return PagedTable(READERS, notice_list.readers_query(notice), notice_list.READING, _reader)


def _reader(row: Any) -> Row:
    own = columns.plain(row, "organisation", "display_name", "read_at")
    return own | {"role": Role(row.role).label, "state": N_("已读") if row.read_at else N_("未读")}


def _text(row: Any) -> str:
    """What it says, as lines without marks."""
    return rich_text.to_plain(row.body) if row.kind == NoticeKind.BULLETIN else str(row.body)


LISTS = (
    Report(
        "notices",
        N_("通知"),
        BUSINESS,
        read_notices,
        filters=("q", "kind", "unread"),
        options={"kind": tuple(NoticeKind)},
        sign="bell",
    ),
    Report(
        "bulletins",
        N_("通报管理"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_bulletins,
        filters=("q", "state"),
        options={"state": tuple(NoticeState)},
        sign="bell",
    ),
    Report(
        "notice-readers",
        N_("阅读情况"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_readers,
        filters=("notice",),
        sign="eye",
        is_plain=True,
    ),
)
