"""Notices for the user, bulletins of the user's organisation and their readers (S96, S109, S110, S119)."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.roles import Role
from service.domain.notices.notices import (
    NoticeKind,
    NoticeState,
    body_of,
    title_of,
)
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, NotFound
from service.infrastructure import rich_text
from service.models.queries.notices import notice_list
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.models.tables.notices.notice import Notice
from service.reports.framework import columns
from service.reports.framework.filters import Control, FilterField, choice, hidden, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import BUSINESS, CellType, Column, Report, Row
from service.reports.framework.table import PagedTable


class ReadState(Labelled):
    """One half of a bulletin's audience."""

    READ = "read", N_("已读")
    WAITING = "waiting", N_("未读")


class ReadFilter(Labelled):
    """Show only what the reader has not opened."""

    ONLY = "1", N_("只看未读")


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
    """Read the notices with their text, newest first."""
    query = notice_list.notices_query(user, chosen).add_columns(Notice.body)
    return PagedTable(NOTICES, query, notice_list.ORDER, _notice)


def _notice(row: Any) -> Row:
    own = columns.plain(row, "author", "published_at", "read_at")
    title, body = title_of(row.facts, row.title), body_of(row.facts, _text(row))
    return own | {"kind": NoticeKind(row.kind).label, "title": title, "body": body}


def read_bulletins(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the bulletins of the user's organisation, newest first."""
    query = notice_list.own_query(user, chosen).add_columns(Notice.body)
    return PagedTable(BULLETINS, query, notice_list.OWN, _bulletin)


def _bulletin(row: Any) -> Row:
    own = columns.plain(row, "title", "created_at", "published_at", "readers")
    return own | {"state": NoticeState(row.state).label, "body": _text(row)}


def read_readers(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the audience of one of the user's own bulletins, and who has opened it (R68). Raises NotFound."""
    notice = notice_list.own_bulletin(user, chosen.notice)
    if notice is None:
        raise NotFound
    return PagedTable(READERS, notice_list.readers_query(notice, chosen.view), notice_list.READING, _reader)


def _reader(row: Any) -> Row:
    own = columns.plain(row, "organisation", "display_name", "read_at")
    return own | {"role": Role(row.role).label, "state": (ReadState.READ if row.read_at else ReadState.WAITING).label}


def _text(row: Any) -> str:
    """Return the text as lines without markup."""
    return rich_text.to_plain(row.body) if row.kind == NoticeKind.BULLETIN else str(row.body)


LISTS = (
    Report(
        "notices",
        N_("通知"),
        BUSINESS,
        read_notices,
        filters=(
            search(N_("标题"), N_("查找通知")),
            choice("kind", tuple(NoticeKind), N_("全部类型"), N_("类型")),
            FilterField("unread", Control.CHECKBOX, options=tuple(ReadFilter)),
        ),
        sign="bell",
        page=ListPage(
            N_("没有符合条件的通知"),
            N_("还没有通知"),
            N_("开班通知、通报和每日提醒会出现在这里。"),
            N_("通知列表，可左右滚动"),
        ),
    ),
    Report(
        "bulletins",
        N_("通报管理"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_bulletins,
        filters=(
            search(N_("标题"), N_("查找通报")),
            choice("state", tuple(NoticeState), N_("全部状态"), N_("状态")),
        ),
        sign="bell",
        page=ListPage(
            N_("没有符合条件的通报"),
            N_("还没有通报"),
            N_("写好后先存为草稿，预览无误再发布。"),
            N_("通报列表，可左右滚动"),
        ),
    ),
    Report(
        "notice-readers",
        N_("阅读情况"),
        frozenset({Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        read_readers,
        filters=(hidden("notice"), hidden("view", tuple(ReadState))),
        sign="eye",
        is_plain=True,
        page=ListPage(N_("还没有人读过"), region=N_("账号，可左右滚动")),
    ),
)
