"""Statements that each connection plans once: on the hot path planning costs as much as executing.

Plain SQL is made a ``Prepared``; a select of rows carries ``PLAN_ONCE`` as its execution options.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ClauseElement, CursorResult, Engine, event, text
from sqlalchemy.dialects import postgresql

from service.models.db.session import session

PLAN_ONCE = {"plan_once": True}

_NAMED = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
_PLACE = re.compile(r"(?<![:\w]):(\w+)")
_SENT = re.compile(r"%\((\w+)\)s")

PREPARED: dict[str, str] = {}
"""Every prepared statement of this process: name to its PREPARE."""
_RENAMED: dict[str, str] = {}  # what SQLAlchemy would send, to the EXECUTE in its place


class Prepared:
    """A statement with ``:name`` places, known to PostgreSQL under ``name``; the types of the places are inferred there."""

    def __init__(self, name: str, statement: str | ClauseElement) -> None:
        sql = statement if isinstance(statement, str) else str(statement.compile(dialect=_NAMED))
        self.name = name
        self._places = frozenset(places := _prepare(name, sql, _PLACE))
        self._execute = text(f"EXECUTE {name} ({', '.join(f':{place}' for place in places)})")

    def execute(self, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Execute in the running transaction; a connection that does not know the statement yet is told first."""
        connection = session().connection()
        _tell(connection, self.name)
        return connection.execute(self._execute, {name: values[name] for name in self._places})


@event.listens_for(Engine, "before_cursor_execute", retval=True)
def _plan_once(connection: Any, _cursor: Any, sql: str, values: Any, context: Any, _many: bool) -> tuple[str, Any]:
    """Send EXECUTE for a statement with ``PLAN_ONCE``."""
    if context is None or "plan_once" not in context.execution_options:
        return sql, values
    execute = _RENAMED.get(sql)
    if execute is None:
        name = f"s{hashlib.sha256(sql.encode()).hexdigest()[:24]}"
        places = _prepare(name, sql, _SENT)
        execute = _RENAMED[sql] = f"EXECUTE {name} ({', '.join(f'%({place})s' for place in places)})"
    _tell(connection, execute.split(" ", 2)[1])
    return execute, values


def _prepare(name: str, sql: str, place: re.Pattern[str]) -> list[str]:
    """Note a statement under its name; its places in the order of their numbers."""
    places = list(dict.fromkeys(place.findall(sql)))
    numbered = place.sub(lambda found: f"${places.index(found[1]) + 1}", sql)
    PREPARED[name] = f"PREPARE {name} AS {numbered}"
    return places


def _tell(connection: Any, name: str) -> None:
    known: set[str] = connection.info.setdefault("prepared", set())
    if name not in known:
        with connection.connection.cursor() as cursor:
            cursor.execute(PREPARED[name])
        known.add(name)
