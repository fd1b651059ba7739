"""Completion of many tasks: a savepoint each, in slices that share a transaction; sent twice, done once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import load_only

from service import forms
from service.domain.accounts.permissions import Action
from service.engine import StepError
from service.errors import Message, NotAsked, NotFound
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Submission, Task
from service.workflow.authorization import act_for
from service.workflow.processes import definitions
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import tasks
from service.workflow.runtime.incidents import record_incident

Row = tuple[UUID, Mapping[str, Any]]

SLICE_ROWS = 50  # rows that share one transaction
TRIED_ROWS = 5  # of one decision, until one is not refused


@dataclass(frozen=True, slots=True)
class RowResult:
    """The outcome of one row; message and fields say why it was refused."""

    task_id: UUID
    ok: bool
    message: Message | None = None
    fields: dict[str, Message] = field(default_factory=dict)

    @property
    def why(self) -> Message | None:
        """The reason of a refusal: that of a field where one is named."""
        return next(iter(self.fields.values()), self.message)


def complete_many(user: User, submission_id: UUID, rows: Sequence[Row]) -> list[RowResult]:
    """Complete many tasks, one use case each, in slices of 50 that share a transaction.

    A refused row does not undo the others; a task named twice is done once, as it was named first. The outcome of a
    slice is recorded with it: a submission id that was seen before gives the recorded answer again, and goes on where a
    process that died left off. Of two that come at once the later waits for each slice of the other.
    """
    if (known := recorded(user, submission_id)) is not None:
        return known
    answer: list[RowResult] = []
    chosen = select(Task).options(load_only(Task.case_id)).where(Task.id.in_([t for t, _ in rows]))
    in_case_order = {task.id: task.case_id for task in session().scalars(chosen)}
    ordered = sorted(rows, key=lambda r: in_case_order.get(r[0], r[0]))
    for n in range(0, max(len(ordered), 1), SLICE_ROWS):
        with transaction(Operation("complete_many", user.id)):
            results = {r.task_id: r for r in _lock_submission(user, submission_id)}
            for task_id, raw in ordered[n : n + SLICE_ROWS]:
                results[task_id] = results.get(task_id) or _complete_row(user, task_id, raw)
            answer = _answer(results, rows)
            plain = {"rows": [_result_to_json(r) for r in answer], "left": len({t for t, _ in rows} - results.keys())}
            session().execute(update(Submission).where(Submission.id == submission_id).values(result=plain))
    return answer


def ask_first(user: User, rows: Sequence[Row]) -> None:
    """Raise NotAsked if these completions end something (R87): one row of each decision is tried and taken back."""
    for samples in _alike(rows).values():
        for task_id, raw in samples[:TRIED_ROWS]:
            try:
                with transaction(Operation("complete", user.id)):
                    tasks.complete(user, task_id, raw, asks=True)
                    raise _Tried
            except NotAsked:
                raise
            except _Tried:
                break
            except Exception as error:  # the row will be refused with its reason: the next one tells what follows
                refusal_of(error, "ask_first")


class _Tried(Exception):
    """Takes a trial back."""


def _alike(
    rows: Sequence[Row],
) -> dict[tuple[str, ...], list[Row]]:
    """The rows by version, element and decision."""
    found: dict[tuple[str, ...], list[Row]] = {}
    columns = select(Task.id, Task.definition, Task.element, Task.form_key).where(Task.id.in_([t for t, _ in rows]))
    kinds = {row.id: row for row in session().execute(columns)}
    for task_id, raw in rows:
        if row := kinds.get(task_id):
            form = definitions.form(row.definition, row.form_key)
            asked = forms.choice(form) if form else None
            decision = str(raw.get(asked.key, "")) if asked else ""
            found.setdefault((row.definition, row.element, decision), []).append((task_id, raw))
    return found


def _answer(results: Mapping[UUID, RowResult], rows: Sequence[Row]) -> list[RowResult]:
    """The known outcomes in the order of the rows;
    before them those that only an earlier request with the key named.
    """
    named = [task_id for task_id, _ in rows]
    return [results[t] for t in (*(t for t in results if t not in set(named)), *named) if t in results]


def _lock_submission(user: User, submission_id: UUID) -> list[RowResult]:
    """The recorded outcomes of a submission, locked until the slice is committed; the first slice makes the record."""
    new = insert(Submission).values(id=submission_id, user_id=user.id, at=now(), result={"rows": [], "left": 1})
    session().execute(new.on_conflict_do_nothing())
    known = _recorded(user, submission_id, lock=True)
    return known[0] if known else []


def recorded(user: User, submission_id: UUID) -> list[RowResult] | None:
    """The recorded answer to a submission of this user; None when it is new, or broke off before its end.

    Raises NotFound for somebody else's, and for the id of a form (``idempotency.once``).
    """
    known = _recorded(user, submission_id)
    return None if known is None or known[1] else known[0]


def _recorded(user: User, submission_id: UUID, *, lock: bool = False) -> tuple[list[RowResult], int] | None:
    """The outcomes of its rows, and the number of those that are left."""
    query = select(Submission.user_id, Submission.result).where(Submission.id == submission_id)
    known = session().execute(query.with_for_update() if lock else query).one_or_none()
    if known is None:
        return None
    if known.user_id != user.id or "rows" not in known.result:
        raise NotFound
    return [_result_from_json(r) for r in known.result["rows"]], known.result.get("left", 0)


def _complete_row(user: User, task_id: UUID, raw: Mapping[str, Any]) -> RowResult:
    """One row of a batch inside its own savepoint; whatever fails there, the others are done (R44, R51)."""
    try:
        with session().begin_nested():
            held, row = tasks.lock_task(user, task_id)
            act_for(user, Action.VIEW_TASKS, row.organisation_id)
            tasks.complete_locked(user, task_id, held, row, raw)
        return RowResult(task_id, True)
    except Exception as error:
        refused = refusal_of(error, "complete_many")
        if refused.fault:
            _record_fault(task_id, error, refused.fault)
        return RowResult(task_id, False, refused.message, refused.fields)


def _record_fault(task_id: UUID, error: Exception, fault: str) -> None:
    """Leave an incident on the case of a row that failed; what the diagram or a script said stands in it."""
    said = f": {error}" if isinstance(error, StepError) else ""
    if task := session().get(Task, task_id):
        record_incident(task.case_id, task.element, f"{fault} {type(error).__name__}{said}")


def _result_to_json(result: RowResult) -> dict[str, Any]:
    return {
        "task": str(result.task_id),
        "ok": result.ok,
        "message": result.message.to_json() if result.message else None,
        "fields": {name: message.to_json() for name, message in result.fields.items()},
    }


def _result_from_json(row: Mapping[str, Any]) -> RowResult:
    message = Message.from_json(row["message"]) if row["message"] else None
    fields = {name: Message.from_json(packed) for name, packed in row["fields"].items()}
    return RowResult(UUID(row["task"]), row["ok"], message, fields)
