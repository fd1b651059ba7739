"""The unit of work: SQLAlchemy's session, which also knows why rows change and what is remembered until it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg2
from flask_sqlalchemy.session import Session
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

CONNECTION_ENDED = (DBAPIError, psycopg2.Error)


@dataclass(slots=True)
class Operation:
    """The reason why rows change. actor_id: None for the system; case_id,
    seq: of the case and its journal row, if any.
    """

    use_case: str
    actor_id: UUID | None = None
    behalf_id: UUID | None = None
    case_id: UUID | None = None
    seq: int | None = None


class UnitOfWork(Session):
    """The session of a request, command or job, with one transaction after another.

    operation: of the running transaction, None outside one. rows_read: what a transaction has read, held until it ends:
    the identity map is weak, and each topic of a step would read again. inbox_addresses: by account, until rows expire.
    pending_history: one mapping a ``row_change``, of the running flush; history_buffer: collects them in its place
    while somebody else writes them.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.operation: Operation | None = None
        self.rows_read: list[object] = []
        self.inbox_addresses: dict[UUID, list[tuple[UUID, str]]] = {}
        self.pending_history: list[dict[str, Any]] = []
        self.history_buffer: list[dict[str, Any]] | None = None
        self._engine = self._db.engine

    def get_bind(self, *_tables: Any, bind: Any = None, **_more: Any) -> Any:
        """Return the one engine there is: Flask-SQLAlchemy would choose one by the tables of each statement."""
        return self._engine if bind is None else bind

    @contextmanager
    def run(self, operation: Operation) -> Iterator[None]:
        """Commit what is written inside, or nothing of it; inside another operation be part of that one."""
        if self.operation is not None:
            yield
            return
        self.expire_rows()
        self.operation = operation
        try:
            yield
            self.commit()
        except BaseException:
            with suppress(*CONNECTION_ENDED):  # what ended the connection is what there is to tell
                self.rollback()
            raise
        finally:
            self.operation = None
            self.rows_read.clear()

    def expire_rows(self) -> None:
        """Forget what was read before, except rows that stay good (``__survives_commit__``)."""
        self.flush()
        self.inbox_addresses.clear()
        for row in self.identity_map.values():
            if not getattr(row, "__survives_commit__", False):
                self.expire(row)

    @contextmanager
    def buffered_history(self) -> Iterator[list[dict[str, Any]]]:
        """Collect the history of rows inside the block: the caller writes it with a statement of its own.

        When the block is left by an exception it is dropped, as the transaction or savepoint of the rows is.
        """
        before, self.history_buffer = self.history_buffer, []
        try:
            yield self.history_buffer
        finally:
            self.history_buffer = before


def register() -> None:
    """Hold the rows that a transaction reads."""
    event.listen(UnitOfWork, "loaded_as_persistent", _hold_row)


def _hold_row(unit: UnitOfWork, row: object) -> None:
    if unit.operation is not None:
        unit.rows_read.append(row)
