"""A filled worksheet as a file: its rows are found by name and number, its cells become the fields of a form."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.domain.persons.identity import mask
from service.domain.values.names import fold
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput, Message
from service.forms import Field
from service.workflow.xlsx_reader import ERROR, FORMULA, MERGED, Line, read_table

NAME, NUMBER = N_("姓名"), N_("证件号码")
NAME_HEADS = (NAME, N_("学员"), N_("人员"))
NUMBER_HEADS = (NUMBER, N_("身份证号"), N_("身份证号码"))
TRUE = frozenset(map(fold, ("是", "√", "✓", "Y", "yes", "true", "1", "对")))

Spell = Callable[[str], Collection[str]]


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A row of a worksheet: the task it completes, and by what a file names it."""

    key: UUID
    name: str
    number: str  # masked


@dataclass(slots=True)
class FileContent:
    """The content of a file: fields as typed by task, and its rows that could not be taken."""

    typed: dict[UUID, dict[str, str]] = field(default_factory=dict)
    left_out: list[Message] = field(default_factory=list)


def read_filled(data: bytes, columns: Sequence[Field], rows: Sequence[SheetRow], spell: Spell) -> FileContent:
    """Read a file for the rows of a worksheet. Raises InvalidInput at ``file`` for one without the needed heads."""
    lines = read_table(data)
    for at, line in enumerate(lines):
        places = _places(line, columns, spell)
        if "" in places and len(places.keys() - {"", "#"}):
            return _fill(lines[at + 1 :], places, columns, rows, spell)
    heads = "、".join(column.label for column in columns)
    raise InvalidInput(
        {"file": Message(N_("没有找到表头：须有“姓名”和下列各列之一：%(heads)s。"), heads=heads)},
        N_("文件没有通过检查，什么都没有写入。"),
    )


def _places(line: Line, columns: Sequence[Field], spell: Spell) -> dict[str, int]:
    """The place of each column by its key, of the name as '' and of the number as '#'."""
    words = {fold(word): column.key for column in columns for word in spell(column.label)}
    words |= {fold(word): "" for head in NAME_HEADS for word in spell(head)}
    words |= {fold(word): "#" for head in NUMBER_HEADS for word in spell(head)}
    found: dict[str, int] = {}
    for at, cell in enumerate(line.cells):
        if isinstance(cell, str) and (key := words.get(fold(cell.rstrip("*＊")))) is not None:
            found.setdefault(key, at)
    return found


def _fill(
    lines: Sequence[Line], places: Mapping[str, int], columns: Sequence[Field], rows: Sequence[SheetRow], spell: Spell
) -> FileContent:
    by_name: defaultdict[str, list[SheetRow]] = defaultdict(list)
    for row in rows:
        by_name[fold(row.name)].append(row)
    read, found = CellReader(columns, spell), FileContent()
    for line in lines:
        cells = {key: _text(line.cells[at]) if at < len(line.cells) else "" for key, at in places.items()}
        typed = read.fields(cells)
        if not cells[""] or not typed:
            continue
        number = _masked(normalise(cells.get("#", "")))
        same = [row for row in by_name[fold(cells[""])] if number in ("", row.number)]
        if (why := _obstacle(same, found)) is None:
            found.typed[same[0].key] = typed
        else:
            found.left_out.append(Message(why, row=line.number, name=cells[""]))
    return found


def _obstacle(same: Sequence[SheetRow], found: FileContent) -> str | None:
    if not same:
        return N_("第 %(row)s 行 %(name)s：不在本表待办理的人员中。")
    if len(same) > 1:
        return N_("第 %(row)s 行 %(name)s：有同名人员，请填写证件号码。")
    if same[0].key in found.typed:
        return N_("第 %(row)s 行 %(name)s：文件中重复，只取前一行。")
    return None


def _masked(number: str) -> str:
    """The full number of a file as the sheet shows numbers; a masked one stays as it is."""
    return number if "*" in number else mask(number)


class CellReader:
    """Turn the texts of a row into what the form's fields would send."""

    def __init__(self, columns: Sequence[Field], spell: Spell) -> None:
        self.columns = {column.key: column for column in columns}
        self.boxes = {fold(word): c.key for c in columns if c.type == "checkbox" for word in spell(c.label)}
        self.options = {
            c.key: {fold(word): o.value for o in c.options for word in (*spell(o.label), o.value)} for c in columns
        }

    def fields(self, cells: Mapping[str, str]) -> dict[str, str]:
        found: dict[str, str] = {}
        for key, text in cells.items():
            if key not in self.columns or not text:
                continue
            if (box := self.boxes.get(fold(text))) and self.columns[key].type != "checkbox":
                found[box] = "true"  # 缺考 where a score would stand
            elif self.columns[key].type == "checkbox":
                found |= {key: "true"} if fold(text) in TRUE or self.boxes.get(fold(text)) == key else {}
            else:
                found[key] = self.options[key].get(fold(text), text)
        return found


def _text(cell: Any) -> str:
    if cell is None or cell is MERGED:
        return ""
    if cell in (FORMULA, ERROR):
        return "#"  # no value: the form says at the cell that it is none
    if isinstance(cell, bool):
        return "true" if cell else ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell).strip()
