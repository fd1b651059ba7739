"""The digest of each organisation (R66), and the end of plans whose year is over: once a day,
by whichever worker is first.
"""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import select, text

from service.domain.values.calendar import start_of_day
from service.errors import N_
from service.models.db.clock import now, today
from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.notices import daily_digest
from service.models.tables.system.audit import AuditEvent
from service.workflow import outbox
from service.workflow.training import plans

DIGEST = N_("每日提醒")
ACTION = "daily_work"
ADVISORY_LOCK = 20260303  # an advisory lock: several workers may wake at once

_done: ProcessCache[date] = ProcessCache()  # the last day whose work is done, so that most wake-ups ask nothing


def write_due_digests() -> bool:
    """Do today's work unless it is done already; return True when it was done now."""
    day = today()
    if _done.get() == day:
        return False
    is_mine = _write_digests(day)
    if is_mine:
        plans.close_past()
    _done.put(day, timedelta(days=1))
    return is_mine


def _write_digests(day: date) -> bool:
    with transaction(Operation("daily_digest")) as current:
        if not current.scalar(text("SELECT pg_try_advisory_xact_lock(:lock)"), {"lock": ADVISORY_LOCK}):
            return False
        done = select(AuditEvent.id).where(AuditEvent.action == ACTION, AuditEvent.at >= start_of_day(day)).limit(1)
        if session().scalar(done) is not None:
            return False
        told = daily_digest.figures()
        daily_digest.write(told, DIGEST, now())
        outbox.order_digests(told, day)
        current.add(AuditEvent(action=ACTION))
    return True
