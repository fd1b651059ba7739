"""The menu of one user: the items that the role may open, and the one that is open."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any, NamedTuple

from flask import current_app, g, request, url_for
from flask_login import current_user

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.reports import may_export, reports_for
from service.web.shell.menu import (
    EXPORT,
    MENU,
    SHORTCUTS,
    MenuItem,
    MenuSection,
    Values,
)


class MenuItemView(NamedTuple):
    """An item of a user's menu: its label, its address, and whether its page is shown."""

    item: MenuItem
    label: str
    address: str
    is_active: bool


class MenuSectionView(NamedTuple):
    """An entry of the user's bar; it leads to its first item."""

    label: str
    icon: str
    items: list[MenuItemView]

    @property
    def is_active(self) -> bool:
        """Tell whether the page belongs to it."""
        return any(one.is_active for one in self.items)


def menu() -> list[MenuSectionView]:
    """The user's menu in its order, without items that the role may not open."""
    if "menu" not in g:
        role = Role(current_user.role)
        opened = _open_to(role)
        active = _active([item for _, items in opened for item in items])
        g.menu = [_section(section, items, active, role) for section, items in opened]
    found: list[MenuSectionView] = g.menu
    return found


def page_heading() -> str:
    """The label of the active item for the user's role, a key of the catalogue: the heading of its page."""
    return next((item.label for section in menu() for item in section.items if item.is_active), "")


def set_active_menu_item(endpoint: str) -> None:
    """Name the item to which this request's page belongs where its address does not: a branch is shown among units.

    Call it before the page is rendered.
    """
    g.active_menu_item = endpoint


def is_open(endpoint: str) -> bool:
    """Tell whether there is such a page and its permissions (authorization.py) let the reader's role in."""
    actions = _access(endpoint)
    return actions is not None and (not actions or any(has_permission(action) for action in actions))


def _access(endpoint: str) -> tuple[Action, ...] | None:
    actions: tuple[Action, ...] | None = getattr(current_app.view_functions.get(endpoint), "access", None)
    return actions


def has_permission(action: Action | str) -> bool:
    """Tell whether the reader's role may do this somewhere."""
    return bool(current_user.is_authenticated) and may(Role(current_user.role), Action(action))


def operations(item: MenuItem) -> list[str]:
    """Operations of the user in an item besides looking up and reading, in the words of the seed."""
    found = [label for label, endpoint in item.operations if is_open(endpoint)]
    return [*found, EXPORT] if item.export and may_export(item.export, Role(current_user.role)) else found


class ShortcutView(NamedTuple):
    """A shortcut of the first page of the user."""

    label: str
    note: str
    icon: str
    address: str


def shortcuts() -> list[ShortcutView]:
    """快捷操作 of the reader's first page."""
    mine = SHORTCUTS[Role(current_user.role)]
    return [ShortcutView(one.label, one.note, one.icon, _address(one.endpoint, one.values)) for one in mine]


def _address(endpoint: str, values: Values) -> str:
    given: dict[str, Any] = dict(values)
    return url_for(endpoint, **given)


def _section(section: MenuSection, items: tuple[MenuItem, ...], active: MenuItem | None, role: Role) -> MenuSectionView:
    views = [
        MenuItemView(item, item.role_labels.get(role, item.label), _address(item.endpoint, item.values), item is active)
        for item in items
    ]
    return MenuSectionView(section.label, section.icon, views)


@cache
def _open_to(role: Role) -> tuple[tuple[MenuSection, tuple[MenuItem, ...]], ...]:
    """The menu without what the role may not open; permissions stand in the code, so once a process."""
    reports = {report.name for report in reports_for(role)}
    opened = (
        (section, tuple(item for item in section.items if _is_item_open(item, role, reports))) for section in MENU
    )
    return tuple((section, items) for section, items in opened if items)


def _is_item_open(item: MenuItem, role: Role, reports: Collection[str]) -> bool:
    if item.endpoint == "reports.show":
        return item.values["name"] in reports
    actions = _access(item.endpoint)
    return actions is not None and (not actions or any(may(role, action) for action in actions))


def _active(items: list[MenuItem]) -> MenuItem | None:
    """The item of the page: what the page says itself, else the nearest by its address."""
    return max((item for item in items if _match_rank(item)), key=_match_rank, default=None)


def _match_rank(item: MenuItem) -> int:
    asked = {**request.args, **(request.view_args or {})}
    endpoint, values = item.same_as or ("", {})
    holds = (
        item.endpoint == g.get("active_menu_item"),
        endpoint == request.endpoint and values.items() <= asked.items(),
        item.endpoint == request.endpoint and item.values.items() <= asked.items(),
        request.endpoint in item.covers,
        request.blueprint in item.covers,
    )
    return len(holds) - holds.index(True) if True in holds else 0
