"""One history of rows: a listener writes a ``row_change`` for every audited row of a transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import LoaderCallableStatus, Session

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.tracked import Audited
from service.models.db.transaction import Operation, current_operation
from service.models.tables.audit import RowChange, Values


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, UUID)):
        return str(value)
    if isinstance(value, bytes):
        return f"sealed:{len(value)}"
    return value


def _changed(row: Audited) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changed columns of a row, before and after."""
    state = inspect(row)
    columns = state.mapper.column_attrs
    before, after = {}, {}
    for key, old in state.committed_state.items():
        new = state.dict.get(key)
        if key not in columns or old == new:
            continue
        was = None if old is LoaderCallableStatus.NO_VALUE else old
        before[key], after[key] = shown(row.__redacted__, key, was), shown(row.__redacted__, key, new)
    return before, after


def shown(hidden: frozenset[str], key: str, value: Any) -> Any:
    """A value as the history tells it: personal ones (of the ``hidden`` columns) by reference only."""
    return "hidden" if key in hidden and value is not None else _plain(value)


def _inserted(row: Audited) -> dict[str, Any]:
    """The columns of a new row that hold something."""
    columns = inspect(row).mapper.column_attrs
    return {
        key: shown(row.__redacted__, key, value)
        for key, value in inspect(row).dict.items()
        if key in columns and value is not None
    }


def _whole(row: Audited) -> dict[str, Any]:
    """Every column of a row that goes, but the hidden ones."""
    columns = (a.key for a in inspect(row).mapper.column_attrs)
    return {key: _plain(getattr(row, key)) for key in columns if key not in row.__redacted__}


@event.listens_for(Session, "before_flush")
def _collect_history(current: Session, _context: Any, _instances: Any) -> None:
    """Turn every pending change of a business row into a ``row_change`` (the one history of rows)."""
    changes: list[tuple[str, Audited, Values, Values]] = []
    for row in current.new:
        if isinstance(row, Audited):
            row.id = row.id or new_id()
            changes.append(("insert", row, None, _inserted(row)))
    for row in current.dirty:
        if isinstance(row, Audited) and current.is_modified(row, include_collections=False):
            changes.append(("update", row, *_changed(row)))
            row.version += 1
            row.updated_at = now()
    changes += [("delete", row, _whole(row), None) for row in current.deleted if isinstance(row, Audited)]
    if changes:
        cause = current_operation()
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
def buffered_history() -> Iterator[list[dict[str, Any]]]:
    """Inside the block the history of rows is kept, one mapping a ``row_change``: the caller writes it with his own statement.

    When the block is left by an exception it is dropped, as the transaction or savepoint of the rows is.
    """
    rows: list[dict[str, Any]] = []
    mark = _kept.set(rows)
    try:
        yield rows
    finally:
        _kept.reset(mark)


def _row_change(cause: Operation, kind: str, row: Audited, before: Values, after: Values) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": now(),
        "use_case": cause.use_case,
        "actor_id": cause.actor_id,
        "behalf_id": cause.behalf_id,
        "case_id": cause.case_id,
        "seq": cause.seq,
        "kind": kind,
        "table_name": row.__tablename__,
        "row_id": row.id,
        "before": before,
        "after": after,
    }
