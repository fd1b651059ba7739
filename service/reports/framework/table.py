"""Rows of a report: read whole where grouping leaves few, page by page where there may be many."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from service.models.db.pagination import PAGE_SIZE, Page, SortOrder, read_page
from service.models.db.session import session
from service.reports.framework.report import Column, Ratio, Row
from service.validation.typed_text import as_whole

BATCH_ROWS = 2500
"""Rows that an export reads and writes at once."""
MAX_ROW = 100_000_000  # of a table that is held as a whole
PAGE_ROWS = 100
"""Rows of one page of a report; the page of a list has ``pagination.PAGE_SIZE``."""


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
        """Count the rows, to ``most``."""
        return min(len(self.rows), most)

    def page(self, cursor: str | None) -> Page[Row]:
        """Read a slice; the cursor is the index of its first row, an invalid one means the first."""
        start = as_whole(cursor or "", 0, MAX_ROW) or 0
        rows = self.rows[start : start + PAGE_ROWS]
        before = str(max(0, start - PAGE_ROWS)) if start else None
        return Page(rows, before, str(start + PAGE_ROWS) if start + PAGE_ROWS < len(self.rows) else None)

    def rows_page(self, cursor: str | None) -> Page[Any]:
        """A slice, the rows being cells already."""
        return self.page(cursor)

    def batches(self) -> Iterator[list[Row]]:
        """Read all rows, in slices."""
        for start in range(0, len(self.rows), BATCH_ROWS):
            yield self.rows[start : start + BATCH_ROWS]

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
    details: from the ids of a page's rows to the query of what is shown of them, where reading that of all rows would
    be dear; counted: the same rows without what only the page shows, where leaving it out saves joins.
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
        """Count the rows, to ``most``."""
        return session().scalar(select(func.count()).select_from(self._counted.limit(most).subquery())) or 0

    def page(self, cursor: str | None, size: int = PAGE_ROWS) -> Page[Row]:
        """Read a page in the table's order; raises NotFound for an invalid cursor."""
        found = self.rows_page(cursor, size)
        return Page([self.cells(row) for row in found.rows], found.before, found.after)

    def rows_page(self, cursor: str | None, size: int = PAGE_SIZE) -> Page[Any]:
        """Read a page of the query's own rows, for pages that show more than the cells."""
        found = read_page(self.query, self.order, cursor, size)
        return Page(self._shown(found.rows), found.before, found.after)

    def batches(self) -> Iterator[list[Row]]:
        """Read all rows page by page, so that neither query nor list grows long."""
        cursor: str | None = None
        while True:
            page = self.page(cursor, BATCH_ROWS)
            yield page.rows
            cursor = page.after
            if cursor is None:
                return

    def totals(self) -> Row:
        """Count all rows and sum them, in one query that is asked once."""
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


def share(part: str, whole: str, *, begins_open: bool = False) -> Callable[[Row], Ratio]:
    """The share of one sum in another. begins_open: there is no figure before the first of the part (R88)."""
    return lambda row: Ratio(row[part], row[whole], begins_open and not row[part])
