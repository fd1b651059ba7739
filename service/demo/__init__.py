"""Demonstration data: made by running the real processes with a clock that moves, never by inserting their results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import func, select, text

from service.demo import full
from service.demo.aftermath import Aftermath
from service.demo.fixtures.accounts import begin_lifetimes, make_accounts
from service.demo.fixtures.actions import Acts
from service.demo.fixtures.people import People
from service.demo.full.land import yesterday
from service.demo.full.plan import Scale
from service.demo.office import Drafts, Office
from service.demo.story import Story
from service.models.db.clock import (
    MovingClock,
    clock_override,
    now,
    today,
)
from service.models.db.session import Base, session
from service.models.db.transaction import Operation, transaction
from service.models.tables.audit import AuditEvent
from service.models.tables.case import JournalRow
from service.models.tables.user import User
from service.workflow.runtime import definitions, jobs
from service.workflow.system import reference_data
from service.workflow.training import enrollments

BEGUN, FILLED = "demonstration begun", "demonstration filled"
ROWS = 3_000  # journal rows it leaves, about: what the progress is measured against
SEED = 2026

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


def is_filled() -> bool:
    """Whether the demonstration is complete."""
    return _happened(FILLED)


def fill(progress: Progress = lambda done, total: None, share: float = 1.0) -> bool:
    """Fill an empty database, with ``share`` of the persons; one whose filling was broken off is emptied first. Returns False where there is data already."""
    if not _begin():
        return False
    last, instant = today(), now()
    with clock_override(MovingClock(datetime(2013, 5, 8, 1, tzinfo=UTC))) as clock:
        assert isinstance(clock, MovingClock)
        acts = _Reporting(clock, People(SEED), progress)
        Story(acts, last, share).tell()
        clock.move_to(instant)
        jobs.run_all()
        Office().tell()
    begin_lifetimes()
    _mark(FILLED)
    progress(ROWS, ROWS)
    return True


def fill_full(
    progress: Progress = lambda done, total: None, scale: Scale | None = None, workers: int | None = None
) -> bool:
    """The same at full scale (domain.md §3): run through the pure engine and copied in, up to yesterday; then by the use cases.

    workers: processes, as many as there are cores unless told; 0 for this one alone. Returns False where there is data already.
    """
    if not _begin():
        return False
    last, instant = today(), now()
    accounts = full.fill(scale or Scale(), progress, workers)
    with clock_override(MovingClock(yesterday(instant))) as clock:
        assert isinstance(clock, MovingClock)
        acts = Acts(clock, People(SEED), accounts)
        Drafts(acts, last).tell()
        Aftermath(acts, last).tell()
        clock.move_to(instant)
        jobs.run_all()
        Office().tell()
    enrollments.refresh_need()
    _mark(FILLED)
    return True


def _begin() -> bool:
    """Make ready for a filling; False where there is data that nobody broke off."""
    if is_filled():
        return False
    if _happened(BEGUN):
        empty()
    elif session().scalar(select(func.count()).select_from(User)):
        return False
    _mark(BEGUN)
    _hurry()
    return True


class _Reporting(Acts):
    """Tells the progress after each act."""

    def __init__(self, clock: MovingClock, people: People, progress: Progress) -> None:
        super().__init__(clock, people, make_accounts())
        self._progress, self._acts = progress, 0

    def acted(self) -> None:
        """Count the journal now and then; a count at every act would cost more than the act."""
        self._acts += 1
        if self._acts % 40 == 0:
            self._progress(min(ROWS - 1, session().scalar(select(func.count()).select_from(JournalRow)) or 0), ROWS)


def _hurry() -> None:
    """Do not wait for the disk at each of some 2,900 commits: a filling that is broken off begins anew anyway."""
    with transaction(Operation("demonstration")) as current:
        current.execute(text("SET synchronous_commit TO off"))


def _happened(action: str) -> bool:
    return session().scalar(select(AuditEvent.id).where(AuditEvent.action == action).limit(1)) is not None


def _mark(action: str) -> None:
    with transaction(Operation("demonstration")) as current:
        current.add(AuditEvent(action=action))


def empty() -> None:
    """Take away what an interrupted filling left; nobody has worked on it."""
    with transaction(Operation("demonstration")) as current:
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        current.execute(text(f"TRUNCATE {names} CASCADE"))
    reference_data.ensure()
    definitions.deploy_folder()
