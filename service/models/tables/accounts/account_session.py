"""Sessions of the pages, kept on the server so that ending one ends every copy of its cookie."""

from __future__ import annotations

import hashlib
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import Base
from service.models.tables.accounts.user import User


class AccountSession(Base):
    """A sign-in that has not ended; the row is deleted when it does (R4).

    key_digest: SHA-256 of the random key that the cookie holds; epoch, role, organisation_id: of the account at the
    sign-in, since a session stands only for the account as it was; device, address: told to the owner.
    """

    __tablename__ = "account_session"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key_digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    epoch: Mapped[int]
    role: Mapped[str] = mapped_column(String(24))
    organisation_id: Mapped[UUID]
    device: Mapped[str] = mapped_column(String(60))
    address: Mapped[str] = mapped_column(String(45))
    __table_args__ = (Index(None, "created_at"),)

    @staticmethod
    def of(user: User, key: str, device: str, address: str) -> AccountSession:
        """A session of the account as it stands now."""
        return AccountSession(
            id=new_id(),
            key_digest=digest_of(key),
            user_id=user.id,
            epoch=user.epoch,
            role=user.role,
            organisation_id=user.organisation_id,
            device=device[:60],
            address=address[:45],
        )


def digest_of(key: str) -> bytes:
    """The digest by which the session of a key is found: the key is random, so a plain digest gives nothing away."""
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()
