"""Cases: the list, one case on its diagram, its replay, and the retry of what went wrong."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.permissions import Action
from service.errors import N_
from service.models import case_list
from service.web import entries, filters, replay
from service.web.access import needs, signed_in
from service.web.layout import CASES
from service.web.processes import drawn_names
from service.web.submit import done
from service.workflow import history, jobs, processes

bp = Blueprint("cases", __name__)


@bp.get("/cases")
@needs(*CASES)
def index() -> ResponseReturnValue:
    names = case_list.processes()
    chosen = case_list.Filter(
        process=filters.choice("process", [key for key, _ in names]), state=filters.choice("state", case_list.STATES),
        find=filters.text("find"), definition=filters.text("definition", 64),
    )  # fmt: skip
    page = case_list.read(current_user, chosen, filters.cursor())
    return render_template("pages/cases/index.html", page=page, chosen=chosen, names=names)


@bp.get("/cases/<uuid:case_id>")
@signed_in
def show(case_id: UUID) -> ResponseReturnValue:
    case = history.open_case(current_user, case_id)
    story = entries.tell(history.timeline(current_user, case_id))
    incidents = case_list.open_incidents(case_id)
    version = processes.version(case.definition)
    seq = min(request.args.get("step", len(story), type=int), len(story))
    return render_template(
        "pages/cases/show.html", case=case, story=story, incidents=incidents, version=version, step=max(seq, 1),
        names=replay.element_names(case.definition), drawn=drawn_names(case.definition),
    )  # fmt: skip


@bp.get("/cases/<uuid:case_id>/replay.json")
@signed_in
def moments(case_id: UUID) -> Response:
    """The replay: what was true after each input, the diagrams it needs by address, and where the case has trouble."""
    answer: dict[str, Any] = replay.film(current_user, case_id)
    return jsonify(answer)


@bp.post("/incidents/<uuid:incident_id>/retry")
@needs(Action.EDIT_PROCESSES)
def retry(incident_id: UUID) -> ResponseReturnValue:
    jobs.retry(current_user, incident_id)
    done(N_("已重新办理，结果见下。"))
    return redirect(url_for(".show", case_id=request.form["case"]))
