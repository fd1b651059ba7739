"""Runs in the background over many cases: progress that is seen while they go on, and giving them up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import update

from service.errors import N_, Conflict, NotFound
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Job, JobState
from service.models.tables.runtime.version_change import OPEN, BacktestRun, MigrationRun, RunState

Run = BacktestRun | MigrationRun
Kind = TypeVar("Kind", BacktestRun, MigrationRun)


def job_of(effect: str, run: Run) -> Job:
    """The job that does a run, at once."""
    at = now()
    return Job(id=run.id, kind="effect", name=effect, due_at=at, run_at=at, payload={"run": str(run.id)})


def find(table: type[Kind], run_id: UUID) -> Kind:
    """A run as it is now; raises NotFound."""
    run = session().get(table, run_id, populate_existing=True)
    if run is None:
        raise NotFound
    return run


def change(run: Run, state: str = RunState.RUNNING, **more: Any) -> bool:
    """Change a run that has not ended, in the running transaction; whether it had not."""
    table = type(run)
    ended = None if state == RunState.RUNNING else now()
    query = update(table).where(table.id == run.id, table.state.in_(OPEN))
    return session().execute(query.values(state=state, ended_at=ended, **more).returning(table.id)).first() is not None


def proceed(run: Run, lease: Lease | None, state: str = RunState.RUNNING, **more: Any) -> bool:
    """Write progress in a transaction of its own; False when the run was given up. Raises LeaseLost."""
    with transaction(Operation("run_progress")):
        goes_on = change(run, state, **more)
    if lease is not None and goes_on and state == RunState.RUNNING:
        lease.extend()
    return goes_on


def keep_alive(lease: Lease | None) -> Callable[[], None]:
    """Keep the lease of a run between two lines of progress, however long one case takes: call it after each."""
    due = now() + LEASE / 4

    def keep() -> None:
        nonlocal due
        if lease is not None and now() >= due:
            lease.extend()
            due = now() + LEASE / 4

    return keep


def stop(user: User, run: Run) -> None:
    """Give up a run; what it has done stays done. Raises Conflict when it has ended."""
    with transaction(Operation("stop_run", user.id)):
        if not change(run, RunState.STOPPED):
            raise Conflict(N_("这次运行已经结束，不能再取消。"))


def resume(user: User, run: Run) -> None:
    """Let a run that has failed go on with what is left. Raises Conflict when it goes on already, or has ended."""
    table = type(run)
    failed = update(table).where(table.id == run.id, table.state == RunState.FAILED)
    with transaction(Operation("resume_run", user.id)) as current:
        if current.execute(failed.values(state=RunState.RUNNING, ended_at=None).returning(table.id)).first() is None:
            raise Conflict(N_("这次运行没有停下，或已经结束，不用接着做。"))
        job = current.get_one(Job, run.id, with_for_update=True, populate_existing=True)
        job.state, job.retries, job.run_at = JobState.PENDING, 3, now()


def do(table: type[Kind], run_id: UUID, work: Callable[[Kind, User | None], None]) -> None:
    """Do a run that has not ended, for whoever began it. A failure is noted, then raised; so is LeaseLost, unnoted."""
    run = find(table, run_id)
    if run.state not in OPEN:
        return
    try:
        work(run, _user_of(run))
    except LeaseLost:
        raise
    except Exception as error:
        session().rollback()
        proceed(run, None, RunState.FAILED, error=type(error).__name__)
        raise


def _user_of(run: Run) -> User | None:
    """Whoever began a run, None for the operator of the machine. Raises NotFound when the account is gone."""
    user = User.get(run.user_id) if run.user_id else None
    if run.user_id and (user is None or not user.is_active):
        raise NotFound
    return user
