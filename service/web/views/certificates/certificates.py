"""Certificates: the ledger, the page of one, printing and its log."""

from __future__ import annotations

from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.accounts.permissions import Action
from service.domain.certificates.certificates import CertificateState, obstacle_to_printing
from service.domain.certificates.faces import FaceStyle
from service.domain.persons.corrections import LOCKED
from service.errors import N_, Conflict
from service.models.db.clock import today
from service.models.queries.certificates import certificate_list
from service.models.queries.certificates.reissue_list import live_reissue_of
from service.models.queries.persons.correction_list import corrections_of
from service.models.queries.scope_adapters import is_in_scope
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.certificates.certificate import Certificate
from service.web.shell.authorization import requires_permission
from service.web.shell.form_errors import flash_success, form_id, rerender_on_error
from service.web.shell.list_page import render_list
from service.web.shell.navigation import has_permission
from service.web.views.accounts.session import source
from service.web.views.certificates.printing import shift
from service.web.views.system.public import seen_as
from service.workflow.certificates import certificates, electronic_certificates
from service.workflow.certificates.verification_address import sample_address, verification_address
from service.workflow.idempotency import once
from service.workflow.persons.corrections import changes_of

bp = Blueprint("certificates", __name__)


@bp.get("/certificates")
@requires_permission(Action.VIEW_CERTIFICATES)
def index() -> ResponseReturnValue:
    return render_list("certificates", "certificates.index", "pages/certificates/index.html")


@bp.get("/certificates/<uuid:certificate_id>")
@requires_permission(Action.VIEW_CERTIFICATES)
def show(certificate_id: UUID) -> ResponseReturnValue:
    found = certificate_list.visible_certificate(current_user, certificate_id)
    editions = certificate_list.editions(found.number)
    return render_template(
        "pages/certificates/show.html",
        found=found,
        editions=editions,
        prints=certificate_list.prints_of(found.id),
        refreshers=certificate_list.refreshers_of(found.number),
        today=today(),
        seen=seen_as(found),
        obstacle=obstacle_to_printing(to_domain(found), found.person.has_approved_photo, 0, None),
        is_task=certificates.has_print_task(current_user, found),
        acts=_acts(found),
        reissue=live_reissue_of(found.id),
        corrected=[(row, changes_of(row)) for row in corrections_of(found.person_id) if row.state == "applied"],
        labels=LOCKED,
    )


def _acts(found: Certificate) -> dict[str, bool]:
    """List what the user may begin here: reissue by the unit (academies: the association),
    or an end by the ministry.
    """
    is_valid, is_past = found.state == CertificateState.VALID, found.valid_to < today()
    return {
        "reissue": is_valid and not is_past and is_in_scope(current_user, Action.REQUEST_REISSUE, found.person.unit),
        "revoke": is_valid and not is_past and has_permission(Action.REVOKE_CERTIFICATE),
        "deregister": is_valid and is_past and has_permission(Action.DEREGISTER_CERTIFICATE),
    }


@bp.post("/certificates/<uuid:certificate_id>/print")
@requires_permission(Action.PRINT_CERTIFICATE)
@rerender_on_error(show, Conflict)
def print_certificate(certificate_id: UUID) -> ResponseReturnValue:
    reason, style = request.form.get("reason", ""), FaceStyle.parse(request.form)
    record_id = once(
        current_user,
        form_id(reason, str(style)),
        "print_certificate",
        lambda: certificates.print_certificate(current_user, certificate_id, reason, style=style).id,
    )
    return redirect(url_for(".print_file", record_id=record_id), 303)


@bp.get("/certificates/prints/<uuid:record_id>.pdf")
@requires_permission(Action.PRINT_CERTIFICATE)
def print_file(record_id: UUID) -> ResponseReturnValue:
    """The file of a logged print."""
    return _pdf(certificates.print_file(current_user, record_id, verification_address(), shift()), str(record_id))


@bp.get("/certificates/<uuid:certificate_id>/preview.pdf")
@requires_permission(Action.PRINT_CERTIFICATE)
def preview(certificate_id: UUID) -> ResponseReturnValue:
    style = FaceStyle.parse(request.args)
    content = certificates.preview(current_user, certificate_id, sample_address(), shift(), style)
    return _pdf(content, f"preview-{certificate_id}")


@bp.post("/certificates/<uuid:certificate_id>/electronic")
@requires_permission(Action.VIEW_CERTIFICATES)
@rerender_on_error(show, Conflict)
def download(certificate_id: UUID) -> ResponseReturnValue:
    """The signed file, for its holder's unit and whoever else may see the certificate; every download is remembered."""
    style = FaceStyle.parse(request.form)
    content = electronic_certificates.download(current_user, certificate_id, verification_address(), style, source())
    headers = {"Content-Disposition": f'attachment; filename="certificate-{certificate_id}.pdf"'}
    return Response(content, mimetype="application/pdf", headers=headers)


@bp.get("/certificates/<uuid:certificate_id>/records.pdf")
@requires_permission(Action.PRINT_CERTIFICATE)
def records_file(certificate_id: UUID) -> ResponseReturnValue:
    """The refresher records alone, for the certificate that its holder has (D4)."""
    return _pdf(certificates.records_file(current_user, certificate_id, shift()), f"records-{certificate_id}")


@bp.post("/certificates/prints/<uuid:record_id>/hand-out")
@requires_permission(Action.PRINT_CERTIFICATE)
def hand_out(record_id: UUID) -> ResponseReturnValue:
    certificate_id = certificates.hand_out(current_user, record_id, request.form)
    flash_success(N_("已登记领取。"))
    return redirect(url_for(".show", certificate_id=certificate_id))


def _pdf(content: bytes, name: str) -> Response:
    return Response(
        content, mimetype="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'}
    )
