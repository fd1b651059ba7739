"""The inbox: kinds and views at the left, one indexed page of tasks, claims and batches from the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service import forms
from service.errors import N_, InvalidInput, Message
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.queries.accounts import user_list
from service.models.queries.persons import person_list
from service.models.queries.runtime import inbox, substitutes
from service.models.queries.scope import get_or_404_in_scope, inbox_addresses
from service.models.tables.runtime.case import Task
from service.validation.typed_text import as_id
from service.web.presenters import task_columns
from service.web.shell import query_params, questions, template_context, worksheet
from service.web.shell.authorization import login_required
from service.web.shell.form_errors import flash_success
from service.web.views.certificates import printing
from service.web.views.runtime.undo import offer
from service.workflow.processes import definitions
from service.workflow.runtime import bulk_completion, tasks, undo

bp = Blueprint("inbox", __name__)

VIEWS = ("due", "mine", "absent", "done")
MAX_BATCH_ROWS = 500  # rows of one batch


@dataclass(frozen=True, slots=True)
class Group:
    """Rows of a page that belong together (a class), in order; title '' for rows without."""

    batch: str | None
    title: str
    rows: list[Any]


@bp.get("/inbox")
@login_required
def index() -> ResponseReturnValue:
    view, find = query_params.choice("view", VIEWS), query_params.text("find")
    if view == "done":
        page = inbox.read_done(current_user, find, query_params.cursor())
        undoable = undo.undoable(current_user, [row.id for row in page.rows])
        return render_template(
            "pages/inbox/done.html", **_frame(view), chosen=inbox.Filter(), page=page, undoable=undoable
        )
    chosen = _filter(request.args)
    page = inbox.read(inbox_addresses(current_user), chosen, query_params.cursor())
    return render_template(
        "pages/inbox/index.html",
        **_frame(view),
        page=page,
        chosen=chosen,
        groups=group(page.rows),
        columns=task_columns.of(row.facts for row in page.rows) if chosen.kind else [],
        choices=_choices(page.rows) if chosen.kind else [],
        total=_total(page, chosen),
        most=MAX_BATCH_ROWS,
        has_sheet=bool(chosen.kind and view != "mine" and page.rows and worksheet.columns_of(_form(page.rows[0]))),
        submission=new_id(),
        without_photo=person_list.cases_without_photo(page.rows),
    )


@bp.get("/inbox/workload")
@login_required
def workload() -> ResponseReturnValue:
    """Show what each colleague of the desk has claimed, and how long the oldest of it waits."""
    people = inbox.workload(inbox_addresses(current_user), current_user.id)
    return render_template("pages/inbox/workload.html", **_frame("workload"), chosen=inbox.Filter(), people=people)


def _filter(given: Mapping[str, str]) -> inbox.Filter:
    """Read what the list is narrowed to."""
    view = given.get("view")
    return inbox.Filter(
        kind=given.get("kind", "")[:160] or None,
        batch=given.get("batch", "")[:40] or None,
        find=" ".join(given.get("find", "").split())[:50] or None,
        reader_id=current_user.id,
        assignee_id=current_user.id if view == "mine" else as_id(given.get("holder", "")),
        due_before=inbox.end_of_tomorrow(now()) if view == "due" else None,
        absent=substitutes.claimed_by(substitutes.absences(current_user)) if view == "absent" else None,
    )


def _frame(view: str) -> dict[str, Any]:
    """The frame of the list: kinds and views with their counts."""
    kinds = template_context.counts()
    mine, stands_in = substitutes.count_mine(current_user)
    away = substitutes.absences(current_user) if stands_in else []
    absent = inbox.Filter(reader_id=current_user.id, absent=substitutes.claimed_by(away))
    return {
        "absent": inbox.count(inbox_addresses(current_user), absent, inbox.MAX_COUNTED) if away else None,
        "startable": definitions.startable(current_user),
        "view": view,
        "kinds": kinds,
        "mine": mine,
        "due": sum(k.late + k.soon for k in kinds),
    }


def group(rows: Sequence[Any]) -> list[Group]:
    """Rows by batch, batches in the order of their first row; rows without a batch come in one group."""
    found: dict[str | None, Group] = {}
    for row in rows:
        found.setdefault(row.batch, Group(row.batch, row.batch_title or "", [])).rows.append(row)
    return list(found.values())


def _total(page: inbox.Page, chosen: inbox.Filter) -> int:
    """Count what the list is narrowed to, as far as one batch reaches."""
    if page.before is None and page.after is None:
        return len(page.rows)
    if chosen == inbox.Filter(kind=chosen.kind, reader_id=current_user.id):  # counted already for the kinds beside it
        waiting = sum(kind.count for kind in template_context.counts() if chosen.kind in (None, kind.kind))
        return min(waiting, inbox.MAX_COUNTED)
    return inbox.count(inbox_addresses(current_user), chosen, inbox.MAX_COUNTED)


def _choices(rows: Sequence[Any]) -> list[forms.Option]:
    """The decisions for many rows at once: choices that ask for a reason at most; none for rows of several forms.

    Certificates are printed as one file: what a further print asks for is asked there.
    """
    if rows and all(row.kind.endswith(printing.PRINT_TASK) for row in rows):
        return [forms.Option("", "")]
    if len({(row.definition, row.form_key) for row in rows}) != 1:
        return []
    form = _form(rows[0])
    return forms.decisions(form) + forms.decisions_with_reason(form) if form else []


def _form(row: Any) -> bytes | None:
    return definitions.form(row.definition, row.form_key)


@bp.post("/inbox/batch")
@login_required
def complete() -> ResponseReturnValue:
    """Decide all chosen rows alike. Sent twice (by a second click, a lost answer), it is done once."""
    chosen = _chosen()
    if not chosen:
        raise InvalidInput(text=N_("请先选择要办理的行。"))
    if request.form.get("kind", "").endswith(printing.PRINT_TASK):
        return printing.begin(chosen)
    decided = _decided(chosen[0], request.form.get("decision", ""))
    asked = [(task_id, decided.raw) for task_id in chosen]
    rows = questions.settle(asked, decided.word, url_for(".index", **_place()), decided.reason)
    submission_id = worksheet.submission()
    results = bulk_completion.complete_many(current_user, submission_id, rows)
    address = offer([result.task_id for result in results if result.ok], submission_id)
    refused = [result for result in results if not result.ok]
    if refused:
        return render_template(
            "pages/inbox/results.html",
            results=results,
            refused=refused,
            names=inbox.subjects(current_user, chosen),
            undo=address,
        )
    flash_success(worksheet.done(inbox.subjects(current_user, chosen), chosen), undo=address)
    return redirect(url_for(".index", **_place()))


@dataclass(frozen=True, slots=True)
class Decision:
    """Answer to the choice of a form. word: in words; reason: the label of the one it asks for, '' for none."""

    raw: dict[str, str]
    word: str
    reason: str = ""


def _decided(task_id: UUID, decision: str) -> Decision:
    """Read the decision of a batch by the form of its first task."""
    task = get_or_404_in_scope(current_user, Task, task_id)
    form = definitions.form(task.definition, task.form_key)
    asked, why = (forms.choice(form), forms.reason(form)) if form else (None, None)
    if asked is None:
        return Decision({}, task.name)
    raw = {asked.key: decision}
    label = why.label if why and why.is_required(raw) else ""
    return Decision(raw, questions.choice_word(asked, decision) or task.name, label)


def _place() -> dict[str, Any]:
    """The filters of the list that the rows were chosen from: one comes back to them."""
    return {name: request.form.get(name) or None for name in ("kind", "view", "find", "batch", "holder")}


def _chosen() -> list[UUID]:
    """The rows that were ticked, or all of the list that are not a colleague's."""
    if request.form.get("all") and not request.form.get("asked"):
        shown = inbox.read(inbox_addresses(current_user), _filter(request.form), size=MAX_BATCH_ROWS).rows
        is_others = request.form.get("view") == "absent" or request.form.get("holder")  # whose rows a colleague has
        return [row.id for row in shown if is_others or row.assignee_id in (None, current_user.id)]
    return [_id(text) for text in request.form.getlist("task")[:MAX_BATCH_ROWS]]


def _id(text: str) -> UUID:
    """An id sent by the page; raises NotFound for what is none."""
    return query_params.sent_id(text)


@bp.post("/inbox/claim")
@login_required
def claim() -> ResponseReturnValue:
    """Claim all chosen rows."""
    taken = tasks.claim_many(current_user, _chosen())
    flash_success(Message(N_("已领取 %(n)s 条。"), n=taken))
    return redirect(url_for(".index", **_place()))


@bp.post("/inbox/assign")
@login_required
def assign() -> ResponseReturnValue:
    """Hand all chosen rows to a colleague, after one question."""
    chosen, colleagues = _chosen(), user_list.colleagues(current_user)
    if not chosen:
        raise InvalidInput(text=N_("请先选择要转交的行。"))
    if not colleagues:
        raise InvalidInput(text=N_("本单位没有可以接手的同事。"))
    to = next((pair for pair in colleagues if str(pair[0]) == request.form.get("assignee")), None)
    if to is None:
        names = inbox.subjects(current_user, chosen)
        return render_template(
            "pages/inbox/assign.html", chosen=chosen, names=names, colleagues=colleagues, place=_place()
        )
    refused = tasks.assign_many(current_user, chosen, to[0])
    done = len(chosen) - len(refused)
    if refused:
        said = N_("已转交%(name)s %(n)s 条，%(left)s 条没有转交：")
        flash_success(Message(said, name=to[1], n=done, left=len(refused)), kind="warn")
        flash_success(next(iter(refused.values())), kind="warn")
    else:
        flash_success(Message(N_("已转交%(name)s %(n)s 条。"), name=to[1], n=done))
    return redirect(url_for(".index", **_place()))
