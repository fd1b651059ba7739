"""Substitutions: for some days a colleague does what an account has claimed."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import Base


class Substitution(Base):
    """An absent account and its substitute, from one civil day to another, both included.

    appointed_by: the account itself, or who heads its desk; kinds: of the tasks that are done, empty: all;
    ended_at: the instant at which it was ended early.
    """

    __tablename__ = "substitution"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    substitute_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"), index=True)
    appointed_by: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    from_day: Mapped[date]
    until_day: Mapped[date]
    kinds: Mapped[list[str]] = mapped_column(JSONB, default=list)
    created_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("until_day >= from_day", name="days"),
        CheckConstraint("user_id <> substitute_id", name="other"),
    )
