"""Imports of persons: the rows of an uploaded file while their preview lives, and what became of them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import EncryptedBytes, encrypted_text
from service.models.db.session import Base


class ImportState(StrEnum):
    """States of an import. mapping: its columns are to be assigned; checked: the preview waits for a decision;
    removed: given up, or a day has passed.
    """

    MAPPING = "mapping"
    CHECKING = "checking"
    CHECKED = "checked"
    IMPORTING = "importing"
    DONE = "done"
    REMOVED = "removed"


class PersonImport(Base):
    """One uploaded file. id: given by the form, so that a file sent twice is one import. done: rows worked off so far.

    content: the sheet as read or, once its columns are assigned, the rows, as JSON, until they are imported or a day
    has passed. wrong: row number → field → text and
    values; no cell stands in it. photos: how many came with the file. error: the kind of a failure, never its text.
    """

    __tablename__ = "person_import"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[UUID]
    organisation_id: Mapped[UUID]
    content: Mapped[str | None] = encrypted_text("sealed")
    submit: Mapped[bool] = mapped_column(default=False)
    partial: Mapped[bool] = mapped_column(default=False)
    photos: Mapped[int] = mapped_column(default=0, server_default="0")
    total: Mapped[int]
    done: Mapped[int] = mapped_column(default=0)
    entered: Mapped[int] = mapped_column(default=0)
    wrong: Mapped[dict[str, dict[str, list[Any]]]] = mapped_column(JSONB, default=dict)
    state: Mapped[str] = mapped_column(String(10), default=ImportState.CHECKING)
    error: Mapped[str | None] = mapped_column(String(80))
    ended_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint(f"state IN {tuple(map(str, ImportState))}", name="state"),)


class ImportPhoto(Base):
    """A photo that came with an import: as it was sent,
    and re-encoded by ``workflow.persons.photos`` once it has passed.

    row: of the sheet. width: in pixels, None before it has passed. It goes with the rows of its import.
    """

    __tablename__ = "person_import_photo"
    import_id: Mapped[UUID] = mapped_column(ForeignKey("person_import.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)
    width: Mapped[int | None]
    height: Mapped[int | None]
