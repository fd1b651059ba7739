"""One task: the facts at the left, the decision at the right, the case's history below."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import UUID

from flask import Blueprint, get_template_attribute, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service import forms
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotAsked, TaskAlreadyDone
from service.models.queries.accounts import user_list
from service.models.queries.persons import person_list
from service.models.queries.runtime import inbox, substitutes
from service.models.queries.scope import get_or_404_in_scope, inbox_addresses, is_visible
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, Task
from service.web.presenters import task_columns
from service.web.presenters.form_answers import first_values, values_of
from service.web.presenters.panels import task_panels
from service.web.presenters.replay import timeline
from service.web.shell import questions
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import edits_rows, flash_success, form_error, refresh_user, rerender_on_error
from service.web.shell.form_rows import fields_of
from service.web.views.certificates import printing
from service.web.views.runtime.undo import offer
from service.workflow.processes import definitions
from service.workflow.runtime import history, tasks, undo, variables

bp = Blueprint("tasks", __name__)

LONG_FORM_FIELDS = 6  # fields from which on the form is the page, and the facts stand beside it


@bp.get("/tasks/<uuid:task_id>")
@login_required
def show(task_id: UUID) -> ResponseReturnValue:
    task = get_or_404_in_scope(current_user, Task, task_id)
    if task.state != "open":
        return _gone(task)
    form = definitions.form(task.definition, task.form_key)
    known = forms.fields(form) if form else ()
    told = history.timeline_of_task(current_user, task)
    return render_template(
        "pages/tasks/show.html",
        task=task,
        fields=known,
        values=_values(task, form),
        digest=digest_of(form),
        is_long=len(known) >= LONG_FORM_FIELDS,
        colleagues=user_list.colleagues(current_user) if task.organisation_id != current_user.id else [],
        options=task_panels.options(known),
        cards=task_panels.for_task(current_user, task),
        story=timeline.to_timeline(told),
        sees_case=is_visible(current_user, Case, task.case_id),
        assignee=User.get(task.assignee_id) if task.assignee_id else None,
        held=substitutes.claimed_tasks([task_id]).get(task_id) if task.assignee_id else None,
        absence=substitutes.behalf_of_tasks(current_user, [task_id]).get(task_id) if task.assignee_id else None,
        suspended=history.is_suspended(told),
        place=inbox.place_of(current_user, task.kind, task.sort_at, task.id),
    )


def _values(task: Task, form: bytes | None) -> dict[str, Any]:
    """The first values of fields: a form that collects data goes on from the case's,
    one that asks for a choice is blank, but for what is only shown.
    """
    fields = asked = forms.fields(form) if form else ()
    if form and forms.choice(form) is not None:
        fields = tuple(field for field in asked if field.readonly)
    is_read = fields or any(field.is_computed for field in asked)
    data = variables.present(task.case_id) if is_read else {}
    return first_values(asked, data) | values_of(fields, data)


def digest_of(form: bytes | None) -> str:
    """The digest of a form: it shows the server that the page was drawn from another version."""
    return hashlib.sha256(form or b"").hexdigest()[:16]


@bp.post("/tasks/<uuid:task_id>")
@login_required
@rerender_on_error(show)
@edits_rows(show)
def complete(task_id: UUID) -> ResponseReturnValue:
    kind = _check_version(task_id)
    wants_next = request.form.get("then") == "next"
    finish = tasks.complete_and_next if wants_next else tasks.complete
    finished = finish(current_user, task_id, answers(), asks=not questions.is_answered())
    name = inbox.subjects(current_user, [task_id]).get(task_id, "")
    file = printing.file_of(finished.case_id) if kind.endswith(printing.PRINT_TASK) else None
    is_last = wants_next and finished.next_task_id is None
    said = N_("已提交：%(name)s。这一类已没有待办。") if is_last else N_("已提交：%(name)s。")
    flash_success(Message(said, name=name), undo=offer([task_id]), draft=str(task_id), file=file)
    if finished.next_task_id is not None:
        return redirect(url_for(".show", task_id=finished.next_task_id))
    return redirect(url_for("inbox.index"))


@bp.post("/tasks/<uuid:task_id>/undo")
@login_required
@rerender_on_error(show, Conflict, NotAllowed)
def take_back(task_id: UUID) -> ResponseReturnValue:
    """Take one's own completion back; the task is open again (R83)."""
    undo.undo(current_user, task_id)
    name = inbox.subjects(current_user, [task_id]).get(task_id, "")
    flash_success(Message(N_("已撤回：%(name)s。任务回到待办，可以重新办理。"), name=name))
    return redirect(url_for(".show", task_id=task_id))


def answers() -> dict[str, Any]:
    """The fields of the form as typed."""
    sent = request.form.to_dict(flat=False)
    return fields_of({name: found for name, found in sent.items() if name not in forms.OF_THE_PAGE})


def _check_version(task_id: UUID) -> str:
    """The kind of the task, if it is open and the page was drawn from its form."""
    task = get_or_404_in_scope(current_user, Task, task_id)
    if task.state != "open":
        raise TaskAlreadyDone
    if request.form.get("form_digest", "") != digest_of(definitions.form(task.definition, task.form_key)):
        raise InvalidInput(text=N_("这个环节的表单已更换版本，请核对后重新提交。"))
    return task.kind


@bp.post("/tasks/<uuid:task_id>/claim")
@login_required
@rerender_on_error(show)
def claim(task_id: UUID) -> ResponseReturnValue:
    tasks.claim(current_user, task_id)
    if "HX-Request" in request.headers:
        return _row(task_id)
    flash_success(N_("已领取，同事不会重复办理。"), undo=url_for(".unclaim", task_id=task_id))
    return redirect(url_for(".show", task_id=task_id))


def _row(task_id: UUID) -> str:
    """The task's row of the list, as it is now."""
    kind = request.args.get("kind") or None
    page = inbox.read(inbox_addresses(current_user), inbox.Filter(task_id=task_id))
    row = page.rows[0]
    shown = task_columns.of([row.facts]) if kind else []
    gap = person_list.cases_without_photo([row])
    chosen = inbox.Filter(kind=kind)
    return str(get_template_attribute("pages/inbox/row.html", "task_row")(row, chosen, shown, gap))


@bp.post("/tasks/<uuid:task_id>/unclaim")
@login_required
@rerender_on_error(show)
def unclaim(task_id: UUID) -> ResponseReturnValue:
    tasks.unclaim(current_user, task_id)
    flash_success(N_("已退还，同事可以领取。"))
    return redirect(url_for("inbox.index"))


@bp.post("/tasks/<uuid:task_id>/assign")
@login_required
@rerender_on_error(show)
def assign(task_id: UUID) -> ResponseReturnValue:
    """Hand the task to a colleague."""
    to = next(
        (pair for pair in user_list.colleagues(current_user) if str(pair[0]) == request.form.get("assignee")), None
    )
    if to is None:
        raise InvalidInput(text=N_("请选择要转交的同事。"))
    tasks.assign(current_user, task_id, to[0])
    flash_success(Message(N_("已转交%(name)s。"), name=to[1]))
    return redirect(url_for("inbox.index"))


@bp.errorhandler(NotAsked)
def ask(found: NotAsked) -> ResponseReturnValue:
    """Ask before what cannot be taken back (R87): whom it is about, and what follows."""
    refresh_user()
    task = get_or_404_in_scope(current_user, Task, (request.view_args or {})["task_id"])
    form = definitions.form(task.definition, task.form_key)
    field = forms.choice(form) if form else None
    what = (questions.choice_word(field, answers().get(field.key)) if field else "") or task.name
    return questions.ask(
        questions.Question(
            title=Message(N_("%(what)s：%(name)s？"), what=Message(what), name=task.subject or task.name),
            consequence=found.consequence,
            verb=what,
            way_back=url_for(".show", task_id=task.id),
        )
    )


@bp.errorhandler(TaskAlreadyDone)
def show_done(_error: TaskAlreadyDone) -> ResponseReturnValue:
    """Somebody was first (R74): who and when, and where to go on."""
    refresh_user()
    task = get_or_404_in_scope(current_user, Task, (request.view_args or {})["task_id"])
    return _gone(task), 409


def _gone(task: Task) -> str:
    by = User.get(task.closed_by) if task.closed_by else None
    following = inbox.task_left(current_user, task.kind, task.sort_at, task.id)
    return render_template(
        "pages/tasks/gone.html",
        task=task,
        by=by,
        following=following,
        refused=request.method == "POST" and form_error() is None,
        sees_case=is_visible(current_user, Case, task.case_id),
    )
