"""The sheet in which many persons are entered: its version, its columns,
and how its cells become the fields of the form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from service.domain.accounts.permissions import Action
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.values.names import fold
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput, Message
from service.infrastructure.xlsx import DANGEROUS
from service.models.queries.units.unit_list import unit_choices
from service.models.tables.person import QualificationType
from service.models.tables.user import User
from service.validation.characters import strip_unseen
from service.validation.record_fields import FieldKind, Place, RecordField
from service.validation.written import is_scientific, read_date
from service.workflow.xlsx_reader import (
    ERROR,
    FORMULA,
    MERGED,
    Line,
    read_lines,
)

VERSION = 1
MARK = f"persons-{VERSION}"  # stands above the heads, in each language
MAX_PERSONS = 2_000  # persons of one file
EXACT_NUMBER_LIMIT = 10**15  # a longer number in a number cell has lost its last digits

TOTAL = re.compile(r"\s*(合计|总计|共计|小计|总数|total\b)", re.IGNORECASE)
EMPTY_WORDS = frozenset(("无", "暂无", "没有", "—", "－", "-", "/", "／"))

Spell = Callable[[str], Collection[str]]
"""All spellings of a text of the catalogue, one a language: a file may be filled in under either."""
Options = Mapping[str, Mapping[str, str]]
"""For columns that choose: the word in the sheet → the value of the form."""


COLUMNS = PERSON_FIELDS.at(Place.SHEET)
PHOTO = "photo"  # not a column: it comes beside the sheet
WORDS = {column.input_name: column.label for column in COLUMNS} | {PHOTO: N_("照片")}


@dataclass(slots=True)
class Row:
    """A person of the file: the number of the row, its cells as text, the fields of the form, what is wrong already."""

    number: int
    cells: list[str]
    raw: dict[str, str]
    wrong: dict[str, Message] = field(default_factory=dict)


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


def read_people(data: bytes, options: Options, spell: Spell) -> list[Row]:
    """The rows of an uploaded file. Raises InvalidInput at ``file`` for a file that is not the template filled in."""
    lines = read_lines(data)
    _check_version(lines)
    at = next((n for n, line in enumerate(lines) if _is_head(line, spell)), None)
    if at is None:
        raise _refuse(N_("没有找到表头行，请不要删除或改动模板的表头。"))
    places = _places(lines[at], spell)
    rows = [_row(line, places, options) for line in lines[at + 1 :]]
    rows = [row for row in rows if any(row.cells) and not _is_total(row)]
    if not rows:
        raise _refuse(N_("表中没有人员，请从表头的下一行开始填写。"))
    if len(rows) > MAX_PERSONS:
        raise _refuse(Message(N_("表中有 %(n)s 人，一次最多导入 2,000 人，请分成几个文件。"), n=f"{len(rows):,}"))
    _refuse_repeated(rows)
    return rows


def _refuse(text: str | Message) -> InvalidInput:
    return InvalidInput({"file": text}, N_("文件没有通过检查，什么都没有写入。"))


def _check_version(lines: list[Line]) -> None:
    tops = [unicodedata.normalize("NFKC", cell) for line in lines[:6] for cell in line.cells if isinstance(cell, str)]
    marks = {match[0] for text in tops for match in re.finditer(r"persons-\d+", text)}
    if not marks:
        raise _refuse(N_("这不是人员导入模板，或模板上方的版本行被删除了。请下载模板填写。"))
    if MARK not in marks:
        raise _refuse(N_("模板版本已更新，请下载新的模板，把人员粘贴过去再上传。"))


def _head(cell: Any) -> str:
    return re.sub(r"[\s*＊]", "", strip_unseen(cell)).lower() if isinstance(cell, str) else ""


def _spelt(word: str, spell: Spell) -> set[str]:
    return {_head(one) for one in spell(word)}


def _is_head(line: Line, spell: Spell) -> bool:
    """The first row with two of the columns that must be filled in."""
    heads = {_head(cell) for cell in line.cells}
    return sum(bool(heads & _spelt(column.label, spell)) for column in COLUMNS if column.required) >= 2


def _places(line: Line, spell: Spell) -> list[int]:
    """The place of each column; their order is free, others are ignored."""
    heads = [_head(cell) for cell in line.cells]
    places = []
    for column in COLUMNS:
        spelt = _spelt(column.label, spell)
        found = [n for n, head in enumerate(heads) if head in spelt]
        if not found:
            raise _refuse(Message(N_("缺少“%(column)s”一列，请使用模板，不要删除列。"), column=Message(column.label)))
        if len(found) > 1:
            raise _refuse(Message(N_("“%(column)s”一列出现了不止一次，请只保留一列。"), column=Message(column.label)))
        places += found
    return places


def _row(line: Line, places: list[int], options: Options) -> Row:
    row = Row(line.number, [], {})
    for column, at in zip(COLUMNS, places, strict=True):
        cell = line.cells[at] if at < len(line.cells) else None
        row.cells.append(shown := _shown(cell))
        if problem := _problem(column, cell):
            row.wrong[column.input_name] = Message(problem)
        elif column.input_name in options:
            _choose(row, column, shown, options)
        else:
            row.raw[column.input_name] = "" if _says_nothing(column, shown) else shown
    return row


def _is_total(row: Row) -> bool:
    """Tell whether a row is no person but the sum below the list: ``合计：2人`` alone in it."""
    return TOTAL.match("".join(row.cells)) is not None and sum(map(bool, row.cells)) <= 2


def _shown(cell: Any) -> str:
    """The cell as text; an apostrophe that exported files have before a dangerous sign is removed."""
    if cell is None or cell is FORMULA or cell is ERROR or cell is MERGED:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat(" ", "minutes")
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell)
    return text[1:] if text.startswith("'") and text[1:].startswith(DANGEROUS) else text


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
    if column.kind is FieldKind.DATE and is_number and read_date(str(cell)) is None:
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


def _choose(row: Row, column: RecordField, shown: str, options: Options) -> None:
    """The value for the word; a word that is not in the list is refused here,
    an empty cell by the rules of the form.
    """
    value = options[column.input_name].get(fold(shown))
    if not shown or (value is None and _says_nothing(column, shown)):
        return
    if value is None:
        said = N_("“%(word)s”不在可选的内容里，请按模板的说明填写。")
        if column.kind is FieldKind.BOOLEAN and shown.strip() in EMPTY_WORDS:
            said = N_("“%(word)s”看不出是已声明还是未声明，请填“是”或“否”。")
        row.wrong[column.input_name] = Message(said, word=shown[:40])
    else:
        row.raw[column.input_name] = value


def _refuse_repeated(rows: list[Row]) -> None:
    """The same number twice in one file: the later row is refused (R19)."""
    first: dict[str, int] = {}
    for row in rows:
        number = normalise(row.raw.get("id_number"))
        if number and first.setdefault(number, row.number) != row.number:
            said = Message(N_("与第 %(row)s 行的证件号码相同，请只保留一行。"), row=first[number])
            row.wrong.setdefault("id_number", said)
