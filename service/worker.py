"""The worker: wakes the due jobs of ``workflow.runtime.jobs`` twice a second, and the work of the day once."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType

import structlog
from apscheduler.schedulers.blocking import BlockingScheduler
from flask import Flask

from service.app import create_app
from service.infrastructure import systemd
from service.models.db.clock import CHINA
from service.models.db.errors import DATABASE_ERRORS, is_away
from service.models.db.time_limits import JOB
from service.workflow.accounts import form_drafts
from service.workflow.accounts.authentication import forget_old_attempts
from service.workflow.accounts.sessions import forget_ended
from service.workflow.certificates.certificate_expiry import recheck_deregistrations, start_deregistrations
from service.workflow.persons.retention import erase_due
from service.workflow.runtime.jobs import Pool, run_due
from service.workflow.system import exports
from service.workflow.system.daily_digest import write_due_digests
from service.workflow.system.sealing import seal_new
from service.workflow.training.enrollments import refresh_need

TICK_SECONDS = 0.5
OUTAGE_SECONDS = 60  # between two lines of the log about the same outage
SEAL_SECONDS = 30  # between two seals, when something was written
ALIVE_SECONDS = 2  # between two looks whether the service manager wants to hear of us
JOBS_A_SLICE = 20  # small, so that the worker ends soon when asked to
# jobs of a pool that one worker does at once; each thread of mails and documents takes one at a time, as it may be long
THREADS = {Pool.CASE: 1, Pool.MAIL: 1, Pool.DOCUMENT: 2}
NEEDS_A_TICK = 500  # stale training needs decided in one tick; all of them are stale after midnight

log = structlog.get_logger()


def main() -> None:
    """Run until SIGTERM or SIGINT; the running job is finished first."""
    app, ending = create_app(limits=JOB), threading.Event()
    scheduler = BlockingScheduler(timezone="UTC")
    often = {"trigger": "interval", "seconds": TICK_SECONDS, "max_instances": 1, "coalesce": True}
    for pool in (pool for pool, threads in THREADS.items() for _ in range(threads)):
        scheduler.add_job(tick, args=[app, ending, pool], **often)
    scheduler.add_job(seal, "interval", args=[app], seconds=SEAL_SECONDS, max_instances=1, coalesce=True)
    scheduler.add_job(daily, args=[app, ending])  # what was due while no worker ran
    scheduler.add_job(daily, "cron", args=[app, ending], hour=1, timezone=CHINA, misfire_grace_time=3600, coalesce=True)

    def stop(_number: int, _frame: FrameType | None) -> None:
        ending.set()
        scheduler.shutdown(wait=True)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    scheduler.add_job(systemd.say_alive, "interval", seconds=ALIVE_SECONDS)
    systemd.say_ready()
    scheduler.start()


def tick(app: Flask, ending: threading.Event, pool: Pool) -> None:
    """Do what is due, slice by slice. A failure is logged; the next tick tries again."""
    size = JOBS_A_SLICE if pool == Pool.CASE else 1
    with app.app_context(), _survived(pool):
        while not ending.is_set() and run_due(size, pool) == size:
            continue
        if pool == Pool.CASE:
            refresh_need(limit=NEEDS_A_TICK)
            write_due_digests()


def seal(app: Flask) -> None:
    """Seal what was written since the last seal; a place that does not answer is tried again with the next one."""
    with app.app_context(), _survived("seal"):
        seal_new()


def daily(app: Flask, ending: threading.Event) -> None:
    """Do the work of the day: certificates that have expired (R62), personal data that is kept no longer (R75).

    Idempotent.
    """
    with app.app_context(), _survived("daily"):
        forget_ended()
        forget_old_attempts()
        exports.sweep()
        form_drafts.sweep()
        recheck_deregistrations()
        while not ending.is_set() and start_deregistrations(JOBS_A_SLICE):
            continue
        while not ending.is_set() and erase_due(JOBS_A_SLICE):
            continue


_away_since: list[float] = []


@contextlib.contextmanager
def _survived(work: str) -> Iterator[None]:
    """Log what goes wrong inside. An outage of the database is one line a minute, not a trace twice a second."""
    try:
        yield
    except DATABASE_ERRORS as error:
        if not is_away(error):
            log.exception(f"{work}_failed")
        elif all(time.monotonic() - told > OUTAGE_SECONDS for told in _away_since[-1:]):
            _away_since.append(time.monotonic())
            log.error("database_away", work=work, error=type(error).__name__)
    except Exception:
        log.exception(f"{work}_failed")
    else:
        for since in _away_since[:1]:
            log.info("database_back", seconds=round(time.monotonic() - since))
            _away_since.clear()
