"""Limits of waiting, asking, resting and holding for a connection, by the kind of program that it works for.

Without them one row that somebody holds, and as many requests for it as there are threads, stop every page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event

TRANSACTION_TIMEOUT_SINCE = 170000  # PostgreSQL 17; an earlier one refuses the name


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Whole seconds, 0 for none: waiting for one lock, one statement, resting in a transaction, a whole transaction."""

    lock: int
    statement: int
    idle_in_transaction: int
    transaction: int

    def settings(self) -> dict[str, str]:
        """Parameters of a connection that every server knows."""
        return {
            "lock_timeout": f"{self.lock}s",
            "statement_timeout": f"{self.statement}s",
            "idle_in_transaction_session_timeout": f"{self.idle_in_transaction}s",
        }


PAGE = TimeLimits(lock=5, statement=30, idle_in_transaction=30, transaction=60)
"""A request: somebody waits for it, and holds a thread meanwhile."""

JOB = TimeLimits(lock=15, statement=300, idle_in_transaction=300, transaction=900)
"""A job of the worker: it is tried again."""

COMMAND = TimeLimits(lock=60, statement=0, idle_in_transaction=0, transaction=0)
"""A command at a terminal: whoever typed it can end it."""

MIGRATION = TimeLimits(lock=4, statement=0, idle_in_transaction=0, transaction=0)
"""A change of tables: requests queue behind the lock that it waits for, so it waits shortly and comes again."""


def limit_transactions(engine: Engine, limits: TimeLimits) -> None:
    """Limit whole transactions on each new connection, where the server can."""

    def limit(connection: Any, _record: Any) -> None:
        if connection.server_version < TRANSACTION_TIMEOUT_SINCE:
            return
        with connection.cursor() as cursor:
            cursor.execute(f"SET transaction_timeout = '{limits.transaction}s'")
        connection.commit()

    event.listen(engine, "connect", limit)
