"""Run of one case: each input goes through the engine as in production; its rows are buffered for COPY."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from service import engine, forms
from service.engine import Definition, Input, Request, Step, journal
from service.models.db.transaction import Operation
from service.models.tables.runtime.case import (
    Case,
    Job,
    JournalRow,
    PersonalValue,
    Task,
)
from service.operations.context import TaskSubject
from service.workflow.runtime.executor import LockedCase, last_reached, task_id, task_row
from tests.bench.full_scale.bulk_copy import CopyBuffer

Answer = Callable[[Request], dict[str, Any]]
"""Answers the service tasks of one input."""


@dataclass(frozen=True, slots=True)
class CaseInput:
    """One input. Token and due time of timers and tasks are found by the element; personal: texts kept apart."""

    kind: str
    at: datetime
    actor_id: UUID | None = None
    element: str | None = None
    data: Mapping[str, Any] | None = None
    personal: Mapping[str, str] = field(default_factory=dict)


class CaseRun:
    """Runs one case from its start to the last input that has happened."""

    def __init__(self, buffer: CopyBuffer, definition: Definition, at: datetime, key: str | None) -> None:
        self._buffer, self._definition, self._key = buffer, definition, key
        self.id = buffer.new_id(at)
        self._seq, self._hash, self._state = -1, "", b""
        self._tasks: dict[str, dict[str, Any]] = {}
        self._jobs: dict[str, dict[str, Any]] = {}
        self._shown = TaskSubject()
        self._step: Step | None = None
        self._started: CaseInput | None = None
        self._moved_at = at

    @property
    def seq(self) -> int:
        """Number of the next input."""
        return self._seq + 1

    @property
    def is_over(self) -> bool:
        return self._step is not None and self._step.ended

    def cause(self, use_case: str, act: CaseInput) -> Operation:
        """Operation that the row history of the next input names."""
        return Operation(use_case, act.actor_id, None, self.id, self.seq)

    def waits_for(self, message: str) -> bool:
        """True if the case waits for this message now."""
        return self._step is not None and f"message:{message}" in self._step.awaited

    def has_open(self, element: str) -> bool:
        """True if a task at this element is open."""
        return any(row["element"] == element and row["state"] == "open" for row in self._tasks.values())

    def move(self, act: CaseInput, serve: Answer, describe: Callable[[dict[str, Any]], TaskSubject]) -> Step:
        """Apply an input as ``workflow.runtime.executor.apply_input`` does, and buffer the rows it writes."""
        given = self._input(act)
        salt = self._buffer.random.randbytes(16)
        step = engine.step(self._definition, self._state or None, given, serve, salt)
        actor = None if act.actor_id is None else str(act.actor_id)
        envelope = journal.Envelope(str(self.id), actor, self._hash, salt)
        record = journal.step_row(envelope, self._definition, given, step)
        self._buffer.add(
            JournalRow,
            case_id=self.id,
            seq=given.seq,
            at=act.at,
            kind=act.kind,
            actor_id=act.actor_id,
            element=given.element,
            record=record,
            hash=record["hash"],
        )
        if step.opened or step.ended or act.kind == "start":
            self._shown = describe(step.data)
        self._started = self._started or act
        self._seq, self._hash, self._state, self._step, self._moved_at = (
            given.seq,
            record["hash"],
            step.state,
            step,
            act.at,
        )
        self._keep_tasks(act, given, step)
        self._keep_jobs(act, given, step)
        return step

    def close(self) -> None:
        """Buffer the final rows of the case, its tasks and its jobs."""
        assert self._step is not None
        assert self._started is not None
        step, shown = self._step, self._shown
        self._buffer.add(
            Case,
            id=self.id,
            process=self._definition.process,
            definition=self._definition.digest,
            business_key=self._key,
            state=self._state,
            seq=self._seq,
            last_hash=self._hash,
            awaited=list(step.awaited),
            subject=shown.subject[:200],
            unit_id=shown.unit_id,
            authority_id=shown.authority_id,
            institution_id=shown.institution_id,
            organiser_id=shown.organiser_id,
            started_at=self._started.at,
            started_by=self._started.actor_id,
            moved_at=self._moved_at,
            ended_at=self._moved_at if step.ended else None,
            ended=last_reached(step.trace) if step.ended else None,
        )
        for row in self._tasks.values():
            self._buffer.add(Task, **row)
        for row in self._jobs.values():
            self._buffer.add(Job, **row)

    def _input(self, act: CaseInput) -> Input:
        token, due = None, None
        if act.kind == "complete":
            token = self._token(self._tasks, act.element, "open")
        if act.kind == "timer":
            token = self._token(self._jobs, act.element, "pending")
            due = self._jobs[token]["due_at"]
        data = {**(act.data or {}), **{name: self._refer(act.at, name, text) for name, text in act.personal.items()}}
        return Input(act.kind, self.seq, act.at, token, act.element, due, data)

    def _refer(self, at: datetime, name: str, text: str) -> dict[str, str]:
        """Buffer a personal text; the reference to it, as ``workflow.runtime.executor.store_personal`` makes it."""
        key, salt = self._buffer.new_id(at), self._buffer.random.randbytes(16)
        self._buffer.add(PersonalValue, id=key, case_id=self.id, seq=self.seq, field=name, sealed=text, salt=salt)
        return {"personal": str(key), "digest": journal.salted(salt, name, text)}

    def _token(self, rows: dict[str, dict[str, Any]], element: str | None, state: str) -> str:
        """Find the token at an element. Raises ValueError when plan and diagram disagree."""
        found = [token for token, row in rows.items() if row["element"] == element and row["state"] == state]
        if not found:
            there = [row["element"] for row in rows.values() if row["state"] == state]
            raise ValueError(f"{self._definition.process}: {element} is planned, but {there} are open")
        return found[0]

    def _keep_tasks(self, act: CaseInput, given: Input, step: Step) -> None:
        for token in step.closed:
            is_done = act.kind == "complete" and token == given.token
            self._tasks[token] |= {
                "state": "completed" if is_done else "cancelled",
                "closed_at": act.at,
                "closed_by": act.actor_id if is_done else None,
            }
        held = LockedCase(self.id, self._definition.process, self._definition.digest, self._key, b"", 0, "", (), None)
        for task in step.opened:
            row = task_row(held, self._definition, task, self._shown, act.at)
            row |= {"id": task_id(self.id, task.token), "case_id": self.id, "opened_at": act.at, "state": "open"}
            row |= {"due_at": task.due, "follow_up_at": task.follow_up}
            self._tasks[task.token] = row | {"sort_at": task.due or act.at + timedelta(days=30)}

    def _keep_jobs(self, act: CaseInput, given: Input, step: Step) -> None:
        for token in step.jobs_cleared:
            self._jobs[token]["state"] = "done" if act.kind == "timer" and token == given.token else "cleared"
        if act.kind == "timer" and given.token in self._jobs:
            self._jobs[given.token]["state"] = "done"
        for job in step.jobs_set:
            self._jobs[job.token] = {
                "id": self._buffer.new_id(act.at),
                "case_id": self.id,
                "token": job.token,
                "element": job.element,
                "kind": job.kind,
                "name": job.topic or "",
                "due_at": job.due or act.at,
                "run_at": job.due or act.at,
                "created_at": act.at,
                "state": "pending",
            }


class Forms:
    """Cleaned form data; equal entries are cleaned once."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._known: dict[str, dict[str, Any]] = {}

    def clean(self, form_key: str, raw: Mapping[str, Any]) -> dict[str, Any]:
        """Clean the entries of a form: ``data`` and ``personal`` of its input."""
        key = repr((form_key, sorted(raw.items())))
        if key not in self._known:
            cleaned = forms.clean(self._definition.files[f"{form_key}.form"], raw)
            self._known[key] = {"data": cleaned.data, "personal": cleaned.personal}
        return self._known[key]
