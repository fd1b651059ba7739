"""Notices to an audience (R34), bulletins with their files (R68),
reminders and the daily digest; and who has read them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, defer, mapped_column

from service.models.db.encryption import EncryptedBytes, PersonalJson, PersonalText
from service.models.db.session import Base, session
from service.models.db.tracked import Audited


class Notice(Audited, Base):
    """A notice or bulletin. authorities: ids of the provinces addressed, empty for all;
    roles and units in the same way; among the units may be accounts, of notices to one person.

    organisation_id: the only organisation addressed, of a reminder or digest. body: of a bulletin HTML that
    ``rich_text`` has cleaned, else plain text. facts: the figures of a digest; of a notice what
    ``domain.notices.words`` makes of its messages,
    so that everybody reads it in their own language (title and body are the Chinese text).
    """

    __tablename__ = "notice"
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(PersonalText, default="")
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    authorities: Mapped[list[str]] = mapped_column(ARRAY(String(36)), default=list)
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(24)), default=list)
    units: Mapped[list[str]] = mapped_column(ARRAY(String(36)), default=list, server_default="{}")
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    facts: Mapped[dict[str, Any]] = mapped_column(PersonalJson, default=dict)
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("training_class.id"))
    state: Mapped[str] = mapped_column(String(10), default="draft")
    published_at: Mapped[datetime | None]
    withdraw_reason: Mapped[str | None] = mapped_column(PersonalText)
    __table_args__ = (
        CheckConstraint("kind IN ('notice', 'bulletin', 'reminder', 'digest')", name="kind"),
        CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name="state"),
        CheckConstraint("(kind IN ('reminder', 'digest')) = (organisation_id IS NOT NULL)", name="addressee"),
        CheckConstraint("(published_at IS NULL) = (state = 'draft')", name="published"),
        Index("ix_notice_addressee", "organisation_id", "kind", postgresql_where="organisation_id IS NOT NULL"),
        Index("ix_notice_audience", "published_at", "id", postgresql_where="organisation_id IS NULL"),
        Index("uq_notice_digest", "organisation_id", unique=True, postgresql_where="kind = 'digest'"),
        Index(None, "author_id", "kind"),
    )


class Receipt(Base):
    """That an account has read a notice, and the instant."""

    __tablename__ = "notice_receipt"
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    read_at: Mapped[datetime]
    __table_args__ = (Index(None, "user_id"),)


class Attachment(Audited, Base):
    """A checked file of a bulletin. size in bytes, of the plain file."""

    __tablename__ = "notice_attachment"
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), index=True)
    name: Mapped[str] = mapped_column(PersonalText)
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)

    @staticmethod
    def of(notice_id: UUID) -> list[Attachment]:
        """The files of a notice without their content, in the order they were added."""
        query = select(Attachment).options(defer(Attachment.content)).where(Attachment.notice_id == notice_id)
        return list(session().scalars(query.order_by(Attachment.created_at, Attachment.id)))
