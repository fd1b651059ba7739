"""Work of the worker: due timers, automatic work, messages between cases, effects after a commit."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from service.engine import StaleToken
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.case import Job, JobState
from service.models.tables.case_statements import (
    CLAIM_JOB,
    CLAIM_JOBS,
    COMPLETE_COALESCED_JOBS,
    COMPLETE_JOB,
    EXTEND_JOB_LEASE,
    FAIL_JOB,
    LOCK_CASE,
    LOCK_JOB,
    POSTPONE_JOB,
)
from service.workflow.runtime import executor
from service.workflow.runtime.executor import Act, LockedCase
from service.workflow.runtime.incidents import record_incident

log = structlog.get_logger()

LEASE = timedelta(seconds=60)  # longer than any job takes; a worker that died delays its jobs by this
# before the second, third and fourth try
RETRY_DELAYS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
# after which a message is tried again whose case did not wait for it; a step that subscribes wakes it earlier
UNAWAITED_MESSAGE_DELAY = timedelta(hours=1)
SIDE_EFFECTS: dict[str, Callable[[dict[str, Any], UUID], None]] = {}
"""Outside effects by name; each gets the payload and the job's id as idempotency key."""


def worker_name() -> str:
    """The name of the lease holder: host, process and thread."""
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"


def run_due(limit: int = 50) -> int:
    """Take up to ``limit`` due jobs and do each in its own transaction; returns how many were taken."""
    worker = worker_name()
    with transaction(Operation("claim jobs")) as current_session:
        at = now()
        taken = current_session.execute(
            CLAIM_JOBS, {"worker": worker, "until": at + LEASE, "now": at, "limit": limit}
        ).all()
    for job in sorted(taken, key=lambda j: (j.run_at, j.id)):
        try:
            _run(job, worker)
        except StaleToken:
            _drop(job)
        except Exception as error:
            _fail(job, error)
    return len(taken)


def run_at_once(job_id: UUID) -> None:
    """Do a job now, while somebody waits for it; nothing when it is done or another holds it.

    A failure is noted, so that the worker tries again, then raised; when this process dies the worker does the job.
    """
    worker, at = worker_name(), now()
    with transaction(Operation("claim job")) as current_session:
        claim = {"id": job_id, "worker": worker, "until": at + LEASE, "now": at}
        job = current_session.execute(CLAIM_JOB, claim).one_or_none()
    if job is None:
        return
    try:
        _run(job, worker)
    except Exception as error:
        _fail(job, error)
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


def _run(job: Any, worker: str) -> None:
    if job.kind == "effect":
        SIDE_EFFECTS[job.name](job.payload, job.id)
        with transaction(Operation(f"effect {job.name}")) as current_session:
            current_session.execute(COMPLETE_JOB, {"id": job.id})
        return
    with transaction(Operation(f"{job.kind} {job.name or job.element}", case_id=job.case_id)) as current_session:
        row = current_session.execute(LOCK_CASE, {"id": job.case_id}).one()
        if current_session.execute(LOCK_JOB, {"id": job.id, "worker": worker}).one_or_none() is None:
            return  # cleared by somebody's input, or the lease ran out and another worker has it
        held = LockedCase.of(row)
        if job.kind in ("message", "signal") and held.ended_at is None and f"{job.kind}:{job.name}" not in held.awaited:
            current_session.execute(POSTPONE_JOB, {"id": job.id, "at": now() + UNAWAITED_MESSAGE_DELAY})
            return
        current_session.execute(COMPLETE_JOB, {"id": job.id})
        if job.coalesce is not None:
            current_session.execute(COMPLETE_COALESCED_JOBS, {"case": job.case_id, "key": job.coalesce})
        if held.ended_at is None:
            executor.apply_input(held, _act(job))


def leave_message(case_id: UUID, name: str, data: Mapping[str, Any]) -> None:
    """Leave a message for a case, delivered after the commit in a transaction of its own (invariant 2)."""
    at = now()
    session().add(
        Job(id=new_id(), case_id=case_id, kind="message", name=name, due_at=at, run_at=at, payload=dict(data))
    )


def extend_lease(job_id: UUID) -> None:
    """Prolong the lease of a running job; an effect that takes longer than ``LEASE`` calls this as it goes on."""
    with transaction(Operation("keep job")) as current_session:
        current_session.execute(EXTEND_JOB_LEASE, {"id": job_id, "until": now() + LEASE})


def _act(job: Any) -> Act:
    if job.kind == "timer":
        return Act("timer", token=job.token, element=job.element, due=job.due_at)
    if job.kind == "async":
        return Act("job", token=job.token, element=job.element)
    return Act(job.kind, element=job.name, data=job.payload)


def _drop(job: Any) -> None:
    """Close the job of a case that moved on meanwhile: it is neither tried again nor an incident."""
    with transaction(Operation("job has no place")) as current_session:
        current_session.execute(COMPLETE_JOB, {"id": job.id})


def _fail(job: Any, error: Exception) -> None:
    """Take one try from a job; after the last there is an incident on the case."""
    said = f"{type(error).__name__}: {error}"[:4000]
    log.warning("job failed", job=str(job.id), kind=job.kind, name=job.name, element=job.element, error=said)
    with transaction(Operation("job failed")) as current_session:
        tried = {"id": job.id, "error": said, "at": now(), "pauses": list(RETRY_DELAYS)}
        state = current_session.execute(FAIL_JOB, tried).scalar_one_or_none()
    if state == JobState.FAILED and job.case_id is not None:
        record_incident(job.case_id, job.element or job.name, said, job.id)
