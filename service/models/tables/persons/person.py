"""Persons who are trained, their photos, and the qualification types."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from service.domain.persons.identity import mask
from service.domain.training.classes import MIN_HOURS
from service.domain.training.scores import DEFAULT_PASS_MARK
from service.domain.training.training_kind import TrainingKind
from service.models.db.collation import MAX_SPELLING, name_keys
from service.models.db.encryption import EncryptedBytes, PersonalText, blind_index, encrypted_text
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.units.organisation import Organisation

SPELLED = "array_to_tsvector(string_to_array(spelling, ' '::text))"  # the words of the spelling, found by beginning


class QualificationType(Audited, Base):
    """A qualification (C22): hours are training hours of 45 minutes; pass_mark in tenths of a point, 0–1000."""

    __tablename__ = "qualification_type"
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    initial_hours: Mapped[int] = mapped_column(default=MIN_HOURS[TrainingKind.INITIAL])
    refresher_hours: Mapped[int] = mapped_column(default=MIN_HOURS[TrainingKind.REFRESHER])
    renewal_hours: Mapped[int] = mapped_column(default=MIN_HOURS[TrainingKind.RENEWAL])
    pass_mark: Mapped[int] = mapped_column(default=DEFAULT_PASS_MARK)
    active: Mapped[bool] = mapped_column(default=True)
    __table_args__ = (CheckConstraint("pass_mark BETWEEN 0 AND 1000", name="pass_mark"),)

    @staticmethod
    def choices(*, by_code: bool = False) -> list[tuple[str, str]]:
        """Id (or code) and name of the types in use, for filters and forms."""
        query = select(QualificationType).where(QualificationType.active).order_by(QualificationType.code)
        return [(row.code if by_code else str(row.id), row.name) for row in session().scalars(query)]


class Photo(Audited, Base):
    """A checked, re-encoded JPEG. width and height in pixels."""

    __tablename__ = "photo"
    jpeg: Mapped[bytes] = mapped_column("sealed", EncryptedBytes)
    width: Mapped[int]
    height: Mapped[int]

    @staticmethod
    def get(photo_id: UUID) -> Photo | None:
        """The photo with this id; whose it is the caller has checked."""
        return session().get(Photo, photo_id)

    @staticmethod
    def all_of(photo_ids: Collection[UUID]) -> list[Photo]:
        """The photos with these ids."""
        return list(session().scalars(select(Photo).where(Photo.id.in_(photo_ids))))


class Person(Audited, Base):
    """A person (domain.md §7, state machine §8). The digest of the identity number is unique among the living (R19).

    sort_key, folded_name, spelling: what the name is ordered, compared and found by (R81); they follow it.
    """

    __tablename__ = "person"
    __redacted__ = frozenset({"id_number_digest"})
    name: Mapped[str] = mapped_column(String(50))
    sort_key: Mapped[str] = mapped_column(String(300), default="")
    folded_name: Mapped[str] = mapped_column(String(200), default="")
    spelling: Mapped[str] = mapped_column(String(MAX_SPELLING), default="")
    id_type: Mapped[str] = mapped_column(String(12), default="resident_id")
    id_number: Mapped[str] = encrypted_text("id_number_sealed")
    id_number_digest: Mapped[bytes]
    id_number_masked: Mapped[str] = mapped_column(String(30))
    sex: Mapped[str] = mapped_column(String(6))
    birth_date: Mapped[date]
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    qualification_type_id: Mapped[UUID] = mapped_column(ForeignKey("qualification_type.id"))
    post: Mapped[str | None] = mapped_column(PersonalText)
    education: Mapped[str | None] = mapped_column(PersonalText)
    title: Mapped[str | None] = mapped_column(PersonalText)
    phone: Mapped[str | None] = encrypted_text("phone_sealed")
    phone_masked: Mapped[str | None] = mapped_column(String(20))
    photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("photo.id"))
    is_photo_approved: Mapped[bool] = mapped_column(default=True, server_default="true")
    appointed_on: Mapped[date | None]
    no_criminal_record: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(14), default="draft")
    stage: Mapped[str | None] = mapped_column(String(30))
    decision_comment: Mapped[str | None] = mapped_column(PersonalText)
    case_id: Mapped[UUID | None]
    legacy_number: Mapped[str | None] = mapped_column(String(14))
    legacy_issued_on: Mapped[date | None]
    legacy_valid_to: Mapped[date | None]
    unit: Mapped[Organisation] = relationship(lazy="raise_on_sql")
    qualification_type: Mapped[QualificationType] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'pending', 'approved', 'rejected', 'deregistered')", name="state"),
        CheckConstraint("id_type IN ('resident_id', 'hmt_permit', 'passport', 'foreigner_id')", name="id_type"),
        CheckConstraint("sex IN ('male', 'female')", name="sex"),
        Index("uq_person_id_number", "id_number_digest", unique=True, postgresql_where="state <> 'deregistered'"),
        Index(None, "unit_id", "state", "sort_key", "id"),
        Index(None, "sort_key", "id"),
        Index(None, "id_number_digest"),
        Index("ix_person_name_characters", text("string_to_array(folded_name, NULL)"), postgresql_using="gin"),
        Index(
            "ix_person_spelling",
            text("array_to_tsvector(string_to_array(spelling, ' '::text))"),
            postgresql_using="gin",
        ),
    )

    @property
    def has_approved_photo(self) -> bool:
        """Tell whether the photo may stand on a certificate: one that the unit has changed is approved first (R14)."""
        return self.photo_id is not None and self.is_photo_approved

    @validates("name")
    def _sort(self, _key: str, name: str) -> str:
        for column, key in name_keys(name, is_person=True).items():
            setattr(self, column, key)
        return name

    @validates("id_number")
    def _index_id_number(self, _key: str, number: str) -> str:
        self.id_number_digest, self.id_number_masked = blind_index(number), mask(number)
        return number

    @validates("phone")
    def _mask_phone(self, _key: str, phone: str | None) -> str | None:
        self.phone_masked = mask(phone) if phone else None
        return phone or None
