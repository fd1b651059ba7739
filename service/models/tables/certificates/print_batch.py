"""Printing many certificates as one file: the batch with its progress, what it would print,
and the register of prints.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, select
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalText
from service.models.db.ids import new_id
from service.models.db.session import Base, session


class PrintBatch(Base):
    """One file of many certificates. done: faces laid out so far; refused: certificates that could not be printed, and
    why; shift_x, shift_y: the offset of the printer in tenths of a millimetre, to the right and down;
    layout, language: of the faces, ``FaceStyle``; packaging: one PDF to print, or a ZIP of a file for each certificate.

    The file is encrypted and kept for a day; the row and the prints it logged stay.
    """

    __tablename__ = "print_batch"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[UUID]
    title: Mapped[str] = mapped_column(PersonalText)
    certificate_ids: Mapped[list[str]] = mapped_column(ARRAY(String(36)))
    reason: Mapped[str] = mapped_column(PersonalText, default="")
    address: Mapped[str] = mapped_column(String(300))
    shift_x: Mapped[int] = mapped_column(default=0, server_default="0")
    shift_y: Mapped[int] = mapped_column(default=0, server_default="0")
    layout: Mapped[str] = mapped_column(String(8), default="a4", server_default="a4")
    language: Mapped[str] = mapped_column(String(10), default="zh", server_default="zh")
    packaging: Mapped[str] = mapped_column(String(3), default="pdf", server_default="pdf")
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    refused: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    state: Mapped[str] = mapped_column(String(9), default="running")
    error: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('running', 'done', 'failed', 'cancelled', 'removed')", name="state"),
        Index(None, "user_id", "at"),
    )

    @staticmethod
    def recent(user_id: UUID, most: int = 20) -> list[PrintBatch]:
        """The user's own batches, newest first."""
        query = select(PrintBatch).where(PrintBatch.user_id == user_id).order_by(PrintBatch.at.desc()).limit(most)
        return list(session().scalars(query))
