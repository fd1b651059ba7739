"""Statements that each connection plans once: on the hot path planning costs as much as executing.

psycopg2 has no prepared statements, so they are PREPAREd and EXECUTEd in SQL: ``PreparedStatement`` gives
plain rows, ``execute_prepared`` and ``get_prepared`` mapped ones.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Engine, Result, Select, event, text
from sqlalchemy.dialects.postgresql import psycopg2

from service.models.db.session import Base, session

Row = TypeVar("Row", bound=Base)

_OPTION = "is_prepared"
_DIALECT = psycopg2.dialect()  # type: ignore[no-untyped-call]


class PreparedStatement:
    """A statement, as SQL with ``:name`` places or as a select, known to PostgreSQL under ``name``;
    the types of the places are inferred there.
    """

    def __init__(self, name: str, statement: str | Select[*tuple[Any, ...]]) -> None:
        self.name = name
        clause = text(statement) if isinstance(statement, str) else statement
        self._prepare, self._places = _number_places(name, str(clause.compile(dialect=_DIALECT)))
        self._execute = f"EXECUTE {name} ({', '.join(f'%({place})s' for place in self._places)})"

    def execute(self, values: Mapping[str, Any]) -> Result[Any]:
        """Execute in the running transaction; what is not among the places is not sent."""
        connection = session().connection()
        _prepare_once(connection, self.name, self._prepare)
        return connection.exec_driver_sql(self._execute, {place: values[place] for place in self._places})


def execute_prepared(statement: Select[*tuple[Any, ...]], values: Mapping[str, Any]) -> Result[Any]:
    """Execute a select whose text is always the same, planned once by each connection."""
    return session().execute(statement, values, execution_options={_OPTION: True})


def get_prepared(table: type[Row], key: UUID) -> Row:
    """The row with this key,
    from the session or by a select that each connection plans once; raises if there is none.
    """
    return session().get_one(table, key, execution_options={_OPTION: True})


def register() -> None:
    """Send EXECUTE in the place of the selects of ``execute_prepared`` and ``get_prepared``."""
    event.listen(Engine, "before_cursor_execute", _send_execute, retval=True)


_EXECUTES: dict[str, tuple[str, str, str]] = {}  # by what SQLAlchemy would send: name, PREPARE, EXECUTE


def _send_execute(connection: Any, _cursor: Any, sql: str, values: Any, context: Any, _many: bool) -> tuple[str, Any]:
    if context is None or _OPTION not in context.execution_options:
        return sql, values
    if sql not in _EXECUTES:
        name = f"s{hashlib.sha256(sql.encode()).hexdigest()[:24]}"
        prepare, places = _number_places(name, sql)
        _EXECUTES[sql] = name, prepare, f"EXECUTE {name} ({', '.join(f'%({place})s' for place in places)})"
    name, prepare, execute = _EXECUTES[sql]
    _prepare_once(connection, name, prepare)
    return execute, values


class _Numbers(dict[str, str]):
    """Names of places to ``$1``, ``$2`` … in the order in which they are asked for."""

    def __missing__(self, place: str) -> str:
        self[place] = f"${len(self) + 1}"
        return self[place]


def _number_places(name: str, sql: str) -> tuple[str, list[str]]:
    """The PREPARE of a statement with ``%(name)s`` places, and the places in the order of their numbers."""
    numbers = _Numbers()
    numbered = sql % numbers
    return f"PREPARE {name} AS {numbered}", list(numbers)


def _prepare_once(connection: Any, name: str, prepare: str) -> None:
    """Tell a connection a statement that it does not know yet."""
    known: set[str] = connection.info.setdefault("prepared", set())
    if name not in known:
        with connection.connection.cursor() as cursor:
            cursor.execute(prepare)
        known.add(name)
