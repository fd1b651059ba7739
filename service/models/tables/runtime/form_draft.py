"""Drafts of forms and sheets: typed, and not sent yet."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalJson
from service.models.db.ids import new_id
from service.models.db.session import Base


class FormDraft(Base):
    """Fields of a form as an account has typed them, until they are sent or a week old.

    form_digest: SHA-256 of the address that the form is sent to; typed: pairs of name and value.
    """

    __tablename__ = "form_draft"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    form_digest: Mapped[str] = mapped_column(String(64))
    typed: Mapped[list[Any]] = mapped_column(PersonalJson)
    saved_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (UniqueConstraint("user_id", "form_digest"), Index(None, "form_digest"), Index(None, "saved_at"))
