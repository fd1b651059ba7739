"""Transactional outbox of mails: ordered inside a use case, sent by the worker after its commit, each key once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, delete, select
from sqlalchemy.dialects.postgresql import insert

from service.config import settings
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role, UserState
from service.errors import N_, Conflict, NotAllowed
from service.infrastructure import smtp
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import Lease
from service.models.tables.accounts.user import User
from service.models.tables.notices.mail import Mail, MailState
from service.models.tables.runtime.case import Job, JobState

EFFECT = "mail"
DIGEST, WARNINGS, TEST, NOTICE, CHANGE = "digest", "warnings", "test", "notice", "process_change"
WANTED = (DIGEST, WARNINGS)  # kinds that an account may ask for
MARKS = ("new_90", "new_60", "new_30", "new_expired")
RETRY_MINUTES = (1, 5, 15, 60, 180, 360, 720, 1440, 1440)  # more than two days in all
SERVER_PAUSE = timedelta(minutes=1)  # for which a server that was away is not asked: the worker has other work
SENT_LIFETIME = timedelta(days=90)
ROWS_A_STATEMENT = 500

_away: ProcessCache[str] = ProcessCache(lambda: now().timestamp())  # what a server that was away answered last

Compose = Callable[[Mail, User], EmailMessage]
"""Writes a mail in the language of its reader; where it goes and comes from is added here."""


def order(kind: str, facts_of: Mapping[UUID, Mapping[str, Any]], about: str) -> None:
    """Order one mail of a kind for each account; what was ordered before for the same ``about`` is not ordered again.

    facts_of: figures and ids by account. Call it inside a transaction. Without a mail server nothing is ordered.
    """
    if settings().mail is None or not facts_of:
        return
    at = now()
    rows = [
        {
            "id": new_id(),
            "key": f"{kind}:{user_id}:{about}",
            "user_id": user_id,
            "kind": kind,
            "facts": dict(facts),
            "state": MailState.WAITING,
            "tries": 0,
            "created_at": at,
        }
        for user_id, facts in facts_of.items()
    ]
    for n in range(0, len(rows), ROWS_A_STATEMENT):
        put = insert(Mail).values(rows[n : n + ROWS_A_STATEMENT]).on_conflict_do_nothing(index_elements=["key"])
        session().add_all(Job(**_job(mail_id)) for mail_id in session().scalars(put.returning(Mail.id)).all())


def order_digests(told: Mapping[UUID, Mapping[str, int]], day: date) -> None:
    """Order the day's mails for those who asked for them: the whole digest, or only when certificates came to a mark.

    Mails that were sent long ago are deleted.
    """
    query = select(User.id, User.organisation_id, User.preferences["mails"].label("wanted")).where(
        User.mail.is_not(None),
        User.state != UserState.DISABLED,
        ~User.awaits_assent,
        User.organisation_id.in_(list(told)),
    )
    digests: dict[UUID, Mapping[str, int]] = {}
    warnings: dict[UUID, Mapping[str, int]] = {}
    for user_id, organisation_id, wanted in session().execute(query):
        facts = told[organisation_id]
        if DIGEST in (wanted or ()):
            digests[user_id] = facts
        elif WARNINGS in (wanted or ()) and any(facts.get(mark) for mark in MARKS):
            warnings[user_id] = facts
    order(DIGEST, digests, str(day))
    order(WARNINGS, warnings, str(day))
    session().execute(
        delete(Mail).where(Mail.state.in_((MailState.SENT, MailState.DROPPED)), Mail.created_at < now() - SENT_LIFETIME)
    )


def order_test(user: User) -> None:
    """Order a mail to oneself, to see whether the server of the settings takes it.

    Raises Conflict when it cannot be.
    """
    _check_may(user)
    if settings().mail is None:
        raise Conflict(N_("没有设置邮件服务器。"))
    if not user.mail:
        raise Conflict(N_("请先在“我的账号”填写自己的邮箱。"))
    with transaction(Operation("test_mail", user.id)):
        order(TEST, {user.id: {}}, now().isoformat())


def deliver(mail_id: UUID, compose: Compose, lease: Lease) -> None:
    """Send one mail unless it was sent. No transaction is open while the server is spoken to: the lease, which is
    longer than that may take, keeps others away, and what came of it is written by its holder alone.

    When the server does not take it, it is tried again after a pause that grows; nothing is raised.
    """
    with transaction(Operation("send_mail")) as current:
        mail = current.get(Mail, mail_id, populate_existing=True)
        if mail is None or mail.state != MailState.WAITING:
            return
        user = User.get(mail.user_id)
        if user is None or not user.is_active or not user.mail or not _is_wanted(mail, user):
            _end(mail, MailState.DROPPED, lease)
            return
        message = _message(mail, user, compose)
    error = _send(message)
    with transaction(Operation("mail_sent")) as current:
        mail = current.get_one(Mail, mail_id, populate_existing=True, with_for_update=True)
        mail.tries, mail.error = mail.tries + 1, str(error) if error else None
        if not error:
            _end(mail, MailState.SENT, lease)
        elif isinstance(error, smtp.Refused) or mail.tries > len(RETRY_MINUTES):
            _end(mail, MailState.FAILED, lease)
        else:
            lease.postpone(now() + timedelta(minutes=RETRY_MINUTES[mail.tries - 1]))


def retry(user: User) -> int:
    """Try what was given up, and what waits for its next try, again now; returns how many mails that are."""
    _check_may(user)
    with transaction(Operation("retry_mails", user.id)) as current:
        query = (
            select(Mail)
            .where(Mail.state.in_((MailState.WAITING, MailState.FAILED)), Mail.error.is_not(None))
            .with_for_update()
        )
        mails: Iterable[Mail] = current.scalars(query).all()
        for mail in mails:
            mail.state, mail.tries, mail.ended_at = MailState.WAITING, 0, None
            current.execute(_run_again(mail.id))
    return len(list(mails))


def _message(mail: Mail, user: User, compose: Compose) -> EmailMessage:
    made = compose(mail, user)
    made["To"] = user.mail
    made["Date"] = mail.created_at
    if server := settings().mail:
        made["From"] = server.sender
        made["Message-ID"] = (
            f"<{mail.id}@{server.sender.partition('@')[2]}>"  # the same at each try: doubles can be told
        )
    made["Auto-Submitted"] = "auto-generated"
    return made


def _send(message: EmailMessage) -> smtp.NotDelivered | smtp.Refused | None:
    """Hand it over; the reason for which the server did not take it, None when it did."""
    server = settings().mail
    if server is None:
        return smtp.NotDelivered("ANPEI_SMTP_URL")
    if error := _away.get():
        return smtp.NotDelivered(error)
    try:
        smtp.send(server, message)
    except smtp.Away as away:
        _away.put(str(away), SERVER_PAUSE)
        return away
    except (smtp.NotDelivered, smtp.Refused) as refused:
        return refused
    return None


def _end(mail: Mail, state: MailState, lease: Lease) -> None:
    lease.complete()
    mail.state, mail.ended_at = state, now()


def _is_wanted(mail: Mail, user: User) -> bool:
    return mail.kind in (TEST, NOTICE, CHANGE) or mail.kind in user.preferences.get("mails", ())


def _check_may(user: User) -> None:
    if not may(Role(user.role), Action.CHANGE_SETTINGS):
        raise NotAllowed


def _run_again(mail_id: UUID) -> Executable:
    """Try a job that has ended or waits for its next try again now; one that somebody is at is left to its end."""
    put = insert(Job).values(_job(mail_id))
    again = {"state": JobState.PENDING, "retries": put.excluded.retries, "run_at": put.excluded.run_at}
    return put.on_conflict_do_update(index_elements=["id"], set_=again, where=Job.locked_by.is_(None))


def _job(mail_id: UUID) -> dict[str, Any]:
    """The one job of a mail, which bears its id and comes again until the mail has ended."""
    at, payload = now(), {"mail_id": str(mail_id)}
    return {"id": mail_id, "kind": "effect", "name": EFFECT, "due_at": at, "run_at": at, "payload": payload}
