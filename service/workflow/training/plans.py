"""Training plans (S18, S106, R33): a year's intentions, published to those concerned, from which classes are opened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.training import plans
from service.domain.training.classes import check_organiser
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.training.plans import PlanState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, Message, NotAllowed, NotFound
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import visible_to
from service.models.queries.scope_adapters import is_organised_by
from service.models.queries.training import plan_list
from service.models.tables.accounts.user import User
from service.models.tables.training.training import TrainingPlan
from service.validation.form_reader import FormReader
from service.validation.record_fields import Place
from service.workflow.optimistic_lock import check_version
from service.workflow.runtime import tasks

TIME_OPTIONS = (*(f"m{n}" for n in range(1, 13)), *(f"q{n}" for n in range(1, 5)))
"""Months and quarters of the form field ``time``; '' leaves it open."""


def save_plan(user: User, raw: Mapping[str, Any], plan_id: UUID | None = None) -> TrainingPlan:
    """Write a plan, a new draft without ``plan_id``; once published its kind does not change any more (R33).

    raw: title, kind, year, time (of ``TIME_OPTIONS``), place, capacity, hours, note, version. Raises InvalidInput at
    the field, NotFound for the plan of another, Conflict when it is over or a colleague saved in between.
    """
    with transaction(Operation("save_plan", user.id)) as current:
        row = _own(user, plan_id) if plan_id else _new(user)
        if obstacle := plans.obstacle_to_editing(PlanState(row.state)):
            raise Conflict(obstacle)
        check_version(row.version, raw)
        _fill(user, row, FormReader(raw))
        current.add(row)
    return row


def publish_plan(user: User, plan_id: UUID) -> TrainingPlan:
    """Show a draft to the other authorities."""
    with transaction(Operation("publish_plan", user.id)):
        row = _own(user, plan_id)
        if obstacle := plans.obstacle_to_publication(PlanState(row.state)):
            raise Conflict(obstacle)
        row.state = PlanState.PUBLISHED
    return row


def cancel_plan(user: User, plan_id: UUID, reason: str) -> TrainingPlan:
    """Cancel a plan with a reason, unless somebody has checked in at a class of it (domain.md §8)."""
    with transaction(Operation("cancel_plan", user.id)):
        row = _own(user, plan_id)
        if obstacle := cancellation_obstacle(row):
            raise Conflict(obstacle)
        row.cancel_reason, row.state = parse_reason(reason), PlanState.CANCELLED
    return row


def cancellation_obstacle(row: TrainingPlan) -> Message | None:
    """Say why a plan cannot be cancelled now."""
    return plans.obstacle_to_cancellation(PlanState(row.state), plan_list.checked_in(row.id))


def begin_class(user: User, plan_id: UUID) -> UUID:
    """Start a class of a published plan; returns the task in which it is drafted, filled in from the plan (R33)."""
    row = _own(user, plan_id)
    if obstacle := plans.obstacle_to_class(PlanState(row.state)):
        raise Conflict(obstacle)
    known = {"title": row.title, "kind": row.kind, "place": row.place, "capacity": row.capacity, "hours": row.hours}
    data = {"organiser_id": str(user.organisation_id), "organiser_role": user.role, "plan_id": str(row.id)}
    return tasks.start(user, "training_class", data | {k: v for k, v in known.items() if v is not None}).tasks[0]


def close_past() -> None:
    """Close the published plans whose year is over; part of the daily work."""
    query = select(TrainingPlan).where(TrainingPlan.state == PlanState.PUBLISHED, TrainingPlan.year < today().year)
    with transaction(Operation("close_plans")):
        for row in session().scalars(query):
            row.state = PlanState.CLOSED


def is_owner(user: User, row: TrainingPlan) -> bool:
    """Tell whether the user can change the plan, in a state that allows it."""
    return is_organised_by(user, Action.EDIT_PLAN, row.owner_id)


def _new(user: User) -> TrainingPlan:
    if not may(Role(user.role), Action.EDIT_PLAN):
        raise NotAllowed
    return TrainingPlan(id=new_id(), owner_id=user.organisation_id, state=PlanState.DRAFT, version=1)


def _own(user: User, plan_id: UUID) -> TrainingPlan:
    """A plan of the user's organisation, locked; raises NotFound for any other."""
    if not may(Role(user.role), Action.EDIT_PLAN):
        raise NotAllowed
    query = select(TrainingPlan).where(TrainingPlan.id == plan_id, visible_to(user, TrainingPlan, Action.EDIT_PLAN))
    row = session().scalars(query.with_for_update()).one_or_none()
    if row is None:
        raise NotFound
    return row


def _fill(user: User, row: TrainingPlan, entry: FormReader) -> None:
    row.title = entry.text("title", 100, required=True) or ""
    kind = entry.choice("kind", list(TrainingKind), required=True)
    if kind:
        entry.parse(check_organiser, Role(user.role), TrainingKind(kind))
        if row.state != PlanState.DRAFT and kind != row.kind:
            entry.refuse("kind", N_("计划发布后不能改变类型，请取消后另订。"))
    year = entry.integer("year", 2000, 2999)
    time = entry.choice("time", TIME_OPTIONS) or ""
    month = int(time[1:]) if time.startswith("m") else None
    quarter = int(time[1:]) if time.startswith("q") else None
    if year is not None and (year, month, quarter) != (row.year, row.month, row.quarter):
        entry.parse(plans.check_year, year, today())
        entry.parse(plans.check_time, year, month, today(), "time")
    for field in PLAN_FIELDS.plain(Place.FORM):
        setattr(row, field.key, entry.record_field(field, today()))
    with session().no_autoflush:
        entry.check()
    row.kind, row.year, row.month, row.quarter = str(kind), year or 0, month, quarter
