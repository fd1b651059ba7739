"""A row as its history makes it: each change is applied in turn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

Values = dict[str, Any]


class Change(Protocol):
    """A change of a row, as the history keeps it."""

    at: datetime
    kind: str
    after: Mapping[str, Any] | None


def apply_change(values: Values | None, kind: str, after: Mapping[str, Any]) -> Values | None:
    """The columns after a change; None for a row that is gone."""
    return None if kind == "delete" else {**(values or {}), **after}


def state_at(changes: Iterable[Change], at: datetime) -> Values | None:
    """The columns at an instant, from the changes of one row, oldest first; None where there was no such row."""
    values: Values | None = None
    for change in changes:
        if change.at > at:
            break
        values = apply_change(values, change.kind, change.after or {})
    return values


def is_whole(changes: Iterable[Change]) -> bool:
    """Tell whether a history begins with the row itself, so that what it does not name is known too."""
    return next((change.kind == "insert" for change in changes), False)
