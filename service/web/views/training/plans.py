"""Training plans: list, calendar of a year, page, drafting, publishing, cancelling, and a class from one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.training.classes import ORGANISES
from service.domain.training.plan_fields import PLAN_FIELDS
from service.domain.training.plans import MAX_YEARS_AHEAD, PlanState, quarter_of
from service.domain.training.training_kind import TrainingKind
from service.errors import N_, Conflict
from service.models.db.clock import today
from service.models.queries.persons.person_history import versions_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training import plan_list
from service.models.queries.units import unit_list
from service.models.tables.training.training import TrainingPlan
from service.reports import read_list
from service.validation.record_fields import Place
from service.web.presenters.filter_bar import ControlView
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import list_frame, render_list
from service.workflow.idempotency import once
from service.workflow.training import plans

bp = Blueprint("plans", __name__)

MONTHS = (
    N_("1 月"),
    N_("2 月"),
    N_("3 月"),
    N_("4 月"),
    N_("5 月"),
    N_("6 月"),
    N_("7 月"),
    N_("8 月"),
    N_("9 月"),
    N_("10 月"),
    N_("11 月"),
    N_("12 月"),
)
HISTORY = PLAN_FIELDS.keys_at(Place.HISTORY)


@bp.get("/plans")
@requires_permission(Action.VIEW_PLANS)
def index() -> ResponseReturnValue:
    return render_list("plans", "plans.index", "pages/plans/index.html", time_of=time_word)


@bp.get("/plans/calendar")
@requires_permission(Action.VIEW_PLANS)
def calendar() -> ResponseReturnValue:
    """The year at a glance: a box a month, four quarters, and what has no time yet."""
    report, chosen, _ = read_list("plans", current_user, request.args)
    year = chosen.year or today().year
    rows = plan_list.of_year(current_user, replace(chosen, year=year))
    frame = list_frame(report, chosen, "plans.calendar")
    controls = [_year_control(one, year) if one.name == "year" else one for one in frame["controls"]]
    months: dict[int, list[Any]] = {n: [r for r in rows if r.month == n] for n in range(1, 13)}
    quarters = {n: [r for r in rows if r.quarter == n] for n in range(1, 5)}
    return render_template(
        "pages/plans/calendar.html",
        year=year,
        months=months,
        quarters=quarters,
        controls=controls,
        is_filtered=bool(replace(chosen, year=None).arguments()),
        today=today(),
        openly=[r for r in rows if not r.month and not r.quarter],
        month_word=month_word,
        quarter_word=quarter_word,
        totals=_totals(rows),
    )


def _year_control(control: ControlView, year: int) -> ControlView:
    """Offer the year that is shown beside those with plans, and no choice of all years."""
    value = str(year)
    options = control.options if value in dict(control.options) else [(value, value), *control.options]
    return control._replace(any_label="", options=options, value=value)


@bp.get("/plans/new")
@requires_permission(Action.EDIT_PLAN)
def new() -> ResponseReturnValue:
    return render_template("pages/plans/form.html", plan=None, **_choices(None))


@bp.post("/plans")
@requires_permission(Action.EDIT_PLAN)
@rerender_on_error(new)
def create() -> ResponseReturnValue:
    plan_id = once(current_user, form_id(), "save_plan", lambda: plans.save_plan(current_user, request.form).id)
    flash_success(N_("计划已存为草稿，发布后其他单位可见，并可据以开班。"))
    return redirect(url_for(".show", plan_id=plan_id))


@bp.get("/plans/<uuid:plan_id>")
@requires_permission(Action.VIEW_PLANS)
def show(plan_id: UUID) -> ResponseReturnValue:
    plan = get_or_404_in_scope(current_user, TrainingPlan, plan_id)
    return render_template(
        "pages/plans/show.html",
        plan=plan,
        owner=unit_list.names_of([plan.owner_id])[str(plan.owner_id)],
        classes=plan_list.classes_of(current_user, plan.id),
        is_owner=plans.is_owner(current_user, plan),
        time=time_word(plan),
        versions=versions_of(plan.id, HISTORY)[:20],
    )


@bp.get("/plans/<uuid:plan_id>/edit")
@requires_permission(Action.EDIT_PLAN)
def edit(plan_id: UUID) -> ResponseReturnValue:
    plan = get_or_404_in_scope(current_user, TrainingPlan, plan_id)
    if not plans.is_owner(current_user, plan) or plan.state not in (PlanState.DRAFT, PlanState.PUBLISHED):
        return redirect(url_for(".show", plan_id=plan.id))
    return render_template("pages/plans/form.html", plan=plan, **_choices(plan))


@bp.post("/plans/<uuid:plan_id>")
@requires_permission(Action.EDIT_PLAN)
@rerender_on_error(edit, Conflict)
def save(plan_id: UUID) -> ResponseReturnValue:
    plans.save_plan(current_user, request.form, plan_id)
    flash_success(N_("计划已保存。"))
    return redirect(url_for(".show", plan_id=plan_id))


@bp.post("/plans/<uuid:plan_id>/publish")
@requires_permission(Action.EDIT_PLAN)
@rerender_on_error(show, Conflict)
def publish(plan_id: UUID) -> ResponseReturnValue:
    plans.publish_plan(current_user, plan_id)
    flash_success(N_("计划已发布，可以据以开班。"))
    return redirect(url_for(".show", plan_id=plan_id))


@bp.get("/plans/<uuid:plan_id>/cancel")
@requires_permission(Action.EDIT_PLAN)
def confirm_cancellation(plan_id: UUID) -> ResponseReturnValue:
    plan = get_or_404_in_scope(current_user, TrainingPlan, plan_id)
    return render_template(
        "pages/plans/cancel.html",
        plan=plan,
        classes=plan_list.classes_of(current_user, plan.id),
        obstacle=plans.cancellation_obstacle(plan),
    )


@bp.post("/plans/<uuid:plan_id>/cancel")
@requires_permission(Action.EDIT_PLAN)
@rerender_on_error(confirm_cancellation, Conflict)
def cancel(plan_id: UUID) -> ResponseReturnValue:
    plans.cancel_plan(current_user, plan_id, request.form.get("reason", ""))
    flash_success(N_("计划已取消。"))
    return redirect(url_for(".show", plan_id=plan_id))


@bp.post("/plans/<uuid:plan_id>/classes")
@requires_permission(Action.EDIT_CLASS)
@rerender_on_error(show, Conflict)
def begin_class(plan_id: UUID) -> ResponseReturnValue:
    """A class of the plan: the task in which it is drafted, filled in from it."""
    task_id = once(current_user, form_id(), "begin_class", lambda: plans.begin_class(current_user, plan_id))
    return redirect(url_for("tasks.show", task_id=task_id))


def month_word(month: int) -> str:
    """``3 月`` or ``March``."""
    return gettext(MONTHS[month - 1])


def quarter_word(quarter: int) -> str:
    """``第 1 季度``."""
    return gettext("第 %(n)s 季度", n=quarter)


def time_word(plan: Any) -> str:
    """Write the time of a plan or of a row of the list: month, quarter or open."""
    if plan.month:
        return month_word(plan.month)
    return quarter_word(plan.quarter) if plan.quarter else gettext("时间待定")


def _choices(plan: TrainingPlan | None) -> dict[str, Any]:
    """Return the choices of the form: the kinds that the author organises (R33), years to come, months and quarters."""
    kinds = [k for k in TrainingKind if k in ORGANISES.get(Role(current_user.role), ())]
    first = today().year
    years = sorted({*range(first, first + MAX_YEARS_AHEAD + 1), *([plan.year] if plan else [])})
    times = [(f"m{n}", month_word(n)) for n in range(1, 13)] + [(f"q{n}", quarter_word(n)) for n in range(1, 5)]
    known = "" if plan is None else f"m{plan.month}" if plan.month else f"q{plan.quarter}" if plan.quarter else ""
    return {"kinds": kinds, "years": [(y, y) for y in years], "times": times, "time": known}


def _totals(rows: list[Any]) -> list[tuple[int, int, int]]:
    """Quarter, plans, places of each quarter."""
    found = []
    for quarter in range(1, 5):
        mine = [r for r in rows if quarter_of(r.month, r.quarter) == quarter]
        found.append((quarter, len(mine), sum(r.capacity or 0 for r in mine)))
    return found
