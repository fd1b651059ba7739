"""Corrections of identity (R77): what was asked for, with its evidence, and what was decided."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, defer, mapped_column, relationship, validates

from service.domain.persons.identity import mask
from service.models.db.encryption import EncryptedBytes, PersonalText, blind_index, encrypted_text
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.persons.person import Person

CORRECTION_STATES = ("requested", "approved", "applied", "refused", "withdrawn", "lapsed")
LIVE_STATES = ("requested", "approved")


class IdentityCorrection(Audited, Base):
    """One application. Its state is written by its case only, with the name that the diagram gives it (stage).

    before: name, kind of document, birth date and sex as they stood; former_number, id_number: of the documents,
    before and after; statement: why; comment: why it was refused.
    """

    __tablename__ = "identity_correction"
    __redacted__ = frozenset({"id_number_digest"})
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    kind: Mapped[str] = mapped_column(String(10))
    statement: Mapped[str] = mapped_column(PersonalText)
    before: Mapped[dict[str, Any]] = mapped_column(JSONB)
    former_number: Mapped[str] = encrypted_text("former_number_sealed")
    former_number_masked: Mapped[str] = mapped_column(String(30))
    name: Mapped[str] = mapped_column(String(50))
    id_type: Mapped[str] = mapped_column(String(12))
    id_number: Mapped[str] = encrypted_text("id_number_sealed")
    id_number_digest: Mapped[bytes]
    id_number_masked: Mapped[str] = mapped_column(String(30))
    sex: Mapped[str] = mapped_column(String(6))
    birth_date: Mapped[date]
    state: Mapped[str] = mapped_column(String(10), default="requested")
    stage: Mapped[str | None] = mapped_column(String(30))
    comment: Mapped[str | None] = mapped_column(PersonalText)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    assented_by: Mapped[UUID | None]
    assented_at: Mapped[datetime | None]
    case_id: Mapped[UUID | None] = mapped_column(ForeignKey("case_instance.id"), index=True)
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint(f"state IN {CORRECTION_STATES}", name="state"),
        CheckConstraint("kind IN ('typing', 'document', 'name')", name="kind"),
        Index("uq_identity_correction_live", "person_id", unique=True, postgresql_where=f"state IN {LIVE_STATES}"),
        Index(None, "person_id", "id"),
    )

    @validates("id_number")
    def _index_id_number(self, _key: str, number: str) -> str:
        self.id_number_digest, self.id_number_masked = blind_index(number), mask(number)
        return number

    @validates("former_number")
    def _mask_former_number(self, _key: str, number: str) -> str:
        self.former_number_masked = mask(number)
        return number


class CorrectionFile(Audited, Base):
    """A checked file that proves a correction. size in bytes, plain."""

    __tablename__ = "identity_correction_file"
    correction_id: Mapped[UUID] = mapped_column(ForeignKey("identity_correction.id"), index=True)
    name: Mapped[str] = mapped_column(PersonalText)
    media_type: Mapped[str] = mapped_column(String(100))
    size: Mapped[int]
    content: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)

    @staticmethod
    def of(correction_id: UUID) -> list[CorrectionFile]:
        """The files of a correction without their content, in the order they were added."""
        query = select(CorrectionFile).options(defer(CorrectionFile.content))
        chosen = query.where(CorrectionFile.correction_id == correction_id)
        return list(session().scalars(chosen.order_by(CorrectionFile.created_at, CorrectionFile.id)))
