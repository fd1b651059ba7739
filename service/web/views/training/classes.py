"""Training classes: list, page, beginning and cancelling one, enrolling persons."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.training.classes import is_check_in_day
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import today
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_list
from service.models.queries.units import unit_list
from service.models.tables.persons.person import QualificationType
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.questions import Question, asks
from service.workflow.idempotency import once
from service.workflow.training import (
    classes,
    enrollment_actions,
    enrollment_eligibility,
    enrollments,
)

bp = Blueprint("classes", __name__)

MAX_ENROLLED = 500  # persons enrolled by one submission
AS_A_WHOLE = (Role.ASSOCIATION, Role.TRAINING_INSTITUTION)  # who enrol academies (S62, S63)


@bp.get("/classes")
@requires_permission(Action.VIEW_CLASSES)
def index() -> ResponseReturnValue:
    return render_list("classes", "classes.index", "pages/classes/index.html")


@bp.get("/classes/new")
@requires_permission(Action.EDIT_CLASS)
def new() -> ResponseReturnValue:
    """Show the drafts, before another one is begun."""
    return render_template("pages/classes/new.html", drafts=class_list.drafts(current_user))


@bp.post("/classes")
@requires_permission(Action.EDIT_CLASS)
def create() -> ResponseReturnValue:
    """Begin a class: its first task is to draft it."""
    task_id = once(current_user, form_id(), "begin_class", lambda: classes.begin_class(current_user))
    return redirect(url_for("tasks.show", task_id=task_id))


@bp.get("/classes/<uuid:class_id>")
@requires_permission(Action.VIEW_CLASSES)
def show(class_id: UUID) -> ResponseReturnValue:
    found = class_list.visible_class(current_user, class_id)
    rows = class_list.enrollments_of(current_user, class_id)
    tasks = class_list.open_tasks(
        current_user, [row.case_id for row in rows] + ([found.case_id] if found.case_id else [])
    )
    return render_template(
        "pages/classes/show.html",
        found=found,
        rows=rows,
        tasks=tasks,
        counts=class_list.state_counts(class_id),
        is_organiser=classes.is_organiser(current_user, found),
        types=dict(QualificationType.choices(by_code=True)),
        obstacle=enrollment_eligibility.obstacle_of_class(found),
        today=today(),
        is_check_in_day=is_check_in_day(found.starts_on, found.ends_on, today()),
        acts=enrollment_actions.possible_actions(current_user, [row.id for row in rows], found.enrol_until),
    )


@bp.get("/classes/<uuid:class_id>/enroll")
@requires_permission(Action.ENROLL)
def choose(class_id: UUID, results: list[enrollments.EnrollmentResult] | None = None) -> ResponseReturnValue:
    """Persons whose need matches, to be chosen; at the other view everybody else, each with the reasons why not."""
    found = class_list.visible_class(current_user, class_id)
    is_fitting = query_params.choice("view", ("others",)) == ""
    chosen = _who()
    page = class_list.candidates_page(current_user, found, chosen, query_params.cursor(), fitting=is_fitting)
    return render_template(
        "pages/classes/enroll.html",
        found=found,
        page=page,
        chosen=chosen,
        is_fitting=is_fitting,
        results=results or [],
        reasons=enrollment_eligibility.obstacles(found, page.rows),
        obstacle=enrollment_eligibility.obstacle_of_class(found),
        units=unit_list.unit_choices(current_user, "academy" if current_user.role in AS_A_WHOLE else ""),
        whole=len(class_list.fitting_persons(current_user, found, chosen, MAX_ENROLLED))
        if current_user.role in AS_A_WHOLE and is_fitting
        else 0,
        on_behalf=current_user.role == Role.PROVINCIAL_AUTHORITY,
    )


@bp.post("/classes/<uuid:class_id>/enroll")
@requires_permission(Action.ENROLL)
@rerender_on_error(choose, Conflict)
def enroll(class_id: UUID) -> ResponseReturnValue:
    chosen = query_params.chosen("person", MAX_ENROLLED)
    if "all" in request.form:  # an academy as a whole (S63): everybody whom the list shows
        found = class_list.visible_class(current_user, class_id)
        chosen = class_list.fitting_persons(current_user, found, _who(), MAX_ENROLLED)
    if not chosen:
        raise InvalidInput(text=N_("请先勾选要报名的人员。"))
    results = enrollments.enroll(current_user, class_id, chosen)
    enrolled = sum(1 for r in results if r.message is None)
    if enrolled:
        flash_success(Message(N_("已为 %(n)s 人报名。"), n=enrolled))
    if enrolled == len(results):
        return redirect(url_for(".show", class_id=class_id))
    return choose(class_id, results)


def _who() -> ReportFilter:
    """Read what the list of candidates is narrowed to."""
    return ReportFilter(q=query_params.text("q"), unit=query_params.key("unit"))


@bp.get("/classes/<uuid:class_id>/change")
@requires_permission(Action.EDIT_CLASS)
def propose_change(class_id: UUID) -> ResponseReturnValue:
    """Show what may change after publication (R35); a draft is changed in its task."""
    found = class_list.visible_class(current_user, class_id)
    if not classes.is_organiser(current_user, found):
        raise NotFound
    return render_template(
        "pages/classes/change.html",
        found=found,
        seen=classes.fields_digest(found),
        obstacle=classes.obstacle_to_changing(found),
        fixed=classes.fixed_fields(found),
        enrolled=found.taken,
    )


@bp.post("/classes/<uuid:class_id>/change")
@requires_permission(Action.EDIT_CLASS)
@rerender_on_error(propose_change, Conflict)
def change(class_id: UUID) -> ResponseReturnValue:
    if classes.change_class(current_user, class_id, request.form):
        flash_success(N_("班次已修改，已报名的单位会收到通知。"))
    else:
        flash_success(N_("没有改动。"), kind="note")
    return redirect(url_for(".show", class_id=class_id))


@bp.get("/classes/<uuid:class_id>/cancel")
@requires_permission(Action.EDIT_CLASS)
def confirm_cancellation(class_id: UUID) -> ResponseReturnValue:
    found = class_list.visible_class(current_user, class_id)
    if not classes.is_organiser(current_user, found):
        raise NotFound
    return render_template("pages/classes/cancel.html", found=found, counts=class_list.state_counts(class_id))


@bp.post("/classes/<uuid:class_id>/cancel")
@requires_permission(Action.EDIT_CLASS)
@rerender_on_error(confirm_cancellation, Conflict)
def cancel(class_id: UUID) -> ResponseReturnValue:
    classes.cancel_class(current_user, class_id, request.form.get("reason", ""))
    flash_success(N_("培训班已取消，在办的报名随之取消。"))
    return redirect(url_for(".show", class_id=class_id))


def _closing(class_id: UUID) -> Question:
    found = classes.own_class(current_user, class_id)
    return Question(
        title=Message(N_("提前截止“%(title)s”的报名？"), title=found.title),
        consequence=N_("截止后不能再为本班报名，也不能重新开放。"),
        verb=N_("截止报名"),
        way_back=url_for(".show", class_id=class_id),
    )


@bp.post("/classes/<uuid:class_id>/close-enrolment")
@requires_permission(Action.EDIT_CLASS)
@rerender_on_error(show, Conflict)
@asks(_closing)
def close_enrolment(class_id: UUID) -> ResponseReturnValue:
    classes.close_enrolment(current_user, class_id)
    flash_success(N_("报名已截止。"))
    return redirect(url_for(".show", class_id=class_id))
