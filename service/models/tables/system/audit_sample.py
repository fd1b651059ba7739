"""Random samples of cases that auditors look through, with what they found; signed at the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from service.domain.system.sampling import Finding, SampleState
from service.models.db.encryption import PersonalJson, PersonalText
from service.models.db.session import Base, session
from service.models.db.tracked import Audited
from service.models.tables.accounts.user import User


class AuditSample(Audited, Base):
    """One sample. chosen: the filter of its population, which are the cases that began before it was drawn;
    population_digest: of all their ids. document: what was signed, with its signatures.
    """

    __tablename__ = "audit_sample"
    title: Mapped[str] = mapped_column(String(100))
    seed: Mapped[str] = mapped_column(String(64))
    chosen: Mapped[dict[str, Any]] = mapped_column(JSONB)
    drawn_at: Mapped[datetime]
    population: Mapped[int]
    population_digest: Mapped[str] = mapped_column(String(64))
    auditor_id: Mapped[UUID] = mapped_column(ForeignKey("user_account.id"))
    state: Mapped[str] = mapped_column(String(8), default=SampleState.OPEN)
    conclusion: Mapped[str | None] = mapped_column(PersonalText)
    signed_at: Mapped[datetime | None]
    document: Mapped[dict[str, Any] | None] = mapped_column(PersonalJson)
    auditor: Mapped[User] = relationship(lazy="joined", innerjoin=True)
    __table_args__ = (
        CheckConstraint(f"state IN {tuple(map(str, SampleState))}", name="state"),
        CheckConstraint("(state = 'signed') = (signed_at IS NOT NULL)", name="signed"),
        Index(None, "drawn_at", "id"),
    )

    @staticmethod
    def recent(most: int = 200) -> list[AuditSample]:
        """The samples, the latest first."""
        query = select(AuditSample).order_by(AuditSample.drawn_at.desc(), AuditSample.id).limit(most)
        return list(session().scalars(query))


class SampledCase(Audited, Base):
    """A case of a sample. position: in the order of the draw; finding, note: the auditor's."""

    __tablename__ = "sampled_case"
    sample_id: Mapped[UUID] = mapped_column(ForeignKey("audit_sample.id"))
    position: Mapped[int]
    case_id: Mapped[UUID] = mapped_column(ForeignKey("case_instance.id"))
    finding: Mapped[str] = mapped_column(String(8), default=Finding.PENDING)
    note: Mapped[str | None] = mapped_column(PersonalText)
    __table_args__ = (
        CheckConstraint(f"finding IN {tuple(map(str, Finding))}", name="finding"),
        Index("uq_sampled_case_position", "sample_id", "position", unique=True),
        Index(None, "case_id"),
    )

    @staticmethod
    def findings(samples: Iterable[UUID]) -> Mapping[UUID, list[str]]:
        """The findings in the cases of each of these samples."""
        found: dict[UUID, list[str]] = defaultdict(list)
        query = select(SampledCase.sample_id, SampledCase.finding).where(SampledCase.sample_id.in_(samples))
        for sample_id, finding in session().execute(query):
            found[sample_id].append(finding)
        return found
