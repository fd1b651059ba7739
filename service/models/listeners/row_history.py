"""One history of rows: a listener writes a ``row_change`` for every audited row of a transaction."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import LoaderCallableStatus, Mapper

from service.models.db.clock import now
from service.models.db.encryption import EncryptedBytes, EncryptedText
from service.models.db.ids import new_id
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.db.unit_of_work import Operation, UnitOfWork
from service.models.tables.audit import RowChange, Values


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, (date, UUID)):
        return str(value)
    return value


@cache
def column_names(mapper: Mapper[Any]) -> dict[str, str]:
    """The column of each attribute."""
    return {attribute.key: str(attribute.columns[0].name) for attribute in mapper.column_attrs}


@cache
def redacted_columns(mapper: Mapper[Any]) -> frozenset[str]:
    """Columns whose values the history names only by reference: the encrypted ones,
    and what the table names besides.
    """
    types = (EncryptedBytes, EncryptedText)
    named: frozenset[str] = mapper.class_.__redacted__
    return named | {column.name for column in mapper.columns if isinstance(column.type, types)}


def redact(mapper: Mapper[Any], column: str, value: Any) -> Any:
    """A value as the history tells it."""
    return "hidden" if column in redacted_columns(mapper) and value is not None else _plain(value)


def _changed(row: Audited) -> tuple[dict[str, Any], dict[str, Any]]:
    """The changed columns of a row, before and after."""
    state = inspect(row)
    names = column_names(state.mapper)
    before, after = {}, {}
    for key, old in state.committed_state.items():
        new = state.dict.get(key)
        if key not in names or old == new:
            continue
        name, was = names[key], None if old is LoaderCallableStatus.NO_VALUE else old
        before[name], after[name] = redact(state.mapper, name, was), redact(state.mapper, name, new)
    return before, after


def _inserted(row: Audited) -> dict[str, Any]:
    """The columns of a new row that hold something."""
    state = inspect(row)
    names = column_names(state.mapper)
    return {
        names[key]: redact(state.mapper, names[key], value)
        for key, value in state.dict.items()
        if key in names and value is not None
    }


def _whole(row: Audited) -> dict[str, Any]:
    """Every column of a deleted row but the redacted ones."""
    mapper = inspect(row).mapper
    redacted = redacted_columns(mapper)
    return {name: _plain(getattr(row, key)) for key, name in column_names(mapper).items() if name not in redacted}


def register() -> None:
    """Write a ``row_change`` for every change of an audited row."""
    event.listen(UnitOfWork, "before_flush", _collect_history)
    event.listen(UnitOfWork, "after_flush", _write_history)
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Audited):
            for attribute in mapper.column_attrs:
                if attribute.deferred:
                    event.listen(attribute.class_attribute, "set", _note_set, active_history=True)


def _note_set(_row: object, _value: Any, _before: Any, _initiator: Any) -> None:
    """Do nothing: ``active_history`` makes SQLAlchemy load the value
    before the change of a column that is read late.
    """


def _collect_history(unit: UnitOfWork, _context: Any, _instances: Any) -> None:
    """Turn every pending change of an audited row into a ``row_change``."""
    changes: list[tuple[str, Audited, Values, Values]] = []
    for row in unit.new:
        if isinstance(row, Audited):
            row.id = row.id or new_id()
            changes.append(("insert", row, None, _inserted(row)))
    for row in unit.dirty:
        if isinstance(row, Audited) and unit.is_modified(row, include_collections=False):
            changes.append(("update", row, *_changed(row)))
            row.version += 1
            row.updated_at = now()
    changes += [("delete", row, _whole(row), None) for row in unit.deleted if isinstance(row, Audited)]
    if changes and unit.operation is None:
        raise RuntimeError("a row was changed outside transaction()")
    # assigned, not added to: a flush that failed before has written no rows, and must leave no history
    unit.pending_history = [_row_change(unit.operation, *change) for change in changes if unit.operation]


def _write_history(unit: UnitOfWork, _context: Any) -> None:
    """Write what was collected in one statement;
    as objects of the session the rows would cost several times as much.
    """
    rows, unit.pending_history = unit.pending_history, []
    if unit.history_buffer is not None:
        unit.history_buffer.extend(rows)
    elif rows:
        unit.connection().execute(insert(RowChange), rows)


def _row_change(operation: Operation, kind: str, row: Audited, before: Values, after: Values) -> dict[str, Any]:
    return {
        "id": new_id(),
        "at": now(),
        "use_case": operation.use_case,
        "actor_id": operation.actor_id,
        "behalf_id": operation.behalf_id,
        "case_id": operation.case_id,
        "seq": operation.seq,
        "kind": kind,
        "table_name": row.__tablename__,
        "row_id": row.id,
        "before": before,
        "after": after,
    }
