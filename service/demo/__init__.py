"""Demonstration data: made by running the real processes with a clock that moves, never by inserting their results."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import func, select, text

from service.config import settings
from service.demo.invented.accounts import create_accounts, reset_password_ages
from service.demo.invented.actions import Actions
from service.demo.invented.people import People
from service.demo.office_content import OfficeContent
from service.demo.timeline import Timeline
from service.migrations.rights import maintenance
from service.models.db.clock import MovingClock, clock_override, now, today
from service.models.db.ids import new_id
from service.models.db.session import Base, session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import JournalRow
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.setting import Setting
from service.workflow.runtime import jobs
from service.workflow.system import reference_data
from service.workflow.versions import path_deployments

BEGUN_EVENT, FILLED_EVENT = "demonstration begun", "demonstration filled"
EXPECTED_JOURNAL_ROWS = 3_000  # what the progress is measured against
SEED = 2026

Progress = Callable[[int, int], None]
"""Called with the amount done and the total."""


def fill(progress: Progress = lambda done, total: None, share: float = 1.0) -> bool:
    """Fill an empty database, with ``share`` of the persons. Returns False where there is data already."""
    if not begin_filling():
        return False
    last, instant = today(), now()
    with clock_override(MovingClock(datetime(2013, 5, 8, 1, tzinfo=UTC))) as clock:
        assert isinstance(clock, MovingClock)
        actions = _ReportingActions(clock, People(SEED), progress)
        Timeline(actions, last, share).run()
        clock.move_to(instant)
        jobs.run_all()
        OfficeContent().create()
    reset_password_ages()
    end_filling()
    progress(EXPECTED_JOURNAL_ROWS, EXPECTED_JOURNAL_ROWS)
    return True


def is_filled() -> bool:
    """True once the demonstration is complete."""
    return _has_event(FILLED_EVENT)


def begin_filling() -> bool:
    """Prepare the database; one whose filling was interrupted is emptied. Returns False where there is other data."""
    if is_filled():
        return False
    if _has_event(BEGUN_EVENT):
        empty()
    elif session().scalar(select(func.count()).select_from(User)):
        return False
    _record_event(BEGUN_EVENT)
    _disable_synchronous_commit()
    return True


def end_filling() -> None:
    """Record that the filling is complete; its one process administrator deploys alone."""
    with transaction(Operation("demonstration")) as current:
        current.add(Setting(id=new_id(), key="two_person_deploy", value="0"))
    _record_event(FILLED_EVENT)


def empty() -> None:
    """Truncate all tables, as their owner, and restore reference data and diagrams."""
    session().rollback()  # what it has read it holds a lock on
    names = ", ".join(table.name for table in Base.metadata.sorted_tables)
    with maintenance(settings().owner_url) as connection:
        connection.execute(text(f"TRUNCATE {names} CASCADE"))
    reference_data.ensure()
    path_deployments.deploy_folder()


class _ReportingActions(Actions):
    """Reports the progress after each action."""

    def __init__(self, clock: MovingClock, people: People, progress: Progress) -> None:
        super().__init__(clock, people, create_accounts())
        self._progress, self._count = progress, 0

    def after_action(self) -> None:
        """Report every 40 actions: counting the journal each time would cost more than the action."""
        self._count += 1
        if self._count % 40 == 0:
            rows = session().scalar(select(func.count()).select_from(JournalRow)) or 0
            self._progress(min(EXPECTED_JOURNAL_ROWS - 1, rows), EXPECTED_JOURNAL_ROWS)


def _disable_synchronous_commit() -> None:
    """Do not wait for the disk at each of some 2,900 commits: an interrupted filling starts over anyway."""
    with transaction(Operation("demonstration")) as current:
        current.execute(text("SET synchronous_commit TO off"))


def _has_event(action: str) -> bool:
    return session().scalar(select(AuditEvent.id).where(AuditEvent.action == action).limit(1)) is not None


def _record_event(action: str) -> None:
    with transaction(Operation("demonstration")) as current:
        current.add(AuditEvent(action=action))
