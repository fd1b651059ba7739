"""``transaction()``: the one place where a use case is committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import event
from sqlalchemy.orm import Session

from service.models.db.session import session


@dataclass(slots=True)
class Operation:
    """Why rows change: the use case, who acts (None: the system), for whom, and the case and its journal row if any."""

    use_case: str
    actor_id: UUID | None = None
    behalf_id: UUID | None = None
    case_id: UUID | None = None
    seq: int | None = None


_cause: ContextVar[Operation | None] = ContextVar("cause", default=None)


@contextmanager
def transaction(cause: Operation) -> Iterator[Session]:
    """One use case: everything written inside is committed together, or nothing is.

    Every change of a business row (``Tracked``) leaves one ``row_change``. A nested call joins the outer one.
    """
    current = session()
    if _cause.get() is not None:
        yield current
        return
    expire_session()
    mark, kept = _cause.set(cause), _read.set([])
    try:
        yield current
        current.commit()
    except BaseException:
        current.rollback()
        raise
    finally:
        _read.reset(kept)
        _cause.reset(mark)


_read: ContextVar[list[object] | None] = ContextVar("rows read in this transaction", default=None)


@event.listens_for(Session, "loaded_as_persistent")
def _hold_row(_session: Session, row: object) -> None:
    """Keep what a transaction has read until it ends: the session's own map is weak, and each topic would read anew."""
    if (rows := _read.get()) is not None:
        rows.append(row)


def expire_session() -> None:
    """What was read before counts no more: called where a transaction begins and where a case is locked.

    After it the identity map serves: a row that a handler has read costs ``describe`` nothing.
    """
    current = session()
    current.flush()
    current.info.pop("addresses", None)
    for row in current.identity_map.values():
        if not getattr(row, "__survives_commit__", False):
            current.expire(row)


def current_operation() -> Operation:
    """The cause of the running transaction; a change outside a transaction is a programming error."""
    cause = _cause.get()
    if cause is None:
        raise RuntimeError("a row was changed outside transaction()")
    return cause
