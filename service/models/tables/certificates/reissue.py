"""The register of reissues (R64): who asked for a lost certificate, what was decided, and which edition came of it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.models.db.encryption import PersonalText
from service.models.db.session import Base
from service.models.db.tracked import Audited
from service.models.tables.certificates.certificate import Certificate

REISSUE_STATES = ("requested", "returned", "approved", "completed", "refused", "withdrawn", "lapsed")
LIVE_REISSUE = ("requested", "returned", "approved")


class Reissue(Audited, Base):
    """One application. Its state is written by its case only, with the name that the diagram gives it (stage).

    statement: how the certificate was lost; comment: why it was sent back or refused.
    """

    __tablename__ = "reissue"
    certificate_id: Mapped[UUID] = mapped_column(ForeignKey("certificate.id"), index=True)
    new_certificate_id: Mapped[UUID | None] = mapped_column(ForeignKey("certificate.id"), index=True)
    unit_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"))
    requested_by: Mapped[UUID | None] = mapped_column(ForeignKey("user_account.id"))
    statement: Mapped[str] = mapped_column(PersonalText)
    state: Mapped[str] = mapped_column(String(10), default="requested")
    stage: Mapped[str | None] = mapped_column(String(30))
    comment: Mapped[str | None] = mapped_column(PersonalText)
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"), index=True)
    certificate: Mapped[Certificate] = relationship(lazy="raise_on_sql", foreign_keys=certificate_id)
    __table_args__ = (
        CheckConstraint(f"state IN {REISSUE_STATES}", name="state"),
        CheckConstraint("state NOT IN ('approved', 'completed') OR new_certificate_id IS NOT NULL", name="edition"),
        Index("uq_reissue_live", "certificate_id", unique=True, postgresql_where=f"state IN {LIVE_REISSUE}"),
        Index(None, "state", "id"),
    )
