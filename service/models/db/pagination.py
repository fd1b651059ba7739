"""Keyset paging: a page of a list, and the cursors of the pages around it. Order is (sort key, id), never an offset."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import literal, tuple_

from service.errors import N_, NotFound
from service.models.db.session import session
from service.validation.characters import is_storable
from service.validation.typed_text import as_date, as_id, as_instant

Row = TypeVar("Row")
PAGE_SIZE = 50  # rows
MAX_BIGINT = 2**63 - 1  # of PostgreSQL
CONVERTERS: Mapping[type[Any], Callable[[str], Any]] = {date: as_date, datetime: as_instant, UUID: as_id}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """before, after: cursors of the neighbouring pages, None where there is none."""

    rows: list[Row]
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SortOrder:
    """The columns a list is sorted by, whose values together are unique and never null, all in one direction."""

    columns: tuple[Any, ...]
    is_descending: bool = False


def read_page(query: Any, order: SortOrder, cursor: str | None, size: int = PAGE_SIZE) -> Page[Any]:
    """Read one page of ``query``. Raises NotFound for a cursor that was not made here."""
    is_back, values = _read_cursor(cursor, order)
    keys = [column.label(f"key_{i}") for i, column in enumerate(order.columns)]
    if values is not None:
        place = tuple_(*(literal(v, c.type) for v, c in zip(values, order.columns, strict=True)))
        here: Any = tuple_(*order.columns)
        query = query.where(here < place if is_back != order.is_descending else here > place)
    falling = order.is_descending != is_back
    query = (
        query.add_columns(*keys).order_by(*(c.desc() if falling else c.asc() for c in order.columns)).limit(size + 1)
    )
    rows = list(session().execute(query))
    has_more, rows = len(rows) > size, rows[:size]
    if is_back:
        rows.reverse()
    if not rows:
        return Page([])
    return Page(
        rows,
        before=_cursor("<", rows[0], len(keys)) if (has_more if is_back else values is not None) else None,
        after=_cursor(">", rows[-1], len(keys)) if (has_more or is_back) else None,
    )


def _cursor(direction: str, row: Any, keys: int) -> str:
    values = [_plain(getattr(row, f"key_{i}")) for i in range(keys)]
    return base64.urlsafe_b64encode(json.dumps([direction, *values]).encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    return (
        value.isoformat() if isinstance(value, (date, datetime)) else str(value) if isinstance(value, UUID) else value
    )


def _read_cursor(cursor: str | None, order: SortOrder) -> tuple[bool, Sequence[Any] | None]:
    if not cursor:
        return False, None
    try:
        direction, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        typed = [_typed(v, c.type.python_type) for v, c in zip(values, order.columns, strict=True)]
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise NotFound(N_("没有找到这一页，请从第一页看起。")) from error
    return direction == "<", typed


def _typed(value: Any, kind: type[Any]) -> Any:
    if kind in CONVERTERS and isinstance(value, str):
        value = CONVERTERS[kind](value)
    if type(value) is not kind or (kind is int and abs(value) > MAX_BIGINT):
        raise ValueError(value)
    if kind is str and not is_storable(value):
        raise ValueError(value)
    return value
