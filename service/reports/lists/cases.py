"""The list of cases to export; administrators, who see no business, get the first letter of a person's name and
cannot look for one (domain.md §9): they find a case by numbers, unit, who did it and when.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from sqlalchemy import tuple_

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import ADMINISTRATORS, BUSINESS, Role
from service.domain.persons.case_subjects import shown_subject
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import case_list
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.reports.framework import columns
from service.reports.framework.filters import Choices, Control, FilterField, choice, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row, roles_that_may
from service.reports.framework.table import PagedTable
from service.reports.lists.process_mining import elements_of

COLUMNS = (
    Column("case_number", N_("案卷编号"), CellType.CODE),
    Column("subject", N_("对象")),
    Column("process_name", N_("所属流程"), CellType.LABEL),
    Column("version", N_("流程版本"), CellType.NUMBER),
    Column("started_at", N_("发起"), CellType.INSTANT),
    Column("moved_at", N_("最近办理"), CellType.INSTANT),
    Column("ended_at", N_("办结"), CellType.INSTANT),
    Column("incidents", N_("故障"), CellType.NUMBER),
    columns.STATE,
)


class CaseState(Labelled):
    """State by which cases are looked for."""

    RUNNING = "running", N_("进行中")
    ENDED = "ended", N_("已办结")
    INCIDENT = "incident", N_("故障")
    SUSPENDED = "suspended", N_("已暂停")


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """Read the cases, the latest first."""
    query = case_list.cases_query(user, chosen)
    if chosen.outcome:
        ends = [(digest, key) for digest, key, name in _ends() if name == chosen.outcome]
        query = query.where(tuple_(Case.definition, Case.ended).in_(ends))
    return PagedTable(COLUMNS, query, case_list.ORDER, partial(_cells, Role(user.role)))


def _cells(role: Role, row: Any) -> Row:
    own = columns.plain(row, "process_name", "started_at", "moved_at", "ended_at", "incidents")
    return own | {
        "case_number": str(row.id)[-case_list.NUMBER_LENGTH :],
        "subject": shown_subject(role, row.process, row.subject),
        "version": row.number,
        "state": (CaseState.ENDED if row.ended_at else CaseState.RUNNING).label,
    }


def _outcomes(_user: User) -> list[tuple[str, str]]:
    """The names of the end events of all versions: one name, if several processes end alike."""
    return [(name, name) for name in sorted({name for _digest, _key, name in _ends()})]


def _ends() -> list[tuple[str, str, str]]:
    """Version, id and name of every end event, from the diagrams: to ask all cases took as long as there are many."""
    return [(digest, key, name) for digest, _version in case_list.versions() for key, name in _ends_of(digest)]


@lru_cache(maxsize=4096)  # of far more versions than diagrams are kept: each look asks all of them
def _ends_of(digest: str) -> tuple[tuple[str, str], ...]:
    return tuple((key, name or key) for key, (name, kind) in elements_of(digest).items() if kind == "endEvent")


def _select(name: str, choices: Callable[[User], Choices], any_label: str, label: str) -> FilterField:
    return replace(lookup(name, choices, any_label, label, least=1), roles=ADMINISTRATORS)


LISTS = (
    Report(
        "cases",
        N_("案卷"),
        roles_that_may(Action.VIEW_CLASSES, Action.REPLAY_CASES, Action.EDIT_PROCESSES),
        read,
        filters=(
            search(N_("对象"), N_("对象"), "find", roles=BUSINESS),
            search(N_("案卷、证书或班次编号"), N_("编号"), "number", roles=ADMINISTRATORS),
            search(N_("单位"), N_("单位"), "q", roles=ADMINISTRATORS),
            search(N_("办理人登录名"), N_("办理人"), "actor", roles=ADMINISTRATORS),
            lookup("process", lambda _user: case_list.processes(), N_("全部流程"), N_("所属流程"), least=0),
            choice("state", tuple(CaseState), N_("全部状态"), N_("状态")),
            search(N_("办过的环节"), N_("环节"), "element", roles=ADMINISTRATORS),
            _select("definition", lambda _user: case_list.versions(), N_("全部版本"), N_("流程版本")),
            _select("outcome", _outcomes, N_("全部结局"), N_("结局")),
            FilterField("since", Control.DAY, N_("从"), roles=ADMINISTRATORS),
            FilterField("until", Control.DAY, N_("至"), roles=ADMINISTRATORS),
        ),
        page=ListPage(
            N_("没有案卷"),
            none_yet_note=N_("报名、审批等事项发起后会列在这里。"),
            region=N_("案卷列表，可左右滚动"),
        ),
        sign="eye",
        is_plain=True,
    ),
)
