"""One input applied to one case: the engine's step, then state, tasks, jobs and the journal in a single statement."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import orjson

from service import engine, handlers
from service.engine import Input, Step, UserTask, journal, replay
from service.errors import N_, CaseSuspended, Conflict
from service.models.db.clock import CHINA, now
from service.models.db.encryption import encrypted_literal
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import current_operation, expire_session
from service.models.tables.runtime.case import JournalRow, PersonalValue
from service.models.tables.runtime.case_statements import (
    INSERT_CASE,
    LOCK_CASE,
    SUBSCRIBED_CASES,
    role_organisation,
    write_step,
)
from service.operations.context import Context, TaskSubject
from service.workflow.processes import definitions
from service.workflow.runtime.sent_messages import message_change


@dataclass(frozen=True, slots=True)
class LockedCase:
    """A case whose row is locked until the commit, as it stood when the lock was taken."""

    id: UUID
    process: str
    definition: str
    business_key: str | None
    state: bytes
    seq: int
    last_hash: str
    awaited: tuple[str, ...]
    ended_at: datetime | None
    suspended_at: datetime | None = None

    @classmethod
    def of(cls, row: Any) -> LockedCase:
        """From a row of one of the LOCK statements."""
        return cls(
            row.id,
            row.process,
            row.definition,
            row.business_key,
            bytes(row.state),
            row.seq,
            row.last_hash,
            tuple(row.awaited),
            row.ended_at,
            row.suspended_at,
        )


@dataclass(frozen=True, slots=True)
class Act:
    """An actor's input to a case. token, element, due: of the task, timer or message; data: clean, without floats.

    to: digest of the version that a migration leads to.
    """

    kind: str
    actor_id: UUID | None = None
    token: str | None = None
    element: str | None = None
    due: datetime | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    to: str | None = None


def lock_case(case_id: UUID) -> LockedCase:
    """Lock a case for this transaction; raises Conflict if it has ended or does not exist."""
    expire_session()
    row = session().execute(LOCK_CASE, {"id": case_id}).one_or_none()
    if row is None:
        raise Conflict(N_("这个案卷不存在。"))
    held = LockedCase.of(row)
    if held.ended_at is not None:
        raise Conflict(N_("这个案卷已经办结，不能再变动。"))
    return held


def create_case(
    definition: engine.Definition, act: Act, business_key: str | None, personal: Mapping[str, str]
) -> tuple[UUID, Step]:
    """Make a case of ``definition`` and execute it until people or jobs are needed.

    personal: variables of the start whose texts are stored apart.
    """
    case_id = new_id()
    held = LockedCase(case_id, definition.process, definition.digest, business_key, b"", -1, "", (), None)
    session().execute(
        INSERT_CASE,
        {
            "id": case_id,
            "process": definition.process,
            "definition": definition.digest,
            "key": business_key,
            "at": now(),
            "by": act.actor_id,
        },
    )
    return case_id, apply_input(held, with_personal(held, act, personal))


def with_personal(held: LockedCase, act: Act, texts: Mapping[str, str]) -> Act:
    """The act with references to personal texts among its data; case data and journal hold nothing else of them."""
    return replace(act, data={**act.data, **store_personal(held, texts)}) if texts else act


def store_personal(held: LockedCase, texts: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Store personal texts of the next input of a case; the references to them, with their salted digests."""
    references = {}
    for name, text in texts.items():
        salt = os.urandom(16)
        row = PersonalValue(id=new_id(), case_id=held.id, seq=held.seq + 1, field=name, value=text, salt=salt)
        session().add(row)
        references[name] = {"personal": str(row.id), "digest": journal.salted(salt, name, text)}
    return references


def apply_input(held: LockedCase, act: Act) -> Step:
    """Apply ``act`` to a held case and write everything that follows from it.

    Raises CaseSuspended while it is suspended, unless the input mends it,
    StaleToken if the token is gone or nobody waits for the message, StepError if the diagram cannot go on,
    and whatever a handler refuses with; nothing has been written then.
    """
    if held.suspended_at is not None and act.kind not in replay.WHILE_SUSPENDED:
        raise CaseSuspended
    handlers.keep_subject(held.process, act.kind, act.data)
    seq, at = held.seq + 1, now()
    cause = current_operation()
    cause.case_id, cause.seq = held.id, seq
    definition = definitions.definition(act.to or held.definition)
    source = definitions.definition(held.definition) if act.to else None
    today = at.astimezone(CHINA).date()
    context = Context(
        held.id, held.process, held.business_key, seq, at, today, act.actor_id, cause.behalf_id, definition.decide
    )
    given = Input(act.kind, seq, at, act.token, act.element, act.due, dict(act.data))
    salt = os.urandom(16)
    state = None if act.kind == "start" else held.state
    with session().buffered_history() as history:
        step = engine.step(definition, state, given, handlers.serve(context), salt, source)
        reached = step.reached if definition.sets_states else handlers.earlier_state(step.calls, step.data)
        if reached:
            handlers.write_state(context, step.data, reached)
        session().flush()
    describe = bool(step.opened or step.closed or step.readdressed or step.ended or act.kind == "start")
    said = handlers.describe_subject(held.process, step.data) if describe else None
    row = journal.step_row(envelope(held, act, salt), definition, given, step, _shown(held, step, said))
    _address_thrown(held, step, context)
    write(held, act, step, Entry(row, said, context, history))
    return step


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal row with what is written beside it. said: the description of the case, if it may have changed."""

    row: dict[str, Any]
    said: TaskSubject | None
    context: Context
    history: list[dict[str, Any]]


def write(held: LockedCase, act: Act, step: Step, entry: Entry) -> None:
    """Write everything that follows from a step of a held case in one statement."""
    cause, context = current_operation(), entry.context
    definition = definitions.definition(act.to or held.definition)
    new = () if act.kind == replay.UNDO else step.jobs_set
    jobs = [_job(held, job) for job in new] + context.pending_jobs
    history = entry.history + [message_change(cause, job) for job in context.pending_jobs]
    written = _written(held, act, definition, step, entry.row, entry.said, context.at)
    written |= {"jobs": _json(jobs), "history": _history(history)}
    write_step(_parts(act, step, written, bool(jobs), bool(history))).execute(written)


def task_id(case_id: UUID, token: str) -> UUID:
    """The inbox id of a token: derived, so that the same journal always gives the same inbox."""
    return uuid5(case_id, token)


def require_subscription(held: LockedCase, message: str, otherwise: str) -> None:
    """Raise Conflict(otherwise) unless the case waits for the BPMN message now."""
    if not awaits(held, message):
        raise Conflict(otherwise)


def awaits(held: LockedCase, message: str) -> bool:
    """Tell whether the case waits for the BPMN message now."""
    return f"message:{message}" in held.awaited


def envelope(held: LockedCase, act: Act, salt: bytes) -> journal.Envelope:
    """Put an input into the next row of a case's journal."""
    behalf_id = current_operation().behalf_id
    return journal.Envelope(str(held.id), _text(act.actor_id), held.last_hash, salt, _text(behalf_id))


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)


def _written(
    held: LockedCase,
    act: Act,
    definition: engine.Definition,
    step: Step,
    row: dict[str, Any],
    said: TaskSubject | None,
    at: datetime,
) -> dict[str, Any]:
    """The parameters of WRITE_STEP."""
    shown = said or TaskSubject()
    done = act.token if act.kind == "complete" else None
    return {
        "case": held.id,
        "state": step.state,
        "seq": row["seq"],
        "hash": row["hash"],
        "awaited": list(step.awaited),
        "at": at,
        "ended": last_reached(step.trace) if step.ended else None,
        "is_over": step.ended,
        "described": said is not None,
        "subject": shown.subject[:200],
        "unit": shown.unit_id,
        "authority": shown.authority_id,
        "institution": shown.institution_id,
        "organiser": shown.organiser_id,
        "closed": [task_id(held.id, token) for token in step.closed],
        "done": done,
        "actor": act.actor_id,
        "reopened": [task_id(held.id, task.token) for task in step.opened],
        "waiting": [job.token for job in step.jobs_set],
        "cleared": list(step.jobs_cleared) + ([act.token] if act.kind in ("timer", "job") and act.token else []),
        "tasks": engine.canonical([task_row(held, definition, task, shown, at) for task in step.opened]).decode(),
        "changed": engine.canonical(
            [_changed(held, act, definition, task, shown) for task in step.readdressed]
        ).decode(),
        "definition": definition.digest,
        "kind": act.kind,
        "element": act.element,
        "record": engine.canonical(row).decode(),
        "mac": JournalRow.mark_of({"case_id": held.id, "seq": row["seq"], "hash": row["hash"]}),
    }


def shown_case(held: LockedCase, said: TaskSubject) -> dict[str, Any]:
    """Collect what lists show of the case."""
    return {"case": case_shown(held.business_key, said)}


def _shown(held: LockedCase, step: Step, said: TaskSubject | None) -> dict[str, Any]:
    """Collect all that lists show of the case and of the tasks that this step addresses, by token."""
    shown = {} if said is None else shown_case(held, said)
    tasks = [_address(held, task, said or TaskSubject()) for task in (*step.opened, *step.readdressed)]
    tokens = [task.token for task in (*step.opened, *step.readdressed)]
    return shown | {token: task_shown(address) for token, address in zip(tokens, tasks, strict=True)}


def case_shown(business_key: str | None, said: Any) -> list[Any]:
    """Values that lists show of a case; said: the description of its subject, or the row of the case itself."""
    ids = (said.unit_id, said.authority_id, said.institution_id, said.organiser_id)
    return [business_key, said.subject[:200], *map(_text, ids)]


SHOWN_OF_TASKS = (
    *("role", "organisation_id", "due_at", "follow_up_at", "priority"),
    *("subject", "summary", "unit_name", "batch", "batch_title", "facts"),
)


def task_shown(address: Mapping[str, Any]) -> list[Any]:
    """Values that lists show of a task; address: its columns as JSON."""
    return [address[name] for name in SHOWN_OF_TASKS]


def last_reached(trace: Sequence[str]) -> str | None:
    """Name the end at which a case is over: the last element left; what only listened is cancelled after it."""
    return next((path[1:].rpartition("/")[2] for path in reversed(trace) if not path.startswith("-")), None)


def _parts(act: Act, step: Step, written: dict[str, Any], has_jobs: bool, has_history: bool) -> frozenset[str]:
    """Choose the parts of the statement that have something to do."""
    parts = {name for name in ("closed", "cleared", "awaited") if written[name]}
    again = act.kind == replay.UNDO
    given = {"reopened" if again else "tasks": step.opened, "jobs": has_jobs, "history": has_history}
    given |= {"waiting": step.jobs_set} if again else {}
    given |= {"migrated": True} if act.to else {"changed": step.readdressed}
    return frozenset(parts | {name for name, values in given.items() if values})


def task_row(
    held: LockedCase, definition: engine.Definition, task: UserTask, shown: TaskSubject, at: datetime
) -> dict[str, Any]:
    """The inbox row of a task that opened, as JSON."""
    return {
        **_address(held, task, shown),
        "token": task.token,
        "element": task.element,
        "name": task.name[:100],
        "kind": f"{held.process}/{task.element}",
        "process": held.process,
        "definition": definition.digest,
        "form_key": task.form_key,
        "opened_at": _iso(at),
        "assignee_id": task.assignee,
    }


def _changed(
    held: LockedCase, act: Act, definition: engine.Definition, task: UserTask, shown: TaskSubject
) -> dict[str, Any]:
    """The address of an open task; after a migration with what else it is in the new version."""
    if not act.to:
        return _address(held, task, shown)
    names = {"element": task.element, "name": task.name[:100], "kind": f"{held.process}/{task.element}"}
    return _address(held, task, shown) | names | {"definition": definition.digest, "form_key": task.form_key}


def _address(held: LockedCase, task: UserTask, shown: TaskSubject) -> dict[str, Any]:
    role = task.role or "sys_admin"
    due = task.due
    return {
        "id": str(task_id(held.id, task.token)),
        "role": role,
        "organisation_id": task.scope or str(role_organisation(role)),
        "due_at": _iso(due) if due else None,
        "follow_up_at": _iso(task.follow_up) if task.follow_up else None,
        "priority": task.priority,
        "subject": shown.subject[:200],
        "summary": (task.summary or shown.summary)[:300],
        "unit_name": shown.unit_name[:100],
        "batch": task.batch or shown.batch,
        "batch_title": shown.batch_title,
        "facts": shown.facts,
    }


def _job(held: LockedCase, job: engine.Job) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "case_id": str(held.id),
        "token": job.token,
        "element": job.element,
        "kind": job.kind,
        "name": job.topic or "",
        "due_at": _iso(job.due) if job.due else None,
    }


def _iso(at: datetime) -> str:
    return at.isoformat()


def _json(rows: list[dict[str, Any]]) -> str:
    return orjson.dumps(rows).decode()


def _history(changes: list[dict[str, Any]]) -> str:
    """The history of rows, with its personal texts encrypted before they are put into one text with the rest."""
    return _json(
        [
            {**change, "sealed": encrypted_literal(change["sealed"]), "mac": f"\\x{change['mac'].hex()}"}
            for change in changes
        ]
    )


def _address_thrown(held: LockedCase, step: Step, context: Context) -> None:
    """Jobs for what the diagram threw: a signal to every case that waits for it,
    a message to those of the same business key.
    """
    for sent in step.sent:
        waiting: Iterable[Any] = session().execute(
            SUBSCRIBED_CASES,
            {
                "name": f"{sent.kind}:{sent.name}",
                "case": held.id,
                "key": held.business_key if sent.kind == "message" else None,
            },
        )
        for (case_id,) in waiting:
            context.send_message(case_id, sent.name, sent.data, sent.kind)
