"""Undo: a completion, or the completions of a batch, taken back by whoever did them while nobody has gone on (R83).

It is an input of the case like all others: the journal keeps the completion and says by whom it was taken back.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select

from service import engine, handlers
from service.engine import Input, journal, replay
from service.errors import N_, CaseSuspended, Conflict, Message, NotAllowed, NotFound
from service.models.db.clock import CHINA, now
from service.models.db.session import session
from service.models.db.transaction import Operation, current_operation, transaction
from service.models.queries.scope import inbox_addresses
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, JournalRow, Task, TaskState
from service.models.tables.runtime.case_statements import LOCK_CASE_OF_TASK
from service.models.tables.system import setting
from service.models.tables.system.audit import RowChange
from service.operations.context import Context
from service.validation.typed_text import as_id
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import bulk_completion, executor
from service.workflow.runtime.bulk_completion import RowResult
from service.workflow.runtime.executor import Act, Entry, LockedCase
from service.workflow.runtime.row_restoration import FINAL, WENT_ON, is_final, restore

OVER = N_("已超过可撤回的 %(n)s 分钟。")
ALREADY = N_("这项办理已经撤回，任务仍在待办里。")
NOT_YOURS = N_("只有办理人本人可以撤回。")
NOT_DONE = N_("这项任务不是由人办结的，没有可撤回的内容。")


def undo(user: User, task_id: UUID) -> None:
    """Take back the completion of a task: its case, rows and inbox are as before it.

    Raises NotFound out of scope, NotAllowed for a colleague's, and Conflict, with nothing changed, when it is taken
    back already, too late or final, or when somebody has gone on.
    """
    with transaction(Operation("undo", user.id)):
        row = LOCK_CASE_OF_TASK.execute({"task": task_id}).one_or_none()
        if row is None or (row.organisation_id, row.role) not in inbox_addresses(user):
            raise NotFound
        if row.barred == str(user.id):
            raise NotFound
        if row.suspended_at is not None:
            raise CaseSuspended
        if row.task_state == TaskState.OPEN:
            raise Conflict(ALREADY)
        if row.closed_by is None:
            raise Conflict(NOT_DONE)
        if row.closed_by != user.id:
            raise NotAllowed(NOT_YOURS)
        _take_back(user, LockedCase.of(row), row.token)


def undo_many(user: User, submission_id: UUID) -> list[RowResult]:
    """Take back what a batch completed, one use case each; a row that cannot be says why. Raises NotFound."""
    done = bulk_completion.recorded(user, submission_id)
    if done is None:
        raise NotFound
    results = []
    for task_id in [one.task_id for one in done if one.ok]:
        try:
            undo(user, task_id)
            results.append(RowResult(task_id, True))
        except Exception as error:
            results.append(RowResult(task_id, False, refusal_of(error, "undo_many").message))
    return results


def undoable(user: User, task_ids: Collection[UUID]) -> set[UUID]:
    """Those of these tasks whose completion the user may take back now, as far as their journals tell."""
    changed = (RowChange.case_id == Case.id) & (RowChange.seq == Case.seq)
    last = (
        select(Task.id, JournalRow.record)
        .join(Case, Case.id == Task.case_id)
        .join(JournalRow, (JournalRow.case_id == Case.id) & (JournalRow.seq == Case.seq))
        .where(
            Task.id.in_(task_ids),
            Task.closed_by == user.id,
            Task.state == TaskState.COMPLETED,
            JournalRow.kind == "complete",
            JournalRow.actor_id == user.id,
            JournalRow.at > now() - window(),
            Case.suspended_at.is_(None),
            ~exists().where(changed, is_final()),
            JournalRow.record["token"].astext == Task.token,
        )
    )
    return {task_id for task_id, record in session().execute(last) if not _is_final([record])}


def window() -> timedelta:
    """For how long a completion can be taken back: a setting."""
    return timedelta(minutes=setting.number("undo_minutes"))


def _take_back(user: User, held: LockedCase, token: str) -> None:
    query = select(JournalRow.record).where(JournalRow.case_id == held.id).order_by(JournalRow.seq)
    records = list(session().scalars(query))
    done, since = _completion(records, token)
    if obstacle := _obstacle(done, since):
        raise Conflict(obstacle)
    seq, at = held.seq + 1, now()
    act = Act(replay.UNDO, user.id, token=token, element=done["element"], data={"row": done["seq"]})
    definition = definitions.definition(held.definition)
    given = Input(act.kind, seq, at, token, act.element, None, dict(act.data))
    cause, salt = current_operation(), os.urandom(16)
    cause.case_id, cause.seq, cause.behalf_id = held.id, seq, as_id(done["behalf"] or "")
    context = Context(
        held.id, held.process, held.business_key, seq, at, at.astimezone(CHINA).date(), user.id, cause.behalf_id
    )
    former = replay.state_before(records, definitions.definition, done["seq"])
    with session().buffered_history() as history:
        step = engine.undo(definition, held.state, former, given, salt)
        restore(context, (done["seq"], held.seq))
        session().flush()
    said = handlers.describe_subject(held.process, step.data)
    row = journal.step_row(executor.envelope(held, act, salt), definition, given, step, executor.shown_case(held, said))
    executor.write(held, act, step, Entry(row, said, context, history))


def _completion(records: Sequence[Mapping[str, Any]], token: str) -> tuple[Mapping[str, Any], list[Mapping[str, Any]]]:
    """The row that completed a task, the last time that it was, and the rows since."""
    places = [n for n, row in enumerate(records) if row["kind"] == "complete" and row["token"] == token]
    if not places:
        raise Conflict(NOT_DONE)
    return records[places[-1]], list(records[places[-1] + 1 :])


def _obstacle(done: Mapping[str, Any], since: Sequence[Mapping[str, Any]]) -> Message | None:
    """Say why a completion cannot be taken back, by its journal."""
    if any(row["kind"] == replay.UNDO and row["data"].get("row") == done["seq"] for row in since):
        return Message(ALREADY)
    if any(row["kind"] not in replay.FOLLOWS or row["definition"] != done["definition"] for row in since):
        return Message(WENT_ON)
    if now() >= datetime.fromisoformat(done["at"]) + window():
        return Message(OVER, n=setting.number("undo_minutes"))
    return Message(FINAL) if _is_final([done, *since]) else None


def _is_final(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether a topic was served that is not declared undoable, or something was thrown to other cases."""
    known = handlers.declared_topics()
    topics = {call[1] for row in rows for call in row["calls"]}
    return any(name not in known or not known[name].is_undoable for name in topics)
