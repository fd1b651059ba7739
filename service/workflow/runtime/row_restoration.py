"""The business rows that a completion changed, put back as they were before it, from the history of rows (R83)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, literal, select, tuple_

from service import handlers
from service.errors import N_, Conflict
from service.migrations import rights
from service.models.db.clock import now
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.listeners.row_history import column_names
from service.models.tables.runtime.case import Case, Job, JobState
from service.models.tables.system.audit import RowChange, values_of
from service.operations.context import Context

FINAL = N_("这项办理不能撤回：它涉及证书、打印、编号或已发出的内容。")
WENT_ON = N_("之后已有人接着办理，不能再撤回。")
DELIVERED = N_("由此发出的通知已经送达，不能再撤回。")
KEPT_TABLES = frozenset({"certificate", "print_record", "refresher_record"})
"""Rows that no undo changes: what is issued, printed or renewed is public."""


def is_final() -> Any:
    """SQL: a row of the history changes what no undo does."""
    kept = [name for name, kind in rights.TABLES.items() if kind is not rights.Kind.ORDINARY]
    is_new = (RowChange.kind == "insert") & RowChange.table_name.in_([n for n in kept if n != Job.__tablename__])
    return is_new | (RowChange.kind == "delete") | RowChange.table_name.in_(KEPT_TABLES)


def restore(context: Context, seqs: tuple[int, int]) -> None:
    """Put back all rows that the inputs of a case from the first to the last of ``seqs`` changed, by its history.

    Raises Conflict, with nothing done that the caller's transaction does not undo, where somebody has gone on.
    """
    query = select(RowChange).where(RowChange.case_id == context.case_id, RowChange.seq.between(*seqs))
    changes = list(session().scalars(query.order_by(RowChange.at, RowChange.id)))
    by_row: dict[tuple[str, UUID], list[RowChange]] = {}
    for change in changes:
        by_row.setdefault((change.table_name, change.row_id), []).append(change)
    for (table, row_id), made in reversed(by_row.items()):
        if table == Job.__tablename__:
            _call_back(context, row_id)
        else:
            _put_back(context, table, made)


def _call_back(context: Context, job_id: UUID) -> None:
    """Clear a message or effect that waits; one that was delivered is sent again where that is the same."""
    job = session().get(Job, job_id, with_for_update=True)
    if job is None:
        raise Conflict(DELIVERED)
    if job.state == JobState.PENDING and (job.locked_until is None or job.locked_until < now()):
        job.state = JobState.CLEARED
        return
    receiver = session().get(Case, job.case_id, populate_existing=True) if job.case_id else None
    if receiver is None or f"{job.kind}:{job.name}" not in receiver.awaited or not _recomputes(receiver, job.name):
        raise Conflict(DELIVERED)
    context.send_message(receiver.id, job.name, job.payload, job.kind)


def _recomputes(receiver: Case, message: str) -> bool:
    known = handlers.declared_processes().get(receiver.process)
    return known is not None and message in known.messages and known.messages[message].recomputes


def _put_back(context: Context, table: str, made: list[RowChange]) -> None:
    """Undo the changes of one row, the latest first; nobody may have changed it or referred to it since."""
    kind = _kind_of(table)
    if kind is None or table in KEPT_TABLES or any(change.kind == "delete" for change in made):
        raise Conflict(FINAL)
    row = session().get(kind, made[0].row_id, populate_existing=True)
    if row is None or _is_changed_since(made[-1]):
        raise Conflict(WENT_ON)
    is_new = made[0].kind == "insert"
    if _is_referred_to(kind, made[0], is_new):
        raise Conflict(WENT_ON)
    if is_new:
        if rights.TABLES[table] is not rights.Kind.ORDINARY:
            raise Conflict(FINAL)
        session().delete(row)
        session().flush()
        return
    before: dict[str, Any] = {}
    for change in reversed(made):
        before |= values_of(change)[0]
    if "hidden" in before.values():
        raise Conflict(FINAL)
    _write(context, row, before)


def _write(context: Context, row: Any, before: dict[str, Any]) -> None:
    """Give a row its columns back; a state by the function that writes it, for what follows from it."""
    subject, row_id = handlers.SUBJECTS.get(context.process), row.id
    if subject is not None and isinstance(row, subject.table) and "state" in before:
        stage = before.get("stage", getattr(row, "stage", None))
        if subject.load:
            row = subject.load({subject.variable: str(row_id)})
        subject.write(row, subject.states(before["state"]), stage, context)
    mapper = type(row).__mapper__
    for key, name in column_names(mapper).items():
        if name in before:
            setattr(row, key, _typed(mapper.columns[key].type.python_type, before[name]))
    session().flush()


def _typed(kind: type, value: Any) -> Any:
    """A value of the history as its column has it."""
    if value is None or not isinstance(value, str):
        return value
    readers: dict[type, Any] = {UUID: UUID, date: date.fromisoformat, datetime: datetime.fromisoformat}
    return readers.get(kind, lambda text: text)(value)


def _kind_of(table: str) -> Any:
    kinds: Iterable[Any] = (mapper.class_ for mapper in Base.registry.mappers)
    return next((kind for kind in kinds if issubclass(kind, Audited) and kind.__tablename__ == table), None)


def _is_changed_since(last: RowChange) -> bool:
    later = tuple_(RowChange.at, RowChange.id) > tuple_(literal(last.at), literal(last.id))
    return bool(session().scalar(select(func.count()).where(RowChange.row_id == last.row_id, later)))


def _is_referred_to(kind: Any, first: RowChange, is_new: bool) -> bool:
    """Tell whether a row was made since that refers to this one; to a row that the completion made, any at all."""
    for table in Base.metadata.tables.values():
        for column in table.columns:
            if not any(key.references(kind.__table__) for key in column.foreign_keys):
                continue
            query = select(literal(1)).select_from(table).where(column == first.row_id)
            if not is_new:
                if "created_at" not in table.columns or "id" not in table.columns:
                    continue
                query = query.where(table.columns["id"] > first.id, table.columns["created_at"] >= first.at)
            if session().scalar(query.limit(1)):
                return True
    return False
