"""Certificates, their numbers, prints and hand-outs."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, func, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.certificates import certificate_number
from service.models.db.encryption import PersonalText
from service.models.db.ids import new_id
from service.models.db.prepared_statements import PreparedStatement
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.persons.person import Person, QualificationType

_ADVANCE = PreparedStatement(
    "advance_certificate_serial",
    "INSERT INTO certificate_serial (province, year, last) VALUES (:province, :year, 1) "
    "ON CONFLICT (province, year) DO UPDATE SET last = certificate_serial.last + 1 RETURNING last",
)
_IS_TAKEN = PreparedStatement(
    "is_certificate_number_taken",
    "SELECT EXISTS (SELECT FROM certificate_number_owner WHERE number = :number)"
    " OR EXISTS (SELECT FROM certificate WHERE number = :number)",
)
CERTIFICATE_STATES = ("issued", "valid", "superseded", "deregistered", "revoked", "void")


class Certificate(Audited, Base):
    """One edition of a certificate (domain.md §7, §8). ``expired`` is computed from valid_to, never stored.

    unit_name: as printed (R10); verify_token: 128 random bits or more, replaced at reissue (R64, R67).
    """

    __tablename__ = "certificate"
    number: Mapped[str] = mapped_column(String(14))
    person_id: Mapped[UUID] = mapped_column(ForeignKey("person.id"))
    qualification_type_id: Mapped[UUID] = mapped_column(ForeignKey("qualification_type.id"))
    kind: Mapped[str] = mapped_column(String(8), default="issued")
    first_issued_on: Mapped[date]
    issued_on: Mapped[date]
    valid_to: Mapped[date]
    edition: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(12), default="issued")
    approval: Mapped[str] = mapped_column(String(10), default="pending")
    approved_by: Mapped[UUID | None]
    approved_at: Mapped[datetime | None]
    printed_count: Mapped[int] = mapped_column(default=0)
    last_printed_at: Mapped[datetime | None]
    verify_token: Mapped[str] = mapped_column(String(32), unique=True, default=lambda: secrets.token_urlsafe(18))
    supersedes_id: Mapped[UUID | None] = mapped_column(ForeignKey("certificate.id"))
    enrollment_id: Mapped[UUID | None] = mapped_column(ForeignKey("enrollment.id"), index=True)
    unit_name: Mapped[str] = mapped_column(String(100), default="")
    void_reason: Mapped[str | None] = mapped_column(PersonalText)
    person: Mapped[Person] = relationship(lazy="raise_on_sql")
    qualification_type: Mapped[QualificationType] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        CheckConstraint(f"state IN {CERTIFICATE_STATES}", name="state"),
        CheckConstraint("kind IN ('legacy', 'issued')", name="kind"),
        CheckConstraint("approval IN ('pending', 'approved', 'rejected')", name="approval"),
        CheckConstraint("valid_to > issued_on", name="validity"),
        CheckConstraint("edition >= 1", name="edition"),
        Index("uq_certificate_edition", "number", "edition", unique=True),
        Index("uq_certificate_valid", "person_id", unique=True, postgresql_where="state = 'valid'"),
        Index("uq_certificate_issued", "person_id", unique=True, postgresql_where="state = 'issued'"),
        Index(None, "person_id", "id"),
        Index(None, "valid_to", "id", postgresql_where="state = 'valid'"),
        Index(None, "state", "id"),
    )


class PrintRecord(Audited, Base):
    """One print of one edition: the first without reason, each further one with reason (R58).
    batch_id: printed with others.
    """

    __tablename__ = "print_record"
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificate.id"), index=True)
    printed_by: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(PersonalText)
    layout: Mapped[str] = mapped_column(String(8), default="a4", server_default="a4")
    language: Mapped[str] = mapped_column(String(10), default="zh", server_default="zh")
    received_by: Mapped[str | None] = mapped_column(PersonalText)
    received_on: Mapped[date | None]
    batch_id: Mapped[UUID | None] = mapped_column(index=True)
    __table_args__ = (Index(None, "created_at", "id"),)


def last_edition(number: str) -> int:
    """The highest edition of a number, a renewal still in the making included; 0 when there is none."""
    return session().scalar(select(func.max(Certificate.edition)).where(Certificate.number == number)) or 0


def next_edition(old: Certificate, **changed: Any) -> Certificate:
    """The same certificate, one edition on (R61, R64): number, dates and approval stay,
    the token is new, nothing is printed yet.
    """
    kept = {
        "number": old.number,
        "person_id": old.person_id,
        "qualification_type_id": old.qualification_type_id,
        "kind": "issued",
        "first_issued_on": old.first_issued_on,
        "issued_on": old.issued_on,
        "valid_to": old.valid_to,
        "edition": last_edition(old.number) + 1,
        "state": "valid",
        "approval": old.approval,
        "approved_by": old.approved_by,
        "approved_at": old.approved_at,
        "enrollment_id": old.enrollment_id,
        "unit_name": old.unit_name,
    }
    return Certificate(id=new_id(), supersedes_id=old.id, **{**kept, **changed})


class CertificateSerial(Base):
    """The last serial used per province (two digits, 00 for academies) and year."""

    __tablename__ = "certificate_serial"
    province: Mapped[str] = mapped_column(String(2), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(default=0)

    @staticmethod
    def take(province: str, year: int) -> str:
        """The next number, from serial 1; one that stands in the ledger already, typed by somebody, is skipped (R78).

        The row stays locked until the commit, so no number is given twice.
        """
        while True:
            number = certificate_number.issue(province, year, CertificateSerial._advance(province, year))
            if not NumberOwner.is_taken(number):
                return number

    @staticmethod
    def last_of(province: str, year: int) -> int | None:
        """The last serial given, None where none has been."""
        return session().scalar(
            select(CertificateSerial.last).where(CertificateSerial.province == province, CertificateSerial.year == year)
        )

    @staticmethod
    def _advance(province: str, year: int) -> int:
        return int(_ADVANCE.execute({"province": province, "year": year}).scalar_one())


class NumberOwner(Base):
    """A certificate number belongs to one person for ever, dead certificates included (§1.4).

    owner: fingerprint of the identity number, so that it holds across records of the same person (R17).
    """

    __tablename__ = "certificate_number_owner"
    number: Mapped[str] = mapped_column(String(14), primary_key=True)
    owner: Mapped[bytes]

    @staticmethod
    def is_taken(number: str) -> bool:
        """Tell whether the number belongs to somebody, or stands in the ledger."""
        session().flush()  # the numbers of this transaction too
        return bool(_IS_TAKEN.execute({"number": number}).scalar_one())

    @staticmethod
    def owner_of(number: str) -> bytes | None:
        """The fingerprint of whom a number belongs to; for a certificate without an owner on record, of its holder."""
        owner = session().scalar(select(NumberOwner.owner).where(NumberOwner.number == number))
        if owner is None:
            holder = select(Person.id_number_digest).join(Certificate, Certificate.person_id == Person.id)
            owner = session().scalar(holder.where(Certificate.number == number).limit(1))
        return owner
