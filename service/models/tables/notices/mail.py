"""Mails to be sent and sent: one row a key, so that nothing is told twice. The address is looked up when it is sent."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import Base


class MailState(StrEnum):
    """States of a mail. dropped: not wanted any more; failed: given up, tried again by hand."""

    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"
    FAILED = "failed"


class Mail(Base):
    """One mail to one account. key: what it is about and when, unique;
    facts: figures and ids alone, no personal data.
    """

    __tablename__ = "mail"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(String(20))
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(String(8), default=MailState.WAITING)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, MailState))}", name="state"),
        Index("ix_mail_unsent", "created_at", postgresql_where="state IN ('waiting', 'failed')"),
        Index(None, "user_id", "created_at"),
    )
