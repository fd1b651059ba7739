"""Papers as files: reports and registers, papers, slips and file of a class, a person's record."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_login import current_user

from service.errors import NotFound
from service.infrastructure.documents import pdf
from service.models.queries.report_filter import ReportFilter
from service.models.queries.training import class_list
from service.models.tables.training.training import TrainingClass
from service.reports import class_papers, find_export, find_report, training_record
from service.reports.framework.report import Report, parse_filter
from service.web.presenters import filter_bar
from service.web.presenters.papers import papers
from service.web.shell.authorization import login_required
from service.workflow.certificates.verification_address import class_address

bp = Blueprint("papers", __name__)
STYLE = "documents/paper.css"
ROSTER, SIGN_IN, SCORES = (paper.name for paper in class_papers.PAPERS)


@bp.get("/reports/<name>/paper.pdf")
@login_required
def report(name: str) -> ResponseReturnValue:
    """The whole report on paper."""
    found = find_report(current_user, name)
    chosen = parse_filter(found, current_user, request.args)
    about = filter_bar.labels(found, current_user, chosen)
    return _file(name, papers.of_report(current_user, found, chosen, about))


@bp.get("/classes/<uuid:class_id>/papers/<name>.pdf")
@login_required
def class_paper(class_id: UUID, name: str) -> ResponseReturnValue:
    """名册, 签到表 or 成绩单 of one class."""
    if name not in (ROSTER, SIGN_IN, SCORES):
        raise NotFound
    found, paper = _of_class(class_id, name)
    return _file(name, papers.of_class(current_user, found, paper))


@bp.get("/classes/<uuid:class_id>/papers/file.pdf")
@login_required
def class_file(class_id: UUID) -> ResponseReturnValue:
    """班级档案: what the class was, who came, what they scored, and the certificates that came of it."""
    found, paper = _of_class(class_id, class_papers.FILE.name)
    return _file(paper.name, papers.of_class_file(current_user, found, paper))


@bp.get("/classes/<uuid:class_id>/papers/slips.pdf")
@login_required
def slips(class_id: UUID) -> ResponseReturnValue:
    """准考证: a slip for each person who is confirmed, with a code that leads to the check-in of the class."""
    found, paper = _of_class(class_id, SIGN_IN)
    rows = [row for batch in paper.read(current_user, ReportFilter(class_id=class_id)).batches() for row in batch]
    html = pdf.render("documents/slips.html", papers.slips(found, rows, class_address(class_id)))
    return _pdf("admission-slips", pdf.print_pdf(html, style=STYLE))


@bp.get("/persons/<uuid:person_id>/record.pdf")
@login_required
def record(person_id: UUID) -> ResponseReturnValue:
    """Print the record as a file, in Chinese like every official paper."""
    found = training_record.read(current_user, person_id)
    with force_locale("zh"):
        html = pdf.render("documents/training_record.html", papers.record(found))
    return _pdf(str(person_id), pdf.print_pdf(html, style=STYLE))


def _of_class(class_id: UUID, name: str) -> tuple[TrainingClass, Report]:
    """The class and its paper, for those who may have it; raises NotFound."""
    paper = find_export(current_user, name)
    return class_list.visible_class(current_user, class_id), paper


def _file(name: str, paper: dict[str, Any]) -> Response:
    return _pdf(name, pdf.print_pdf(pdf.render("documents/paper.html", {"paper": paper}), style=STYLE))


def _pdf(name: str, content: bytes) -> Response:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)
