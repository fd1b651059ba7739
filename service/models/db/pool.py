"""Connections of the pool: one that lay idle is asked whether it still lives before it is handed out."""

from __future__ import annotations

import time
from typing import Any

from psycopg2 import Error
from sqlalchemy import event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import Pool

IDLE_SECONDS = 5.0  # asking at every checkout would be a round trip for each request


def register() -> None:
    """Ask the connections of every pool of this process."""
    event.listen(Pool, "checkin", _note_return)
    event.listen(Pool, "checkout", _ask_idle)


def _note_return(_connection: Any, record: Any) -> None:
    record.info["returned"] = time.monotonic()


def _ask_idle(connection: Any, record: Any, _proxy: Any) -> None:
    """Raises DisconnectionError for a dead connection: the pool then opens another."""
    returned = record.info.get("returned")
    if returned is None or time.monotonic() - returned < IDLE_SECONDS:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        connection.rollback()
    except Error as dead:
        raise DisconnectionError from dead
