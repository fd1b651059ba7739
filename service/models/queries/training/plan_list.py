"""Lists of training plans: one page, the plans of a year for its calendar, and the classes opened from one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import aliased

from service.models.db.pagination import SortOrder
from service.models.db.session import session
from service.models.queries.report_filter import ReportFilter
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.training.training import (
    LIVE_ENROLLMENT,
    Enrollment,
    TrainingClass,
    TrainingPlan,
)
from service.models.tables.units.organisation import Organisation

ORDER = SortOrder((TrainingPlan.year, TrainingPlan.id), is_descending=True)
CAME = (*(s for s in LIVE_ENROLLMENT if s not in ("pending", "confirmed")), "completed", "failed")
MAX_PLANS = 500  # of one year in a calendar
Owner = aliased(Organisation)


def plans_query(user: User, chosen: ReportFilter) -> Any:
    """Select the plans in scope, with how many classes were opened from each."""
    classes = (
        select(func.count())
        .where(TrainingClass.plan_id == TrainingPlan.id, TrainingClass.state.not_in(("draft", "cancelled")))
        .correlate(TrainingPlan)
        .scalar_subquery()
    )
    return (
        select(
            TrainingPlan.id,
            TrainingPlan.year,
            TrainingPlan.title,
            TrainingPlan.kind,
            TrainingPlan.month,
            TrainingPlan.quarter,
            TrainingPlan.place,
            TrainingPlan.capacity,
            TrainingPlan.hours,
            TrainingPlan.state,
            TrainingPlan.owner_id,
            Owner.name.label("owner"),
            classes.label("classes"),
        )
        .join(Owner, Owner.id == TrainingPlan.owner_id)
        .where(visible_to(user, TrainingPlan), *_conditions(chosen))
    )


def of_year(user: User, chosen: ReportFilter) -> list[Any]:
    """The plans of one year that are not cancelled, in the order of the calendar; at most 500."""
    query = plans_query(user, chosen).where(TrainingPlan.state != "cancelled")
    order = (func.coalesce(TrainingPlan.month, TrainingPlan.quarter * 3 - 2, 13), TrainingPlan.id)
    return list(session().execute(query.order_by(*order).limit(MAX_PLANS)))


def years(user: User) -> list[int]:
    """The years that have plans in scope, latest first."""
    query = select(TrainingPlan.year).where(visible_to(user, TrainingPlan)).distinct()
    return list(session().scalars(query.order_by(TrainingPlan.year.desc())))


def owners(user: User) -> list[tuple[UUID, str]]:
    """Id and name of those who have plans in scope, for the filter."""
    query = select(Owner.id, Owner.name, Owner.sort_key).join(TrainingPlan, TrainingPlan.owner_id == Owner.id)
    query = query.where(visible_to(user, TrainingPlan)).distinct().order_by(Owner.sort_key)
    return [(row.id, row.name) for row in session().execute(query)]


def classes_of(user: User, plan_id: UUID) -> list[Any]:
    """The classes opened from a plan, as far as they are in scope."""
    query = select(
        TrainingClass.id,
        TrainingClass.code,
        TrainingClass.title,
        TrainingClass.starts_on,
        TrainingClass.ends_on,
        TrainingClass.taken,
        TrainingClass.capacity,
        TrainingClass.state,
        TrainingClass.stage,
    ).where(TrainingClass.plan_id == plan_id, visible_to(user, TrainingClass))
    return list(session().execute(query.order_by(TrainingClass.starts_on, TrainingClass.id).limit(100)))


def checked_in(plan_id: UUID) -> int:
    """Count the persons who have come to the classes of a plan."""
    query = select(func.count()).select_from(Enrollment).join(TrainingClass, TrainingClass.id == Enrollment.class_id)
    return session().scalar(query.where(TrainingClass.plan_id == plan_id, Enrollment.state.in_(CAME))) or 0


def _conditions(chosen: ReportFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if chosen.q:
        text = chosen.q
        found.append(
            TrainingPlan.title.contains(text, autoescape=True) | TrainingPlan.place.contains(text, autoescape=True)
        )
    if chosen.year:
        found.append(TrainingPlan.year == chosen.year)
    if chosen.kind:
        found.append(TrainingPlan.kind == chosen.kind)
    if chosen.state:
        found.append(TrainingPlan.state == chosen.state)
    if chosen.owner:
        found.append(TrainingPlan.owner_id == chosen.owner)
    return found
