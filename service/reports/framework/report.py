"""A report: its columns, filters and cells. Each report is a file of ``service.reports``; its look is web's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.values.labelled_enum import Labelled
from service.models.db.pagination import Page
from service.models.queries.report_filter import ReportFilter
from service.models.tables.accounts.user import User
from service.reports.framework.chart import Chart
from service.reports.framework.filters import FilterField, read_values
from service.reports.framework.list_page import ListPage

Row = dict[str, Any]
OFFICIAL = frozenset({Role.MINISTRY, Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION})
UNITS = frozenset({Role.GROUP, Role.ENTERPRISE})
BUSINESS = OFFICIAL | UNITS | {Role.TRAINING_INSTITUTION}


class CellType(StrEnum):
    """The type of a cell."""

    TEXT = "text"
    LABEL = "word"  # a key of the catalogue, translated
    LABELS = "words"  # several, joined by « · »
    CODE = "code"  # a number that is no quantity: text in sheets, left-aligned
    NUMBER = "number"
    RATIO = "share"  # a Ratio
    DAY = "day"
    INSTANT = "instant"
    EMPTY = "blank"  # to be filled in by hand
    SCORE = "score"  # tenths; ABSENT stands for 缺考, None for none yet


@dataclass(frozen=True, slots=True)
class Column:
    """A column: key of its cells, heading, how a cell is written. is_minor: left out where space is short."""

    key: str
    word: str
    kind: CellType = CellType.TEXT
    is_minor: bool = False
    leads_to: Mapping[str, str] = field(default_factory=dict)
    """Filter of the list of persons that a figure counts; empty for a figure without one."""

    @property
    def is_figure(self) -> bool:
        """True for what is right-aligned and can be summed."""
        return self.kind in (CellType.NUMBER, CellType.RATIO, CellType.SCORE)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A part of a whole; of nothing, and while nothing is known of it (is_open), it is «—» (domain.md §11, R88)."""

    part: int
    whole: int
    is_open: bool = False

    @property
    def is_known(self) -> bool:
        """Tell whether there is a figure at all."""
        return self.whole > 0 and not self.is_open

    def __str__(self) -> str:
        if not self.is_known:
            return "—"
        tenths = (2000 * self.part + self.whole) // (2 * self.whole)
        return f"{tenths // 10}.{tenths % 10}%"


class Table(Protocol):
    """The rows of a report for a filter."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""

    def count(self, most: int) -> int:
        """Count the rows, to ``most``."""

    def page(self, cursor: str | None) -> Page[Row]:
        """The rows of one page."""

    def rows_page(self, cursor: str | None) -> Page[Any]:
        """The rows of one page as they were read, for pages that show more than the cells."""

    def batches(self) -> Iterator[list[Row]]:
        """Read all rows, in lists of some thousand."""

    def totals(self) -> Row:
        """The sums of all rows, and ``n``, how many they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """A read-only report or list (domain.md §11): page, print, export and REST read this one declaration.

    Args:
        roles: who may see and export it.
        read: gives the table for a filter.
        note: the sentence below the table.
        hint: the sentence after it that is of use on the screen alone.
        filters: the fields that narrow it, in the order of the filter bar.
        defaults: values of fields that the reader has not set (this year).
        is_yearly: read a year at a time unless a search or a class narrows it: all years at once are the whole history.
        summary: label and key of the totals above the rows.
        sign: its symbol.
        is_plain: it never holds a number of a person, so that nobody needs to look for one.
        page: chips and texts of its page, for a list.
        parts: the tables that follow its own, of a paper of several; each has a sheet of its own in an export.
        menu_section: the section of the menu in which it stands; '' for none.
        menu_label: its name in the menu, where it differs from the title.
        position: its place among the reports, and in its section; lists are sorted by name.
    """

    name: str
    title: str
    roles: frozenset[Role]
    read: Callable[[User, ReportFilter], Table]
    note: str = ""
    hint: str = ""
    filters: tuple[FilterField, ...] = ()
    defaults: Callable[[User], Mapping[str, str]] = lambda _user: {}
    chart: Callable[[User, ReportFilter, Any], Chart | None] = lambda _user, _chosen, _table: None
    groups: Callable[[Any], list[Subtotals]] = lambda _table: []
    is_yearly: bool = False
    summary: tuple[tuple[str, str], ...] = ()
    sign: str = "draft"
    is_plain: bool = False
    page: ListPage | None = None
    parts: tuple[Report, ...] = ()
    menu_section: str = ""
    menu_label: str = ""
    position: int = 0

    @property
    def filter_names(self) -> tuple[str, ...]:
        """The names of the fields, in their order."""
        return tuple(field.name for field in self.filters)

    @property
    def options(self) -> dict[str, tuple[Labelled, ...]]:
        """The values of the coded filters, by name."""
        return {field.name: field.options for field in self.filters if field.options}


@dataclass(frozen=True, slots=True)
class Subtotals:
    """Sums of the rows that have something in common: the word over their names, and name and sums of each."""

    word: str
    rows: list[tuple[str, Row]]


def parse_filter(report: Report, user: User, given: Mapping[str, str]) -> ReportFilter:
    """Read a filter; unknown names and values count as not chosen. An empty ``year`` is every year."""
    usual = report.defaults(user)
    wanted = {**usual, **given}
    if report.is_yearly and not wanted.get("year") and not wanted.get("q") and not wanted.get("class_id"):
        wanted["year"] = usual["year"]
    return ReportFilter(**read_values(report.filters, user, wanted))


def roles_that_may(*actions: Action) -> frozenset[Role]:
    """The roles that may do one of ``actions`` (domain.md §9)."""
    return frozenset(role for role in Role if any(may(role, action) for action in actions))
