"""Corrections of identity: those of a person, the live one, and that of a case."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.models.db.session import session
from service.models.tables.persons.identity_correction import LIVE_STATES, IdentityCorrection
from service.models.tables.persons.person import Person


def correction_of(correction_id: UUID) -> IdentityCorrection | None:
    """Return a correction with the person, unit and type."""
    return session().scalars(_whole().where(IdentityCorrection.id == correction_id)).one_or_none()


def correction_of_case(case_id: UUID) -> IdentityCorrection | None:
    """Return the correction of a case with the same, or None."""
    return session().scalars(_whole().where(IdentityCorrection.case_id == case_id)).one_or_none()


def live_correction_of(person_id: UUID) -> IdentityCorrection | None:
    """The correction of a person that is under way."""
    query = _whole().where(IdentityCorrection.person_id == person_id, IdentityCorrection.state.in_(LIVE_STATES))
    return session().scalars(query).one_or_none()


def corrections_of(person_id: UUID) -> list[IdentityCorrection]:
    """All corrections of a person, the newest first."""
    query = _whole().where(IdentityCorrection.person_id == person_id)
    return list(session().scalars(query.order_by(IdentityCorrection.id.desc())))


def _whole() -> Any:
    loaded = joinedload(IdentityCorrection.person).options(
        joinedload(Person.unit), joinedload(Person.qualification_type)
    )
    return select(IdentityCorrection).options(loaded).execution_options(populate_existing=True)
