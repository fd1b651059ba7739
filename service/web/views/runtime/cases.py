"""Cases: the list, one case on its diagram, its replay, and what it waits for."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_login import current_user

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import Conflict, NotFound
from service.infrastructure.documents import pdf
from service.models.queries.runtime import case_list
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case, CaseDocument
from service.models.tables.system.export import ExportLog
from service.reports import read_list
from service.reports.framework.table import PagedTable
from service.validation.typed_text import as_whole
from service.web.presenters.papers import case_documents, case_files
from service.web.presenters.replay import replay_frames, timeline
from service.web.shell import query_params
from service.web.shell.authorization import login_required, requires_permission
from service.web.shell.form_errors import rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.template_context import CASES
from service.web.views.accounts.session import source
from service.web.views.runtime.processes import drawn_names
from service.workflow.processes import definitions
from service.workflow.runtime import history, jobs, mends
from service.workflow.system import case_archives, case_file, exports
from service.workflow.system.evidence import evidence_for
from service.workflow.system.exports import Progress

bp = Blueprint("cases", __name__)


@bp.get("/cases")
@requires_permission(*CASES)
def index() -> ResponseReturnValue:
    return render_list("cases", "cases.index", "pages/cases/index.html", most=case_archives.MAX_CASES)


@bp.post("/cases/files")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(index, Conflict)
def files() -> ResponseReturnValue:
    """Files and evidence of the cases that were ticked, or of all that the address is narrowed to."""
    narrowed: dict[str, Any]
    if request.form.get("all"):
        _report, chosen, table = read_list("cases", current_user, request.args.to_dict())
        assert isinstance(table, PagedTable)
        query, narrowed = table.query, chosen.arguments()
    else:
        ticked = query_params.chosen("case", case_archives.MAX_CASES + 1)
        query, narrowed = case_archives.selected(current_user, ticked), {}
    row = case_archives.begin(current_user, query, narrowed, source())
    return redirect(url_for("exports.show", export_id=row.id))


@bp.get("/cases/<uuid:case_id>")
@login_required
def show(case_id: UUID) -> ResponseReturnValue:
    case = history.open_case(current_user, case_id)
    papers = case_documents.read_papers(current_user, case, CaseDocument.of(case_id))
    story = timeline.to_timeline(history.timeline_of_case(current_user, case), case_documents.titles(papers))
    incidents = case_list.open_incidents(case_id) if case.incidents else []
    version = definitions.version(case.definition)
    step = as_whole(request.args.get("step", ""), 1, len(story)) or len(story)
    return render_template(
        "pages/cases/show.html",
        case=case,
        story=story,
        incidents=incidents,
        papers=papers,
        waits=case_list.waits(case),
        places=mends.places(case) if may(Role(current_user.role), Action.MEND_CASES) else (),
        version=version,
        step=max(step, 1),
        names=replay_frames.element_names(case.definition),
        drawn=drawn_names(case.definition),
    )


@bp.get("/cases/<uuid:case_id>/replay.json")
@login_required
def moments(case_id: UUID) -> Response:
    """The replay: what was true after each input, the diagrams it needs by address, and where the case has trouble."""
    case = get_or_404_in_scope(current_user, Case, case_id)
    papers = case_documents.read_papers(current_user, case, CaseDocument.of(case_id))
    answer: dict[str, Any] = replay_frames.replay_frames(current_user, case, case_documents.links(case, papers))
    return jsonify(answer)


@bp.get("/cases/<uuid:case_id>/documents/<uuid:file_id>")
@login_required
def document(case_id: UUID, file_id: UUID) -> ResponseReturnValue:
    """A paper that the diagram made, for whoever may see the case."""
    case = history.open_case(current_user, case_id)
    kept = [one for one in CaseDocument.of(case_id) if one.id == file_id]
    if not kept:
        raise NotFound
    [paper] = case_documents.read_papers(current_user, case, kept)
    facts = case_documents.print_facts(current_user, case, paper, definitions.version(case.definition).name)
    content = pdf.print_pdf(pdf.render("documents/case_document.html", {"paper": facts}), style="documents/paper.css")
    headers = {"Content-Disposition": f'inline; filename="{file_id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


@bp.post("/cases/<uuid:case_id>/file")
@requires_permission(Action.READ_AUDIT)
def file(case_id: UUID) -> ResponseReturnValue:
    """The file of a case on paper, in Chinese like every official paper."""
    with force_locale("zh"):
        content = case_file.case_file(current_user, case_id, partial(case_files.print_case, current_user))
    headers = {"Content-Disposition": f'attachment; filename="case-{case_id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


@bp.post("/cases/<uuid:case_id>/evidence")
@requires_permission(Action.READ_AUDIT)
def evidence(case_id: UUID) -> ResponseReturnValue:
    """The evidence of a case, for ``verify.py``."""
    content = evidence_for(current_user, [case_id])
    headers = {"Content-Disposition": f'attachment; filename="evidence-{case_id}.zip"'}
    return Response(content, mimetype="application/zip", headers=headers)


def write_files(row: ExportLog, user: User, progress: Progress, path: Path) -> None:
    """The archive of many cases, in Chinese like every official paper."""
    printers = partial(case_files.print_case, user), partial(case_files.print_index, user)
    with force_locale("zh"):
        case_archives.write(row, user, progress, path, *printers)


jobs.SIDE_EFFECTS[case_archives.EFFECT] = lambda payload, lease: exports.write(
    UUID(payload["export_id"]), write_files, lease
)
