"""The lease of a job: the right of one worker to do it, without which nothing of its work becomes visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Result

from service.models.db.clock import now
from service.models.db.session import db, session
from service.models.tables.runtime.case_statements import COMPLETE_JOB, EXTEND_JOB_LEASE, LOCK_JOB, POSTPONE_JOB

LEASE = timedelta(seconds=60)  # from one extension to the next; a worker that died delays its job by this


class LeaseLost(Exception):
    """The job is done, cleared, or another's: whoever still works on it ends without a trace."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to do a job. holder: of one claim alone, so that a later claim of the same worker is another."""

    job_id: UUID
    holder: str

    def extend(self) -> None:
        """Extend it from now, in a transaction beside the session's. Raises LeaseLost."""
        with self.extended():
            pass

    @contextmanager
    def extended(self) -> Iterator[Connection]:
        """Extend it, together with a progress that is seen before the work is committed. Raises LeaseLost."""
        with db.engine.begin() as connection:
            _require(connection.execute(EXTEND_JOB_LEASE, self._row(until=now() + LEASE)))
            yield connection

    def hold(self) -> None:
        """Keep it to the end of the session's transaction, which is committed by the holder alone. Raises LeaseLost."""
        _require(session().execute(LOCK_JOB, self._row()))

    def is_held(self) -> bool:
        """Tell whether it is held, and keep it then to the end of the session's transaction."""
        return session().execute(LOCK_JOB, self._row()).one_or_none() is not None

    def release(self) -> None:
        """End the job, unless its result has, or another holds it."""
        session().execute(COMPLETE_JOB, self._row())

    def complete(self) -> None:
        """End the job in the transaction that makes its result visible. Raises LeaseLost."""
        _require(session().execute(COMPLETE_JOB, self._row()))

    def postpone(self, at: datetime) -> None:
        """Give the job back, to be done then. Raises LeaseLost."""
        _require(session().execute(POSTPONE_JOB, self._row(at=at)))

    def _row(self, **more: datetime) -> dict[str, object]:
        return {"id": self.job_id, "worker": self.holder, **more}


def _require(found: Result[Any]) -> None:
    if found.one_or_none() is None:
        raise LeaseLost
