"""Facts about an account that end cached credentials, in one small query."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from service.models.db.prepared_statements import PreparedStatement
from service.models.db.session import session
from service.models.tables.accounts.user import User


class CredentialStamp(NamedTuple):
    """An account as it stands now. Equal stamps mean that nothing of it, nor of its organisation, has changed."""

    id: UUID
    version: int
    epoch: int
    state: str
    password_hash: str
    must_change: bool
    role: str
    locked_until: datetime | None
    organisation_id: UUID
    organisation_version: int


_STAMP = PreparedStatement(
    "stamp_of_account",
    """
    SELECT u.id, u.version, u.epoch, u.state, u.password_hash, u.must_change, u.role, u.locked_until, o.id, o.version
    FROM user_account u JOIN organisation o ON o.id = u.organisation_id WHERE lower(u.login) = :login
    """,
)


def credential_stamp(login: str) -> CredentialStamp | None:
    """The stamp of the account with this login, whatever its case; None when there is none."""
    row = _STAMP.execute({"login": login.strip().lower()}).one_or_none()
    return CredentialStamp._make(row) if row else None


def detached_copy(user: User) -> User:
    """The account apart from the session that read it, so that later requests may share it; it must not be changed."""
    session().expunge(user.organisation)
    session().expunge(user)
    return user
