"""A new case of a process that no page of its own starts: the form of its start event, for the roles that may."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user
from sqlalchemy import select

from service import forms
from service.engine import Definition
from service.errors import N_, Message, NotFound
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.case import Case, Task
from service.web.presenters import task_panels
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.views.runtime.tasks import answers
from service.workflow.idempotency import once
from service.workflow.runtime import definitions, tasks

bp = Blueprint("starts", __name__)


def _startable(key: str) -> Definition:
    """The version in force of a process that the reader may start here. Raises NotFound."""
    digest = next((one.digest for one in definitions.startable(current_user) if one.key == key), None)
    if digest is None:
        raise NotFound
    return definitions.definition(digest)


@bp.get("/processes/<key>/start")
@login_required
def show(key: str) -> ResponseReturnValue:
    process = _startable(key)
    form = process.files[f"{process.start_form}.form"] if process.start_form else None
    fields = forms.fields(form) if form else ()
    return render_template(
        "pages/processes/start.html",
        key=key,
        name=process.name,
        fields=fields,
        options=task_panels.options(fields),
    )


@bp.post("/processes/<key>/start")
@login_required
@rerender_on_error(show)
def start(key: str) -> ResponseReturnValue:
    name = _startable(key).name
    make = lambda: tasks.start_by_key(current_user, key, answers()).case_id  # noqa: E731
    case_id = once(current_user, form_id(), "start_case", make)
    flash_success(Message(N_("已发起：%(name)s。"), name=name), draft=f"start-{key}")
    own = select(Task.id).where(Task.case_id == case_id, Task.state == "open", visible_to(current_user, Task))
    if task_id := session().scalars(own).first():
        return redirect(url_for("tasks.show", task_id=task_id))
    seen = session().scalar(select(Case.id).where(Case.id == case_id, visible_to(current_user, Case)))
    return redirect(url_for("cases.show", case_id=case_id) if seen else url_for("inbox.index"))
