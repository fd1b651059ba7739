"""The list of cases to export; administrators, who see no business, get only the first letter of a name (domain.md §9)."""

from __future__ import annotations

from functools import partial
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.domain.persons.identity import initial
from service.errors import N_
from service.models.queries.runtime import case_list
from service.models.queries.runtime.case_list import Filter
from service.models.tables.user import User
from service.reports.framework import columns
from service.reports.framework.report import (
    CellType,
    Column,
    Report,
    ReportFilter,
    Row,
    roles_that_may,
)
from service.reports.framework.table import PagedTable

COLUMNS = (
    Column("subject", N_("对象")),
    Column("process_name", N_("流程"), CellType.LABEL),
    Column("version", N_("版本"), CellType.NUMBER),
    Column("started_at", N_("发起"), CellType.INSTANT),
    Column("moved_at", N_("最近办理"), CellType.INSTANT),
    Column("ended_at", N_("办结"), CellType.INSTANT),
    Column("incidents", N_("故障"), CellType.NUMBER),
    columns.STATE,
)
RUNNING, ENDED = N_("进行中"), N_("已办结")


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The cases of the list page."""
    state = chosen.state if chosen.state in case_list.STATES else ""
    query = case_list.cases_query(user, Filter(chosen.process, state, chosen.find, chosen.definition))
    return PagedTable(COLUMNS, query, case_list.ORDER, partial(_cells, Role(user.role) in ADMINISTRATORS))


def _cells(is_hidden: bool, row: Any) -> Row:
    own = columns.plain(row, "process_name", "started_at", "moved_at", "ended_at", "incidents")
    return own | {
        "subject": initial(row.subject) if is_hidden else row.subject,
        "version": row.number,
        "state": ENDED if row.ended_at else RUNNING,
    }


LISTS = (
    Report(
        "cases",
        N_("案卷"),
        roles_that_may(Action.VIEW_CLASSES, Action.REPLAY_CASES, Action.EDIT_PROCESSES),
        read,
        filters=("find", "process", "state", "definition"),
        sign="eye",
        is_plain=True,
    ),
)
