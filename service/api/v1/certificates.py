"""Certificates: the ledger, one edition, approval, prints and hand-outs, and how one ends (R57–R64)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, url_for

from service.api.v1.blueprint import Room, tagged, user
from service.api.v1.schemas import certificates as schemas
from service.api.v1.schemas.pages import (
    ETAG,
    LOCATED,
    listed,
    page_of,
    raw,
)
from service.api.v1.schemas.persons import Reason
from service.api.v1.task_completion import do_first
from service.domain.accounts.permissions import Action
from service.models.db.clock import today
from service.models.db.transaction import expire_session
from service.models.queries.certificates import certificate_list
from service.models.queries.certificates.certificate_list import CertificateFilter
from service.models.queries.runtime import task_lookup
from service.workflow.certificates import certificate_expiry, certificates, reissues
from service.workflow.runtime import tasks

room = Room("certificates", "证书 / Certificates")


@room.operation(
    "GET",
    "/certificates",
    "证书台账",
    "Certificates in scope, the newest first",
    needs=[Action.VIEW_CERTIFICATES],
    query=schemas.CertificateQuery,
    answer=page_of(schemas.Certificate, "CertificatePage"),
    refuses=[404],
)
def list_certificates(wanted: dict[str, Any]) -> Any:
    chosen = CertificateFilter(
        wanted["q"], wanted.get("state", ""), wanted.get("province"), wanted.get("unit"), wanted["unprinted"]
    )
    return listed(wanted, certificate_list.certificates_query(user(), chosen), certificate_list.ORDER)


@room.operation(
    "GET",
    "/certificates/<uuid:certificate_id>",
    "证书",
    "One edition of a certificate",
    needs=[Action.VIEW_CERTIFICATES],
    answer=schemas.CertificateRecord,
    gives=ETAG,
)
def show_certificate(certificate_id: UUID) -> Any:
    return _record(certificate_id)


@room.operation(
    "POST",
    "/certificates/<uuid:certificate_id>/approve",
    "审批证件",
    "Approve a certificate, or refuse it",
    needs=[Action.APPROVE_CERTIFICATE],
    body=schemas.CertificateApproval,
    answer=schemas.CertificateRecord,
    refuses=[409],
    gives=ETAG,
)
def approve_certificate(certificate_id: UUID, given: dict[str, Any]) -> Any:
    found = certificate_list.visible_certificate(user(), certificate_id)
    do_first(task_lookup.cases_of_certificate(found), "approve_certificate", given)
    return _record(certificate_id)


@room.operation(
    "POST",
    "/certificates/<uuid:certificate_id>/prints",
    "打印",
    "Print a certificate; the print is logged",
    needs=[Action.PRINT_CERTIFICATE],
    body=schemas.PrintReason,
    answer=schemas.Print,
    status=201,
    refuses=[409],
    gives=LOCATED,
)
def print_certificate(certificate_id: UUID, given: dict[str, Any]) -> Any:
    record = certificates.print_certificate(user(), certificate_id, given.get("reason", ""))
    return record, {"Location": f"/api/v1/prints/{record.id}"}


@room.operation(
    "GET",
    "/prints/<uuid:print_id>",
    "打印文件",
    "The file of a logged print, a PDF",
    needs=[Action.PRINT_CERTIFICATE],
    file="application/pdf",
    refuses=[409],
)
def show_print(print_id: UUID) -> Any:
    address = url_for("public.verify_form", _external=True) + "/{}"
    return Response(certificates.print_file(user(), print_id, address), mimetype="application/pdf")


@room.operation(
    "POST",
    "/prints/<uuid:print_id>/hand-out",
    "登记领取",
    "Write down who received a print",
    needs=[Action.PRINT_CERTIFICATE],
    body=schemas.HandOut,
    answer=schemas.CertificateRecord,
    refuses=[409],
    gives=ETAG,
)
def hand_out(print_id: UUID, given: dict[str, Any]) -> Any:
    return _record(certificates.hand_out(user(), print_id, raw(given)))


@room.operation(
    "POST",
    "/certificates/<uuid:certificate_id>/revoke",
    "吊销证书",
    "Revoke a certificate",
    needs=[Action.REVOKE_CERTIFICATE],
    body=Reason,
    answer=schemas.CertificateRecord,
    refuses=[409],
    gives=ETAG,
)
def revoke_certificate(certificate_id: UUID, given: dict[str, Any]) -> Any:
    certificates.revoke(user(), certificate_id, given["reason"])
    return _record(certificate_id)


@room.operation(
    "POST",
    "/certificates/<uuid:certificate_id>/deregister",
    "注销证书",
    "Deregister an expired certificate, or postpone it",
    needs=[Action.DEREGISTER_CERTIFICATE],
    body=schemas.Deregistration,
    answer=schemas.CertificateRecord,
    refuses=[409],
    gives=ETAG,
)
def deregister_certificate(certificate_id: UUID, given: dict[str, Any]) -> Any:
    tasks.complete(user(), certificate_expiry.begin_deregistration(user(), certificate_id), raw(given))
    return _record(certificate_id)


@room.operation(
    "POST",
    "/certificates/<uuid:certificate_id>/reissue",
    "申请补办",
    "Ask for a lost certificate",
    needs=[Action.REQUEST_REISSUE],
    body=schemas.Loss,
    answer=schemas.Begun,
    status=201,
    refuses=[409],
)
def request_reissue(certificate_id: UUID, given: dict[str, Any]) -> Any:
    return {"case": reissues.request_reissue(user(), certificate_id, given["statement"])}


def _record(certificate_id: UUID) -> Any:
    expire_session()
    found = certificate_list.visible_certificate(user(), certificate_id)
    content = {name: getattr(found, name) for name in schemas.SHOWN} | {
        "is_expired": found.state == "valid" and found.valid_to < today(),
        "name": found.person.name,
        "unit_name": found.person.unit.name,
        "printed_unit_name": found.unit_name,
        "type_name": found.qualification_type.name,
        "prints": certificate_list.prints_of(found.id),
        "refreshers": certificate_list.refreshers_of(found.number),
    }
    return content, tagged(found.version)
