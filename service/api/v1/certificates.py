"""Certificates: the ledger, one edition, approval, prints and hand-outs, and how one ends (R57–R64)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response

from service.api.v1.blueprint import Blueprint, etag, requires_permission, user
from service.api.v1.schemas import certificates as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    FILE,
    LOCATED,
    page_of,
    paginated,
    to_form,
)
from service.api.v1.schemas.persons import Reason
from service.api.v1.task_completion import complete_first_task
from service.domain.accounts.permissions import Action
from service.domain.certificates.faces import FaceStyle
from service.models.db.clock import today
from service.models.db.transaction import expire_session
from service.models.queries.certificates import certificate_list
from service.models.queries.report_filter import ReportFilter
from service.models.queries.runtime import task_lookup
from service.workflow.certificates import certificate_expiry, certificates, reissues
from service.workflow.certificates.verification_address import verification_address
from service.workflow.runtime import tasks

blp = Blueprint("v1_certificates", __name__, description="证书 / Certificates")


@blp.get("/certificates")
@requires_permission(Action.VIEW_CERTIFICATES)
@blp.arguments(schemas.CertificateQuery, location="query")
@blp.response(200, page_of(schemas.Certificate, "CertificatePage"))
@blp.alt_response(404, response="PROBLEM_404")
def list_certificates(wanted: dict[str, Any]) -> Any:
    """证书台账 / Certificates in scope, the newest first"""
    chosen = ReportFilter(
        q=wanted["q"],
        state=wanted.get("state", ""),
        province=wanted.get("province"),
        unit=wanted.get("unit"),
        print="no" if wanted["unprinted"] else "",
    )
    return paginated(wanted, certificate_list.certificates_query(user(), chosen), certificate_list.ORDER)


@blp.get("/certificates/<uuid:certificate_id>")
@requires_permission(Action.VIEW_CERTIFICATES)
@blp.response(200, schemas.CertificateRecord, headers=ETAG)
def show_certificate(certificate_id: UUID) -> Any:
    """证书 / One edition of a certificate"""
    return _record(certificate_id)


@blp.post("/certificates/<uuid:certificate_id>/approve")
@requires_permission(Action.APPROVE_CERTIFICATE)
@blp.arguments(schemas.CertificateApproval)
@blp.response(200, schemas.CertificateRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def approve_certificate(given: dict[str, Any], certificate_id: UUID) -> Any:
    """审批证件 / Approve a certificate, or refuse it"""
    found = certificate_list.visible_certificate(user(), certificate_id)
    complete_first_task(task_lookup.cases_of_certificate(found), "approve_certificate", given)
    return _record(certificate_id)


@blp.post("/certificates/<uuid:certificate_id>/prints")
@requires_permission(Action.PRINT_CERTIFICATE)
@blp.arguments(schemas.PrintReason)
@blp.response(201, schemas.Print, headers=LOCATED)
@blp.alt_response(409, response="PROBLEM_409")
def print_certificate(given: dict[str, Any], certificate_id: UUID) -> Any:
    """打印 / Print a certificate; the print is logged"""
    style = FaceStyle.parse(given)
    record = certificates.print_certificate(user(), certificate_id, given.get("reason", ""), style=style)
    return record, {"Location": f"/api/v1/prints/{record.id}"}


@blp.get("/prints/<uuid:print_id>")
@requires_permission(Action.PRINT_CERTIFICATE)
@blp.response(200, FILE, content_type="application/pdf")
@blp.alt_response(409, response="PROBLEM_409")
def show_print(print_id: UUID) -> Any:
    """打印文件 / The file of a logged print, a PDF"""
    return Response(certificates.print_file(user(), print_id, verification_address()), mimetype="application/pdf")


@blp.post("/prints/<uuid:print_id>/hand-out")
@requires_permission(Action.PRINT_CERTIFICATE)
@blp.arguments(schemas.HandOut)
@blp.response(200, schemas.CertificateRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def hand_out(given: dict[str, Any], print_id: UUID) -> Any:
    """登记领取 / Write down who received a print"""
    return _record(certificates.hand_out(user(), print_id, to_form(given)))


@blp.post("/certificates/<uuid:certificate_id>/revoke")
@requires_permission(Action.REVOKE_CERTIFICATE)
@blp.arguments(Reason)
@blp.response(200, schemas.CertificateRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def revoke_certificate(given: dict[str, Any], certificate_id: UUID) -> Any:
    """吊销证书 / Revoke a certificate"""
    certificates.revoke(user(), certificate_id, given["reason"])
    return _record(certificate_id)


@blp.post("/certificates/<uuid:certificate_id>/deregister")
@requires_permission(Action.DEREGISTER_CERTIFICATE)
@blp.arguments(schemas.Deregistration)
@blp.response(200, schemas.CertificateRecord, headers=ETAG)
@blp.alt_response(409, response="PROBLEM_409")
def deregister_certificate(given: dict[str, Any], certificate_id: UUID) -> Any:
    """注销证书 / Deregister an expired certificate, or postpone it"""
    tasks.complete(user(), certificate_expiry.begin_deregistration(user(), certificate_id), to_form(given))
    return _record(certificate_id)


@blp.post("/certificates/<uuid:certificate_id>/reissue")
@requires_permission(Action.REQUEST_REISSUE)
@blp.arguments(schemas.Loss)
@blp.response(201, schemas.Begun)
@blp.alt_response(409, response="PROBLEM_409")
def request_reissue(given: dict[str, Any], certificate_id: UUID) -> Any:
    """申请补办 / Ask for a lost certificate"""
    return {"case": reissues.request_reissue(user(), certificate_id, given["statement"])}


def _record(certificate_id: UUID) -> Any:
    expire_session()
    found = certificate_list.visible_certificate(user(), certificate_id)
    content = {name: getattr(found, name) for name in schemas.RESPONSE_FIELDS} | {
        "is_expired": found.state == "valid" and found.valid_to < today(),
        "name": found.person.name,
        "unit_name": found.person.unit.name,
        "printed_unit_name": found.unit_name,
        "type_name": found.qualification_type.name,
        "prints": certificate_list.prints_of(found.id),
        "refreshers": certificate_list.refreshers_of(found.number),
    }
    return content, etag(found.version)
