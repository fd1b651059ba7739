"""Tables of papers: columns as wide as their words, lines broken as names and units are read, numbers under numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from service.infrastructure import line_breaks
from service.infrastructure.line_breaks import Box
from service.infrastructure.translation import translate
from service.reports.framework.report import CellType, Column, Row
from service.web.presenters import report_cells

TYPE = 9.0  # points
PADDING, SLACK = 3.2, 0.6  # millimetres beside the words of a cell, both sides together; for rounding
UPRIGHT, WIDE = 178.0, 271.0  # millimetres between the margins of A4
LEAST, USUAL = 20.0, 44.0  # of a column of free text that has to give way; before the sheet is turned
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
    """A table as a template writes it. is_wide: it needs the sheet turned; sums: the last row, if any."""

    columns: tuple[PaperColumn, ...]
    rows: list[list[Markup]]
    sums: list[Markup]
    is_wide: bool


def lay_out(
    columns: Sequence[Column], rows: Sequence[Row], totals: Row | None = None, sums: Iterable[str] = ()
) -> PaperTable:
    """Lay the rows of a report out, numbered. totals, sums: the last row, and which of its cells are shown."""
    shown = (ORDINAL, *columns)
    texts = [["" if c is ORDINAL else _text(c, row) for c in shown] for row in rows]
    for n, cells in enumerate(texts, 1):
        cells[0] = str(n)
    last = _sum_texts(shown, totals or {}, set(sums))
    lengths = [_length(c, [cells[at] for cells in (*texts, last) if cells]) for at, c in enumerate(shown)]
    widths, is_wide = _widths(shown, lengths)
    fractions = [c.kind is CellType.SCORE and any("." in cells[at] for cells in texts) for at, c in enumerate(shown)]
    written = [
        [_cell(c, text, widths[at], fractions[at]) for at, (c, text) in enumerate(zip(shown, cells, strict=True))]
        for cells in (*texts, *([last] if last else []))
    ]
    heads = tuple(
        PaperColumn(_lines(translate(c.word), Box(widths[at] - PADDING, 0, TYPE, is_bold=True)), widths[at], _css(c))
        for at, c in enumerate(shown)
    )
    return PaperTable(heads, written[: len(rows)], written[len(rows)] if last else [], is_wide)


def of_report(columns: Sequence[Column], rows: Sequence[Row], totals: Row, sums: Iterable[str]) -> PaperTable:
    """Lay a report out; a report whose columns are not summed has no last row."""
    kept = [key for key in sums if any(c.key == key for c in columns)]
    return lay_out(columns, rows, totals if kept else None, kept)


def _text(column: Column, row: Row) -> str:
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


def _length(column: Column, texts: Sequence[str]) -> float:
    """The room that the words of a column need; of free text, what all but the longest sixth need."""
    lengths = sorted(line_breaks.measure(text, TYPE) for text in texts)
    if not lengths:
        return 0.0
    return lengths[(len(lengths) * 5 - 1) // 6 if column.kind in FREE else -1]


def _widths(columns: Sequence[Column], lengths: Sequence[float]) -> tuple[list[float], bool]:
    """Give each column the width of its words; where they are too long together, free text is broken into lines."""
    wanted = [
        max(BY_HAND if c.kind is CellType.EMPTY else length, _head_length(translate(c.word))) + PADDING + SLACK
        for c, length in zip(columns, lengths, strict=True)
    ]
    usual = [min(width, USUAL) if c.kind in FREE else width for c, width in zip(columns, wanted, strict=True)]
    is_wide = sum(usual) > UPRIGHT
    room = WIDE if is_wide else UPRIGHT
    widths = _shrink(columns, wanted, room, FREE)
    widths = _shrink(columns, widths, room, tuple(CellType)) if sum(widths) > room else widths
    growing = [at for at, c in enumerate(columns) if c.kind in (*FREE, CellType.EMPTY)] or list(range(len(columns)))
    spare = (room - sum(widths)) / len(growing)
    return [round(width + spare * (at in growing), 2) for at, width in enumerate(widths)], is_wide


def _head_length(word: str) -> float:
    """A head of more than four characters may stand on two lines."""
    lines = 1 if len(word) <= 4 else 2
    parts = word.split()
    return max(
        line_breaks.measure(word, TYPE, is_bold=True) / lines,
        *(line_breaks.measure(part, TYPE, is_bold=True) for part in parts if part.isascii()),
        0.0,
    )


def _shrink(
    columns: Sequence[Column], wanted: Sequence[float], room: float, kinds: tuple[CellType, ...]
) -> list[float]:
    """Take what is too much from the longest columns of these kinds, down to one length for all of them."""
    widths = list(wanted)
    giving = [at for at, column in enumerate(columns) if column.kind in kinds and widths[at] > LEAST]
    while giving and (over := sum(widths) - room) > 0.01:
        longest = max(widths[at] for at in giving)
        most = [at for at in giving if widths[at] > longest - 0.01]
        below = max([widths[at] for at in giving if at not in most], default=LEAST)
        cut = min(over / len(most), longest - max(below, LEAST))
        if cut <= 0.01:
            break
        for at in most:
            widths[at] -= cut
    return widths


def _cell(column: Column, text: str, width: float, has_fractions: bool) -> Markup:
    if has_fractions and text[:1].isdigit():
        whole, point, tenths = text.partition(".")
        return Markup('{}<span class="tenths">{}</span>').format(whole, point + tenths)
    box = Box(width - PADDING, 0, TYPE, between_parts=column.key == "name")
    return _lines(text, box)


def _lines(text: str, box: Box) -> Markup:
    return Markup("<br>").join(escape(line) for line in line_breaks.wrap(text, box))


def _css(column: Column) -> str:
    return "num" if column.is_figure else "by-hand" if column.kind is CellType.EMPTY else ""
