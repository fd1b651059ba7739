"""Work of the worker: due timers, automatic work, messages between cases, effects after a commit."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy import insert
from sqlalchemy.orm.exc import StaleDataError

from service.engine import StaleToken
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, current_operation, transaction
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.tables.runtime.case import Job, JobState
from service.models.tables.runtime.case_statements import (
    CLAIM_JOB,
    CLAIM_JOBS,
    COMPLETE_COALESCED_JOBS,
    FAIL_JOB,
    LOCK_CASE,
)
from service.models.tables.system.audit import RowChange
from service.workflow.runtime import executor
from service.workflow.runtime.executor import Act, LockedCase
from service.workflow.runtime.incidents import record_incident
from service.workflow.runtime.sent_messages import message_change

log = structlog.get_logger()

CONFLICTS = 3  # after which a job that meets another in a row again and again has failed this time
# before the second, third and fourth try
RETRY_DELAYS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
# after which a message is tried again whose case did not wait for it; a step that subscribes wakes it earlier
UNAWAITED_MESSAGE_DELAY = timedelta(hours=1)
SIDE_EFFECTS: dict[str, Callable[[dict[str, Any], Lease], None]] = {}
"""Outside effects by name; each gets the payload and the lease, under which alone its result becomes visible."""


class Pool(StrEnum):
    """Jobs that never wait for those of another pool: one that is slow delays no timer."""

    CASE = "case"  # timers, automatic work, messages and signals
    MAIL = "mail"
    DOCUMENT = "document"  # every other effect


def holder_name() -> str:
    """A name for the holder of a lease: host, process, and one claim."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{uuid4().hex[:16]}"


def run_due(limit: int = 50, pool: Pool | None = None) -> int:
    """Take up to ``limit`` due jobs and do each in its own transaction; returns how many were taken.

    pool: of which, None for all.
    """
    with transaction(Operation("claim jobs")) as current_session:
        taken = current_session.execute(CLAIM_JOBS, _claim(limit=limit, pool=pool)).all()
    for job in sorted(taken, key=lambda j: (j.run_at, j.id)):
        lease = Lease(job.id, job.locked_by)
        try:
            _run_again(job, lease)
        except LeaseLost:
            session().rollback()
            log.info("lease lost", job=str(job.id), kind=job.kind, name=job.name)
        except StaleToken:
            _drop(lease)
        except Exception as error:
            _fail(job, lease, error)
    return len(taken)


def run_at_once(job_id: UUID) -> None:
    """Do a job now, due or not, while somebody waits for it; nothing when it is done or another holds it.

    A failure is noted, so that the worker tries again, then raised; when this process dies the worker does the job.
    """
    with transaction(Operation("claim job")) as current_session:
        job = current_session.execute(CLAIM_JOB, _claim(id=job_id)).one_or_none()
    if job is None:
        return
    lease = Lease(job.id, job.locked_by)
    try:
        _run_again(job, lease)
    except LeaseLost:
        session().rollback()
    except Exception as error:
        _fail(job, lease, error)
        raise


def run_all(rounds: int = 1000) -> int:
    """Do due jobs until none is left (tests, the demonstration); returns how many were done."""
    done = 0
    for _ in range(rounds):
        taken = run_due()
        if not taken:
            return done
        done += taken
    raise RuntimeError(f"jobs still due after {rounds} rounds")


def _claim(**more: Any) -> dict[str, Any]:
    at = now()
    return {"worker": holder_name(), "until": at + LEASE, "now": at, **more}


def _run_again(job: Any, lease: Lease) -> None:
    """Do a job; once more when somebody changed meanwhile what it had read, for there is nobody to send it again."""
    for _ in range(CONFLICTS):
        try:
            return _run(job, lease)
        except StaleDataError:
            session().rollback()
    return _run(job, lease)


def _run(job: Any, lease: Lease) -> None:
    if job.kind == "effect":
        lease.extend()  # it has waited for those that were taken with it
        SIDE_EFFECTS[job.name](job.payload, lease)
        _drop(lease)  # unless its result has ended it
        return
    with transaction(Operation(f"{job.kind} {job.name or job.element}", case_id=job.case_id)) as current_session:
        row = current_session.execute(LOCK_CASE, {"id": job.case_id}).one()
        if not lease.is_held():
            return  # cleared by somebody's input, or taken by another worker once the lease had run out
        held = LockedCase.of(row)
        if held.suspended_at is not None and held.ended_at is None:
            lease.postpone(now() + UNAWAITED_MESSAGE_DELAY)
            return  # who resumes the case wakes it
        if job.kind in ("message", "signal") and held.ended_at is None and f"{job.kind}:{job.name}" not in held.awaited:
            lease.postpone(now() + UNAWAITED_MESSAGE_DELAY)
            return
        lease.complete()
        if job.coalesce is not None:
            current_session.execute(COMPLETE_COALESCED_JOBS, {"case": job.case_id, "key": job.coalesce})
        if held.ended_at is None:
            executor.apply_input(held, act_of(job))


def leave_message(case_id: UUID, name: str, data: Mapping[str, Any]) -> None:
    """Leave a message for a case, delivered after the commit in a transaction of its own (invariant 2)."""
    at = now()
    job = {"id": new_id(), "case_id": case_id, "kind": "message", "name": name, "payload": dict(data)}
    session().add(Job(**job, due_at=at, run_at=at))
    session().execute(insert(RowChange), [message_change(current_operation(), job)])


def act_of(job: Any) -> Act:
    """Make the input that a job gives to its case."""
    if job.kind == "timer":
        return Act("timer", token=job.token, element=job.element, due=job.due_at)
    if job.kind == "async":
        return Act("job", token=job.token, element=job.element)
    return Act(job.kind, element=job.name, data=job.payload)


def _drop(lease: Lease) -> None:
    """Close a job that has nothing left to do: it is neither tried again nor an incident."""
    with transaction(Operation("job has no place")):
        lease.release()


def _fail(job: Any, lease: Lease, error: Exception) -> None:
    """Take one try from a job; after the last there is an incident on the case."""
    said = f"{type(error).__name__}: {error}"[:4000]
    log.warning("job failed", job=str(job.id), kind=job.kind, name=job.name, element=job.element, error=said)
    with transaction(Operation("job failed")) as current_session:
        tried = {"id": job.id, "worker": lease.holder, "error": said, "at": now(), "pauses": list(RETRY_DELAYS)}
        state = current_session.execute(FAIL_JOB, tried).scalar_one_or_none()
    if state == JobState.FAILED and job.case_id is not None:
        record_incident(job.case_id, job.element or job.name, said, job.id)
