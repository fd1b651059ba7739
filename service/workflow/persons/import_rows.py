"""The rows of an import: how each is judged by the rules of the form, and how they and their faults are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from service.domain.persons import persons
from service.errors import InvalidInput, Message
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person_import import PersonImport
from service.workflow.persons.import_sheet import Row
from service.workflow.persons.photos import CleanPhoto
from service.workflow.row_refusal import refusal_of
from service.workflow.xlsx_reader import Line, RawLines, lines_of

Wrong = dict[str, dict[str, Message]]
"""Row number, as text → field (or '' for the row) → why."""
Photos = Mapping[int, CleanPhoto]
"""Row number → the photo that came for it."""


def save_all(
    user: User, rows: Sequence[Row], save: Callable[..., Any], declared: bool = False, photos: Photos | None = None
) -> Wrong:
    """Save each row inside a savepoint of its own; what was refused, and why. declared: ask for the declaration too."""
    known = photos or {}
    wrong: Wrong = {}
    for row in rows:
        fields: dict[str, Message] = {}
        try:
            with session().begin_nested():
                save(user, None, row.raw, known.get(row.number))
        except Exception as error:
            refused = refusal_of(error, "import_persons")
            fields |= refused.fields or {"": refused.message}
        if declared:
            fields |= _undeclared(row.raw)
        if fields:
            wrong[str(row.number)] = fields
    return wrong


def _undeclared(raw: Mapping[str, str]) -> dict[str, Message]:
    """Refuse what submitting asks beyond saving (R20)."""
    try:
        persons.check_declaration(bool(raw.get("no_criminal_record")))
    except InvalidInput as invalid:
        return dict(invalid.fields)
    return {}


def merge(wrong: Wrong, more: Wrong) -> Wrong:
    """Join faults; those of the cells come before those that the rules find."""
    for number, fields in more.items():
        wrong[number] = {**fields, **wrong.get(number, {})}
    return wrong


def wrong_to_json(wrong: Wrong) -> dict[str, dict[str, list[Any]]]:
    """Faults as JSON."""
    return {number: {field: message.to_json() for field, message in fields.items()} for number, fields in wrong.items()}


def wrong_from_json(row: PersonImport) -> Wrong:
    """Faults by row number and field."""
    return {
        number: {field: Message.from_json(packed) for field, packed in fields.items()}
        for number, fields in row.wrong.items()
    }


def dump_rows(rows: Sequence[Row], strangers: Sequence[str] = ()) -> str:
    """The rows without what is wrong with them, as JSON; with the names of the photos that belong to none of them."""
    kept = [{key: value for key, value in asdict(row).items() if key != "wrong"} for row in rows]
    return json.dumps({"rows": kept, "strangers": list(strangers)}, ensure_ascii=False)


def rows_of(row: PersonImport) -> list[Row]:
    """The rows of the file while they are kept, with what is wrong; [] afterwards."""
    wrong = wrong_from_json(row)
    kept = _load(row)["rows"]
    return [Row(**one, wrong=wrong.get(str(one["number"]), {})) for one in kept]


def strangers_of(row: PersonImport) -> list[str]:
    """The names of the photos that belong to no row, while the rows are kept."""
    return [str(name) for name in _load(row)["strangers"]]


def dump_sheet(raw: RawLines) -> str:
    """A sheet whose columns are still to be assigned, as JSON."""
    return json.dumps({"sheet": raw, "rows": [], "strangers": []}, ensure_ascii=False)


def sheet_of(row: PersonImport) -> list[Line]:
    """The sheet while its columns are still to be assigned; [] before and afterwards."""
    return lines_of(_load(row).get("sheet", []))


def _load(row: PersonImport) -> dict[str, list[Any]]:
    """Read what ``dump_rows`` wrote.

    An import from before there were photos has the rows alone; it is gone a day later.
    """
    found = json.loads(row.content) if row.content else []
    return {"rows": found, "strangers": []} if isinstance(found, list) else found
