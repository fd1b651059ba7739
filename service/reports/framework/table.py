"""Rows of a report: read whole where grouping leaves few, page by page where there may be many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service.models.db.pagination import Page, SortOrder, read_page
from service.models.db.session import session
from service.reports.framework.report import Column, Ratio, Row

BATCH = 2500
SHOWN = 100


class WholeTable:
    """A table of grouped figures: one query, then everything (pages, sums, chart) from the same rows.

    sums: keys that are added up; figures: from the sums to the cells that follow from them (shares).
    """

    def __init__(
        self,
        columns: tuple[Column, ...],
        rows: Iterable[Row],
        sums: tuple[str, ...] = (),
        figures: Callable[[Row], Row] = lambda _row: {},
    ) -> None:
        self.columns = columns
        self.sums, self.figures = sums, figures
        self.rows = [row | figures(row) for row in rows]

    def count(self, most: int) -> int:
        """How many rows there are."""
        return min(len(self.rows), most)

    def page(self, cursor: str | None) -> Page[Row]:
        """A slice; the cursor is where it begins, and what is none begins anew."""
        start = int(cursor) if cursor and cursor.isascii() and cursor.isdigit() and len(cursor) < 9 else 0
        rows = self.rows[start : start + SHOWN]
        before = str(max(0, start - SHOWN)) if start else None
        return Page(rows, before, str(start + SHOWN) if start + SHOWN < len(self.rows) else None)

    def batches(self) -> Iterator[list[Row]]:
        """All rows, in slices."""
        for start in range(0, len(self.rows), BATCH):
            yield self.rows[start : start + BATCH]

    def totals(self) -> Row:
        """The sums of all rows."""
        return self.sum_of(self.rows)

    def sum_of(self, rows: Iterable[Row]) -> Row:
        """The sums of some rows, and what follows from them."""
        kept = list(rows)
        sums: Row = {key: sum(row[key] or 0 for row in kept) for key in self.sums}
        return {"n": len(kept), **sums, **self.figures(sums)}

    def sums_by(self, key: str, names: Iterable[str] = ()) -> list[tuple[str, Row]]:
        """The sums of the rows with the same value under ``key``, in the order of ``names``, else as they come."""
        groups: dict[str, list[Row]] = {name: [] for name in names}
        for row in self.rows:
            groups.setdefault(row[key] or "—", []).append(row)
        return [(name, self.sum_of(rows)) for name, rows in groups.items()]


@dataclass(frozen=True)
class PagedTable:
    """A table of many rows: read by keyset, counted and summed by the database from the same query.

    cells: from a row of the query to the cells; sums: columns of the query, whole numbers, that are added up.
    details: from the ids of a page's rows to the query of what is shown of them, where reading that of all rows would be
    dear; counted: the same rows without what only the page shows, where leaving it out saves joins.
    """

    columns: tuple[Column, ...]
    query: Any
    order: SortOrder
    cells: Callable[[Any], Row]
    sums: tuple[str, ...] = ()
    figures: Callable[[Row], Row] = lambda _row: {}
    details: Callable[[list[UUID]], Any] | None = None
    counted: Any = None

    def count(self, most: int) -> int:
        """How many rows there are, counted to ``most``."""
        return session().scalar(select(func.count()).select_from(self._counted.limit(most).subquery())) or 0

    def page(self, cursor: str | None, size: int = SHOWN) -> Page[Row]:
        """One page in the table's order; raises NotFound for a cursor that is none of ours."""
        found = read_page(self.query, self.order, cursor, size)
        return Page([self.cells(row) for row in self._shown(found.rows)], found.before, found.after)

    def batches(self) -> Iterator[list[Row]]:
        """All rows, page by page, so that no query and no list is long."""
        cursor: str | None = None
        while True:
            page = self.page(cursor, BATCH)
            yield page.rows
            cursor = page.after
            if cursor is None:
                return

    def totals(self) -> Row:
        """How many rows there are, and the sums of all of them, in one query, asked once."""
        return self._totals

    @property
    def _counted(self) -> Any:
        return self.query if self.counted is None else self.counted

    def _shown(self, rows: list[Any]) -> list[Any]:
        """The rows with their details, in the same order."""
        if self.details is None or not rows:
            return rows
        found = {row.id: row for row in session().execute(self.details([row.id for row in rows]))}
        return [found[row.id] for row in rows]

    @cached_property
    def _totals(self) -> Row:
        rows = self._counted.subquery()
        sums = [func.coalesce(func.sum(rows.c[key]), 0).label(key) for key in self.sums]
        found = session().execute(select(func.count().label("n"), *sums).select_from(rows)).one()
        totals: Row = {key: int(value) for key, value in found._mapping.items()}
        return totals | self.figures(totals)


def share(part: str, whole: str) -> Callable[[Row], Ratio]:
    """The share of one sum in another."""
    return lambda row: Ratio(row[part], row[whole])
