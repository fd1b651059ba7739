"""随机抽查: samples of cases that an auditor draws by a seed, looks through and signs."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.system import sampling
from service.errors import N_, Conflict, Message, NotFound
from service.infrastructure.documents import pdf
from service.infrastructure.translation import translate
from service.models.queries.runtime import case_list
from service.models.tables.system.audit_sample import AuditSample, SampledCase
from service.validation.typed_text import as_whole
from service.web.presenters.formatting import whole_instant
from service.web.presenters.papers import papers
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.questions import Question, asks
from service.workflow.idempotency import once
from service.workflow.runtime.auditor_looks import record_look
from service.workflow.system import audit_samples

bp = Blueprint("samples", __name__, url_prefix="/audit/samples")


@bp.get("")
@requires_permission(Action.READ_AUDIT)
def index() -> ResponseReturnValue:
    samples = AuditSample.recent()
    findings = SampledCase.findings([sample.id for sample in samples])
    return render_template(
        "pages/audit/samples.html",
        samples=[(sample, sampling.progress(findings[sample.id])) for sample in samples],
        processes=case_list.processes(),
        most=sampling.MOST_SAMPLED,
    )


@bp.post("")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(index, Conflict)
def draw() -> ResponseReturnValue:
    made = once(current_user, form_id(), "draw_sample", lambda: audit_samples.draw(current_user, request.form))
    flash_success(N_("样本已抽取，种子和条件记在抽查里。"))
    return redirect(url_for(".show", sample_id=made))


@bp.get("/<uuid:sample_id>")
@requires_permission(Action.READ_AUDIT)
def show(sample_id: UUID) -> ResponseReturnValue:
    record_look(current_user, "open_sample", "audit_sample", sample_id)
    return render_template("pages/audit/sample.html", **_facts(sample_id))


@bp.get("/<uuid:sample_id>/<position>")
@requires_permission(Action.READ_AUDIT)
def case(sample_id: UUID, position: str) -> ResponseReturnValue:
    """One case of a sample, with what was found in it."""
    facts = _facts(sample_id)
    number = as_whole(position, 1, len(facts["rows"]))
    if number is None:
        raise NotFound
    row, found = facts["rows"][number - 1]
    record_look(current_user, "open_sample", "audit_sample", sample_id, {"position": number, "case": str(found.id)})
    return render_template(
        "pages/audit/sampled_case.html", **facts, row=row, case=found, findings=list(sampling.Finding)
    )


@bp.post("/<uuid:sample_id>/<position>")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(case, Conflict)
def record(sample_id: UUID, position: str) -> ResponseReturnValue:
    """Write down what was found, and go on with the next case that nobody has looked at."""
    number = as_whole(position, 1, sampling.MOST_SAMPLED)
    if number is None:
        raise NotFound
    audit_samples.record_finding(current_user, sample_id, number, request.form)
    flash_success(N_("已记录。"))
    rows = audit_samples.cases_of(audit_samples.find(current_user, sample_id))
    open_ones = [row.position for row, _case in rows if row.finding == sampling.Finding.PENDING]
    following = next((one for one in open_ones if one > number), open_ones[0] if open_ones else None)
    if following is None:
        return redirect(url_for(".show", sample_id=sample_id))
    return redirect(url_for(".case", sample_id=sample_id, position=following))


def _signing(sample_id: UUID) -> Question:
    sample = audit_samples.find(current_user, sample_id)
    return Question(
        title=Message(N_("签署“%(title)s”？"), title=sample.title),
        consequence=N_("签署之后，结果、记录和结论都不能再改。"),
        verb=N_("签署"),
        way_back=url_for(".show", sample_id=sample_id),
    )


@bp.post("/<uuid:sample_id>/sign")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(show, Conflict)
@asks(_signing)
def sign(sample_id: UUID) -> ResponseReturnValue:
    audit_samples.sign(current_user, sample_id, request.form)
    flash_success(N_("已签署并封存，不能再改。"))
    return redirect(url_for(".show", sample_id=sample_id))


@bp.post("/<uuid:sample_id>/json")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(show, Conflict)
def document(sample_id: UUID) -> ResponseReturnValue:
    """The signed document, for ``verify.py``."""
    content = json.dumps(audit_samples.signed_document(current_user, sample_id), ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'attachment; filename="sample-{sample_id}.json"'}
    return Response(content, mimetype="application/json", headers=headers)


@bp.post("/<uuid:sample_id>/pdf")
@requires_permission(Action.READ_AUDIT)
@rerender_on_error(show, Conflict)
def paper(sample_id: UUID) -> ResponseReturnValue:
    """The signed document on paper, in Chinese like every official paper."""
    document = audit_samples.signed_document(current_user, sample_id)
    with force_locale("zh"):
        facts = {
            "body": document["body"],
            "signatures": document["signatures"],
            "words": papers.page_words(),
            "findings": {str(one): translate(one.label) for one in sampling.Finding},
            "auditor": audit_samples.find(current_user, sample_id).auditor.display_name,
            "drawn_at": whole_instant(datetime.fromisoformat(document["body"]["drawn_at"])),
            "signed_at": whole_instant(datetime.fromisoformat(document["body"]["signed_at"])),
            "foot": papers.printed_by(),
        }
        content = pdf.print_pdf(
            pdf.render("documents/audit_sample.html", {"paper": facts}), style="documents/paper.css"
        )
    headers = {"Content-Disposition": f'attachment; filename="sample-{sample_id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


def _facts(sample_id: UUID) -> dict[str, Any]:
    sample = audit_samples.find(current_user, sample_id)
    rows = audit_samples.cases_of(sample)
    return {
        "sample": sample,
        "rows": rows,
        "version": audit_samples.version_of(rows),
        "progress": sampling.progress([row.finding for row, _case in rows]),
        "words": {str(one): one.label for one in sampling.Finding},
        "is_open": sample.state == sampling.SampleState.OPEN and sample.auditor_id == current_user.id,
        "process_names": dict(case_list.processes()),
    }
