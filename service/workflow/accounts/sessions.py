"""Sessions of the pages: begin at a sign-in, are found by the cookie's key, end by hand or by the policy (R4)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, update

from service.domain.accounts.roles import ADMINISTRATORS, Role
from service.models.db.clock import now
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.accounts import session_list
from service.models.queries.accounts.session_list import ListedSession
from service.models.tables.accounts.account_session import AccountSession
from service.models.tables.accounts.user import User
from service.models.tables.system import setting
from service.workflow.accounts.audit_events import account_event

IDLE, LONGEST, ENDED = "idle", "longest", "ended"
"""Reasons why a session is over: nothing done, lasted long enough, ended elsewhere."""

SEEN_STEP = timedelta(minutes=1)  # a session is written at most once a minute


@dataclass(frozen=True, slots=True)
class Origin:
    """The origin of a sign-in. device: in a few words, '' when unknown."""

    address: str
    device: str = ""


class SessionEnd(NamedTuple):
    """The reason why a session is over, and the limit it ran into (minutes for IDLE, hours for LONGEST)."""

    reason: str
    limit: int = 0


@dataclass(frozen=True, slots=True)
class CurrentSession:
    """The session of a request, with its account.

    idle_end, end: the instants at which it ends, if nothing more is done and in any case.
    """

    id: UUID
    user: User
    idle_end: datetime
    end: datetime

    def seconds_left(self) -> tuple[int, int]:
        """Until it ends if nothing more is done, and until it ends in any case."""
        at = now()
        return int((min(self.idle_end, self.end) - at).total_seconds()), int((self.end - at).total_seconds())


def begin(user: User, origin: Origin) -> str:
    """Add a session of the account inside the running transaction; returns its key, which only the browser keeps."""
    key = secrets.token_urlsafe(32)
    session().add(AccountSession.of(user, key, origin.device, origin.address))
    return key


def resume(key: str, *, is_by_hand: bool) -> CurrentSession | SessionEnd:
    """The session of a key, or the reason why it is over. is_by_hand: the request keeps it from idling."""
    found = session_list.find_session(key)
    if found is None or not found.stands or not found.user.is_active:
        return SessionEnd(ENDED)
    at, idle, longest = now(), *_limits(Role(found.user.role))
    if at - found.created_at >= longest:
        return SessionEnd(LONGEST, longest // timedelta(hours=1))
    if at - found.seen_at >= idle:
        return SessionEnd(IDLE, idle // timedelta(minutes=1))
    seen = found.seen_at
    if is_by_hand and at - seen >= SEEN_STEP:
        _touch(found.id, at)
        seen = at
    return CurrentSession(found.id, found.user, seen + idle, found.created_at + longest)


def sessions_of(user: User) -> list[ListedSession]:
    """The sessions of an account that go on, the last seen first."""
    at, idle, longest = now(), *_limits(Role(user.role))
    return session_list.sessions_of(user.id, at - longest, at - idle)


def end_session(user: User, session_id: UUID, origin: Origin) -> bool:
    """End one of the account's own sessions; False when there is none, or no longer."""
    with transaction(Operation("end_session", user.id)) as current:
        own = delete(AccountSession).where(AccountSession.user_id == user.id, AccountSession.id == session_id)
        is_ended = bool(current.scalars(own.returning(AccountSession.id)).all())
        if is_ended:
            current.add(account_event("sign_out", user, origin.address))
    return is_ended


def end_other_sessions(user: User, kept: UUID, origin: Origin) -> int:
    """End all of the account's own sessions but one; returns how many."""
    with transaction(Operation("end_other_sessions", user.id)) as current:
        others = delete(AccountSession).where(AccountSession.user_id == user.id, AccountSession.id != kept)
        ended = len(current.scalars(others.returning(AccountSession.id)).all())
        current.add(account_event("end_sessions", user, origin.address, about=user))
    return ended


def forget_ended() -> None:
    """Delete the sessions that have lasted longer than any may."""
    with transaction(Operation("forget_sessions")) as current:
        longest = timedelta(hours=setting.number("session_hours"))
        current.execute(delete(AccountSession).where(AccountSession.created_at <= now() - longest))


def _touch(session_id: UUID, at: datetime) -> None:
    with transaction(Operation("see_session")) as current:
        seen = update(AccountSession).where(AccountSession.id == session_id, AccountSession.seen_at < at)
        current.execute(seen.values(seen_at=at))


def _limits(role: Role) -> tuple[timedelta, timedelta]:
    """The time that a session of the role may idle, and the time that it may last."""
    idle = "administrator_session_minutes" if role in ADMINISTRATORS else "session_minutes"
    return timedelta(minutes=setting.number(idle)), timedelta(hours=setting.number("session_hours"))
