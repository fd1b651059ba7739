"""An uploaded .xlsx or .csv as rows of cells, read in a bounded child. Knows nothing of what the columns mean."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from service.errors import N_, InvalidInput, Message
from service.infrastructure.decoder_pool import DecoderError, decode, told_of_limits

MAX_FILE_BYTES = 2 * 1024 * 1024  # bytes of the upload
LIMITS = {
    "unpacked": 16 * 1024 * 1024,  # bytes of what is in it
    "entries": 1000,  # files in it
    "cells": 300_000,  # with or without a value, in the first sheet
    "rows": 10_000,  # in which a cell with a value may stand
    "columns": 100,
    "merged": 100_000,  # cells that are joined to others
}
FORMULA, ERROR, MERGED = object(), object(), object()
_SPECIAL = {"formula": FORMULA, "error": ERROR, "merged": MERGED}


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the first sheet that is not empty: its number as the reader sees it, and what its cells hold.

    A cell is text, a number, a truth value, a date or instant, None, FORMULA, ERROR, or MERGED into one beside it.
    """

    number: int
    cells: tuple[Any, ...]
    is_hidden: bool = False


RawLines = list[list[Any]]
"""Rows as the bounded child sends them, fit for JSON."""


def lines_of(raw: RawLines) -> list[Line]:
    """Return the rows with their values."""
    return [Line(number, tuple(map(_value, cells)), is_hidden) for number, cells, is_hidden in raw]


def read_lines(data: bytes, field: str = "file") -> list[Line]:
    """The rows of the first sheet. Raises InvalidInput: too large, not .xlsx, damaged, protected, or beyond a limit."""
    return lines_of(_decode_sheet(data, field))


def _decode_sheet(data: bytes, field: str) -> RawLines:
    if not data:
        raise _refuse(field, N_("请选择要上传的 Excel 文件。"))
    if len(data) > MAX_FILE_BYTES:
        raise _refuse(field, N_("文件超过 2 MB，请分成几个文件上传。"))
    if data.startswith(b"\xd0\xcf\x11\xe0"):
        raise _refuse(field, N_("这是旧版 Excel（.xls）或加密的文件，请另存为不加密的 .xlsx 再上传。"))
    if not data.startswith(b"PK"):
        raise _refuse(field, N_("这不是 Excel 文件。请下载模板填写，保存为 .xlsx 再上传。"))
    try:
        lines, _ = decode("sheet", data, **LIMITS)
    except DecoderError as error:
        raise _refuse(field, _REFUSALS.get(error.reason) or told_of_limits(error)) from error
    return list(lines)


def read_table(data: bytes, field: str = "file") -> list[Line]:
    """The rows of the first sheet of an .xlsx, or of a .csv (UTF-8 or GBK). Raises InvalidInput as ``read_lines``."""
    return lines_of(read_raw_table(data, field))


def read_raw_table(data: bytes, field: str = "file") -> RawLines:
    """The same as ``read_table``, to be kept as JSON."""
    if not data or data.startswith((b"PK", b"\xd0\xcf\x11\xe0")) or len(data) > MAX_FILE_BYTES:
        return _decode_sheet(data, field)
    try:
        lines, _ = decode("table", data, cells=LIMITS["cells"], rows=LIMITS["rows"], columns=LIMITS["columns"])
    except DecoderError as error:
        raise _refuse(field, _REFUSALS.get(error.reason) or told_of_limits(error)) from error
    return list(lines)


def _value(cell: Any) -> Any:
    match cell:
        case ["date", text]:
            return date.fromisoformat(text)
        case ["datetime", text]:
            return datetime.fromisoformat(text)
        case ["other", text]:
            return text
        case [special]:
            return _SPECIAL[special]
        case _:
            return cell


def _refuse(field: str, text: str | Message) -> InvalidInput:
    return InvalidInput({field: text}, N_("文件没有通过检查，什么都没有写入。"))


_REFUSALS: dict[str, str | Message] = {
    "damaged": N_("文件已损坏或被加密，无法读取。请用 Excel 打开后另存为 .xlsx 再上传。"),
    "no_text": N_("这既不是 Excel 文件，也不是 CSV 文本。请下载模板填写，保存为 .xlsx 或 .csv 再上传。"),
    "macros": N_("文件带有宏，请另存为不带宏的 .xlsx 再上传。"),
    "no_workbook": N_("这不是 Excel 文件。请下载模板填写，保存为 .xlsx 再上传。"),
    "unpacked": N_("文件解开后过大，请只保留人员表，另存后再上传。"),
    "entries": N_("文件里的部件过多，请只保留人员表，另存后再上传。"),
    "cells": Message(
        N_("第一张表的单元格超过 %(most)s 个（空白而有格式的也算），请删去多余的行和列，另存后再上传。"),
        most=f"{LIMITS['cells']:,}",
    ),
    "far": N_("表格中有离得很远的内容（第 10,000 行或第 100 列以外），请删除后再上传。"),
    "merged": N_("表格中合并的单元格过多，请取消合并后再上传。"),
}
