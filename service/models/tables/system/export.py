"""Exports: by account, list, purpose and size (R71)."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalText
from service.models.db.ids import new_id
from service.models.db.session import Base, session

CASE_FILES = "case-files"
"""The name of an export that is no list: the files of cases with their evidence, as a ZIP."""


class ExportState(StrEnum):
    """States of an export. stopped: given up by the reader; removed: its file is gone."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    REMOVED = "removed"


class ExportLog(Base):
    """One export. name: of a list, a report, or ``CASE_FILES``; chosen: the filter as it stood in the address, or the
    ids of the cases; total: rows or cases to write, done: those written so far.

    masked: identity numbers and telephones with their middle masked; the row stays when the file is gone.
    """

    __tablename__ = "export_log"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    name: Mapped[str] = mapped_column(String(40))
    chosen: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    purpose: Mapped[str | None] = mapped_column(PersonalText)
    masked: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(8), default="zh")
    total: Mapped[int] = mapped_column(default=0)
    done: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(8), default=ExportState.RUNNING)
    error: Mapped[str | None] = mapped_column(Text)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, ExportState))}", name="state"),
        CheckConstraint("masked OR purpose IS NOT NULL", name="purpose"),
        Index(None, "user_id", "at"),
        Index(None, "at"),
    )

    @property
    def ending(self) -> str:
        """The ending of the name of its file."""
        return "zip" if self.name == CASE_FILES else "xlsx"

    @staticmethod
    def recent(user_id: UUID, most: int = 50) -> list[ExportLog]:
        """The user's own exports, newest first."""
        query = select(ExportLog).where(ExportLog.user_id == user_id).order_by(ExportLog.at.desc()).limit(most)
        return list(session().scalars(query))
