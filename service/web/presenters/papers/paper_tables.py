"""Tables of papers: columns as wide as their words, lines broken as names and units are read, numbers under numbers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from markupsafe import Markup, escape

from service.infrastructure.documents import line_breaks
from service.infrastructure.documents.line_breaks import Box
from service.infrastructure.translation import translate
from service.reports.framework.report import CellType, Column, Row
from service.web.presenters import formatting, report_cells

SIDES = {9.0: 1.5, 8.0: 1.3, 7.5: 1.1, 7.0: 0.9, 6.5: 0.8, 6.0: 0.7, 5.5: 0.6}
"""Points of the type → millimetres between the words of a cell and its frame; many columns take the smaller."""
SLACK = 0.8  # millimetres for rounding, and the frame
UPRIGHT, WIDE = 178.0, 271.0  # millimetres between the margins of A4
USUAL = 44.0  # millimetres of a column of free text, before the sheet is turned
LEAST_EMS, PART_EMS = 7, 10  # of a column of free text that has to give way; so that the part of a name is not broken
STEPS = (16.0, 8.0, 4.0, 2.0)  # millimetres that a column of free text may leave to another at once
LOOKED_AT = 200  # rows for which the height is reckoned
FRAME = 0.2  # millimetres
BY_HAND = 32.0  # of a column to be filled in with a pen
ORDINAL = Column("ordinal", "序号", CellType.NUMBER)
FREE = (CellType.TEXT, CellType.LABELS)


@dataclass(frozen=True, slots=True)
class PaperColumn:
    """A column with its width in millimetres."""

    word: Markup
    width: float
    css: str


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table as a template writes it. sums: the last row, if any; is_wide: it needs the sheet turned; size: of the
    type, in points; side: between the words of a cell and its frame, in millimetres.
    """

    columns: tuple[PaperColumn, ...]
    rows: list[list[Markup]]
    sums: list[Markup]
    is_wide: bool
    size: float
    side: float


@dataclass(frozen=True, slots=True)
class _Measured:
    """A column at one size of the type. need: of the longest of its words; least: below which it is not read well;
    usual: for all but the longest sixth of the words.
    """

    lengths: tuple[float, ...]
    beside: float
    need: float
    least: float
    usual: float
    is_free: bool


def lay_out(
    columns: Sequence[Column], rows: Sequence[Row], totals: Row | None = None, sums: Iterable[str] = ()
) -> PaperTable:
    """Lay the rows of a report out, numbered. totals, sums: the last row, and which of its cells are shown."""
    shown = (ORDINAL, *columns)
    texts = [["" if c is ORDINAL else _text(c, row) for c in shown] for row in rows]
    for n, cells in enumerate(texts, 1):
        cells[0] = str(n)
    last = _sum_texts(shown, totals or {}, set(sums))
    size, is_wide, widths = _widths(shown, [*texts, *([last] if last else [])])
    side = SIDES[size]
    boxes = [
        Box(width - 2 * side - FRAME, 0, size, between_parts=c.key == "name")
        for c, width in zip(shown, widths, strict=True)
    ]
    fractions = [c.kind is CellType.SCORE and any("." in cells[at] for cells in texts) for at, c in enumerate(shown)]
    written = [
        [_cell(text, boxes[at], fractions[at]) for at, text in enumerate(cells)]
        for cells in (*texts, *([last] if last else []))
    ]
    heads = tuple(
        PaperColumn(
            _lines(translate(c.word), replace(boxes[at], is_bold=True, between_parts=False)), widths[at], _css(c)
        )
        for at, c in enumerate(shown)
    )
    return PaperTable(heads, written[: len(rows)], written[len(rows)] if last else [], is_wide, size, side)


def of_report(columns: Sequence[Column], rows: Sequence[Row], totals: Row, sums: Iterable[str]) -> PaperTable:
    """Lay a report out; a report whose columns are not summed has no last row."""
    kept = [key for key in sums if any(c.key == key for c in columns)]
    return lay_out(columns, rows, totals if kept else None, kept)


def _text(column: Column, row: Row) -> str:
    value = row.get(column.key)
    if column.kind is CellType.INSTANT and isinstance(value, datetime):
        return formatting.full_instant(value)
    found = report_cells.read(column, row)
    return found.striptags() if isinstance(found, Markup) else found


def _sum_texts(columns: Sequence[Column], totals: Row, sums: set[str]) -> list[str]:
    if not totals:
        return []
    shown = [
        _text(c, totals) if c.key in sums or (c.kind is CellType.RATIO and c.key in totals) else "" for c in columns
    ]
    shown[1] = shown[1] or translate("合计")
    return shown


def _widths(columns: Sequence[Column], texts: Sequence[Sequence[str]]) -> tuple[float, bool, list[float]]:
    """Find the largest type at which no word is broken and free text has room to be read, and the widths with it.

    The sheet is turned before the type becomes smaller.
    """
    is_wide, room = False, UPRIGHT
    for size in SIDES:
        found = [_measured(c, [cells[at] for cells in texts], size) for at, c in enumerate(columns)]
        if size == max(SIDES) and sum(min(c.usual, USUAL) if c.is_free else c.need for c in found) > UPRIGHT:
            is_wide, room = True, WIDE
        if sum(c.least for c in found) <= room:
            return size, is_wide, _shared(found, room)
    least = sum(c.least for c in found)
    return size, is_wide, [c.least * room / least for c in found]


def _measured(column: Column, texts: Sequence[str], size: float) -> _Measured:
    """Measure the words of a column, its head among them."""
    beside = 2 * SIDES[size] + SLACK
    lengths = tuple(line_breaks.measure(text, size) for text in texts)
    head = _head_length(translate(column.word), size) + beside
    hand = BY_HAND if column.kind is CellType.EMPTY else 0.0
    longest = max(lengths, default=0.0)
    need = max(head, max(hand, longest) + beside)
    if column.kind not in FREE:
        return _Measured(lengths, beside, need, need, need, is_free=False)
    em = size * line_breaks.MM_OF_POINT
    parts = {part for text in texts for part in text.replace("·", "· ").split(" ")} if column.key == "name" else ()
    part = min(max((line_breaks.measure(part, size) for part in parts), default=0.0), PART_EMS * em)
    least = max(head, min(longest, max(LEAST_EMS * em, part)) + beside)
    usual = sorted(lengths)[(len(lengths) * 5 - 1) // 6] + beside if lengths else 0.0
    return _Measured(lengths, beside, need, least, max(least, usual), is_free=True)


def _head_length(word: str, size: float) -> float:
    """A head of more than four characters may stand on two lines."""
    joint = " " if word.isascii() else ""
    parts = word.split() if joint else list(word)
    cuts = range(1, len(parts)) if len(word) > 4 else ()
    halves: list[tuple[str, ...]] = [(joint.join(parts[:cut]), joint.join(parts[cut:])) for cut in cuts]
    return min(max(line_breaks.measure(half, size, is_bold=True) for half in one) for one in halves or [(word,)])


def _shared(columns: Sequence[_Measured], room: float) -> list[float]:
    """Share the room: every column has its least; columns of free text have the rest, so that the table is low."""
    widths = [c.least for c in columns]
    free = [at for at, c in enumerate(columns) if c.is_free]
    spare = room - sum(widths)
    wanted = sum(columns[at].usual - columns[at].least for at in free)
    for at in free:
        widths[at] += (columns[at].usual - columns[at].least) * min(1.0, spare / wanted if wanted else 0.0)
    growing = free or list(range(len(columns)))
    spare = room - sum(widths)
    for at in growing:
        widths[at] += spare / len(growing)
    return [round(width, 2) for width in _lowered(columns, widths, free)]


def _lowered(columns: Sequence[_Measured], widths: list[float], free: Sequence[int]) -> list[float]:
    """Let columns of free text leave room to others as long as the table becomes lower by it."""
    count = len(columns[0].lengths)
    rows = range(0, count, max(1, count // LOOKED_AT))

    def height(tried: Sequence[float]) -> int:
        rooms = {at: tried[at] - columns[at].beside for at in free}
        return sum(max(math.ceil(columns[at].lengths[row] / room) for at, room in rooms.items()) for row in rows)

    best = height(widths) if free and count else 0
    for step, _again, (giving, taking) in itertools.product(STEPS, range(4), itertools.permutations(free, 2)):
        tried = list(widths)
        tried[giving], tried[taking] = tried[giving] - step, tried[taking] + step
        if tried[giving] >= columns[giving].least and (lower := height(tried)) < best:
            widths, best = tried, lower
    return widths


def _cell(text: str, box: Box, has_fractions: bool) -> Markup:
    if has_fractions and text[:1].isdigit():
        whole, point, tenths = text.partition(".")
        return Markup('{}<span class="tenths">{}</span>').format(whole, point + tenths)
    return _lines(text, box)


def _lines(text: str, box: Box) -> Markup:
    return Markup("<br>").join(escape(line) for line in line_breaks.wrap(text, box))


def _css(column: Column) -> str:
    return "num" if column.is_figure else "by-hand" if column.kind is CellType.EMPTY else ""
