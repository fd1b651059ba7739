"""Lists of the REST API as data: what is selected, which filters and orders exist. The filters carry Camunda's names.

Every list carries the scope of the user; how a filter's text is read is told by ``Filter.kind`` and done in ``api``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, func

from service.errors import NotFound
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.validation.fields import MAX_INTEGER
from service.validation.typed_text import as_id, as_whole

Row = Any  # a row of the select of its list
Column = Any  # a mapped column or an expression over some
Query = Select[*tuple[Any, ...]]


class DefinitionId(NamedTuple):
    """A process definition's id in the API: ``key:number:beginning of its digest``."""

    key: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. kind: text, texts, uuid, uuids, instant, number, flag (only true filters) or definition."""

    kind: str
    where: Callable[[Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class ListRequest:
    """A client's request: values by filter name, (order, is descending) pairs, and the page."""

    values: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[tuple[str, bool], ...] = ()
    first: int = 0
    most: int = 1000


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One list of the API. base: the select with the user's scope; key: the column of the id; tail: last order."""

    base: Callable[[User], Query]
    key: Column
    criteria: Mapping[str, Filter]
    orders: Mapping[str, Column]
    tail: tuple[Column, ...]

    def rows(self, user: User, wanted: ListRequest) -> list[Row]:
        """A page of what is visible to the user and meets every filter."""
        order = [self.orders[name].desc() if falls else self.orders[name].asc() for name, falls in wanted.order]
        query = self._chosen(user, wanted).order_by(*order, *self.tail)
        return list(session().execute(query.offset(wanted.first).limit(wanted.most)))

    def count(self, user: User, wanted: ListRequest) -> int:
        """Count all rows."""
        query = self._chosen(user, wanted).with_only_columns(func.count(), maintain_column_froms=True)
        return session().scalar(query) or 0

    def one(self, user: User, row_id: str | UUID) -> Row:
        """The one with this id; NotFound when there is none or it is out of scope (R70)."""
        key = as_id(row_id)
        row = session().execute(self.base(user).where(self.key == key)).one_or_none() if key else None
        if row is None:
            raise NotFound
        return row

    def _chosen(self, user: User, wanted: ListRequest) -> Query:
        conditions = [self.criteria[name].where(value) for name, value in wanted.values.items()]
        return self.base(user).where(*conditions)


def equals(column: Any) -> Filter:
    """The column is exactly the text."""
    return Filter("text", lambda value: column == value)


def like(column: Any) -> Filter:
    """The column fits the pattern, in which ``%`` and ``_`` stand for others."""
    return Filter("text", lambda value: column.like(value))


def in_(column: Any) -> Filter:
    """The column is one of the texts."""
    return Filter("texts", lambda value: column.in_(value))


def id_equals(column: Any) -> Filter:
    """The column is this id; text that is no UUID meets nothing."""
    return Filter("uuid", lambda value: column == value if value else false())


def id_in(column: Any) -> Filter:
    """The column is one of these ids."""
    return Filter("uuids", lambda value: column.in_(value))


def before(column: Any) -> Filter:
    """The instant of the column lies before this one."""
    return Filter("instant", lambda value: column < value)


def after(column: Any) -> Filter:
    """The instant of the column lies after this one."""
    return Filter("instant", lambda value: column > value)


def number(column: Any) -> Filter:
    """The column is this whole number."""
    return Filter("number", lambda value: column == value)


def flag(condition: ColumnElement[bool]) -> Filter:
    """The condition holds, when asked with ``true``."""
    return Filter("flag", lambda _: condition)


def never() -> Filter:
    """A filter that nothing here can meet (definitions that are suspended, since none ever is)."""
    return flag(false())


def always() -> Filter:
    """A filter that all meet already (definitions that are active)."""
    return flag(~false())


def of_definition(key: Any, version: Any, digest: Any) -> Filter:
    """The row belongs to this definition; a malformed id meets nothing."""

    def where(value: DefinitionId | None) -> ColumnElement[bool]:
        if value is None:
            return false()
        return and_(key == value.key, version == value.number, digest.startswith(value.digest, autoescape=True))

    return Filter("definition", where)


def definition_id(key: str, version: int, digest: str) -> str:
    """The id under which the API names a definition."""
    return f"{key}:{version}:{digest[:12]}"


def read_definition_id(text: str) -> DefinitionId | None:
    """The parts of a definition's id; None when it is malformed."""
    key, _, rest = text.partition(":")
    version, _, digest = rest.partition(":")
    number = as_whole(version, 1, MAX_INTEGER)
    return DefinitionId(key, number, digest) if number and digest else None
