"""Tasks of one kind as a sheet: approvals, confirmations, whatever a form asks of many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.errors import N_, Conflict, InvalidInput
from service.forms import Field
from service.models.db.ids import new_id
from service.models.queries.runtime import inbox
from service.models.queries.scope import inbox_addresses
from service.web.presenters import task_columns
from service.web.shell import query_params, questions, worksheet
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success, rerender_on_error
from service.web.shell.worksheet import MAX_ROWS, Filling
from service.web.views.runtime.undo import offer
from service.workflow.processes import definitions
from service.workflow.runtime import bulk_completion

bp = Blueprint("worksheets", __name__)

MAX_FACTS = 6  # columns of facts beside those to fill in


@dataclass(frozen=True, slots=True)
class KindSheet:
    """The open tasks of a kind that the reader may complete, by one form; has_more: others wait behind them;
    is_refused: a cell cannot hold what their form asks for."""

    chosen: inbox.Filter
    rows: list[Any]
    columns: tuple[Field, ...]
    has_more: bool
    is_refused: bool = False


def _read() -> KindSheet:
    chosen = inbox.Filter(
        kind=query_params.text("kind", 160) or "-",
        batch=query_params.text("batch", 40) or None,
        find=query_params.text("find") or None,
        reader_id=current_user.id,
    )
    page = inbox.read(inbox_addresses(current_user), chosen, size=MAX_ROWS)
    free = [row for row in page.rows if row.assignee_id in (None, current_user.id)]
    if not free:
        return KindSheet(chosen, [], (), False)
    form = free[0].definition, free[0].form_key
    alike = [row for row in free if (row.definition, row.form_key) == form]
    columns = worksheet.columns_of(definitions.form(*form))
    if not columns:
        return KindSheet(chosen, [], (), has_more=False, is_refused=True)
    return KindSheet(chosen, alike, columns, bool(page.after) or len(alike) < len(free))


@bp.get("/inbox/sheet")
@login_required
def show(filling: Filling | None = None) -> ResponseReturnValue:
    sheet = _read()
    filling = filling or Filling(worksheet.read_typed(sheet.columns))
    return render_template(
        "pages/inbox/sheet.html",
        sheet=sheet,
        kind_name=sheet.rows[0].name if sheet.rows else "",
        facts=task_columns.of((row.facts for row in sheet.rows), MAX_FACTS),
        filling=filling,
        gone=filling.gone(row.id for row in sheet.rows),
        submission=new_id(),
    )


@bp.post("/inbox/sheet")
@login_required
@rerender_on_error(show, Conflict)
def complete() -> ResponseReturnValue:
    """Complete every row that is filled, each as it is filled; a refused one stays with its reason."""
    sheet = _read()
    rows: Sequence[bulk_completion.Row] = worksheet.read_rows(sheet.columns)
    if sheet.columns and not rows:
        raise InvalidInput(text=N_("还没有填写，请先填写要提交的行。"))
    rows = questions.settle(rows, sheet.rows[0].name, url_for(".show", **query_params.with_query())) if rows else rows
    submission_id = worksheet.submission()
    results = bulk_completion.complete_many(current_user, submission_id, rows)
    done = [result.task_id for result in results if result.ok]
    if done:
        flash_success(worksheet.done(inbox.subjects(current_user, done), done), undo=offer(done, submission_id))
    if len(done) < len(results):
        return show(Filling(worksheet.read_typed(sheet.columns), {r.task_id: r for r in results if not r.ok}))
    return redirect(url_for(".show", **query_params.with_query()))
