"""撤回 of what one batch has done, and the address by which a note offers it (R83)."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.errors import N_
from service.models.queries.runtime import inbox
from service.web.shell import worksheet
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success
from service.workflow.runtime import undo

bp = Blueprint("undo", __name__)


def offer(task_ids: Collection[UUID], submission_id: UUID | None = None) -> str | None:
    """The address that takes these completions back, None where none of them can be.

    submission_id: of the batch in which they were done.
    """
    found = undo.undoable(current_user, task_ids)
    if not found:
        return None
    if submission_id is not None:
        return url_for("undo.take_back_batch", submission_id=submission_id)
    return url_for("tasks.take_back", task_id=next(iter(found)))


@bp.post("/batches/<uuid:submission_id>/undo")
@login_required
def take_back_batch(submission_id: UUID) -> ResponseReturnValue:
    """Take back all that one batch completed; those that cannot be any more are named with the reason."""
    results = undo.undo_many(current_user, submission_id)
    refused = [result for result in results if not result.ok]
    names = inbox.subjects(current_user, [result.task_id for result in results])
    if refused:
        return render_template("pages/inbox/results.html", results=results, refused=refused, names=names, undone=True)
    done = [result.task_id for result in results]
    flash_success(worksheet.done(names, done, N_("已撤回 %(n)s 条：%(names)s。任务回到待办。")))
    return redirect(url_for("inbox.index"))
