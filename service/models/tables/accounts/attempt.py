"""Counted attempts: the rate limits and lock-outs of sign-in and public queries, kept in the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Index, String, and_, delete, func, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import Base, session


class Attempt(Base):
    """A failed or counted attempt, so that several web processes share one limit (5 in 15 minutes for sign-in)."""

    __tablename__ = "attempt"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(default=now)
    kind: Mapped[str] = mapped_column(String(30))
    key: Mapped[str] = mapped_column(String(120))
    __table_args__ = (Index(None, "kind", "key", "at"),)

    @staticmethod
    def count(kind: str, key: str, within: timedelta) -> int:
        """Count the attempts of this kind and key in the last ``within``."""
        query = select(func.count()).select_from(Attempt)
        query = query.where(Attempt.kind == kind, Attempt.key == key, Attempt.at > now() - within)
        return session().scalar(query) or 0

    @staticmethod
    def instants(kind: str, key: str, within: timedelta) -> list[datetime]:
        """The instants of the attempts of this kind and key in the last ``within``, oldest first."""
        query = select(Attempt.at).where(Attempt.kind == kind, Attempt.key == key, Attempt.at > now() - within)
        return list(session().scalars(query.order_by(Attempt.at)))

    @staticmethod
    def lock(*keys: str) -> None:
        """Let nobody else count or change the attempts of these keys until the transaction ends."""
        for key in sorted(keys):
            session().execute(select(func.pg_advisory_xact_lock(func.hashtext(key))))

    @staticmethod
    def forget_before(at: datetime, kept: Mapping[str, datetime]) -> None:
        """Forget what is older, or of a kind in ``kept`` than is said there."""
        older = [and_(Attempt.kind == kind, Attempt.at <= than) for kind, than in kept.items()]
        session().execute(delete(Attempt).where(or_(and_(Attempt.kind.not_in(kept), Attempt.at <= at), *older)))

    @staticmethod
    def forget(kind: str, key: str) -> None:
        """Begin the count of this key again."""
        session().execute(delete(Attempt).where(Attempt.kind == kind, Attempt.key == key))
