"""The list of accounts to export, for those who manage them (S97, S111): how they are reached stays masked."""

from __future__ import annotations

from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import AccountState, Role, managed_by
from service.errors import N_
from service.models.queries.accounts import user_list
from service.models.queries.accounts.user_list import Filter
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
    Column("login", N_("登录名"), CellType.CODE),
    Column("display_name", N_("姓名")),
    Column("role", N_("角色"), CellType.LABEL),
    Column("organisation", N_("单位"), CellType.LABEL),
    Column("phone_masked", N_("手机"), CellType.CODE),
    Column("mail_masked", N_("邮箱"), CellType.CODE),
    Column("created_at", N_("新增时间"), CellType.INSTANT),
    Column("last_login", N_("最近登录"), CellType.INSTANT),
    columns.STATE,
)


def read(user: User, chosen: ReportFilter) -> PagedTable:
    """The accounts of the list page."""
    seen = managed_by(Role(user.role))
    found = Filter([chosen.role] if chosen.role in seen else seen, chosen.state, chosen.q, chosen.unit)
    return PagedTable(COLUMNS, user_list.accounts_query(user, found), user_list.ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(
        row, "login", "display_name", "organisation", "phone_masked", "mail_masked", "created_at", "last_login"
    )
    return own | {"role": Role(row.role).label, "state": AccountState(row.account_state).label}


LISTS = (
    Report(
        "users",
        N_("账号"),
        roles_that_may(Action.MANAGE_USERS, Action.UNLOCK_USER),
        read,
        filters=("q", "role", "state", "unit"),
        options={"role": tuple(Role), "state": tuple(AccountState)},
        sign="key",
        is_plain=True,
    ),
)
