"""Search by name, for every list: by characters, pinyin and initials, however the name is written (R81)."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import ColumnElement, and_, cast, false, func, or_
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, TSQUERY

from service.domain.values.names import fold
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation


def named(table: type[Person] | type[Organisation], text: str) -> ColumnElement[bool]:
    """Test whether ``text`` stands in the name, or begins its pinyin (with or without blanks) or its initials."""
    folded = fold(text)
    if not folded:
        return false()
    found = contains(table.folded_name, folded)
    word = re.sub(r"[^a-z0-9]", "", folded.replace("ü", "v"))
    if (not folded.isascii() and "ü" not in folded) or not word:
        return found
    words = func.array_to_tsvector(func.string_to_array(table.spelling, " "))
    return or_(found, words.op("@@")(cast(f"'{word}':*", TSQUERY)))


def contains(column: Any, text: str) -> ColumnElement[bool]:
    """Test for ``text`` in a column; the index on its single characters finds the candidates."""
    characters = func.string_to_array(column, None)
    return and_(characters.op("@>")(cast(sorted(set(text)), ARRAY(TEXT))), column.contains(text, autoescape=True))
