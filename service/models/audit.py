"""What happened: the one history of rows, audit events outside cases, and guarded attempts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Index, String, delete, event, func, insert, inspect, select, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import LoaderCallableStatus, Mapped, Session, mapped_column

from service.models.base import Base, Cause, Tracked, current_cause, new_id, now, session


class RowChange(Base):
    """One change of one business row: before and after of the changed columns, personal values by reference only."""

    __tablename__ = "row_change"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    use_case: Mapped[str] = mapped_column(String(60))
    actor_id: Mapped[UUID | None]
    behalf_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    seq: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(6))
    table_name: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[UUID]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    __table_args__ = (
        Index(None, "row_id", "at"),
        Index(None, "case_id", "seq"),
        Index("ix_row_change_person", "at", "id", postgresql_where=text("table_name = 'person' AND kind = 'update'")),
    )

    @staticmethod
    def of(row_id: UUID) -> list[RowChange]:
        """The history of one row, oldest first."""
        query = select(RowChange).where(RowChange.row_id == row_id).order_by(RowChange.at, RowChange.id)
        return list(session().scalars(query))


class AuditEvent(Base):
    """Something outside a case that must be remembered: a sign-in, a look at a full number, an export, a denial."""

    __tablename__ = "audit_event"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    organisation_id: Mapped[UUID | None]
    source: Mapped[str | None] = mapped_column(INET)
    action: Mapped[str] = mapped_column(String(60), index=True)
    object_type: Mapped[str | None] = mapped_column(String(40))
    object_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(String(20), default="ok")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class Attempt(Base):
    """A failed or counted attempt, so that several web processes share one limit (5 in 15 minutes for sign-in)."""

    __tablename__ = "attempt"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(120))
    __table_args__ = (Index(None, "kind", "key", "at"),)

    @staticmethod
    def count(kind: str, key: str, within: timedelta) -> int:
        """How many attempts of this kind and key were made in the last ``within``."""
        query = select(func.count()).select_from(Attempt)
        query = query.where(Attempt.kind == kind, Attempt.key == key, Attempt.at > now() - within)
        return session().scalar(query) or 0

    @staticmethod
    def instants(kind: str, key: str, within: timedelta) -> list[datetime]:
        """When attempts of this kind and key were made in the last ``within``, oldest first."""
        query = select(Attempt.at).where(Attempt.kind == kind, Attempt.key == key, Attempt.at > now() - within)
        return list(session().scalars(query.order_by(Attempt.at)))

    @staticmethod
    def forget(kind: str, key: str) -> None:
        """Begin the count of this key anew."""
        session().execute(delete(Attempt).where(Attempt.kind == kind, Attempt.key == key))


Values = dict[str, Any] | None


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, bytes):
        return f"sealed:{len(value)}"
    return value


def _changed(row: Tracked) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changed columns of a row, before and after."""
    state = inspect(row)
    columns = state.mapper.column_attrs
    before, after = {}, {}
    for key, old in state.committed_state.items():
        new = state.dict.get(key)
        if key not in columns or old == new:
            continue
        was = None if old is LoaderCallableStatus.NO_VALUE else old
        before[key], after[key] = shown(row.__hidden__, key, was), shown(row.__hidden__, key, new)
    return before, after


def shown(hidden: frozenset[str], key: str, value: Any) -> Any:
    """A value as the history tells it: personal ones (of the ``hidden`` columns) by reference only."""
    return "hidden" if key in hidden and value is not None else _plain(value)


def _inserted(row: Tracked) -> dict[str, Any]:
    """The columns of a new row that hold something."""
    columns = inspect(row).mapper.column_attrs
    return {
        key: shown(row.__hidden__, key, value)
        for key, value in inspect(row).dict.items()
        if key in columns and value is not None
    }


def _whole(row: Tracked) -> dict[str, Any]:
    """Every column of a row that goes, but the hidden ones."""
    columns = (a.key for a in inspect(row).mapper.column_attrs)
    return {key: _plain(getattr(row, key)) for key in columns if key not in row.__hidden__}


@event.listens_for(Session, "before_flush")
def _collect_history(current: Session, _context: Any, _instances: Any) -> None:
    """Turn every pending change of a business row into a ``row_change`` (the one history of rows)."""
    changes: list[tuple[str, Tracked, Values, Values]] = []
    for row in current.new:
        if isinstance(row, Tracked):
            row.id = row.id or new_id()
            changes.append(("insert", row, None, _inserted(row)))
    for row in current.dirty:
        if isinstance(row, Tracked) and current.is_modified(row, include_collections=False):
            changes.append(("update", row, *_changed(row)))
            row.version += 1
            row.updated_at = now()
    changes += [("delete", row, _whole(row), None) for row in current.deleted if isinstance(row, Tracked)]
    if changes:
        cause = current_cause()
        current.info.setdefault("history", []).extend(_row_change(cause, *change) for change in changes)


@event.listens_for(Session, "after_flush")
def _write_history(current: Session, _context: Any) -> None:
    """Write what was collected in one statement; as objects of the session the rows would cost several times as much."""
    rows = current.info.pop("history", None)
    if rows and (kept := _kept.get()) is not None:
        kept.extend(rows)
    elif rows:
        current.connection().execute(insert(RowChange), rows)


_kept: ContextVar[list[dict[str, Any]] | None] = ContextVar(
    "history that is written by another statement", default=None
)


@contextmanager
def kept_history() -> Iterator[list[dict[str, Any]]]:
    """Inside the block the history of rows is kept, one mapping a ``row_change``: the caller writes it with his own statement.

    When the block is left by an exception it is dropped, as the transaction or savepoint of the rows is.
    """
    rows: list[dict[str, Any]] = []
    mark = _kept.set(rows)
    try:
        yield rows
    finally:
        _kept.reset(mark)


def _row_change(cause: Cause, kind: str, row: Tracked, before: Values, after: Values) -> dict[str, Any]:
    return {
        "id": new_id(), "at": now(), "use_case": cause.use_case, "actor_id": cause.actor_id, "behalf_id": cause.behalf_id,
        "case_id": cause.case_id, "seq": cause.seq, "kind": kind, "table_name": row.__tablename__, "row_id": row.id,
        "before": before, "after": after,
    }  # fmt: skip
