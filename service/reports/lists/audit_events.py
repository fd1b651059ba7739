"""The audit trail as a list to export, for the auditor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.domain.accounts.audit import DETAILS, WORDS, EventGroup, member_label
from service.domain.accounts.roles import Role
from service.domain.system.deployment_source import DeploymentSource
from service.domain.system.mend_kind import MendKind
from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message
from service.models.queries.accounts.audit_list import ORDER, details_of, events_query
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import Control, FilterField, choice, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row
from service.reports.framework.table import PagedTable

VALUES: Mapping[str, type[Labelled]] = {"way": DeploymentSource, "what": MendKind}
"""Details whose values are codes, and the words for them."""


def detail_word(name: str, value: object) -> Message | str:
    """The value of a detail in words, in the language that it is read in where the catalogue knows it."""
    if isinstance(value, bool):
        return Message(N_("是") if value else N_("否"))
    if name == "process":
        return Message(str(value))
    words = {member.value: member.label for member in VALUES.get(name, ())}
    return Message(words[str(value)]) if str(value) in words else str(value)


class Outcome(Labelled):
    """Result of an event; every other result than success counts as refused."""

    OK = "ok", N_("成功")
    REFUSED = "refused", N_("未成功")


COLUMNS = (
    Column("at", N_("时间"), CellType.INSTANT),
    Column("event", N_("事项"), CellType.LABEL),
    Column("login", N_("登录名"), CellType.CODE),
    Column("display_name", N_("姓名")),
    Column("organisation", N_("单位"), CellType.LABEL),
    Column("source", N_("来源地址"), CellType.CODE),
    Column("object", N_("对象")),
    Column("outcome", N_("结果"), CellType.LABEL),
    Column("detail", N_("说明")),
)


def read(_user: User, chosen: ReportFilter) -> PagedTable:
    """Read the events, latest first."""
    return PagedTable(COLUMNS, events_query(chosen), ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(row, "at", "login", "display_name", "organisation")
    about = row.about or (f"{row.object_type} {row.object_id}" if row.object_id else "")
    return own | {
        "event": member_label(row.action),
        "source": str(row.source or ""),
        "object": about,
        "detail": _told(details_of(row)),
        "outcome": (Outcome.OK if row.outcome == "ok" else Outcome.REFUSED).label,
    }


def _told(detail: dict[str, Any]) -> Message | str:
    """Write the details of an event in the words of the page."""
    values: dict[str, Any] = {"end": Message(N_("；"))}
    told = []
    for n, (name, value) in enumerate(detail.items()):
        values[f"name{n}"] = Message(DETAILS.get(name, name))
        values[f"value{n}"] = detail_word(name, value)
        told.append(f"%(name{n})s %(value{n})s")
    return Message("%(end)s".join(told), **values) if told else ""


LISTS = (
    Report(
        "audit-events",
        N_("日志审计"),
        frozenset({Role.AUDIT_ADMIN}),
        read,
        filters=(
            search(N_("登录名、姓名或来源地址"), N_("查找日志")),
            choice("kind", tuple(EventGroup), N_("全部类别"), N_("类别")),
            lookup("what", lambda _user: list(WORDS.items()), N_("全部事项"), N_("事项")),
            search(N_("案卷编号"), N_("案卷编号"), "number"),
            choice("state", tuple(Outcome), N_("全部结果"), N_("结果")),
            FilterField("since", Control.DAY, N_("从")),
            FilterField("until", Control.DAY, N_("至")),
        ),
        sign="search",
        page=ListPage(
            N_("没有符合条件的日志"),
            none_yet_note=N_("换一个条件，或清除条件后再找。"),
            region=N_("日志，可左右滚动"),
            note=N_("案卷内的每一步另见案卷回放"),
        ),
    ),
)
