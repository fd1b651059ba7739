"""The proof of business rows: each is what its history makes of it, and each message was sent by somebody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.system.row_states import apply_change
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.listeners.row_history import UNKNOWN, column_names, default_of, sealed_columns, told_value
from service.models.tables.audit import RowChange, values_of
from service.models.tables.case import Job
from service.workflow.runtime.sent_messages import message_digest
from service.workflow.runtime.verification import Difference

ROWS = 1000  # read at once
NOT_IN_HISTORY = {"version", "updated_at", "created_at", "taken", "printed_count", "attempts"}
"""Columns that follow from the change itself or count: guarded updates write them without history."""
REFERENCE = {"organisation", "qualification_type"}  # with rows that each installation is born with
Values = dict[str, Any]


def row_differences() -> Iterator[Difference]:
    """Every business row that is not what its history says, table by table."""
    for mapper in Base.registry.mappers:
        if issubclass(mapper.class_, Audited):
            yield from _table_differences(mapper)
    yield from _message_differences()


def _histories(table: str) -> Iterator[tuple[UUID, Values | None]]:
    """Make each row that the history knows from it: its columns, None for one that was deleted."""
    query = (
        select(RowChange).where(RowChange.table_name == table).order_by(RowChange.row_id, RowChange.at, RowChange.id)
    )
    last, values = None, None
    for change in session().scalars(query.execution_options(yield_per=ROWS)):
        if change.row_id != last:
            if last is not None:
                yield last, values
            last, values = change.row_id, None
        values = apply_change(values, change.kind, values_of(change)[1])
    if last is not None:
        yield last, values


def _table_differences(mapper: Any) -> Iterator[Difference]:
    table = mapper.class_.__tablename__
    expected = dict(_histories(table))
    for row in session().scalars(select(mapper.class_).execution_options(yield_per=ROWS)):
        values = expected.pop(row.id, None)
        if values is None:
            if table not in REFERENCE:
                yield Difference(None, "row", f"{table} {row.id}: there is no history of it")
            continue
        for name in _wrong_columns(mapper, row, values):
            yield Difference(None, "row", f"{table} {row.id}: {name} is not what its history says")
    for row_id, values in expected.items():
        if values is not None:
            yield Difference(None, "row", f"{table} {row_id}: it is gone, and its history does not say so")


def _wrong_columns(mapper: Any, row: Any, values: Values) -> list[str]:
    """Columns that differ; of those that the history names only by reference, whether they hold something."""
    sealed = set(sealed_columns(mapper).values())
    wrong = []
    for key, name in column_names(mapper).items():
        if name in NOT_IN_HISTORY:
            continue
        found = getattr(row, key)
        told = found if name in sealed else told_value(mapper, name, found)
        default = default_of(mapper.columns[key])
        default = found if default is UNKNOWN else default
        default = default if name in sealed else told_value(mapper, name, default)
        known = values.get(name, default)
        if name in sealed and known == "hidden":
            known = ""  # of an empty text nothing is kept
        if told != known:
            wrong.append(name)
    return wrong


def _message_differences() -> Iterator[Difference]:
    """Messages that wait for a case, or were delivered to it, and that nobody sent."""
    query = select(Job).where(Job.kind.in_(("message", "signal")))
    changes = session().execute(select(RowChange.row_id, RowChange.after).where(RowChange.table_name == "job"))
    sent: dict[UUID, Any] = {change.row_id: change.after for change in changes}
    for job in session().scalars(query.execution_options(yield_per=ROWS)):
        told = (sent.get(job.id) or {}).get("digest")
        said = {"id": job.id, "case_id": job.case_id, "kind": job.kind, "name": job.name, "payload": job.payload}
        if told is None:
            yield Difference(job.case_id, "jobs", f"{job.kind} {job.name}: nobody sent it")
        elif told != message_digest(said):
            yield Difference(job.case_id, "jobs", f"{job.kind} {job.name}: it was sent otherwise")
