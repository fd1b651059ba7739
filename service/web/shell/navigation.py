"""The menu of one user: the leaves that the role may open, and the one that is open."""

from __future__ import annotations

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
    """A leaf of a user's menu: its name, its address, and whether it is open."""

    leaf: MenuItem
    word: str
    address: str
    is_here: bool


class MenuSectionView(NamedTuple):
    """An entry of the bar as the reader has it; it leads to its first leaf."""

    word: str
    sign: str
    leaves: list[MenuItemView]

    @property
    def is_here(self) -> bool:
        """Tell whether the page belongs to it."""
        return any(one.is_here for one in self.leaves)


def menu() -> list[MenuSectionView]:
    """The user's menu in its order, without leaves that the role may not open."""
    if "places" not in g:
        open_ones = [(place, [leaf for leaf in place.leaves if _is_leaf_open(leaf)]) for place in MENU]
        here = _here([leaf for _, leaves in open_ones for leaf in leaves])
        g.places = [_seen(place, leaves, here) for place, leaves in open_ones if leaves]
    found: list[MenuSectionView] = g.places
    return found


def page_heading() -> str:
    """The name of the open leaf for the user's role, a key of the catalogue: the heading of its page."""
    return next((leaf.word for place in menu() for leaf in place.leaves if leaf.is_here), "")


def set_active_menu_item(endpoint: str) -> None:
    """Say to which leaf the page belongs where its address does not: a branch is shown on the page of units."""
    g.leaf = endpoint


def is_open(endpoint: str) -> bool:
    """Tell whether there is such a page and its mark (access.py) lets the reader's role in."""
    actions = getattr(current_app.view_functions.get(endpoint), "access", None)
    return actions is not None and (not actions or any(has_permission(action) for action in actions))


def has_permission(action: Action | str) -> bool:
    """Tell whether the reader's role may do this somewhere."""
    return bool(current_user.is_authenticated) and may(Role(current_user.role), Action(action))


def operations(leaf: MenuItem) -> list[str]:
    """Actions of the user in a leaf besides looking up and reading, in the words of the seed."""
    found = [word for word, endpoint in leaf.acts if is_open(endpoint)]
    return [*found, EXPORT] if leaf.export and may_export(leaf.export, Role(current_user.role)) else found


class ShortcutView(NamedTuple):
    """A shortcut of the first page as the reader has it."""

    word: str
    note: str
    sign: str
    address: str


def shortcuts() -> list[ShortcutView]:
    """快捷操作 of the reader's first page."""
    mine = SHORTCUTS[Role(current_user.role)]
    return [ShortcutView(one.word, one.note, one.sign, _address(one.endpoint, one.values)) for one in mine]


def _address(endpoint: str, values: Values) -> str:
    given: dict[str, Any] = dict(values)
    return url_for(endpoint, **given)


def _seen(place: MenuSection, leaves: list[MenuItem], here: MenuItem | None) -> MenuSectionView:
    role = Role(current_user.role)
    seen = [
        MenuItemView(leaf, leaf.words.get(role, leaf.word), _address(leaf.endpoint, leaf.values), leaf is here)
        for leaf in leaves
    ]
    return MenuSectionView(place.word, place.sign, seen)


def _is_leaf_open(leaf: MenuItem) -> bool:
    if leaf.endpoint == "reports.show":
        return leaf.values["name"] in [report.name for report in reports_for(current_user)]
    return is_open(leaf.endpoint)


def _here(leaves: list[MenuItem]) -> MenuItem | None:
    """The leaf of the page: what the page says itself, else the nearest by its address."""
    return max((leaf for leaf in leaves if _match_rank(leaf)), key=_match_rank, default=None)


def _match_rank(leaf: MenuItem) -> int:
    asked = {**request.args, **(request.view_args or {})}
    endpoint, values = leaf.same_as or ("", {})
    holds = (
        leaf.endpoint == g.get("leaf"),
        endpoint == request.endpoint and values.items() <= asked.items(),
        leaf.endpoint == request.endpoint and leaf.values.items() <= asked.items(),
        request.endpoint in leaf.covers,
        request.blueprint in leaf.covers,
    )
    return len(holds) - holds.index(True) if True in holds else 0
