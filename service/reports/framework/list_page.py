"""The page of a list beside its rows: chips, counts, and the texts for an empty list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from service.domain.accounts.roles import Role
from service.domain.values.labelled_enum import Labelled
from service.errors import N_
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User

Counts = Callable[[User, ReportFilter], Mapping[str, int]]
"""Counts of a list by the keys of its chips, and ``total``."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A link that sets one filter. count_key: key of its count;
    a chip whose count is 0 is left out, one without always shown.
    """

    name: str
    value: str
    label: str
    count_key: str = ""
    roles: frozenset[Role] = frozenset(Role)


@dataclass(frozen=True, slots=True)
class ChipRow:
    """Chips of which one is on, after the one for no choice. keeps: filters that they leave as they are.

    roles: who is shown the row. is_first: stands above the filter bar.
    """

    label: str
    chips: tuple[Chip, ...]
    any_label: str = N_("全部")
    keeps: tuple[str, ...] = ()
    roles: frozenset[Role] = frozenset(Role)
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class ListPage:
    """Texts and chips of a page.

    Args:
        none_found: heading where nothing matches the filter.
        none_yet, none_yet_note: heading and text where there is nothing at all; without them the first is used.
        region: accessible name of the table.
        total: sentence with ``n`` of how many there are.
        note: sentence beside the heading.
        counts: what ``total`` and the chips count.
    """

    none_found: str
    none_yet: str = ""
    none_yet_note: str = ""
    region: str = N_("报表，可左右滚动")
    total: str = ""
    note: str = ""
    chips: tuple[ChipRow, ...] = ()
    counts: Counts | None = None


def chips(name: str, options: Sequence[Labelled], *, is_counted: bool = True, prefix: str = "") -> tuple[Chip, ...]:
    """A chip for each value of a coded filter. prefix: of the keys of their counts."""
    return tuple(Chip(name, str(one), one.label, f"{prefix}{one}" if is_counted else "") for one in options)
