"""Imports of persons: the rows of an uploaded file while their preview lives, and what became of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, String, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import EncryptedBytes, encrypted_text
from service.models.db.session import Base, db, session
from service.models.tables.case_statements import EXTEND_JOB_LEASE


class PersonImport(Base):
    """One uploaded file. id: given by the form, so that a file sent twice is one import. done: rows worked off so far.

    content: the rows, as JSON, until they are imported or a day has passed. wrong: row number → field → text and values;
    no cell stands in it. photos: how many came with the file. error: the kind of a failure, never its text.
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
    state: Mapped[str] = mapped_column(String(10), default="checking")
    error: Mapped[str | None] = mapped_column(String(80))
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("state IN ('checking', 'checked', 'importing', 'done', 'removed')", name="state"),
    )


class ImportPhoto(Base):
    """A photo that came with an import: as it was sent, and once it has passed as ``workflow.photos`` made it anew.

    row: of the sheet. width: in pixels, None before it has passed. It goes with the rows of its import.
    """

    __tablename__ = "person_import_photo"
    import_id: Mapped[UUID] = mapped_column(ForeignKey("person_import.id", ondelete="CASCADE"), primary_key=True)
    row: Mapped[int] = mapped_column(primary_key=True)
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)
    width: Mapped[int | None]
    height: Mapped[int | None]


def keep(row: dict[str, Any]) -> bool:
    """Write a new import; False when its id is known already (the form was sent twice)."""
    put = insert(PersonImport).values(**row).on_conflict_do_nothing().returning(PersonImport.id)
    return session().scalar(put) is not None


def hold(import_id: UUID) -> PersonImport | None:
    """The import, locked to the end of the transaction, as it now stands."""
    query = select(PersonImport).where(PersonImport.id == import_id).with_for_update()
    return session().scalars(query.execution_options(populate_existing=True)).one_or_none()


def is_alone(import_id: UUID) -> bool:
    """Whether no other transaction works on the import; holds to the end of this one."""
    key = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 72))")
    return bool(session().scalar(key, {"key": str(import_id)}))


def note(import_id: UUID, done: int, job_id: UUID | None, until: datetime) -> None:
    """Write down the progress beside the transaction in hand, so that it is seen before that one ends, and prolong the
    lease of the job that works to ``until``. No more rows are done than there are.
    """
    told = update(PersonImport).where(PersonImport.id == import_id)
    with db.engine.begin() as connection:
        connection.execute(told.values(done=func.least(done, PersonImport.total)))
        if job_id is not None:
            connection.execute(EXTEND_JOB_LEASE, {"id": job_id, "until": until})
