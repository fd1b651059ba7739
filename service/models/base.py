"""The database handle, ids, the clock, and ``transaction()``: the one place where a use case is committed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, MetaData, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry

CHINA = ZoneInfo("Asia/Shanghai")


class Base(DeclarativeBase):
    """Root of all tables. Instants are aware and UTC; civil dates are Asia/Shanghai."""

    registry = registry(
        type_annotation_map={datetime: DateTime(timezone=True)},
        metadata=MetaData(
            naming_convention={
                "ix": "ix_%(table_name)s_%(column_0_N_name)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_N_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
    )
    __is_lasting__ = False  # whether a loaded row is still good in the next transaction (who is signed in)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def session() -> Session:
    """The session of the running request, command or job."""
    return db.session()


def new_id() -> UUID:
    """A UUIDv7: sortable by the millisecond of its making, 74 random bits (RFC 9562)."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | (0x7 << 76) | (int.from_bytes(os.urandom(2), "big") & 0xFFF) << 64
    value |= (0b10 << 62) | (int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1))
    return UUID(int=value)


class Clock:
    """Where the time comes from. Tests and the demonstration put another one in place with ``use_clock``."""

    def now(self) -> datetime:
        """The present instant, UTC, in whole milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class MovingClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime) -> None:
        self.instant = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self.instant

    def move(self, by: timedelta) -> None:
        """Go on by ``by`` (not negative)."""
        self.instant += by

    def move_to(self, at: datetime) -> None:
        """Go on to ``at``; never backwards."""
        self.instant = max(self.instant, at.astimezone(UTC))


_system_clock = Clock()
_clock: Clock = _system_clock


@contextmanager
def use_clock(clock: Clock) -> Iterator[Clock]:
    """Let every thread of this process read ``clock`` inside the block."""
    global _clock
    before, _clock = _clock, clock
    try:
        yield clock
    finally:
        _clock = before


def now() -> datetime:
    """The present instant, UTC."""
    return _clock.now()


def today() -> date:
    """The civil date in Asia/Shanghai: the server date of the rules (R22)."""
    return _clock.now().astimezone(CHINA).date()


@dataclass(slots=True)
class Cause:
    """Why rows change: the use case, who acts (None: the system), for whom, and the case and its journal row if any."""

    use_case: str
    actor_id: UUID | None = None
    behalf_id: UUID | None = None
    case_id: UUID | None = None
    seq: int | None = None


_cause: ContextVar[Cause | None] = ContextVar("cause", default=None)


@contextmanager
def transaction(cause: Cause) -> Iterator[Session]:
    """One use case: everything written inside is committed together, or nothing is.

    Every change of a business row (``Tracked``) leaves one ``row_change``. A nested call joins the outer one.
    """
    current = session()
    if _cause.get() is not None:
        yield current
        return
    forget_rows()
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


def forget_rows() -> None:
    """What was read before counts no more: called where a transaction begins and where a case is locked.

    After it the identity map serves: a row that a handler has read costs ``describe`` nothing.
    """
    current = session()
    current.flush()
    current.info.pop("addresses", None)
    for row in current.identity_map.values():
        if not getattr(row, "__is_lasting__", False):
            current.expire(row)


def current_cause() -> Cause:
    """The cause of the running transaction; a change outside a transaction is a programming error."""
    cause = _cause.get()
    if cause is None:
        raise RuntimeError("a row was changed outside transaction()")
    return cause


class Tracked:
    """A business row: who changed it and when stands in ``row_change``. ``version`` counts changes (optimistic lock)."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(default=now)
    updated_at: Mapped[datetime] = mapped_column(default=now)
    version: Mapped[int] = mapped_column(default=1)

    __tablename__: str
    __hidden__: frozenset[str] = frozenset()  # columns whose values the history names only by reference
