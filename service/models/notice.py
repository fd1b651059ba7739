"""Notices to an audience (R34) and bulletins (R68), with their receipts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from service.models.base import Base, Tracked


class Notice(Tracked, Base):
    """A notice or bulletin. authorities: ids of the provinces addressed, empty for all; roles likewise."""

    __tablename__ = "notice"
    kind: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text, default="")
    author_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    authorities: Mapped[list[str]] = mapped_column(ARRAY(String(36)), default=list)
    roles: Mapped[list[str]] = mapped_column(ARRAY(String(24)), default=list)
    class_id: Mapped[UUID | None] = mapped_column(ForeignKey("training_class.id"))
    state: Mapped[str] = mapped_column(String(10), default="draft")
    published_at: Mapped[datetime | None] = mapped_column(index=True)
    __table_args__ = (
        CheckConstraint("kind IN ('notice', 'bulletin')", name="kind"),
        CheckConstraint("state IN ('draft', 'published', 'withdrawn')", name="state"),
    )


class Receipt(Base):
    """Who has read which notice, and when."""

    __tablename__ = "notice_receipt"
    notice_id: Mapped[UUID] = mapped_column(ForeignKey("notice.id"), primary_key=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    read_at: Mapped[datetime]
    __table_args__ = (Index(None, "user_id"),)
