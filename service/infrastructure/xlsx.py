"""Spreadsheets: rows of ready cells → XLSX, with constant memory. Knows no table and no translation.

Text never becomes a formula, here or after the reader saves as CSV: what could begin one gets an apostrophe (R71).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"  # the media type
MAX_CELL_LENGTH = 32_767  # characters that a cell of the format can hold
MAX_CHOICE_LENGTH = 255  # characters of a list of choices, commas included
CHOOSING = 2_000  # rows below the heads in which it is offered
NUMBERS = {"number": "#,##0", "share": "0.0%", "score": "0.0", "day": "yyyy-mm-dd", "instant": "yyyy-mm-dd hh:mm"}


@dataclass(frozen=True, slots=True)
class Head:
    """A column: the word over it, how its values are written (``text`` or a key of NUMBERS),
    and its width in characters.

    choices: what may be chosen in the cells below; a list that the format cannot hold is left out.
    """

    word: str
    kind: str = "text"
    width: int = 14
    choices: tuple[str, ...] = ()


def neutralise(text: str) -> str:
    """The text with an apostrophe before it if a spreadsheet could take it for a formula."""
    shown = text[: MAX_CELL_LENGTH - 1]
    return "'" + shown if shown.startswith(DANGEROUS) else shown


class Sheet:
    """A sheet that is written from top to bottom: title, facts, heads, then rows, then sums. Use it in a ``with``.

    ``turn`` leaves it for the next sheet of the same file.
    """

    def __init__(self, path: Path, title: str, facts: Iterable[str], heads: Sequence[Head]) -> None:
        import xlsxwriter

        self._book = xlsxwriter.Workbook(
            path,
            {
                "constant_memory": True,
                "strings_to_formulas": False,
                "strings_to_urls": False,
                "tmpdir": str(path.parent),
            },
        )
        self._plain = self._book.add_format({"num_format": "@"})
        self._kinds = {kind: self._book.add_format({"num_format": form}) for kind, form in NUMBERS.items()}
        self._bold = {
            kind: self._book.add_format({"num_format": form, "bold": True, "top": 1})
            for kind, form in [("text", "@"), *NUMBERS.items()]
        }
        self._begin(title, facts, heads)

    def turn(self, title: str, heads: Sequence[Head]) -> None:
        """Begin a further sheet; what is added from now on stands there."""
        self._begin(title, (), heads)

    def _begin(self, title: str, facts: Iterable[str], heads: Sequence[Head]) -> None:
        self._sheet, self._heads = self._book.add_worksheet(_sheet_name(title)), heads
        for at, head in enumerate(self._heads):
            self._sheet.set_column(at, at, head.width, self._plain if head.kind == "text" else None)
        self._sheet.write_string(0, 0, neutralise(title), self._book.add_format({"bold": True, "font_size": 14}))
        self._row = 1
        for fact in facts:
            self._sheet.write_string(self._row, 0, neutralise(fact))
            self._row += 1
        format_of_heads = self._book.add_format({"bold": True, "bg_color": "#E2EDF3", "bottom": 1, "num_format": "@"})
        for at, head in enumerate(self._heads):
            self._sheet.write_string(self._row, at, neutralise(head.word), format_of_heads)
        self._row += 1
        self._offer_choices()
        self._sheet.freeze_panes(self._row, 0)
        self._sheet.repeat_rows(self._row - 1)
        self._sheet.set_landscape()
        self._sheet.set_paper(9)
        self._sheet.fit_to_pages(1, 0)

    def _offer_choices(self) -> None:
        for at, head in enumerate(self._heads):
            if head.choices and len(",".join(head.choices)) <= MAX_CHOICE_LENGTH:
                rule = {"validate": "list", "source": list(head.choices), "error_type": "warning"}
                self._sheet.data_validation(self._row, at, self._row + CHOOSING, at, rule)

    def add(self, rows: Iterable[Sequence[Any]], *, is_sum: bool = False) -> None:
        """Write rows: text, whole numbers, floats, civil dates, naive instants, or None for an empty cell."""
        for cells in rows:
            for at, value in enumerate(cells):
                if value is not None:
                    self._write(at, value, is_sum)
            self._row += 1

    def add_marked(self, rows: Iterable[tuple[Sequence[str], Mapping[int, str]]]) -> None:
        """Write rows of texts; each cell that has a mark, by its place, is coloured and says it in a comment."""
        marked = self._book.add_format(
            {"num_format": "@", "bg_color": "#FBE3E0", "border": 1, "border_color": "#B3261E"}
        )
        for cells, marks in rows:
            for at, value in enumerate(cells):
                self._sheet.write_string(self._row, at, neutralise(value), marked if at in marks else self._plain)
            for at, mark in marks.items():
                self._sheet.write_comment(self._row, at, mark, {"x_scale": 2})
            self._row += 1

    def explain(self, title: str, lines: Iterable[str]) -> None:
        """A further sheet of plain lines: how to fill in the first."""
        sheet = self._book.add_worksheet(_sheet_name(title))
        sheet.set_column(0, 0, 110)
        sheet.write_string(0, 0, neutralise(title), self._book.add_format({"bold": True, "font_size": 14}))
        wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})
        for at, line in enumerate(lines, 1):
            sheet.write_string(at, 0, neutralise(line), wrapped)

    def _write(self, at: int, value: Any, is_sum: bool) -> None:
        kind = self._heads[at].kind
        if isinstance(value, str):
            self._sheet.write_string(self._row, at, neutralise(value), self._bold["text"] if is_sum else self._plain)
            return
        form = self._bold[kind] if is_sum else self._kinds.get(kind)
        if isinstance(value, (date, datetime)):
            self._sheet.write_datetime(self._row, at, value, form)
        else:
            self._sheet.write_number(self._row, at, value, form)

    def __enter__(self) -> Sheet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._book.close()


def _sheet_name(title: str) -> str:
    """A name that the format allows: 31 characters, none of its signs."""
    return "".join(c for c in title if c not in "[]:*?/\\'")[:31] or "Sheet1"
