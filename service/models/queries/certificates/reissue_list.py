"""Reissues of lost certificates: the register and the live one of a certificate."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import LIVE_REISSUE, Reissue
from service.models.tables.persons.person import Person

ORDER = SortOrder((Reissue.id,), is_descending=True)


def reissue_of(reissue_id: UUID) -> Reissue:
    """Return a reissue with its certificate, the holder and the holder's unit and type."""
    return session().scalars(_whole().where(Reissue.id == reissue_id)).one()


def reissue_of_case(case_id: UUID) -> Reissue | None:
    """Return the reissue of a case with the same, or None."""
    return session().scalars(_whole().where(Reissue.case_id == case_id)).one_or_none()


def _whole() -> Any:
    loaded = joinedload(Reissue.certificate).options(
        joinedload(Certificate.qualification_type),
        joinedload(Certificate.person).options(joinedload(Person.unit), joinedload(Person.qualification_type)),
    )
    return select(Reissue).options(loaded).execution_options(populate_existing=True)


def live_reissue_of(certificate_id: UUID) -> Reissue | None:
    """The application under way that replaces this edition, or has made it and waits for its print."""
    concerns = or_(Reissue.certificate_id == certificate_id, Reissue.new_certificate_id == certificate_id)
    query = select(Reissue).where(concerns, Reissue.state.in_(LIVE_REISSUE))
    return session().scalars(query.order_by(Reissue.id.desc()).limit(1)).one_or_none()


def live_reissues_of(person_id: UUID) -> list[Reissue]:
    """The applications under way for a person's certificates."""
    query = select(Reissue).join(Reissue.certificate).where(Certificate.person_id == person_id)
    return list(session().scalars(query.where(Reissue.state.in_(LIVE_REISSUE))))
