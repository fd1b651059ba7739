"""数据变更: who changed which field of what, and any object as it stood on a day, for the auditor."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.system.row_words import table_word
from service.domain.system.use_case_words import use_case_word
from service.domain.values.calendar import read_day, start_of_day
from service.models.db.clock import CHINA, now
from service.reports.lists.row_history import ChangeKind
from service.validation.typed_text import as_instant
from service.web.presenters.formatting import exact
from service.web.shell import query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.list_page import render_list
from service.workflow.system.account_history import account_then
from service.workflow.system.row_history import row_states

bp = Blueprint("row_history", __name__)
YEARS = range(1990, 2201)


@bp.get("/row-history")
@requires_permission(Action.READ_AUDIT)
def index() -> ResponseReturnValue:
    return render_list(
        "row-history",
        "row_history.index",
        "pages/row_history/index.html",
        table_word=table_word,
        use_case_word=use_case_word,
        change_word=change_word,
        exact=exact,
    )


@bp.get("/row-history/account")
@requires_permission(Action.READ_AUDIT)
def account() -> ResponseReturnValue:
    """Show role, rights and inbox of an account as they were at an instant."""
    login, on = query_params.text("login"), _asked("on") or now()
    return render_template(
        "pages/row_history/account.html",
        login=login,
        on=on,
        account=account_then(current_user, login, on) if login else None,
        exact=exact,
    )


@bp.get("/row-history/<table>/<uuid:row_id>")
@requires_permission(Action.READ_AUDIT)
def show(table: str, row_id: UUID) -> ResponseReturnValue:
    """Show an object at the end of a day or at an instant, the difference to another, and each of its changes."""
    if table == "case_instance":
        return redirect(url_for("cases.show", case_id=row_id))
    on, against = _asked("on") or now(), _asked("against")
    states = row_states(current_user, table, row_id, on, against)
    return render_template(
        "pages/row_history/show.html",
        states=states,
        row_id=row_id,
        on=on,
        against=against,
        table_word=table_word,
        use_case_word=use_case_word,
        change_word=change_word,
        exact=exact,
    )


def change_word(kind: str) -> str:
    """The word for a kind of change, a key of the catalogue."""
    return ChangeKind(kind).label


def _asked(name: str) -> datetime | None:
    """The end of the day, or the instant, that the address names; None for none, and for what is neither."""
    text = request.args.get(name, "")
    if day := read_day(text):
        return start_of_day(day + timedelta(days=1)) - timedelta(microseconds=1)
    at = as_instant(text)
    if at is None or at.year not in YEARS:
        return None
    return at if at.tzinfo else at.replace(tzinfo=CHINA)
