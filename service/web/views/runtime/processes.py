"""Definitions: what is in force, every version with its diagram and forms, where cases stand, and what was refused."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service import forms
from service.domain.accounts.permissions import Action
from service.validation.fields import MAX_INTEGER
from service.validation.typed_text import as_whole
from service.web.presenters import variable_labels
from service.web.presenters.panels import studio_words
from service.web.shell.authorization import login_required, requires_permission
from service.web.shell.navigation import has_permission
from service.web.shell.security_headers import CACHEABLE
from service.workflow.processes import definitions
from service.workflow.runtime import mends
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.versions import (
    deployment_history,
    deployments,
    drafts,
    path_deployments,
    process_changes,
    stranded_cases,
)

bp = Blueprint("processes", __name__)

CACHEABLE.add(f"{bp.name}.diagram")

READERS = (Action.EDIT_PROCESSES, Action.REPLAY_CASES)
HEAT_LEVELS = 5


@dataclass(frozen=True, slots=True)
class Asked:
    """A user task, who does it in words, its form, and how many wait there."""

    element: str
    name: str
    role: str
    form_key: str
    form_title: str
    fields: tuple[forms.Field, ...]
    waiting: int


@bp.get("/processes")
@requires_permission(*READERS)
def index() -> ResponseReturnValue:
    return render_template(
        "pages/processes/index.html",
        listed=definitions.listing(),
        faults=definitions.faults(),
        proposals=path_deployments.proposals(),
        drafts=list(map(drafts.open_draft, drafts.keys())) if has_permission(Action.EDIT_PROCESSES) else [],
        own_changes=process_changes.own(current_user),
        needs_approval=deployments.Author("page").needs_approval,
    )


@bp.get("/processes/<key>")
@requires_permission(*READERS)
def show(key: str) -> ResponseReturnValue:
    versions = definitions.listing(key)
    chosen = definitions.numbered(versions, as_whole(request.args.get("version", ""), 1, MAX_INTEGER))
    digest = chosen.version.digest
    definition = definitions.definition(digest)
    record_look(current_user, "open_process", "process", detail={"process": key, "version": chosen.version.number})
    waiting = definitions.running_by_element(digest)
    return render_template(
        "pages/processes/show.html",
        versions=versions,
        chosen=chosen,
        draft_version=drafts.version_of(key),
        waiting=waiting,
        heat=heat(waiting),
        tasks=_tasks(digest, waiting),
        resting=[(one.id.rpartition("/")[2], one.name) for one in mends.resting_places(definition)[0]],
        files=sorted(definition.files),
        changes=deployment_history.changes(key),
        drawn=drawn_names(digest),
        starters=definitions.starters(definition),
        waiting_change=process_changes.open_change(key),
        standing=(standing := process_changes.standing(chosen.version, chosen.running)),
        stranded=stranded_cases.warnings_of(definition) if standing == "proposed" else (),
        proven=studio_words.proven(chosen.version),
        change=(change := process_changes.of_version(digest)),
        proposer=process_changes.proposer_of(change) if change else "",
        decider=process_changes.name_of(change.decided_by) if change else "",
    )


def heat(waiting: dict[str, int]) -> dict[str, int]:
    """One of five steps for each element, by its share of the fullest."""
    most = max(waiting.values(), default=1)
    return {element: max(1, -(-count * HEAT_LEVELS // most)) for element, count in waiting.items()}


def _tasks(digest: str, waiting: dict[str, int]) -> list[Asked]:
    definition = definitions.definition(digest)
    files = [content for name, content in definition.files.items() if name.endswith(".form")]
    labels = {field.key: field.label for content in files for field in forms.listed_fields(content)}
    asked = []
    for element in definition.elements.values():
        if element.type == "userTask":
            form = definition.files.get(f"{element.form_key}.form")
            fields = forms.listed_fields(form) if form else ()
            asked.append(
                Asked(
                    element.id,
                    element.name,
                    variable_labels.role_words(element.role or "", labels),
                    element.form_key or "",
                    forms.title(form) if form else "",
                    fields,
                    waiting.get(element.id, 0),
                )
            )
    return asked


@bp.get("/diagrams/<digest>.bpmn")
@login_required
def diagram(digest: str) -> Response:
    """The main diagram of a version; its address never shows anything else."""
    answer = Response(definitions.picture(digest), mimetype="application/xml")
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return answer


def drawn_names(digest: str) -> dict[str, str]:
    """Names in the diagram that read differently in the reader's language, as drawn → as read."""
    main = definitions.version(digest).main
    return studio_words.drawn_names(definitions.texts_of(digest)[main])
