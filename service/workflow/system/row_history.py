"""A row as it stood at an instant, what came of it by another, and each change, from the history of rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.system import row_words
from service.domain.system.row_states import Values, is_whole, state_at
from service.errors import Message, NotAllowed, NotFound
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.listeners.row_history import UNKNOWN, column_names, default_of, told_value
from service.models.queries.runtime.object_names import NameHistory
from service.models.queries.system.row_changes import MOST, changes_of
from service.models.tables.accounts.user import User
from service.reports.lists.row_history import Link, ids_in, link_of, name_of, told, value_word
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.system.row_verification import NOT_IN_HISTORY


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field of a row at two instants, in words, and what the values point to; differs: the values do."""

    word: str
    value: Message | str
    other: Message | str
    link: Link | None
    other_link: Link | None
    differs: bool


@dataclass(frozen=True, slots=True)
class RowStates:
    """A row at an instant and, if asked, at another. changes: latest first; count: how many there are.

    exists, other_exists: whether there was such a row; begins: its first change, None without any; is_whole: the
    history begins with the row itself. login: of an account.
    """

    table: str
    name: str
    fields: list[FieldState]
    exists: bool
    other_exists: bool
    begins: datetime | None
    is_whole: bool
    changes: list[Any]
    count: int
    login: str = ""


def row_states(user: User, table: str, row_id: UUID, on: datetime, against: datetime | None) -> RowStates:
    """Make a row from its history as it stood at the end of ``on`` and of ``against``. Raises NotFound."""
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    mapper = _mapper_of(table)
    changes = changes_of(table, row_id)
    if not changes and (mapper is None or session().get(mapper.class_, row_id) is None):
        raise NotFound
    asked = {"table": table, "on": on.isoformat(timespec="seconds")}
    asked |= {"against": against.isoformat(timespec="seconds")} if against else {}
    record_look(user, "open_row", table, row_id, asked)
    whole = is_whole(changes)
    state, other = state_at(changes, on), state_at(changes, against) if against else None
    book = NameHistory(None, ids_in(changes) | {row_id})
    names, others = book.at(on), book.at(against)
    fields = []
    for column in _columns(mapper, whole, state, other):
        value, then = (_value(mapper, column, values, whole) for values in (state, other))
        words = value_word(table, column, value, names), value_word(table, column, then, others)
        links = link_of(value, names), link_of(then, others)
        fields.append(FieldState(row_words.column_word(table, column), *words, *links, value != then))
    begins = changes[0].at if changes else None
    shown = told(changes[: -MOST - 1 : -1], book)
    name = name_of(table, names.get(str(row_id)))
    login = (state or {}).get("login", "")  # of an account
    return RowStates(
        table, name, fields, state is not None, other is not None, begins, whole, shown, len(changes), login
    )


def _mapper_of(table: str) -> Any:
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Audited) and mapper.class_.__tablename__ == table:
            return mapper
    return None


def _columns(mapper: Any, whole: bool, *states: Values | None) -> list[str]:
    """The columns to show, in the order of the table; of a history without its beginning, those that it names."""
    told = dict.fromkeys(name for state in states if state for name in state)
    own = [*column_names(mapper).values()] if mapper is not None else []
    known = [name for name in own if name in told or whole] + [name for name in told if name not in own]
    return [name for name in known if row_words.column_word("", name) and name not in NOT_IN_HISTORY]


def _value(mapper: Any, column: str, values: Values | None, whole: bool) -> Any:
    """The value that a history makes, the default of the column where it is silent from the beginning."""
    if values is None or column in values or not whole or mapper is None:
        return (values or {}).get(column)
    default = default_of(mapper.local_table.columns[column])
    return None if default is UNKNOWN else told_value(mapper, column, default)
