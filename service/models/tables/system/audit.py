"""The one history of rows, and audit events outside cases."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Index, String, select, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.encryption import PersonalJson
from service.models.db.ids import new_id
from service.models.db.row_mark import Marked
from service.models.db.session import Base, session
from service.models.db.written_in import WrittenIn

if TYPE_CHECKING:
    from service.models.tables.accounts.user import User


class RowChange(Marked, WrittenIn, Base):
    """One change of one business row: before and after of the changed columns, personal values by reference only.

    sealed: before and after of the columns with personal texts, encrypted; numbers and photos are not kept at all.
    """

    __tablename__ = "row_change"
    __marked__ = (
        *("id", "at", "use_case", "actor_id", "behalf_id", "case_id", "seq"),
        *("kind", "table_name", "row_id", "before", "after", "sealed"),
    )
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime]
    use_case: Mapped[str] = mapped_column(String(60))
    actor_id: Mapped[UUID | None]
    behalf_id: Mapped[UUID | None]
    case_id: Mapped[UUID | None]
    seq: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(6))
    table_name: Mapped[str] = mapped_column(String(40))
    row_id: Mapped[UUID]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    sealed: Mapped[dict[str, Any] | None] = mapped_column(PersonalJson)
    __table_args__ = (
        Index(None, "at", "id"),
        Index(None, "row_id", "at"),
        Index(None, "case_id", "seq"),
        Index(None, "written_in", postgresql_using="brin"),
        Index("ix_row_change_person", "at", "id", postgresql_where=text("table_name = 'person' AND kind = 'update'")),
    )

    @staticmethod
    def of(row_id: UUID) -> list[RowChange]:
        """The history of one row, oldest first."""
        query = select(RowChange).where(RowChange.row_id == row_id).order_by(RowChange.at, RowChange.id)
        return list(session().scalars(query))


def values_of(change: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The columns of a change before and after, with the personal texts; change: ``before``, ``after``, ``sealed``."""
    kept = change.sealed or {}
    return {**(change.before or {}), **kept.get("before", {})}, {**(change.after or {}), **kept.get("after", {})}


class AuditEvent(Marked, WrittenIn, Base):
    """Something outside a case that must be remembered: a sign-in, a look at a full number, an export, a denial."""

    __tablename__ = "audit_event"
    __marked__ = ("id", "at", "actor_id", "organisation_id", "action", "object_type", "object_id", "outcome", "detail")
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    actor_id: Mapped[UUID | None] = mapped_column(index=True)
    organisation_id: Mapped[UUID | None]
    source: Mapped[str | None] = mapped_column(INET)
    action: Mapped[str] = mapped_column(String(60), index=True)
    object_type: Mapped[str | None] = mapped_column(String(40))
    object_id: Mapped[UUID | None]
    outcome: Mapped[str] = mapped_column(String(20), default="ok")
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    __table_args__ = (Index(None, "written_in", postgresql_using="brin"),)

    @classmethod
    def by(
        cls,
        user: User | None,
        action: str,
        object_type: str | None = None,
        object_id: UUID | None = None,
        **columns: Any,
    ) -> AuditEvent:
        """Make the event of an act of this user, or of nobody, on an object; the rest are columns."""
        return cls(
            action=action,
            actor_id=user.id if user else None,
            organisation_id=user.organisation_id if user else None,
            object_type=object_type,
            object_id=object_id,
            **columns,
        )


Values = dict[str, Any] | None
