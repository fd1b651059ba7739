"""What the database holds, as a whole: to compare before and after, and to look for a text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import select, text

from service.models.db.session import Base, session

OF_THE_DOOR = frozenset({"attempt", "account_session"})
"""Tables that every request may write, refused ones too: guesses, and when a session was last used."""


def digests() -> dict[str, str]:
    """A digest of the rows of every table, but for those of the door."""
    session().rollback()
    names = [table.name for table in Base.metadata.sorted_tables if table.name not in OF_THE_DOOR]
    rows = "SELECT '{0}' AS name, md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) AS digest FROM {0} t"
    found = session().execute(text(" UNION ALL ".join(rows.format(name) for name in names)))
    return {row.name: row.digest for row in found}


def texts_with(pattern: re.Pattern[str]) -> dict[str, str]:
    """The tables that hold a text anywhere, in encrypted columns too, each with such a text."""
    session().rollback()
    found = {}
    for table in Base.metadata.sorted_tables:
        for row in session().execute(select(table)):
            for text_ in _texts_of(list(row)):
                if pattern.search(text_):
                    found[table.name] = text_[:200]
    return found


def _texts_of(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from (str(key), *_texts_of(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts_of(inner)
