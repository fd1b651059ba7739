"""Incidents of all cases: chosen, previewed and tried again together, and what has become of them."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.errors import N_, InvalidInput, Message
from service.models.queries.runtime import incident_list
from service.web.presenters.replay import replay_frames
from service.web.shell import previews, query_params
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, refresh_user, rerender_on_error
from service.workflow.runtime import incident_retry
from service.workflow.runtime.incident_retry import MAX_INCIDENTS, RetryResult

bp = Blueprint("incidents", __name__)


def _index() -> ResponseReturnValue:
    return _page()


@bp.get("/incidents")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_index)
def index() -> ResponseReturnValue:
    if previews.recall() is None:
        return _index()
    told = incident_retry.preview_many(current_user, _chosen())
    refresh_user()
    return _page(told)


def _page(told: list[RetryResult] | None = None) -> str:
    page = incident_list.open_page(current_user, query_params.cursor())
    lately = incident_list.handled_lately(current_user, MAX_INCIDENTS)
    names = {one.definition: replay_frames.element_names(one.definition) for one in (*page.rows, *lately)}
    return render_template(
        "pages/cases/incidents.html",
        page=page,
        total=incident_list.count_open(current_user),
        lately=lately,
        names=names,
        told={one.incident_id: one for one in told or ()},
        chosen=set(previews.typed().getlist("incident")),
    )


@bp.post("/incidents")
@requires_permission(Action.MEND_CASES)
@rerender_on_error(_index)
def retry() -> ResponseReturnValue:
    if request.form.get("then") != "retry":
        return previews.keep()
    told = incident_retry.retry_many(current_user, _chosen(), request.form.get("reason", ""))
    done = sum(not one.is_refused for one in told)
    flash_success(Message(N_("已处理 %(n)s 件故障，原因记入各件的经过。"), n=done))
    refresh_user()
    previews.forget()
    return _page(told)


def _chosen() -> list[UUID]:
    """The incidents that are chosen. Raises InvalidInput for none or too many."""
    chosen = [query_params.sent_id(text) for text in previews.typed().getlist("incident")]
    if not chosen:
        raise InvalidInput(text=N_("请先选择故障。"))
    if len(chosen) > MAX_INCIDENTS:
        raise InvalidInput(text=Message(N_("一次至多处理 %(n)s 件故障，请分几次。"), n=MAX_INCIDENTS))
    return chosen
