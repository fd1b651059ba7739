"""The accounts that the user manages (S97, S111); how they are reached stays masked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import AccountState, Role, managed_by
from service.errors import N_
from service.models.queries.accounts import user_list
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework import columns
from service.reports.framework.filters import choice, hidden, lookup, search
from service.reports.framework.list_page import ListPage
from service.reports.framework.report import CellType, Column, Report, Row, roles_that_may
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
    """Read the accounts by login."""
    return PagedTable(COLUMNS, user_list.accounts_query(user, chosen), user_list.ORDER, _cells)


def _cells(row: Any) -> Row:
    own = columns.plain(
        row, "login", "display_name", "organisation", "phone_masked", "mail_masked", "created_at", "last_login"
    )
    return own | {"role": Role(row.role).label, "state": AccountState(row.account_state).label}


def _managed_roles(user: User) -> Sequence[tuple[Any, str]]:
    return [(role.value, role.label) for role in managed_by(Role(user.role))]


LISTS = (
    Report(
        "users",
        N_("账号"),
        roles_that_may(Action.MANAGE_USERS, Action.UNLOCK_USER),
        read,
        filters=(
            search(N_("登录名、姓名、单位")),
            lookup("role", _managed_roles, N_("全部角色"), N_("角色"), least=1),
            choice("state", tuple(AccountState), N_("全部状态"), N_("状态")),
            hidden("unit"),
        ),
        sign="key",
        is_plain=True,
        page=ListPage(
            N_("没有符合条件的账号"), none_yet_note=N_("换个条件再找，或新增账号。"), region=N_("账号列表，可左右滚动")
        ),
    ),
)
