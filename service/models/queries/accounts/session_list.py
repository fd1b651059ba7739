"""Sessions of accounts: the one of a key, with its account in one query, and those of an account."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload

from service.models.db.session import session
from service.models.tables.accounts.account_session import AccountSession, digest_of
from service.models.tables.accounts.user import User


class FoundSession(NamedTuple):
    """A session with its account. stands: the account is still what it was at the sign-in."""

    user: User
    id: UUID
    created_at: datetime
    seen_at: datetime
    stands: bool


class ListedSession(NamedTuple):
    """A session as its owner sees it. device: '' when unknown."""

    id: UUID
    device: str
    address: str
    created_at: datetime
    seen_at: datetime


_STANDS = and_(
    AccountSession.epoch == User.epoch,
    AccountSession.role == User.role,
    AccountSession.organisation_id == User.organisation_id,
)


def find_session(key: str) -> FoundSession | None:
    """The session of a key, with its account and the account's organisation."""
    columns = AccountSession.id, AccountSession.created_at, AccountSession.seen_at, _STANDS
    query = select(User, *columns).join(AccountSession, AccountSession.user_id == User.id)
    query = query.options(joinedload(User.organisation)).where(AccountSession.key_digest == digest_of(key))
    row = session().execute(query).one_or_none()
    return FoundSession(*row) if row else None


def sessions_of(user_id: UUID, created_after: datetime, seen_after: datetime) -> list[ListedSession]:
    """The sessions of an account that go on, the last seen first."""
    columns = AccountSession.id, AccountSession.device, AccountSession.address
    query = select(*columns, AccountSession.created_at, AccountSession.seen_at)
    query = query.join(User, AccountSession.user_id == User.id).where(User.id == user_id, _STANDS)
    query = query.where(AccountSession.created_at > created_after, AccountSession.seen_at > seen_after)
    rows = session().execute(query.order_by(AccountSession.seen_at.desc(), AccountSession.id.desc()))
    return [ListedSession(*row) for row in rows]
