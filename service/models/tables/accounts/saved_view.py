"""Saved views: a list with the values that narrow it, under a name."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import EncryptedText, PersonalJson
from service.models.db.ids import new_id
from service.models.db.session import Base


class SavedView(Base):
    """A view of a list that an account has saved; is_shared: for its colleagues of the same role, too.

    list_name: of the report; arguments: values of its filters, among them words that were looked for.
    """

    __tablename__ = "saved_view"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    organisation_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    role: Mapped[str] = mapped_column(String(24))
    list_name: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(EncryptedText)
    arguments: Mapped[dict[str, Any]] = mapped_column(PersonalJson)
    is_shared: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=now)
    __table_args__ = (Index(None, "organisation_id", "role", "list_name"),)
