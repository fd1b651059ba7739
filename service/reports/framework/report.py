"""What a report is: columns, filters, cells. The reports themselves stand one a file; how they look is web's matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.values.calendar import read_day
from service.domain.values.labelled_enum import Labelled
from service.models.db.pagination import Page
from service.models.tables.user import User
from service.reports.framework.chart import Chart

Row = dict[str, Any]
OFFICIAL = frozenset({Role.MINISTRY, Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION})
UNITS = frozenset({Role.GROUP, Role.ENTERPRISE})
BUSINESS = OFFICIAL | UNITS | {Role.TRAINING_INSTITUTION}


class CellType(StrEnum):
    """How a cell is written."""

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
    """A column: key of its cells, the word over it, and how a cell is written. is_minor: the first to go when space is short."""

    key: str
    word: str
    kind: CellType = CellType.TEXT
    is_minor: bool = False
    leads_to: Mapping[str, str] = field(default_factory=dict)
    """Filter of the list of names behind a figure; empty for a figure without one."""

    @property
    def is_figure(self) -> bool:
        """Whether it is right-aligned and summed up."""
        return self.kind in (CellType.NUMBER, CellType.RATIO, CellType.SCORE)


@dataclass(frozen=True, slots=True)
class Ratio:
    """A part of a whole; of nothing it is «—» (domain.md §11)."""

    part: int
    whole: int

    def __str__(self) -> str:
        if not self.whole:
            return "—"
        tenths = (2000 * self.part + self.whole) // (2 * self.whole)
        return f"{tenths // 10}.{tenths % 10}%"


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """What a report is narrowed to; the names are those of the addresses, the same as on the list pages."""

    q: str = ""
    by: str = ""
    year: int | None = None
    province: UUID | None = None
    unit: UUID | None = None
    type: UUID | None = None
    class_id: UUID | None = None
    kind: str = ""
    need: str = ""
    state: str = ""
    band: str = ""
    print: str = ""
    role: str = ""
    find: str = ""
    batch: str = ""
    view: str = ""
    process: str = ""
    definition: str = ""
    notice: UUID | None = None
    owner: UUID | None = None
    since: date | None = None
    until: date | None = None
    what: str = ""
    unread: str = ""
    received: str = ""

    def arguments(self) -> dict[str, str]:
        """As it stands in an address; what is not chosen is left out."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value}


class Table(Protocol):
    """What a report gives for a filter."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in order."""

    def count(self, most: int) -> int:
        """How many rows there are, counted to ``most``."""

    def page(self, cursor: str | None) -> Page[Row]:
        """The rows of one page."""

    def batches(self) -> Iterator[list[Row]]:
        """All rows, in lists of some thousand."""

    def totals(self) -> Row:
        """The sums of all rows, and ``n``, how many they are."""


@dataclass(frozen=True, slots=True)
class Report:
    """A read-only report or list (domain.md §11). roles: who may see it; filters: which choices it offers, in order.

    options: the values of coded filters; defaults: what is chosen unless the reader says otherwise (today's year).
    """

    name: str
    title: str
    roles: frozenset[Role]
    read: Callable[[User, ReportFilter], Table]
    note: str = ""
    filters: tuple[str, ...] = ()
    options: Mapping[str, Sequence[Labelled]] = field(default_factory=dict)
    defaults: Callable[[User], Mapping[str, str]] = lambda _user: {}
    chart: Callable[[User, ReportFilter, Any], Chart | None] = lambda _user, _chosen, _table: None
    groups: Callable[[Any], list[Subtotals]] = lambda _table: []
    is_yearly: bool = False
    """Read a year at a time unless a search or a class narrows it: all years at once are the whole history."""
    summary: tuple[tuple[str, str], ...] = ()
    """Word and key of the totals that are told above the rows."""
    sign: str = "draft"
    is_plain: bool = False
    """Whether it never has a number of a person, so that nobody needs to look for one."""


@dataclass(frozen=True, slots=True)
class Subtotals:
    """Sums of the rows that have something in common: the word over their names, and name and sums of each."""

    word: str
    rows: list[tuple[str, Row]]


def parse_filter(report: Report, user: User, given: Mapping[str, str]) -> ReportFilter:
    """Read a filter; unknown names and values count as not chosen. An empty ``year`` is every year.

    A filter for which the report names no options is taken as typed.
    """
    values: dict[str, Any] = {}
    usual = report.defaults(user)
    wanted = {**usual, **given}
    if report.is_yearly and not wanted.get("year") and not wanted.get("q") and not wanted.get("class_id"):
        wanted["year"] = usual["year"]
    for name in report.filters:
        text = " ".join(str(wanted.get(name, "")).split())[: 50 if name in ("q", "find") else 160]
        if name in ("province", "unit", "type", "class_id", "notice", "owner"):
            values[name] = _key(text)
        elif name in ("since", "until"):
            values[name] = read_day(text)
        elif name == "year":
            values[name] = int(text) if text.isascii() and text.isdigit() and 1990 <= int(text) <= 2200 else None
        elif name not in report.options or text in {str(option) for option in report.options[name]}:
            values[name] = text
    return ReportFilter(**values)


def roles_that_may(*actions: Action) -> frozenset[Role]:
    """The roles that may do one of ``actions`` (domain.md §9)."""
    return frozenset(role for role in Role if any(may(role, action) for action in actions))


def _key(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
