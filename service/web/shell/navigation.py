"""The menu as one reader has it: which leaves his role may open, and on which of them he stands."""

from __future__ import annotations

from typing import Any, NamedTuple

from flask import current_app, g, request, url_for
from flask_login import current_user

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.reports import may_take_out, reports_for
from service.web.shell.menu import (
    EXPORT,
    PLACES,
    SHORTCUTS,
    Leaf,
    Place,
    Values,
)


class LeafSeen(NamedTuple):
    """A leaf as the reader has it: what it is called, where it is, whether he is there."""

    leaf: Leaf
    word: str
    address: str
    is_here: bool


class PlaceSeen(NamedTuple):
    """An entry of the bar as the reader has it; it leads to its first leaf."""

    word: str
    sign: str
    leaves: list[LeafSeen]

    @property
    def is_here(self) -> bool:
        """Whether the page belongs to it."""
        return any(one.is_here for one in self.leaves)


def places() -> list[PlaceSeen]:
    """The reader's menu in its order; what his role may not open is not in it."""
    if "places" not in g:
        open_ones = [(place, [leaf for leaf in place.leaves if _is_leaf_open(leaf)]) for place in PLACES]
        here = _here([leaf for _, leaves in open_ones for leaf in leaves])
        g.places = [_seen(place, leaves, here) for place, leaves in open_ones if leaves]
    found: list[PlaceSeen] = g.places
    return found


def word_here() -> str:
    """What the reader's role calls the leaf on which he is, a key of the catalogue: the heading of its page."""
    return next((leaf.word for place in places() for leaf in place.leaves if leaf.is_here), "")


def stand_at(endpoint: str) -> None:
    """Say to which leaf the page belongs where its address does not: a branch is shown on the page of units."""
    g.leaf = endpoint


def is_open(endpoint: str) -> bool:
    """Whether there is such a page and its mark (access.py) lets the reader's role in."""
    actions = getattr(current_app.view_functions.get(endpoint), "access", None)
    return actions is not None and (not actions or any(may_now(action) for action in actions))


def may_now(action: Action | str) -> bool:
    """Whether the reader's role may do this somewhere."""
    return bool(current_user.is_authenticated) and may(Role(current_user.role), Action(action))


def operations(leaf: Leaf) -> list[str]:
    """What the reader may do in a leaf besides looking up and reading, in the words of the seed."""
    found = [word for word, endpoint in leaf.acts if is_open(endpoint)]
    return [*found, EXPORT] if leaf.export and may_take_out(leaf.export, Role(current_user.role)) else found


class ShortcutSeen(NamedTuple):
    """A shortcut of the first page as the reader has it."""

    word: str
    note: str
    sign: str
    address: str


def shortcuts() -> list[ShortcutSeen]:
    """快捷操作 of the reader's first page."""
    mine = SHORTCUTS[Role(current_user.role)]
    return [ShortcutSeen(one.word, one.note, one.sign, _address(one.endpoint, one.values)) for one in mine]


def _address(endpoint: str, values: Values) -> str:
    given: dict[str, Any] = dict(values)
    return url_for(endpoint, **given)


def _seen(place: Place, leaves: list[Leaf], here: Leaf | None) -> PlaceSeen:
    role = Role(current_user.role)
    seen = [
        LeafSeen(leaf, leaf.words.get(role, leaf.word), _address(leaf.endpoint, leaf.values), leaf is here)
        for leaf in leaves
    ]
    return PlaceSeen(place.word, place.sign, seen)


def _is_leaf_open(leaf: Leaf) -> bool:
    if leaf.endpoint == "reports.show":
        return leaf.values["name"] in [report.name for report in reports_for(current_user)]
    return is_open(leaf.endpoint)


def _here(leaves: list[Leaf]) -> Leaf | None:
    """The leaf of the page: what the page says itself, else the nearest by its address."""
    return max((leaf for leaf in leaves if _nearness(leaf)), key=_nearness, default=None)


def _nearness(leaf: Leaf) -> int:
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
