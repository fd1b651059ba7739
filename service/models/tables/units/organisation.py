"""Everything that has users and to which tasks are addressed: authorities,
training institutions, units, the platform.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, validates

from service.domain.units.units import UnitState
from service.models.db.collation import MAX_SPELLING, name_keys
from service.models.db.encryption import PersonalText
from service.models.db.session import Base, session
from service.models.db.tracked import Audited

AUTHORITIES = ("ministry", "association", "province")
UNITS = ("group", "enterprise", "branch", "academy")
_AUTHORITY_IDS = uuid5(NAMESPACE_DNS, "anpei.authority")
KINDS = (*AUTHORITIES, "training_institution", *UNITS, "platform")


def authority_id(code: str) -> UUID:
    """The id of the authority with this code (``37``, ``ministry``, ``association``),
    or of ``platform``: the same everywhere.
    """
    return uuid5(_AUTHORITY_IDS, code)


class Organisation(Audited, Base):
    """An authority, institution or unit (domain.md §7).

    code: of an authority (``37``, ``ministry``), else ''; authority_id: the province a unit belongs to, its own also
    for a branch (R9); parent_id: the group of a branch; credit_code_reason: why a code stands whose check character
    does not fit; state: draft, complete or deleted (units), else complete.
    sort_key, folded_name, spelling: what the name is ordered, compared and found by (R81); they follow it.
    """

    __tablename__ = "organisation"
    __survives_commit__ = True
    kind: Mapped[str] = mapped_column(String(24))
    code: Mapped[str] = mapped_column(String(20), default="")
    name: Mapped[str] = mapped_column(String(100))
    sort_key: Mapped[str] = mapped_column(String(400), default="", index=True)
    folded_name: Mapped[str] = mapped_column(String(400), default="")
    spelling: Mapped[str] = mapped_column(String(MAX_SPELLING), default="")
    state: Mapped[str] = mapped_column(String(12), default=UnitState.COMPLETE)
    authority_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    credit_code: Mapped[str | None] = mapped_column(String(18))
    credit_code_reason: Mapped[str | None] = mapped_column(PersonalText)
    business: Mapped[str | None] = mapped_column(String(12))
    legal_rep: Mapped[str | None] = mapped_column(PersonalText)
    contact: Mapped[str | None] = mapped_column(PersonalText)
    phone: Mapped[str | None] = mapped_column(PersonalText)
    address: Mapped[str | None] = mapped_column(PersonalText)
    production_licence: Mapped[str | None] = mapped_column(String(40))
    production_licence_until: Mapped[date | None]
    sales_licence: Mapped[str | None] = mapped_column(String(40))
    sales_licence_until: Mapped[date | None]
    names_history: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, default=list)
    __table_args__ = (
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint("state IN ('draft', 'complete', 'deleted')", name="state"),
        CheckConstraint("(kind = 'branch') = (parent_id IS NOT NULL)", name="branch_has_group"),
        CheckConstraint(
            "kind NOT IN ('group', 'enterprise', 'branch') OR authority_id IS NOT NULL", name="unit_has_authority"
        ),
        CheckConstraint("business IS NULL OR business IN ('production', 'sale', 'both')", name="business"),
        Index("uq_organisation_code", "code", unique=True, postgresql_where="code <> ''"),
        Index(
            "uq_organisation_credit_code",
            "credit_code",
            unique=True,
            postgresql_where="credit_code IS NOT NULL AND state <> 'deleted'",
        ),
        Index(
            "uq_organisation_name",
            "authority_id",
            "folded_name",
            unique=True,
            postgresql_where="state <> 'deleted' AND authority_id IS NOT NULL",
        ),
    )

    @validates("name")
    def _sort(self, _key: str, name: str) -> str:
        for column, key in name_keys(name).items():
            setattr(self, column, key)
        return name

    @property
    def is_unit(self) -> bool:
        """Group, enterprise, branch or academy."""
        return self.kind in UNITS

    @staticmethod
    def hold(key: UUID | None) -> Organisation | None:
        """The row as it is now,
        locked against deletion and conversion until this transaction ends; None if there is none.

        A person who is to belong to a unit locks it first: a deletion waits, and then counts them (R6).
        """
        query = select(Organisation).where(Organisation.id == key).with_for_update(read=True, key_share=True)
        return session().scalars(query.execution_options(populate_existing=True)).one_or_none()

    @staticmethod
    def branches_of(group_id: UUID) -> list[UUID]:
        """Ids of the live branches of a group."""
        query = select(Organisation.id).where(
            Organisation.parent_id == group_id, Organisation.state != UnitState.DELETED
        )
        return list(session().scalars(query))


class AcademyLink(Base):
    """An academy whose persons a training institution may enrol (S62, C7)."""

    __tablename__ = "academy_link"
    academy_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    institution_id: Mapped[UUID] = mapped_column(ForeignKey("organisation.id"), primary_key=True)

    @staticmethod
    def institutions_of(academy_id: UUID) -> list[UUID]:
        """Ids of the institutions an academy is linked to."""
        query = select(AcademyLink.institution_id).where(AcademyLink.academy_id == academy_id)
        return list(session().scalars(query))
