"""Enrolments: the list of one's own, withdrawing one, and the two sheets of a class: check-in and scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, jsonify, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.training import enrollments
from service.domain.training.classes import first_check_in_day, is_check_in_day
from service.domain.training.enrollment_state import EnrollmentState
from service.errors import N_, Conflict, InvalidInput, Message
from service.forms import Field
from service.infrastructure.translation import translate
from service.models.db.clock import today
from service.models.db.ids import new_id
from service.models.queries.persons.person_history import scores_of
from service.models.queries.runtime.inbox import subjects
from service.models.queries.training import class_list, enrollment_list
from service.models.tables.training.training import TrainingClass
from service.web.shell import query_params, worksheet
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.security_headers import CAMERA
from service.web.shell.worksheet import MAX_ROWS, Filling
from service.web.views.runtime.undo import offer
from service.web.views.training import classes
from service.workflow.processes import definitions
from service.workflow.runtime import bulk_completion
from service.workflow.runtime.worksheet_file import SheetRow
from service.workflow.training import enrollments as training
from service.workflow.training import score_corrections
from service.workflow.training.enrollment_actions import EnrollmentAction

bp = Blueprint("enrollments", __name__)

CHECK_IN, RECORD_SCORE = "check_in", "record_score"  # the steps that have a sheet


@bp.get("/enrollments")
@requires_permission(Action.ENROLL, Action.CONFIRM_ENROLLMENT, Action.CHECK_IN)
def index() -> ResponseReturnValue:
    return render_list("enrollments", "enrollments.index", "pages/enrollments/index.html")


@bp.get("/enrollments/<uuid:enrollment_id>/withdraw")
@requires_permission(Action.WITHDRAW_ENROLLMENT)
def confirm_withdrawal(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    state, until = EnrollmentState(found.state), found.training_class.enrol_until
    return render_template(
        "pages/enrollments/withdraw.html",
        found=found,
        must=enrollments.needs_reason_to_withdraw(state, until, today()),
        obstacle=score_corrections.obstacle_to(current_user, found, EnrollmentAction.WITHDRAW),
    )


@bp.post("/enrollments/<uuid:enrollment_id>/withdraw")
@requires_permission(Action.WITHDRAW_ENROLLMENT)
@rerender_on_error(confirm_withdrawal, Conflict)
def withdraw(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    name, class_id = found.person.name, found.class_id
    training.withdraw(current_user, enrollment_id, request.form.get("reason", ""))
    flash_success(Message(N_("“%(name)s”的报名已撤回，名额已释放。"), name=name))
    return redirect(url_for("classes.show", class_id=class_id))


def _class_page(enrollment_id: UUID) -> ResponseReturnValue:
    """Go back to the page of the class."""
    return classes.show(enrollment_list.visible_enrollment(current_user, enrollment_id).class_id)


@bp.post("/enrollments/<uuid:enrollment_id>/undo-check-in")
@requires_permission(Action.CHECK_IN)
@rerender_on_error(_class_page, Conflict)
def undo_check_in(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    name, class_id = found.person.name, found.class_id
    score_corrections.undo_check_in(current_user, enrollment_id)
    flash_success(Message(N_("“%(name)s”的报到已撤销。"), name=name))
    return redirect(url_for("classes.show", class_id=class_id))


@bp.get("/enrollments/<uuid:enrollment_id>/correct")
@requires_permission(Action.CONFIRM_SCORE)
def propose_correction(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    return render_template(
        "pages/enrollments/correct.html",
        found=found,
        scores=scores_of([found.id]).get(found.id, ()),
        obstacle=score_corrections.obstacle_to(current_user, found, EnrollmentAction.CORRECT_SCORE),
    )


@bp.post("/enrollments/<uuid:enrollment_id>/correct")
@requires_permission(Action.CONFIRM_SCORE)
@rerender_on_error(propose_correction, Conflict)
def correct(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    name, class_id = found.person.name, found.class_id
    typed = request.form.get("score", ""), bool(request.form.get("absent")), request.form.get("reason", "")
    score_corrections.correct_score(current_user, enrollment_id, *typed)
    flash_success(Message(N_("“%(name)s”的更正已提出，等待协会另一人复核。"), name=name))
    return redirect(url_for("classes.show", class_id=class_id))


@bp.get("/enrollments/<uuid:enrollment_id>/end")
@requires_permission(Action.END_TRAINING)
def confirm_end(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    return render_template(
        "pages/enrollments/end.html",
        found=found,
        obstacle=score_corrections.obstacle_to(current_user, found, EnrollmentAction.END_TRAINING),
    )


@bp.post("/enrollments/<uuid:enrollment_id>/end")
@requires_permission(Action.END_TRAINING)
@rerender_on_error(confirm_end, Conflict)
def end(enrollment_id: UUID) -> ResponseReturnValue:
    found = enrollment_list.visible_enrollment(current_user, enrollment_id)
    name, class_id = found.person.name, found.class_id
    score_corrections.end_training(current_user, enrollment_id, request.form.get("reason", ""))
    flash_success(Message(N_("“%(name)s”的培训已终止，已通知其单位、省级主管部门和培训机构。"), name=name))
    return redirect(url_for("classes.show", class_id=class_id))


@bp.get("/classes/<uuid:class_id>/check-in")
@requires_permission(Action.CHECK_IN)
def check_in_sheet(class_id: UUID, filling: Filling | None = None) -> ResponseReturnValue:
    answer = make_response(_sheet(class_id, CHECK_IN, filling))
    answer.headers["Permissions-Policy"] = CAMERA  # reads the codes of admission slips, in the browser
    return answer


@bp.post("/classes/<uuid:class_id>/check-in")
@requires_permission(Action.CHECK_IN)
@rerender_on_error(check_in_sheet, Conflict)
def check_in(class_id: UUID) -> ResponseReturnValue:
    """Take one person, by the button of the row, or all who are ticked; a queue of the page is answered row by row."""
    chosen = query_params.chosen("task_one", MAX_ROWS) or query_params.chosen("task", MAX_ROWS)
    if not chosen:
        raise InvalidInput(text=N_("请先勾选已到的人员。"))
    submission_id = worksheet.submission()
    results = bulk_completion.complete_many(current_user, submission_id, [(task_id, {}) for task_id in chosen])
    done = [r.task_id for r in results if r.ok]
    names = subjects(current_user, [r.task_id for r in results])
    said = worksheet.done(names, done, N_("已报到 %(n)s 人：%(names)s。"))
    undo = url_for(".undo_check_ins", class_id=class_id, submission=submission_id)
    if request.accept_mimetypes.best == "application/json":
        refused = [
            {"task": r.task_id, "name": names.get(r.task_id, ""), "why": translate(r.why)} for r in results if not r.ok
        ]
        return jsonify(said=translate(said), done=done, refused=refused, undo=undo)
    return _answer(results, said, class_id, CHECK_IN, undo=undo)


@bp.post("/classes/<uuid:class_id>/check-in/undo")
@requires_permission(Action.CHECK_IN)
@rerender_on_error(check_in_sheet, Conflict)
def undo_check_ins(class_id: UUID) -> ResponseReturnValue:
    """Take back the check-ins of one batch, of whoever has not gone on (R83)."""
    submission_id = query_params.sent_id(request.args.get("submission", ""))
    undone = score_corrections.undo_check_ins(current_user, class_id, submission_id)
    flash_success(Message(N_("已撤回 %(n)s 人的报到。"), n=undone), kind="ok" if undone else "warn")
    return redirect(url_for(".check_in_sheet", class_id=class_id))


@bp.get("/classes/<uuid:class_id>/scores")
@requires_permission(Action.RECORD_SCORE)
def score_sheet(class_id: UUID, filling: Filling | None = None) -> ResponseReturnValue:
    if filling is None and request.method == "POST":  # refused as a whole: what was typed stands there again
        filling = Filling(worksheet.read_typed(_rows(class_id, RECORD_SCORE).columns))
    return _sheet(class_id, RECORD_SCORE, filling)


@bp.post("/classes/<uuid:class_id>/scores")
@requires_permission(Action.RECORD_SCORE)
@rerender_on_error(score_sheet, Conflict)
def record_scores(class_id: UUID) -> ResponseReturnValue:
    """Every row that is filled is submitted; a wrong one stays with what was typed and the reason at its end."""
    columns = _rows(class_id, RECORD_SCORE).columns
    if not columns:
        raise Conflict(N_("本班没有等待录入成绩的人员，可能同事已经录入，请刷新后核对。"))
    rows = worksheet.read_rows(columns)
    if not rows:
        raise InvalidInput(text=N_("请先填写成绩，未参加考试的勾选“缺考”。"))
    submission_id = worksheet.submission()
    results = bulk_completion.complete_many(current_user, submission_id, rows)
    done = [r.task_id for r in results if r.ok]
    said = worksheet.done(subjects(current_user, done), done, N_("已提交 %(n)s 人的成绩，等待协会确认：%(names)s。"))
    typed = worksheet.read_typed(columns)
    return _answer(results, said, class_id, RECORD_SCORE, typed, undo=offer(done, submission_id))


@bp.get("/classes/<uuid:class_id>/scores/template.xlsx")
@requires_permission(Action.RECORD_SCORE)
def score_template(class_id: UUID) -> ResponseReturnValue:
    """The sheet to be filled in with Excel: those whose score is awaited."""
    found = _rows(class_id, RECORD_SCORE)
    facts = [N_("单位"), N_("资格类型")]
    people = zip(found.sheet_rows(), found.rows, strict=True)
    rows = ((row, (person.unit_name, person.type_name)) for row, person in people)
    return worksheet.send_template(N_("成绩表"), found.columns, facts, rows)


@bp.post("/classes/<uuid:class_id>/scores/import")
@requires_permission(Action.RECORD_SCORE)
@rerender_on_error(score_sheet, Conflict)
def import_scores(class_id: UUID) -> ResponseReturnValue:
    """Fill the sheet from a file; nothing is submitted yet."""
    found = _rows(class_id, RECORD_SCORE)
    return _sheet(class_id, RECORD_SCORE, worksheet.read_import(found.columns, found.sheet_rows()))


@dataclass(frozen=True, slots=True)
class SheetRows:
    """The enrolments of a class that wait at one step for the reader: their rows, their tasks, the form's columns."""

    found: TrainingClass
    rows: list[Any]
    tasks: dict[UUID, Any]
    columns: tuple[Field, ...]

    def sheet_rows(self) -> list[SheetRow]:
        return [SheetRow(self.tasks[row.case_id].id, row.name, row.id_number_masked) for row in self.rows]


def _rows(class_id: UUID, element: str) -> SheetRows:
    found = class_list.visible_class(current_user, class_id)
    rows = class_list.enrollments_of(current_user, class_id)
    tasks = class_list.open_tasks(current_user, [row.case_id for row in rows], element)
    asked = next(iter(tasks.values()), None)
    columns = worksheet.columns_of(definitions.form(asked.definition, asked.form_key)) if asked else ()
    return SheetRows(found, [row for row in rows if row.case_id in tasks], tasks, columns)


def _sheet(class_id: UUID, element: str, filling: Filling | None) -> ResponseReturnValue:
    shown, filling = _rows(class_id, element), filling or Filling()
    found = shown.found
    return render_template(
        f"pages/enrollments/{element}.html",
        found=found,
        rows=shown.rows,
        tasks=shown.tasks,
        columns=shown.columns,
        filling=filling,
        counts=class_list.state_counts(class_id),
        submission=new_id(),
        today=today(),
        first_day=first_check_in_day(found.starts_on),
        is_check_in_day=is_check_in_day(found.starts_on, found.ends_on, today()),
        gone=filling.gone(task.id for task in shown.tasks.values()),
    )


def _answer(
    results: list[bulk_completion.RowResult],
    said: Message,
    class_id: UUID,
    element: str,
    typed: dict[UUID, dict[str, str]] | None = None,
    undo: str | None = None,
) -> ResponseReturnValue:
    if _count(results):
        flash_success(said, undo=undo)
    if all(r.ok for r in results):
        return redirect(request.path)
    return _sheet(class_id, element, Filling(typed or {}, {r.task_id: r for r in results if not r.ok}))


def _count(results: list[bulk_completion.RowResult]) -> int:
    return sum(1 for r in results if r.ok)
