"""Transactional outbox of mails: ordered inside a use case, sent by the worker after its commit, each key once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
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
from service.models.tables.case import Job
from service.models.tables.mail import Mail, MailState
from service.models.tables.user import User

EFFECT = "mail"
DIGEST, WARNINGS, TEST, NOTICE = "digest", "warnings", "test", "notice"
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
        session().add_all(_job(mail_id) for mail_id in session().scalars(put.returning(Mail.id)).all())


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


def deliver(mail_id: UUID, compose: Compose) -> None:
    """Send one mail unless it was sent; the row is held meanwhile, so no second worker sends it too.

    When the server does not take it, it is tried again after a pause that grows; nothing is raised.
    """
    with transaction(Operation("send_mail")) as current:
        query = select(Mail).where(Mail.id == mail_id, Mail.state == MailState.WAITING)
        mail = current.scalars(query.with_for_update(skip_locked=True)).one_or_none()
        if mail is None:
            return
        user = User.get(mail.user_id)
        if user is None or not user.is_active or not user.mail or not _is_wanted(mail, user):
            mail.state, mail.ended_at = MailState.DROPPED, now()
            return
        try:
            _send(mail, user, compose)
        except smtp.NotDelivered as error:
            _postpone(mail, str(error))
        except smtp.Refused as error:
            mail.state, mail.error, mail.tries, mail.ended_at = MailState.FAILED, str(error), mail.tries + 1, now()
        else:
            mail.state, mail.error, mail.tries, mail.ended_at = MailState.SENT, None, mail.tries + 1, now()


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
            current.add(_job(mail.id))
    return len(list(mails))


def _send(mail: Mail, user: User, compose: Compose) -> None:
    server = settings().mail
    if server is None:
        raise smtp.NotDelivered("ANPEI_SMTP_URL")
    if error := _away.get():
        raise smtp.NotDelivered(error)
    message = compose(mail, user)
    message["From"], message["To"] = server.sender, user.mail
    message["Date"] = mail.created_at
    message["Message-ID"] = (
        f"<{mail.id}@{server.sender.partition('@')[2]}>"  # the same at each try: doubles can be told
    )
    message["Auto-Submitted"] = "auto-generated"
    try:
        smtp.send(server, message)
    except smtp.Away as away:
        _away.put(str(away), SERVER_PAUSE)
        raise


def _postpone(mail: Mail, error: str) -> None:
    mail.error, mail.tries = error, mail.tries + 1
    if mail.tries > len(RETRY_MINUTES):
        mail.state, mail.ended_at = MailState.FAILED, now()
    else:
        session().add(_job(mail.id, timedelta(minutes=RETRY_MINUTES[mail.tries - 1])))


def _is_wanted(mail: Mail, user: User) -> bool:
    return mail.kind in (TEST, NOTICE) or mail.kind in user.preferences.get("mails", ())


def _check_may(user: User) -> None:
    if not may(Role(user.role), Action.CHANGE_SETTINGS):
        raise NotAllowed


def _job(mail_id: UUID, after: timedelta = timedelta()) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=EFFECT, due_at=at, run_at=at, payload={"mail_id": str(mail_id)})
