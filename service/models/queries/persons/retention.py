"""Persons whose telephone and photo are to be erased (R75): deregistered, the last certificate ended long ago."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Date, case, cast, delete, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from service.models.db.session import session
from service.models.tables.audit import RowChange
from service.models.tables.certificate import Certificate
from service.models.tables.person import Person, Photo

ENDED = ("superseded", "deregistered", "revoked", "void")


def due(before: date, limit: int) -> list[Person]:
    """Up to ``limit`` of them, locked, whose last certificate,
    or without any the deregistration, ended before that day.

    The rows that another worker has in hand are left out.
    """
    query = select(Person).where(
        Person.state == "deregistered",
        or_(Person.phone.is_not(None), Person.photo_id.is_not(None)),
        func.coalesce(_last_end(), _day_of(Person.updated_at)) < before,
    )
    return list(session().scalars(query.order_by(Person.id).limit(limit).with_for_update(skip_locked=True)))


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
