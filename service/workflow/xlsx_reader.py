"""An uploaded .xlsx as rows of cells: unpacked within limits before it is read. Knows nothing of what the columns mean."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import Any

from lxml import etree
from python_calamine import CalamineError, CalamineWorkbook

from service.errors import N_, InvalidInput, Message

LARGEST = 2 * 1024 * 1024  # bytes of the upload
UNPACKED = 16 * 1024 * 1024  # bytes of what is in it
DEEPEST, WIDEST = 10_000, 100  # rows and columns that a cell with a value may stand in
MOST_MERGED = 100_000  # cells that are joined to others
FORMULA, ERROR, MERGED = object(), object(), object()


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the first sheet that is not empty: its number as the reader sees it, and what its cells hold.

    A cell is text, a number, a truth value, a date or instant, None, FORMULA, ERROR, or MERGED into one before it.
    """

    number: int
    cells: tuple[Any, ...]


def read_lines(data: bytes, field: str = "file") -> list[Line]:
    """The rows of the first sheet. Raises InvalidInput: too large, not .xlsx, damaged, protected, or out of all measure."""
    try:
        plain, sheet = _unpack(data, field)
        special = _special_cells(sheet, field)
        book = CalamineWorkbook.from_filelike(io.BytesIO(plain))
        rows = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
        special |= _merged_cells(sheet, len(rows), field)
    except (
        zipfile.BadZipFile,
        KeyError,
        IndexError,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        etree.XMLSyntaxError,
        CalamineError,
        ValueError,
    ) as error:
        raise _refuse(field, N_("文件已损坏或被加密，无法读取。请用 Excel 打开后另存为 .xlsx 再上传。")) from error
    lines = [
        Line(at + 1, tuple(special.get((at, n), _value(cell)) for n, cell in enumerate(cells)))
        for at, cells in enumerate(rows)
    ]
    return [line for line in lines if any(cell is not None for cell in line.cells)]


def _refuse(field: str, text: str | Message) -> InvalidInput:
    return InvalidInput({field: text}, N_("文件没有通过检查，什么都没有写入。"))


def _value(cell: Any) -> Any:
    """Blanks are None; a number of whole value is an int."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    return cell


def _unpack(data: bytes, field: str) -> tuple[bytes, bytes]:
    """The archive without compression, its size bounded, and the first sheet's XML."""
    if not data:
        raise _refuse(field, N_("请选择要上传的 Excel 文件。"))
    if len(data) > LARGEST:
        raise _refuse(field, N_("文件超过 2 MB，请分成几个文件上传。"))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refuse(field, N_("这是旧版 Excel（.xls）或加密的文件，请另存为不加密的 .xlsx 再上传。"))
    if not data.startswith(b"PK"):
        raise _refuse(field, N_("这不是 Excel 文件。请下载模板填写，保存为 .xlsx 再上传。"))
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as packed, zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as plain:
        names = packed.namelist()
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise _refuse(field, N_("文件带有宏，请另存为不带宏的 .xlsx 再上传。"))
        if "xl/workbook.xml" not in names:
            raise _refuse(field, N_("这不是 Excel 文件。请下载模板填写，保存为 .xlsx 再上传。"))
        if sum(one.file_size for one in packed.infolist()) > UNPACKED:
            raise _refuse(field, N_("文件解开后过大，请只保留人员表，另存后再上传。"))
        for name in dict.fromkeys(names):
            plain.writestr(name, packed.read(name))
        sheet = packed.read(_first_sheet(packed))
    return out.getvalue(), sheet


def _first_sheet(packed: zipfile.ZipFile) -> str:
    """Find the first sheet: the workbook names a relation, the relation a file."""
    first, *_ = _parse(packed.read("xl/workbook.xml")).iter("{*}sheet")
    [key] = [value for name, value in first.items() if name.endswith("}id")]
    relations = _parse(packed.read("xl/_rels/workbook.xml.rels")).iter("{*}Relationship")
    target = {one.get("Id"): str(one.get("Target")) for one in relations}[key]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _special_cells(sheet: bytes, field: str) -> dict[tuple[int, int], object]:
    """The places of formulas and errors, from 0; refuses a cell so far out that the rows between would fill the memory."""
    found: dict[tuple[int, int], object] = {}
    row = column = -1
    for element in _parse(sheet).iter("{*}row", "{*}c"):
        if etree.QName(element).localname == "row":
            row, column = int(element.get("r") or row + 2) - 1, -1
            continue
        row, column = _place(element.get("r"), row, column + 1)
        if len(element) and (row >= DEEPEST or column >= WIDEST or row < 0):
            raise _refuse(field, N_("表格中有离得很远的内容（第 10,000 行或第 100 列以外），请删除后再上传。"))
        if element.find("{*}f") is not None:
            found[row, column] = FORMULA
        elif element.get("t") == "e":
            found[row, column] = ERROR
    return found


def _merged_cells(sheet: bytes, rows: int, field: str) -> dict[tuple[int, int], object]:
    """The cells that are joined to one before them, as far as there are rows; where they are too many the file is refused."""
    found: dict[tuple[int, int], object] = {}
    for one in _parse(sheet).iter("{*}mergeCell"):
        first, _, last = str(one.get("ref")).partition(":")
        (top, left), (bottom, right) = _place(first, 0, 0), _place(last or first, 0, 0)
        bottom, right = min(bottom, rows - 1), min(right, WIDEST)
        if len(found) + max(0, bottom - top + 1) * max(0, right - left + 1) > MOST_MERGED:
            raise _refuse(field, N_("表格中合并的单元格过多，请取消合并后再上传。"))
        found |= {(row, column): MERGED for row in range(top, bottom + 1) for column in range(left, right + 1)}
        found.pop((top, left), None)
    return found


def _place(reference: str | None, row: int, column: int) -> tuple[int, int]:
    """``B3`` → (2, 1); without a reference the cell follows the one before."""
    if reference is None:
        return row, column
    match = re.fullmatch(r"\$?([A-Z]{1,3})\$?(\d{1,7})", reference)
    if match is None:
        raise ValueError(reference)
    at = 0
    for letter in match[1]:
        at = at * 26 + ord(letter) - 64
    return int(match[2]) - 1, at - 1


def _parse(data: bytes) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(data, parser)
