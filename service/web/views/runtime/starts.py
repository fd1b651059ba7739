"""A new case of a process that no page of its own starts: the form of its start event, for the roles that may."""

from __future__ import annotations

from contextlib import suppress

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service import forms
from service.errors import N_, Message, NotFound
from service.infrastructure.translation import translate
from service.models.queries.runtime import task_lookup
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.system.versions_in_force import VersionInForce
from service.models.tables.runtime.case import Case
from service.web.presenters import form_answers
from service.web.presenters.panels import task_panels
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import edits_rows, flash_success, form_id, rerender_on_error
from service.web.views.runtime.tasks import answers
from service.workflow.idempotency import once
from service.workflow.processes import definitions
from service.workflow.runtime import tasks

bp = Blueprint("starts", __name__)


def _startable(key: str) -> VersionInForce:
    """The version in force of a process that the reader may start here. Raises NotFound."""
    version = next((one for one in definitions.startable(current_user) if one.key == key), None)
    if version is None:
        raise NotFound
    return version


@bp.get("/processes/<key>/start")
@login_required
def show(key: str) -> ResponseReturnValue:
    version = _startable(key)
    form = definitions.start_form(version.digest)
    fields = forms.fields(form) if form else ()
    return render_template(
        "pages/processes/start.html",
        key=key,
        name=version.name,
        fields=fields,
        options=task_panels.options(fields),
        values=form_answers.first_values(fields, {}),
    )


@bp.post("/processes/<key>/start")
@login_required
@rerender_on_error(show)
@edits_rows(show)
def start(key: str) -> ResponseReturnValue:
    name = _startable(key).name
    make = lambda: tasks.start_by_key(current_user, key, answers()).case_id  # noqa: E731
    case_id = once(current_user, form_id(), "start_case", make)
    flash_success(Message(N_("已发起：%(name)s。"), name=translate(name)), draft=f"start-{key}")
    if task_id := task_lookup.only_task_of(current_user, case_id):
        return redirect(url_for("tasks.show", task_id=task_id))
    with suppress(NotFound):
        return redirect(url_for("cases.show", case_id=get_or_404_in_scope(current_user, Case, case_id).id))
    return redirect(url_for("inbox.index"))
