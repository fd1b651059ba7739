"""Classes by what is to be done in them now: to enrol into, to check in, to record scores of (S53, S54, S107, S118)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import aliased

from service.models.base import session
from service.models.organisation import Organisation
from service.models.paging import Order, Page, read_page
from service.models.scope import own_units, visible
from service.models.training import Enrollment, TrainingClass
from service.models.user import User

SOONEST = Order((TrainingClass.starts_on, TrainingClass.id))
AHEAD = timedelta(days=14)  # how early a class is listed for check-in
Organiser, Institution = aliased(Organisation), aliased(Organisation)
CAME = ("checked_in", "scored", "makeup", "certifying", "completed", "failed")
TO_SCORE = ("checked_in", "makeup")


@dataclass(frozen=True, slots=True)
class Counts:
    """Persons of a class: who is to come, who came, who has no score yet, whose score waits for its confirmation."""

    expected: int = 0
    came: int = 0
    to_score: int = 0
    scored: int = 0


def offers(user: User, today: date, kind: str = "", cursor: str | None = None) -> Page[Any]:
    """One page of the classes into which the user can enrol today, the soonest first (R34, R38).

    An organiser's own province, or all where it is open to them; the association's classes are for everybody.
    """
    query = _rows().where(
        visible(user, TrainingClass), TrainingClass.state == "enrolling", TrainingClass.enrol_from <= today, TrainingClass.enrol_until >= today
    )  # fmt: skip
    own = _by_own_province(user)
    if own is not None:
        query = query.where(or_(Organiser.kind == "association", TrainingClass.open_to_other_provinces, own))
    if kind:
        query = query.where(TrainingClass.kind == kind)
    return read_page(query, SOONEST, cursor)


def to_check_in(user: User, today: date, cursor: str | None = None) -> Page[Any]:
    """One page of the classes that are held, or begin within two weeks, and have somebody to come (R48)."""
    query = _rows().where(
        visible(user, TrainingClass), TrainingClass.starts_on <= today + AHEAD, TrainingClass.ends_on >= today,
        TrainingClass.state.in_(("enrolling", "enrolment_closed", "running", "scored")), _has(("confirmed", *CAME)),
    )  # fmt: skip
    return read_page(query, SOONEST, cursor)


def to_score(user: User, cursor: str | None = None) -> Page[Any]:
    """One page of the hosted classes where somebody who came has no confirmed score yet (R49)."""
    query = _rows().where(visible(user, TrainingClass), _has((*TO_SCORE, "scored")))
    return read_page(query, SOONEST, cursor)


def counts(class_ids: Iterable[UUID]) -> dict[UUID, Counts]:
    """The persons of each class, in one query."""

    def number(states: tuple[str, ...]) -> Any:
        return func.sum(case((Enrollment.state.in_(states), 1), else_=0))

    query = select(
        Enrollment.class_id, number(("confirmed", *CAME)), number(CAME), number(TO_SCORE), number(("scored",))
    ).where(Enrollment.class_id.in_(list(class_ids)))
    return {row[0]: Counts(*map(int, row[1:])) for row in session().execute(query.group_by(Enrollment.class_id))}


def _has(states: tuple[str, ...]) -> Any:
    return (
        select(Enrollment.id)
        .where(and_(Enrollment.class_id == TrainingClass.id, Enrollment.state.in_(states)))
        .exists()
    )


def _by_own_province(user: User) -> ColumnElement[bool] | None:
    """Classes organised by a province of whose units the user enrols; None for those who enrol persons of academies (C7)."""
    if user.role == "provincial_authority":
        return TrainingClass.organiser_id == user.organisation_id
    if user.role in ("group", "enterprise"):
        units = Organisation.id.in_(own_units(user))
        return TrainingClass.organiser_id.in_(select(Organisation.authority_id).where(units))
    return None


def _rows() -> Any:
    return (
        select(
            TrainingClass.id, TrainingClass.code, TrainingClass.title, TrainingClass.kind, TrainingClass.place, TrainingClass.enrol_until,
            TrainingClass.starts_on, TrainingClass.ends_on, TrainingClass.capacity, TrainingClass.taken, TrainingClass.state,
            Organiser.name.label("organiser"), Institution.name.label("institution"),
        )
        .join(Organiser, Organiser.id == TrainingClass.organiser_id)
        .join(Institution, Institution.id == TrainingClass.institution_id)
    )  # fmt: skip
