"""How the cells of reports read: on the page, on paper, and in a spreadsheet; the same values, the same words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from markupsafe import Markup

from service.models.base import CHINA
from service.reports.report import Cells, Column, Kind, Share
from service.sheets import Head
from service.web import texts
from service.web.texts import NOTHING, translate

WIDTHS = {
    Kind.NUMBER: 10,
    Kind.SHARE: 10,
    Kind.SCORE: 8,
    Kind.DAY: 12,
    Kind.INSTANT: 17,
    Kind.CODE: 22,
    Kind.WORD: 16,
    Kind.TEXT: 24,
}


def read(column: Column, row: Cells) -> str | Markup:
    """A cell as people read it."""
    value = row.get(column.key)
    if value is None or value == "":
        return NOTHING
    match column.kind:
        case Kind.WORD:
            return translate(str(value))
        case Kind.NUMBER:
            return texts.thousands(value)
        case Kind.SCORE:
            return translate(value) if isinstance(value, str) else texts.mark(value)
        case Kind.DAY:
            return texts.day(value)
        case Kind.INSTANT:
            return texts.instant(value)
        case _:
            return str(value)


def heads(columns: Iterable[Column]) -> list[Head]:
    """The columns as a sheet has them, in the reader's language."""
    return [
        Head(translate(c.word), c.kind.value if c.kind in (Kind.NUMBER, Kind.SHARE, Kind.SCORE, Kind.DAY, Kind.INSTANT) else "text", WIDTHS[c.kind])
        for c in columns
    ]  # fmt: skip


def sheet_rows(columns: Iterable[Column], rows: Iterable[Cells]) -> Iterable[list[Any]]:
    """The rows as a sheet has them: numbers and dates as such, everything else as text."""
    kept = list(columns)
    return ([_sheet_cell(column, row.get(column.key)) for column in kept] for row in rows)


def _sheet_cell(column: Column, value: Any) -> Any:
    if value is None or value == "":
        return None
    if isinstance(value, Share):
        return value.part / value.whole if value.whole else NOTHING
    if isinstance(value, datetime):
        return (
            value.astimezone(CHINA).replace(tzinfo=None)
            if column.kind is Kind.INSTANT
            else value.astimezone(CHINA).date()
        )
    if column.kind is Kind.DAY:
        return value if isinstance(value, date) else date.fromisoformat(value)
    if column.kind is Kind.SCORE and isinstance(value, int):
        return value / 10
    if column.kind is Kind.WORD or isinstance(value, str):
        return translate(str(value)) if column.kind in (Kind.WORD, Kind.SCORE) else str(value)
    return value
