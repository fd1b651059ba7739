"""Statements that each connection plans once: on the hot path planning costs as much as executing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, CursorResult, text
from sqlalchemy.dialects import postgresql

from service.models.base import session

_NAMED = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_PLACE = re.compile(r"(?<![:\w]):(\w+)")

PREPARED: dict[str, str] = {}
"""Every prepared statement of this process: name to its PREPARE."""


class Prepared:
    """A statement with ``:name`` places, known to PostgreSQL under ``name``; the types of the places are inferred there."""

    def __init__(self, name: str, statement: str | ClauseElement) -> None:
        sql = statement if isinstance(statement, str) else str(statement.compile(dialect=_NAMED))
        self.name = name
        places = list(dict.fromkeys(_PLACE.findall(sql)))
        numbered = _PLACE.sub(lambda found: f"${places.index(found[1]) + 1}", sql)
        PREPARED[name] = f"PREPARE {name} AS {numbered}"
        self._places = frozenset(places)
        self._execute = text(f"EXECUTE {name} ({', '.join(f':{place}' for place in places)})")

    def execute(self, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute in the running transaction; a connection that does not know the statement yet is told first."""
        connection = session().connection()
        known: set[str] = connection.info.setdefault("prepared", set())
        if self.name not in known:
            connection.exec_driver_sql(PREPARED[self.name])
            known.add(self.name)
        return connection.execute(self._execute, {name: values[name] for name in self._places})
