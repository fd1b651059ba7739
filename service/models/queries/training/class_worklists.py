"""Classes by what is to be done in them now: to enrol into, to check in, to record scores of (S53, S54, S107, S118)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import aliased

from service.domain.accounts.permissions import Action, ScopeKind, kinds_of
from service.domain.accounts.roles import Role
from service.models.db.pagination import SortOrder
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import Enrollment, TrainingClass
from service.models.tables.units.organisation import Organisation

SOONEST = SortOrder((TrainingClass.starts_on, TrainingClass.id))
AHEAD = timedelta(days=14)  # how early a class is listed for check-in
Organiser, Institution = aliased(Organisation), aliased(Organisation)
CAME = ("checked_in", "scored", "makeup", "certifying", "completed", "failed")
TO_SCORE = ("checked_in", "makeup")


def offers_query(user: User, today: date, kind: str = "") -> Any:
    """The classes into which the user can enrol today (R34, R38).

    An organiser's own province, or all where it is open to them; the association's classes are for everybody.
    """
    query = _rows().where(
        visible_to(user, TrainingClass),
        TrainingClass.state.in_(("enrolling", "running")),
        ~TrainingClass.enrolment_closed,
        TrainingClass.enrol_from <= today,
        TrainingClass.enrol_until >= today,
    )
    own = _by_own_province(user)
    if own is not None:
        query = query.where(or_(Organiser.kind == "association", TrainingClass.open_to_other_provinces, own))
    return query.where(TrainingClass.kind == kind) if kind else query


def check_in_query(user: User, today: date) -> Any:
    """The classes that are held, or begin within two weeks,
    and have somebody to come (R48): ``came`` of ``expected``.
    """
    query = _rows().add_columns(_number((*CAME, "confirmed")).label("expected"), _number(CAME).label("came"))
    return query.where(
        visible_to(user, TrainingClass),
        TrainingClass.starts_on <= today + AHEAD,
        TrainingClass.ends_on >= today,
        TrainingClass.state.in_(("enrolling", "enrolment_closed", "running", "scored")),
        _has((*CAME, "confirmed")),
    )


def score_query(user: User) -> Any:
    """The hosted classes where somebody who came has no confirmed score (R49): how many came,
    are ``to_score``, are ``scored``.
    """
    query = _rows().add_columns(
        _number(CAME).label("came"), _number(TO_SCORE).label("to_score"), _number(("scored",)).label("scored")
    )
    return query.where(visible_to(user, TrainingClass), _has((*TO_SCORE, "scored")))


def _number(states: tuple[str, ...]) -> Any:
    """Count the persons of a class who are in one of the states."""
    mine = and_(Enrollment.class_id == TrainingClass.id, Enrollment.state.in_(states))
    return select(func.count()).select_from(Enrollment).where(mine).correlate(TrainingClass).scalar_subquery()


def _has(states: tuple[str, ...]) -> Any:
    return (
        select(Enrollment.id)
        .where(and_(Enrollment.class_id == TrainingClass.id, Enrollment.state.in_(states)))
        .exists()
    )


def _by_own_province(user: User) -> ColumnElement[bool] | None:
    """Classes organised by a province of whose units the user enrols;
    None for those who enrol persons of academies (C7).
    """
    if kinds_of(Role(user.role), Action.ENROLL) & {ScopeKind.ACADEMIES, ScopeKind.LINKED}:
        return None
    units = select(Organisation.authority_id).where(visible_to(user, Organisation, Action.ENROLL))
    return TrainingClass.organiser_id.in_(units)


def _rows() -> Any:
    return (
        select(
            TrainingClass.id,
            TrainingClass.code,
            TrainingClass.title,
            TrainingClass.kind,
            TrainingClass.place,
            TrainingClass.enrol_until,
            TrainingClass.starts_on,
            TrainingClass.ends_on,
            TrainingClass.capacity,
            TrainingClass.taken,
            TrainingClass.state,
            TrainingClass.stage,
            Organiser.name.label("organiser"),
            Institution.name.label("institution"),
        )
        .join(Organiser, Organiser.id == TrainingClass.organiser_id)
        .join(Institution, Institution.id == TrainingClass.institution_id)
    )
