"""Cells of reports: on the page, on paper and in a spreadsheet with the same values and words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

from markupsafe import Markup

from service.errors import Message
from service.infrastructure.translation import translate
from service.infrastructure.xlsx import Head
from service.models.db.clock import CHINA
from service.reports.framework.report import (
    CellType,
    Column,
    Ratio,
    Row,
)
from service.web.presenters import formatting
from service.web.presenters.formatting import NOTHING

WIDTHS = {
    CellType.NUMBER: 10,
    CellType.RATIO: 10,
    CellType.SCORE: 8,
    CellType.DAY: 12,
    CellType.INSTANT: 17,
    CellType.CODE: 22,
    CellType.LABEL: 16,
    CellType.LABELS: 24,
    CellType.EMPTY: 16,
    CellType.TEXT: 24,
}


def read(column: Column, row: Row) -> str | Markup:
    """A cell as people read it."""
    value = row.get(column.key)
    if value is None or value == "":
        return "" if column.kind is CellType.EMPTY else NOTHING
    match column.kind:
        case CellType.LABEL:
            return cell_text(value)
        case CellType.LABELS:
            return _say_each(value)
        case CellType.NUMBER:
            return formatting.thousands(value)
        case CellType.SCORE:
            return translate(value) if isinstance(value, str) else formatting.mark(value)
        case CellType.DAY:
            return formatting.day(value)
        case CellType.INSTANT:
            return formatting.instant(value)
        case _:
            return cell_text(value) if isinstance(value, Message) else str(value)


def heads(columns: Iterable[Column]) -> list[Head]:
    """The columns as a sheet has them, in the reader's language."""
    return [
        Head(
            translate(c.word),
            c.kind.value
            if c.kind in (CellType.NUMBER, CellType.RATIO, CellType.SCORE, CellType.DAY, CellType.INSTANT)
            else "text",
            WIDTHS[c.kind],
        )
        for c in columns
    ]


def sheet_rows(columns: Iterable[Column], rows: Iterable[Row]) -> Iterable[list[Any]]:
    """The rows as a sheet has them: numbers and dates as such, everything else as text."""
    readers = [(column.key, _reader(column)) for column in columns]
    return ([None if row.get(key) in (None, "") else write(row[key]) for key, write in readers] for row in rows)


def _reader(column: Column) -> Callable[[Any], Any]:
    """Return the writer of a column's values for a sheet; labels are looked up once."""
    match column.kind:
        case CellType.LABEL:
            return cache(cell_text)
        case CellType.LABELS:
            return cache(_say_each)
        case CellType.RATIO:
            return _share
        case CellType.SCORE:
            return lambda value: translate(value) if isinstance(value, str) else value / 10
        case CellType.NUMBER:
            return lambda value: value
        case CellType.DAY:
            return _day
        case CellType.INSTANT:
            return lambda value: value.astimezone(CHINA).replace(tzinfo=None)
        case _:
            return lambda value: cell_text(value) if isinstance(value, Message) else str(value)


def cell_text(value: Any) -> str:
    """A text of the catalogue, or a message, in the reader's language."""
    return translate(value if isinstance(value, Message) else str(value))


def _say_each(value: str) -> str:
    """Translate the labels between the dots."""
    return " · ".join(map(translate, value.split(" · ")))


def _share(value: Ratio | str) -> float | str:
    """A fraction, or — where there is no figure."""
    return value if isinstance(value, str) else value.part / value.whole if value.is_known else NOTHING


def _day(value: date | str) -> date:
    if isinstance(value, datetime):
        return value.astimezone(CHINA).date()
    return date.fromisoformat(value) if isinstance(value, str) else value
