"""Worksheets: a row a task, the form's fields as columns. The page of every work on many (macro ``sheet.html``)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import request, send_file
from flask.typing import ResponseReturnValue

from service import forms
from service.errors import N_, Message
from service.infrastructure.translation import translate
from service.infrastructure.xlsx import XLSX, Head, Sheet
from service.models.db.ids import new_id
from service.web.presenters.formatting import spell
from service.web.shell import query_params
from service.workflow.runtime.bulk_completion import RowResult
from service.workflow.runtime.worksheet_file import NAME, NUMBER, CellReader, SheetRow, read_filled
from service.workflow.xlsx_reader import MAX_FILE_BYTES

MAX_ROWS = 500  # rows of one submission
NAMED = 3  # of those that were done, told by name
TYPES = frozenset(("textfield", "textarea", "number", "select", "radio", "checkbox", "datetime"))


@dataclass(slots=True)
class Filling:
    """The cells of a sheet by task, the rows that were refused, and those that an import left out."""

    typed: dict[UUID, dict[str, str]] = field(default_factory=dict)
    refused: dict[UUID, RowResult] = field(default_factory=dict)
    taken: int | None = None  # rows read from a file; None when there was none
    left_out: list[Message] = field(default_factory=list)

    def gone(self, shown: Iterable[UUID]) -> list[Message | None]:
        """Reasons of refused rows that the sheet does not show any more."""
        return [result.message for task_id, result in self.refused.items() if task_id not in set(shown)]


def columns_of(form: bytes | None) -> tuple[forms.Field, ...]:
    """The columns of a form's sheet; none for a form whose fields a cell cannot hold."""
    found = tuple(f for f in forms.fields(form) if f.key and not f.readonly) if form else ()
    return found if all(f.type in TYPES and not f.options_key and f.subtype in ("", "date") for f in found) else ()


def read_rows(columns: Sequence[forms.Field]) -> list[tuple[UUID, Mapping[str, str]]]:
    """The rows of a sent sheet in which something was typed, as fields of the form."""
    typed = read_typed(columns)
    return [(task_id, typed[task_id]) for task_id in typed if typed[task_id]]


def read_typed(columns: Sequence[forms.Field]) -> dict[UUID, dict[str, str]]:
    """Read the cells of the sent sheet, by task."""
    read = CellReader(columns, spell)
    return {
        task_id: read.fields({c.key: request.form.get(f"{c.key}_{task_id}", "").strip() for c in columns})
        for task_id in query_params.chosen("task", MAX_ROWS)
    }


def read_import(columns: Sequence[forms.Field], rows: Sequence[SheetRow]) -> Filling:
    """Fill a sheet from the uploaded file, over what was typed. Raises InvalidInput at ``file``."""
    upload = request.files.get("file")
    with upload.stream if upload else BytesIO() as stream:
        found = read_filled(stream.read(MAX_FILE_BYTES + 1), columns, rows, spell)
    return Filling(read_typed(columns) | found.typed, taken=len(found.typed), left_out=found.left_out)


def send_template(
    title: str, columns: Sequence[forms.Field], facts: Sequence[str], rows: Iterable[tuple[SheetRow, Sequence[Any]]]
) -> ResponseReturnValue:
    """Send the sheet to be filled in elsewhere: a row a person with the facts, the columns empty."""
    heads = [Head(translate(NAME)), Head(translate(NUMBER), width=22)]
    heads += [Head(translate(word), width=24) for word in facts]
    heads += [Head(translate(c.label), width=18, choices=tuple(translate(o.label) for o in c.options)) for c in columns]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        with Sheet(path, translate(title), (), heads) as sheet:
            sheet.add([row.name, row.number, *map(translate, more)] for row, more in rows)
        content = BytesIO(path.read_bytes())
    return send_file(content, mimetype=XLSX, as_attachment=True, download_name=f"{translate(title)}.xlsx")


def submission() -> UUID:
    """Sent twice (by a second click, a lost answer), a sheet is done once."""
    return query_params.sent_id(request.form.get("submission") or str(new_id()))


def done(
    subjects: Mapping[UUID, str], task_ids: Sequence[UUID], said: str = N_("已办理 %(n)s 条：%(names)s。")
) -> Message:
    """Say whose rows were done: the first by name."""
    names = [subjects[task_id] for task_id in task_ids if task_id in subjects]
    first = "、".join(names[:NAMED])
    return Message(said, n=len(task_ids), names=f"{first}…" if len(names) > NAMED else first)
