"""How the cells of reports read: on the page, on paper, and in a spreadsheet; the same values, the same words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

from markupsafe import Markup

from service.errors import Message
from service.infrastructure.xlsx import Head
from service.models.db.clock import CHINA
from service.reports.framework.report import (
    Cells,
    Column,
    Kind,
    Share,
)
from service.web.presenters import formatting
from service.web.presenters.formatting import NOTHING, translate

WIDTHS = {
    Kind.NUMBER: 10,
    Kind.SHARE: 10,
    Kind.SCORE: 8,
    Kind.DAY: 12,
    Kind.INSTANT: 17,
    Kind.CODE: 22,
    Kind.WORD: 16,
    Kind.WORDS: 24,
    Kind.BLANK: 16,
    Kind.TEXT: 24,
}


def read(column: Column, row: Cells) -> str | Markup:
    """A cell as people read it."""
    value = row.get(column.key)
    if value is None or value == "":
        return "" if column.kind is Kind.BLANK else NOTHING
    match column.kind:
        case Kind.WORD:
            return say_word(value)
        case Kind.NUMBER:
            return formatting.thousands(value)
        case Kind.SCORE:
            return translate(value) if isinstance(value, str) else formatting.mark(value)
        case Kind.DAY:
            return formatting.day(value)
        case Kind.INSTANT:
            return formatting.instant(value)
        case _:
            return say_word(value) if isinstance(value, Message) else str(value)


def heads(columns: Iterable[Column]) -> list[Head]:
    """The columns as a sheet has them, in the reader's language."""
    return [
        Head(
            translate(c.word),
            c.kind.value if c.kind in (Kind.NUMBER, Kind.SHARE, Kind.SCORE, Kind.DAY, Kind.INSTANT) else "text",
            WIDTHS[c.kind],
        )
        for c in columns
    ]


def sheet_rows(columns: Iterable[Column], rows: Iterable[Cells]) -> Iterable[list[Any]]:
    """The rows as a sheet has them: numbers and dates as such, everything else as text."""
    readers = [(column.key, _reader(column)) for column in columns]
    return ([None if row.get(key) in (None, "") else write(row[key]) for key, write in readers] for row in rows)


def _reader(column: Column) -> Callable[[Any], Any]:
    """How the values of a column go into a sheet; words are looked up once."""
    match column.kind:
        case Kind.WORD:
            return cache(say_word)
        case Kind.SHARE:
            return _share
        case Kind.SCORE:
            return lambda value: translate(value) if isinstance(value, str) else value / 10
        case Kind.NUMBER:
            return lambda value: value
        case Kind.DAY:
            return _day
        case Kind.INSTANT:
            return lambda value: value.astimezone(CHINA).replace(tzinfo=None)
        case _:
            return lambda value: say_word(value) if isinstance(value, Message) else str(value)


def say_word(value: Any) -> str:
    """A text of the catalogue, or a message, in the reader's language."""
    return formatting.say(value if isinstance(value, Message) else str(value))


def _words(value: str) -> str:
    """Several words, each translated."""
    return " · ".join(map(translate, value.split(" · ")))


def _share(value: Share | str) -> float | str:
    """A fraction, or — of nothing."""
    return value if isinstance(value, str) else value.part / value.whole if value.whole else NOTHING


def _day(value: date | str) -> date:
    if isinstance(value, datetime):
        return value.astimezone(CHINA).date()
    return date.fromisoformat(value) if isinstance(value, str) else value
