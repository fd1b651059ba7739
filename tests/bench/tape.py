"""Records the statements that reach the database driver, by transaction, and replays them without the application."""

from __future__ import annotations

import time
from typing import Any

import psycopg2
from psycopg2 import extensions
from sqlalchemy import event
from sqlalchemy.engine import Engine

PING = b"SELECT 1"  # the connection pool asks whether the server is there: not work, so no part of the floor
Transaction = list[bytes]


class Tape:
    """The transactions sent while ``is_on``, each statement with its values already in place; and what was prepared."""

    def __init__(self) -> None:
        self.is_on = False
        self.transactions: list[Transaction] = []
        self.prepared: dict[bytes, None] = {}
        self._open: Transaction = []

    def note(self, statement: bytes) -> None:
        if statement.startswith(b"PREPARE "):
            self.prepared[statement] = None  # once a connection, as the real path does
        elif self.is_on and statement.strip(b" ;") != PING:
            self._open.append(statement)

    def end(self, kept: bool) -> None:
        if self.is_on and self._open and kept:
            self.transactions.append(self._open)
        self._open = []


tape = Tape()


class _Cursor(extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:
        tape.note(self.mogrify(query, vars))
        super().execute(query, vars)

    def executemany(self, query: Any, vars_list: Any) -> None:
        for values in vars_list:
            self.execute(query, values)


class _Connection(extensions.connection):
    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        kwargs.setdefault("cursor_factory", _Cursor)
        return super().cursor(*args, **kwargs)

    def commit(self) -> None:
        super().commit()
        tape.end(kept=True)

    def rollback(self) -> None:
        super().rollback()
        tape.end(kept=False)


def record_connections() -> None:
    """Let every connection that this process opens from now on write to the tape."""

    @event.listens_for(Engine, "do_connect")
    def connect(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["connection_factory"] = _Connection


def play(dsn: str, prepared: list[bytes], transactions: list[Transaction]) -> list[float]:
    """Prepare, then send the transactions bare, one after the other, reading all answers; seconds of each."""
    connection = psycopg2.connect(dsn, options="-c timezone=UTC")
    seconds = []
    with connection.cursor() as cursor:
        for statement in prepared:
            cursor.execute(statement)
        connection.commit()
        for statements in transactions:
            began = time.perf_counter()
            for statement in statements:
                cursor.execute(statement)
                if cursor.description:
                    cursor.fetchall()
            connection.commit()
            seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds
