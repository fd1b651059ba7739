"""A sheet in which many persons are entered: the template with its version, or another table whose columns are
assigned on the page; and how its cells become the fields of the form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.values.names import fold
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput, Message
from service.infrastructure.xlsx import DANGEROUS
from service.models.queries.units.unit_list import unit_choices
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import QualificationType
from service.validation.characters import strip_unseen
from service.validation.record_fields import FieldKind, Place, RecordField
from service.validation.typed_text import as_whole
from service.validation.written import is_scientific, read_date
from service.workflow.xlsx_reader import (
    ERROR,
    FORMULA,
    MERGED,
    Line,
)

VERSION = 1
MARK = f"persons-{VERSION}"  # stands above the heads, in each language
MAX_PERSONS = 2_000  # persons of one file
EXACT_NUMBER_LIMIT = 10**15  # a longer number in a number cell has lost its last digits

HEAD_LINES = 20  # rows among which the head of a table is looked for
SERIALS = range(10_000, 100_000)  # numbers of days in a sheet that may be a date: 1927 to 2173
FIRST_SERIAL = date(1899, 12, 30)

TOTAL = re.compile(r"\s*(合计|总计|共计|小计|总数|total\b)", re.IGNORECASE)
EMPTY_WORDS = frozenset(("无", "暂无", "没有", "—", "－", "-", "/", "／"))

Spell = Callable[[str], Collection[str]]
"""All spellings of a text of the catalogue, one a language: a file may be filled in under either."""
Options = Mapping[str, Mapping[str, str]]
"""For columns that choose: the word in the sheet → the value of the form."""


COLUMNS = PERSON_FIELDS.at(Place.SHEET)
AT = {column.input_name: n for n, column in enumerate(COLUMNS)}
PHOTO = "photo"  # not a column: it comes beside the sheet
WORDS = {column.input_name: column.label for column in COLUMNS} | {PHOTO: N_("照片")}


@dataclass(slots=True)
class Row:
    """A person of the file: the number of the row, its cells as text, the fields of the form, what is wrong already.

    unread: the columns whose cells could not be read, so that the rules of the form have nothing to judge.
    """

    number: int
    cells: list[str]
    raw: dict[str, str]
    wrong: dict[str, Message] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)
    is_hidden: bool = False

    def read(self, column: RecordField, cell: Any, options: Options) -> None:
        """Take the content of a cell in the place of what the row has there."""
        name, shown = column.input_name, _shown(column, cell)
        self.cells[AT[name]] = shown
        self.raw.pop(name, None)
        self.wrong.pop(name, None)
        self.unread = [one for one in self.unread if one != name]
        if problem := _problem(column, cell):
            self._refuse(name, Message(problem))
        elif name not in options:
            self.raw[name] = "" if _says_nothing(column, shown) else shown
        elif shown and (value := options[name].get(fold(shown))) is not None:
            self.raw[name] = value
        elif shown and not _says_nothing(column, shown):
            self._refuse(name, Message(_unknown_word(column, shown), word=shown[:40]))

    def _refuse(self, name: str, why: Message) -> None:
        self.wrong[name] = why
        self.unread.append(name)


@dataclass(frozen=True, slots=True)
class SheetTable:
    """A table of an uploaded sheet. heads: the words over its columns; places: the column that each field seems to
    have, by its name in the form; is_template: it is the template, and every column is where it says.
    """

    heads: tuple[str, ...]
    lines: tuple[Line, ...]
    places: Mapping[str, int]
    is_template: bool


def offered() -> dict[str, list[tuple[str, str]]]:
    """The words and values of the columns whose choice is the same for every unit."""
    found: dict[str, list[tuple[str, str]]] = {}
    for column in COLUMNS:
        if column.choices is not None:
            found[column.input_name] = [(str(getattr(one, "label", one)), one.value) for one in column.choices]
        elif column.kind is FieldKind.BOOLEAN:
            found[column.input_name] = [(N_("是"), "true"), (N_("否"), "")]
    return found | {"qualification_type": [(name, code) for code, name in QualificationType.choices(by_code=True)]}


def choices(user: User, spell: Spell) -> Options:
    """The choices of the columns that choose: every spelling of the word, and the value of the form."""
    units = unit_choices(user, action=Action.EDIT_PERSON)
    folded = [fold(name) for _id, name in units]
    spelt = offered()
    options = {
        field: {fold(word): value for text, value in pairs for word in spell(text)} for field, pairs in spelt.items()
    }
    for column in COLUMNS:
        for value, words in column.synonyms.items():
            options[column.input_name] = {fold(word): str(value) for word in words} | options[column.input_name]
    options["qualification_type"] |= {fold(code): code for _name, code in spelt["qualification_type"]}
    return {**options, "unit": {fold(name): str(key) for key, name in units if folded.count(fold(name)) == 1}}


def find_table(lines: list[Line], spell: Spell) -> SheetTable:
    """Find the head of the table and the fields that its words name. Raises InvalidInput at ``file`` where none is."""
    found = [_places(line, spell) for line in lines[:HEAD_LINES]]
    at = max(range(len(found)), key=lambda n: len(found[n]), default=0)
    if not found or not found[at]:
        at = next((n for n, line in enumerate(lines[:HEAD_LINES]) if _could_be_head(line)), -1)
    if at < 0:
        raise _refuse(N_("没有找到表头行：请在第一张表里留一行写明各列是什么。"))
    below = tuple(lines[at + 1 :])
    if not below:
        raise _refuse(N_("表中没有人员，请从表头的下一行开始填写。"))
    heads = tuple(cell.strip() if isinstance(cell, str) else "" for cell in lines[at].cells)
    return SheetTable(heads, below, found[at], _has_mark(lines) and _is_whole(heads, found[at], spell))


def read_people(table: SheetTable, places: Mapping[str, int], options: Options) -> list[Row]:
    """The rows of a table by the column of each field. Raises InvalidInput at ``file``: nobody in it, or too many."""
    rows = [_row(line, places, options) for line in table.lines]
    rows = [row for row in rows if any(row.cells) and not _is_total(row)]
    if not rows:
        raise _refuse(N_("表中没有人员，请从表头的下一行开始填写。"))
    if len(rows) > MAX_PERSONS:
        raise _refuse(Message(N_("表中有 %(n)s 人，一次最多导入 2,000 人，请分成几个文件。"), n=f"{len(rows):,}"))
    refuse_repeated(rows)
    return rows


def _refuse(text: str | Message) -> InvalidInput:
    return InvalidInput({"file": text}, N_("文件没有通过检查，什么都没有写入。"))


def _has_mark(lines: list[Line]) -> bool:
    tops = [unicodedata.normalize("NFKC", cell) for line in lines[:6] for cell in line.cells if isinstance(cell, str)]
    return any(match[0] == MARK for text in tops for match in re.finditer(r"persons-\d+", text))


def _head(cell: Any) -> str:
    return re.sub(r"[\s*＊]", "", strip_unseen(cell)).lower() if isinstance(cell, str) else ""


def _spelt(words: Iterable[str], spell: Spell) -> set[str]:
    return {_head(one) for word in words for one in spell(word)}


def _could_be_head(line: Line) -> bool:
    filled = [cell for cell in line.cells if cell is not None]
    return len(filled) >= 2 and all(isinstance(cell, str) for cell in filled)


def _is_whole(heads: Sequence[str], places: Mapping[str, int], spell: Spell) -> bool:
    """Tell whether each column of the template is there, once and by its own word."""
    known = [_head(one) for one in heads]
    own = {column.input_name: _spelt([column.label], spell) for column in COLUMNS}
    return all(name in places and sum(one in words for one in known) == 1 for name, words in own.items())


def _places(line: Line, spell: Spell) -> dict[str, int]:
    """The place of each field that a word of the line names; its own word goes before those of other systems."""
    heads = [_head(cell) for cell in line.cells]
    places: dict[str, int] = {}
    for words in (lambda column: (column.label,), lambda column: column.headings):
        for column in COLUMNS:
            spelt = _spelt(words(column), spell)
            free = (n for n, head in enumerate(heads) if head in spelt and n not in places.values())
            if column.input_name not in places and (at := next(free, None)) is not None:
                places[column.input_name] = at
    return places


def _row(line: Line, places: Mapping[str, int], options: Options) -> Row:
    row = Row(line.number, [""] * len(COLUMNS), {}, is_hidden=line.is_hidden)
    for column in COLUMNS:
        at = places.get(column.input_name)
        row.read(column, line.cells[at] if at is not None and at < len(line.cells) else None, options)
    return row


def _is_total(row: Row) -> bool:
    """Tell whether a row is no person but the sum below the list: ``合计：2人`` alone in it."""
    return TOTAL.match("".join(row.cells)) is not None and sum(map(bool, row.cells)) <= 2


def _shown(column: RecordField, cell: Any) -> str:
    """The cell as text; an apostrophe that exported files have before a dangerous sign is removed."""
    if column.kind is FieldKind.DATE and (day := _serial_day(cell)):
        return day.isoformat()
    if cell is None or cell is FORMULA or cell is ERROR or cell is MERGED:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith(DANGEROUS) else text


def _serial_day(cell: Any) -> date | None:
    """The day that a sheet counts from the end of 1899, as it stands where a date lost its format."""
    text = str(cell).removesuffix(".0") if isinstance(cell, (str, int, float)) else ""
    days = as_whole(text, SERIALS.start, SERIALS.stop - 1)
    return None if days is None else FIRST_SERIAL + timedelta(days)


def _problem(column: RecordField, cell: Any) -> str | None:
    """Refuse a cell for what it is, before any rule looks at its text."""
    is_number = isinstance(cell, (int, float)) and not isinstance(cell, bool)
    if cell is FORMULA:
        return N_("单元格里是公式，请改为填写内容（复制后选择性粘贴为“值”）。")
    if cell is ERROR:
        return N_("单元格里是错误值，请重新填写。")
    if cell is MERGED:
        return N_("单元格与别的单元格合并了，请取消合并，每一格分别填写。")
    is_rounded = is_number and (abs(cell) >= EXACT_NUMBER_LIMIT or isinstance(cell, float))
    if column.kind is FieldKind.CODE and (is_rounded or (isinstance(cell, str) and is_scientific(cell))):
        return N_("号码被存成了数字，末几位已经丢失。请把单元格设为“文本”后重新填写。")
    if column.kind is FieldKind.DATE and is_number and read_date(_shown(column, cell)) is None:
        return N_("日期被存成了数字。请把单元格设为“日期”或“文本”，填写 2026-11-24 的形式。")
    if column.kind is not FieldKind.DATE and not isinstance(cell, (str, int, float)) and cell is not None:
        return N_("这一项不应是日期，请把单元格设为“文本”后重新填写。")
    return None


def _says_nothing(column: RecordField, shown: str) -> bool:
    """Tell whether a cell that may be empty holds a word for empty: ``无`` under a number of a certificate.

    Under a declaration it could as well be its answer, and what binds people is not guessed.
    """
    may_be_empty = column.kind not in (FieldKind.TEXT, FieldKind.BOOLEAN) and not column.required
    return may_be_empty and shown.strip() in EMPTY_WORDS


def _unknown_word(column: RecordField, shown: str) -> str:
    if column.kind is FieldKind.BOOLEAN and shown.strip() in EMPTY_WORDS:
        return N_("“%(word)s”看不出是已声明还是未声明，请填“是”或“否”。")
    return N_("“%(word)s”不在可选的内容里，请按模板的说明填写。")


def refuse_repeated(rows: list[Row]) -> None:
    """The same number twice in one file: the later row is refused (R19)."""
    first: dict[str, int] = {}
    for row in rows:
        number = normalise(row.raw.get("id_number"))
        if number and first.setdefault(number, row.number) != row.number:
            said = Message(N_("与第 %(row)s 行的证件号码相同，请只保留一行。"), row=first[number])
            row.wrong.setdefault("id_number", said)
