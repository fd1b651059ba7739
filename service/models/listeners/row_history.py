"""One history of rows: a listener writes a ``row_change`` for every audited row of a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import event, insert, inspect
from sqlalchemy.orm import LoaderCallableStatus, Mapper

from service.models.db.clock import now
from service.models.db.encryption import ENCRYPTED_TYPES, PersonalJson, PersonalText
from service.models.db.ids import new_id
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.db.unit_of_work import Operation, UnitOfWork
from service.models.tables.system.audit import RowChange, Values


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
    named: frozenset[str] = mapper.class_.__redacted__
    return named | {column.name for column in mapper.columns if isinstance(column.type, ENCRYPTED_TYPES)}


@cache
def sealed_columns(mapper: Mapper[Any]) -> dict[str, str]:
    """Columns with personal texts, by attribute: the history keeps their values encrypted."""
    kept = (PersonalText, PersonalJson)
    return {key: name for key, name in column_names(mapper).items() if isinstance(mapper.columns[key].type, kept)}


def told_value(mapper: Mapper[Any], column: str, value: Any) -> Any:
    """A value as the history tells it."""
    return "hidden" if column in redacted_columns(mapper) and value is not None else _plain(value)


UNKNOWN = object()


def default_of(column: Any) -> Any:
    """The value of a new row in a column of which its history is silent; UNKNOWN for one made anew each time."""
    default = column.default
    if default is None:
        return None
    if not default.is_callable:
        return default.arg
    return default.arg(None) if default.arg.__name__ in ("list", "dict") else UNKNOWN


@dataclass(frozen=True, slots=True)
class _Change:
    """A change as the history keeps it: columns in the clear, personal texts apart."""

    kind: str
    row: Audited
    before: Values
    after: Values
    sealed: Values


def _update(row: Audited) -> _Change:
    """The changed columns of a row, before and after."""
    state = inspect(row)
    names = column_names(state.mapper)
    before, after = {}, {}
    for key, old in state.committed_state.items():
        new = state.dict.get(key)
        if key in names and old != new:
            before[key], after[key] = None if old is LoaderCallableStatus.NO_VALUE else old, new
    sealed = seal(state.mapper, before=before, after=after)
    return _Change("update", row, _told(state.mapper, before), _told(state.mapper, after), sealed)


def _insert(row: Audited) -> _Change:
    """The columns of a new row that hold something."""
    state = inspect(row)
    names = column_names(state.mapper)
    after = {key: value for key, value in state.dict.items() if key in names and value is not None}
    return _Change("insert", row, None, _told(state.mapper, after), seal(state.mapper, after=after))


def _delete(row: Audited) -> _Change:
    """Every column of a deleted row but those that are kept nowhere."""
    mapper = inspect(row).mapper
    redacted, sealed = redacted_columns(mapper), sealed_columns(mapper)
    before = {
        key: getattr(row, key) for key, name in column_names(mapper).items() if key in sealed or name not in redacted
    }
    return _Change("delete", row, _told(mapper, before), None, seal(mapper, before=before))


def _told(mapper: Mapper[Any], values: dict[str, Any]) -> dict[str, Any]:
    """The columns of some attributes, as the history tells them in the clear."""
    names = column_names(mapper)
    return {names[key]: told_value(mapper, names[key], value) for key, value in values.items()}


def seal(mapper: Mapper[Any], **sides: dict[str, Any]) -> Values:
    """The personal texts among the values of each side, by attribute, as the history keeps them; None for none."""
    columns = sealed_columns(mapper)
    found = {
        side: {columns[key]: value for key, value in values.items() if key in columns} for side, values in sides.items()
    }
    return found if any(value for values in found.values() for value in values.values()) else None


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
    changes: list[_Change] = []
    for row in unit.new:
        if isinstance(row, Audited):
            row.id = row.id or new_id()
            changes.append(_insert(row))
    for row in unit.dirty:
        if isinstance(row, Audited) and unit.is_modified(row, include_collections=False):
            changes.append(_update(row))
            row.version += 1
            row.updated_at = now()
    changes += [_delete(row) for row in unit.deleted if isinstance(row, Audited)]
    if changes and unit.operation is None:
        raise RuntimeError("a row was changed outside transaction()")
    # assigned, not added to: a flush that failed before has written no rows, and must leave no history
    unit.pending_history = [_row_change(unit.operation, change) for change in changes if unit.operation]


def _write_history(unit: UnitOfWork, _context: Any) -> None:
    """Write what was collected in one statement;
    as objects of the session the rows would cost several times as much.
    """
    rows, unit.pending_history = unit.pending_history, []
    if unit.history_buffer is not None:
        unit.history_buffer.extend(rows)
    elif rows:
        unit.connection().execute(insert(RowChange), rows)


def _row_change(operation: Operation, change: _Change) -> dict[str, Any]:
    row = {
        "id": new_id(),
        "at": now(),
        "use_case": operation.use_case,
        "actor_id": operation.actor_id,
        "behalf_id": operation.behalf_id,
        "case_id": operation.case_id,
        "seq": operation.seq,
        "kind": change.kind,
        "table_name": change.row.__tablename__,
        "row_id": change.row.id,
        "before": change.before,
        "after": change.after,
        "sealed": change.sealed,
    }
    return row | {"mac": RowChange.mark_of(row)}
