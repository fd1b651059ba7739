"""Rows buffered for COPY, and the history that business rows leave (``row_change``)."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import lru_cache
from random import Random
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import inspect

from service.models.db.encryption import EncryptedText, PersonalJson
from service.models.db.row_mark import Marked
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.db.transaction import Operation
from service.models.listeners.row_history import seal, told_value
from service.models.tables.system.audit import RowChange

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class CopyBuffer:
    """Rows by table, in memory until ``write`` copies them; ``random`` makes their ids."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._lines: dict[str, list[str]] = defaultdict(list)

    def new_id(self, at: datetime) -> UUID:
        """Return a UUIDv7 of the instant at which the row is made."""
        random = self.random.getrandbits(74)
        stamp = int(at.timestamp() * 1000) << 80
        return UUID(int=stamp | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & ((1 << 62) - 1))

    def add(self, model: type[Base], **values: Any) -> None:
        """Add a row; columns that are not given take their default. Raises KeyError for one that has none."""
        if issubclass(model, Marked):
            values["mac"] = model.mark_of(values)
        cells = [
            write(values.pop(name) if name in values else default(name)) for name, write, default in _columns(model)
        ]
        if values:
            raise KeyError(f"{model.__tablename__} has no {', '.join(values)}")
        self._lines[model.__tablename__].append("\t".join(cells))

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def write(self, connection: Any) -> None:
        """Copy all rows in the order of the foreign keys, in one transaction of a psycopg2 connection."""
        with connection, connection.cursor() as cursor:
            for table in Base.metadata.sorted_tables:
                if lines := self._lines.pop(table.name, None):
                    names = ", ".join(f'"{column.name}"' for column in _copied(table))
                    text = io.StringIO("\n".join(lines) + "\n")
                    cursor.copy_expert(f"COPY {table.name} ({names}) FROM STDIN", text)  # our own names


class AuditedRow:
    """A business row that changes: its last values go to its table, each change into the history."""

    def __init__(self, buffer: CopyBuffer, model: type[Audited], at: datetime, cause: Operation, **values: Any) -> None:
        self._buffer, self.model, self.version, self.updated_at = buffer, model, 1, at
        self.values = {"id": buffer.new_id(at), "created_at": at, **values}
        self._remember(
            at, cause, "insert", after={"id": self.id, **{n: value for n, value in values.items() if value is not None}}
        )

    @property
    def id(self) -> UUID:
        found: UUID = self.values["id"]
        return found

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def change(self, at: datetime, cause: Operation, **values: Any) -> None:
        """Change columns; equal values are no change."""
        changed = {name: value for name, value in values.items() if self.values.get(name) != value}
        if not changed:
            return
        self._remember(at, cause, "update", before={name: self.values.get(name) for name in changed}, after=changed)
        self.values |= changed
        self.version, self.updated_at = self.version + 1, at

    def close(self) -> None:
        """Buffer the final row."""
        self._buffer.add(self.model, **self.values, version=self.version, updated_at=self.updated_at)  # type: ignore[arg-type]

    def _remember(self, at: datetime, cause: Operation, kind: str, **sides: dict[str, Any]) -> None:
        mapper = inspect(self.model)
        told = {
            side: {n: told_value(mapper, n, value) for n, value in values.items()} for side, values in sides.items()
        }
        self._buffer.add(
            RowChange,
            id=self._buffer.new_id(at),
            at=at,
            use_case=cause.use_case,
            actor_id=cause.actor_id,
            behalf_id=cause.behalf_id,
            case_id=cause.case_id,
            seq=cause.seq,
            kind=kind,
            table_name=self.model.__tablename__,
            row_id=self.values["id"],
            before=told.get("before"),
            after=told.get("after"),
            sealed=seal(mapper, **sides),
        )


Column = tuple[str, Callable[[Any], str], Callable[[str], Any]]


def _copied(table: Any) -> list[Any]:
    """The columns that are copied; the number of the transaction is the database's."""
    return [column for column in table.columns if column.name != "written_in"]


@lru_cache
def _columns(model: type[Base]) -> tuple[Column, ...]:
    """Return name, writer and default of each column."""
    return tuple((column.name, _writer(column), _default(column)) for column in _copied(model.__table__))


def _default(column: Any) -> Callable[[str], Any]:
    if column.default is not None and column.default.is_scalar:
        value = column.default.arg
        return lambda _name: value
    if column.default is not None and column.default.is_callable:
        make = column.default.arg
        return lambda _name: make(None)
    if column.nullable:
        return lambda _name: None

    def missing(name: str) -> Any:
        raise KeyError(f"{column.table.name}.{name}")

    return missing


def _writer(column: Any) -> Callable[[Any], str]:
    kind = type(column.type).__name__
    if kind == "JSONB":
        return lambda value: r"\N" if value is None else orjson.dumps(value).decode().translate(_ESCAPES)
    if isinstance(column.type, (EncryptedText, PersonalJson)):
        return lambda value: _plain(value if isinstance(value, bytes) else column.type.process_bind_param(value, None))
    if kind == "ARRAY":
        return lambda value: r"\N" if value is None else _array(value)
    return _plain


def _plain(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, str):
        return str.translate(value, _ESCAPES)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return rf"\\x{value.hex()}" if isinstance(value, bytes) else str(value)


def _array(values: Iterable[str]) -> str:
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return ("{" + ",".join(f'"{value}"' for value in quoted) + "}").translate(_ESCAPES)
