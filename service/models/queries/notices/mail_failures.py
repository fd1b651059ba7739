"""Mails that did not get out, for the system administrator."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from service.models.db.session import session
from service.models.tables.notices.mail import Mail, MailState


@dataclass(frozen=True, slots=True)
class MailFailures:
    """Mails that were tried: those waiting for the next try, those given up, and the latest answer of the server."""

    waiting: int
    failed: int
    error: str


def mail_failures() -> MailFailures:
    """Count the mails that were tried in vain."""
    tried = Mail.state.in_((MailState.WAITING, MailState.FAILED)), Mail.error.is_not(None)
    counts = select(
        func.count().filter(Mail.state == MailState.WAITING), func.count().filter(Mail.state == MailState.FAILED)
    )
    waiting, failed = session().execute(counts.where(*tried)).one()
    last = select(Mail.error).where(*tried).order_by(Mail.created_at.desc(), Mail.id.desc()).limit(1)
    return MailFailures(waiting, failed, (session().scalar(last) or "") if waiting or failed else "")
