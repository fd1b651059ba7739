"""The texts of mails: a template each, first line the subject, in the language of the account.

Plain text, no personal number.
"""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any
from uuid import UUID

from flask import render_template
from flask_babel import force_locale

from service.config import settings
from service.models.queries.lease import Lease
from service.models.tables.accounts.user import User
from service.models.tables.notices.mail import Mail
from service.web.presenters.formatting import LANGUAGES, day
from service.workflow import outbox
from service.workflow.runtime import jobs


def compose(mail: Mail, user: User) -> EmailMessage:
    """One mail as its reader gets it, without the addresses."""
    chosen = user.preferences.get("language")
    with force_locale(chosen if chosen in LANGUAGES else "zh"):
        text = render_template(
            f"mails/{mail.kind}.txt",
            facts=mail.facts,
            unit=user.organisation.name,
            day=day(mail.created_at),
            address=settings().address,
        )
    subject, _, body = text.strip().partition("\n")
    made = EmailMessage()
    made["Subject"] = subject
    made.set_content(body.strip() + "\n")
    return made


def _deliver(payload: dict[str, Any], lease: Lease) -> None:
    outbox.deliver(UUID(payload["mail_id"]), compose, lease)


def register() -> None:
    """Let the worker send mails as they are written here."""
    jobs.SIDE_EFFECTS[outbox.EFFECT] = _deliver
