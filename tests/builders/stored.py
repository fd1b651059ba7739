"""The database as a whole, to compare it before and after."""

from __future__ import annotations

from sqlalchemy import text

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
