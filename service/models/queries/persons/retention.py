"""Persons whose telephone, photo and texts are to be erased (R75): deregistered, their certificates ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Date, case, cast, delete, exists, func, literal, or_, select, union
from sqlalchemy.orm import InstrumentedAttribute, aliased

from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person, Photo
from service.models.tables.runtime.case import PersonalValue
from service.models.tables.system.audit import RowChange
from service.models.tables.training.training import Enrollment

ENDED = ("superseded", "deregistered", "revoked", "void")


def due(before: date, limit: int) -> list[Person]:
    """Up to ``limit`` of them, locked, whose last certificate,
    or without any the deregistration, ended before that day.

    The rows that another worker has in hand are left out.
    """
    query = select(Person).where(
        Person.state == "deregistered",
        or_(Person.phone.is_not(None), Person.photo_id.is_not(None), _has_texts()),
        func.coalesce(_last_end(), _day_of(Person.updated_at)) < before,
    )
    return list(session().scalars(query.order_by(Person.id).limit(limit).with_for_update(skip_locked=True)))


def texts_of(person_id: UUID) -> list[PersonalValue]:
    """The personal texts, not erased yet, that stand in cases about a person."""
    cases = union(*(select(case_id).where(*of) for case_id, *of in _cases(literal(person_id))))
    query = select(PersonalValue).where(PersonalValue.case_id.in_(cases), PersonalValue.salt.is_not(None))
    return list(session().scalars(query))


def _cases(person_id: ColumnElement[UUID] | InstrumentedAttribute[UUID]) -> tuple[tuple[Any, ...], ...]:
    """Column of a case, and conditions: of cases that changed a person, its enrolments, corrections and reissues."""
    held = aliased(Certificate)
    return (
        (RowChange.case_id, RowChange.row_id == person_id, RowChange.table_name == "person"),
        (Enrollment.case_id, Enrollment.person_id == person_id),
        (IdentityCorrection.case_id, IdentityCorrection.person_id == person_id),
        (Reissue.case_id, Reissue.certificate_id == held.id, held.person_id == person_id),
    )


def _has_texts() -> ColumnElement[bool]:
    """Tell whether a person's cases hold texts; an index leads from the person to each."""
    return or_(
        *(
            exists().where(PersonalValue.case_id == case_id, PersonalValue.salt.is_not(None), *of)
            for case_id, *of in _cases(Person.id)
        )
    )


def photos_of(person_id: UUID) -> set[UUID]:
    """Ids of all the photos that the person's record ever named."""
    sides = select(RowChange.before["photo_id"].astext, RowChange.after["photo_id"].astext)
    rows = session().execute(sides.where(RowChange.row_id == person_id))
    return {UUID(value) for row in rows for value in row if value}


def delete_photos(photos: Sequence[UUID]) -> None:
    """Delete those of the photos that no record names any more."""
    named = exists().where(Person.photo_id == Photo.id)
    session().execute(delete(Photo).where(Photo.id.in_(photos), ~named))


def _last_end() -> ColumnElement[date]:
    """The last day of the person's certificates; one that was taken away ended on the day of that."""
    held = aliased(Certificate)
    taken = func.least(held.valid_to, _day_of(held.updated_at))
    end = func.max(case((held.state.in_(ENDED), taken), else_=held.valid_to))
    return select(end).where(held.person_id == Person.id).correlate(Person).scalar_subquery()


def _day_of(instant: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[date]:
    return cast(func.timezone("Asia/Shanghai", instant), Date)
