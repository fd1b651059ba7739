"""Certificates in 培训报名到取证: issued, printed, approved or refused, corrected or voided (R54–R60)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.domain.certificates import certificate_number, certificates
from service.domain.certificates.certificates import CertificateKind, CertificateState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict
from service.handlers.registry import Ending, topic
from service.models.db.ids import new_id
from service.models.db.prepared_statements import get_prepared
from service.models.db.session import session
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.certificates.certificate import Certificate, CertificateSerial, NumberOwner, last_edition
from service.models.tables.training.training import Enrollment
from service.models.tables.units.organisation import Organisation
from service.operations.certificates import (
    FACE_CHANGED,
    end_holders,
    find_approved_certificate,
    find_unapproved_certificate,
    is_face_of,
    log_print,
    void_certificate,
)
from service.operations.context import Context
from service.operations.enrollments import (
    give_reason,
    is_academy,
    load_enrolled_person,
    load_enrollment,
    load_trainee,
)
from service.operations.identity import obstacle_to_owner
from service.operations.personal_values import typed_text


@topic("certification.issue_certificate", needs="enrollment_id", gives="certificate_id certificate_number")
def issue_certificate(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Issue the certificate of a passed enrolment: a new number, or the next edition of the one held (R54–R56).

    An unapproved certificate of the same enrolment is kept: a correction of the score may have changed nothing.
    """
    enrollment = load_enrollment(data)
    certificate = find_unapproved_certificate(enrollment)
    if certificate is None:
        renews = enrollment.kind == TrainingKind.RENEWAL
        certificate = _renewed(enrollment, context) if renews else _initial(enrollment, context)
        session().add(certificate)
    return {"certificate_id": str(certificate.id), "certificate_number": certificate.number}


@topic("certification.record_print", needs="certificate_id", reads="print_reason")
def record_print(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Log a print: with a photo, and from the second on with a reason (R57, R58).

    A certificate that was revoked before its first print is not printed; the case goes on to its end.
    """
    certificate = _latest_edition(_certificate(data))
    if certificate.state != CertificateState.REVOKED:
        has_photo = load_enrolled_person(certificate.person_id).has_approved_photo
        log_print(certificate, has_photo, typed_text(data, "print_reason"), context.actor_id, context.at)
    return {}


@topic(
    "certification.approve",
    needs="certificate_id enrollment_id",
    ends=Ending(N_("证书随即生效并可公开查询，批准后不能撤回。")),
)
def approve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Approve: the certificate becomes valid (R59), the edition it renews is superseded (R56, R60).

    The face stays as it may have been printed; what changes it makes another edition (R79). Raises Conflict while
    a print is to be called back.
    """
    certificate = _certificate(data)
    if obstacle := certificates.obstacle_to_approval(to_domain(certificate)):
        raise Conflict(obstacle)
    if load_enrollment(data).reason == FACE_CHANGED:
        raise Conflict(FACE_CHANGED)
    if old := find_approved_certificate(certificate.person_id):
        old.state = CertificateState.SUPERSEDED
        session().flush()  # a unique index allows one valid edition: the old one first
        end_holders(old, context)
    certificate.state, certificate.approval = CertificateState.VALID, "approved"
    certificate.approved_by, certificate.approved_at = context.actor_id, context.at
    return {}


@topic(
    "certification.refuse",
    needs="certificate_id enrollment_id",
    reads="reason",
    ends=Ending(N_("证书退回协会更正或作废，已打印的须收回。不能撤回。")),
)
def refuse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Refuse with a reason; the association decides what follows (R60, domain.md §8)."""
    certificate = _certificate(data)
    if obstacle := certificates.obstacle_to_approval(to_domain(certificate)):
        raise Conflict(obstacle)
    certificate.approval = "rejected"
    load_enrollment(data).reason = parse_reason(typed_text(data, "reason"))
    return {}


@topic("certification.stop_printing", needs="certificate_id enrollment_id", reads="recovered_prints", gives="printed")
def stop_printing(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Report if printed copies are still to be recovered; the diagram has ended the print task.

    Without a refusal it is the record of the holder that has changed, so that the printed face is no longer true (R79).
    """
    certificate = _certificate(data)
    if certificate.approval == "pending":
        load_enrollment(data).reason = FACE_CHANGED
    return {"printed": certificate.printed_count > data.get("recovered_prints", 0)}


@topic("certification.resubmit", needs="enrollment_id certificate_id", gives="recovered_prints certificate_id")
def resubmit(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Ask for approval again, with type and unit of the person's record; another face than the printed one is a new
    edition, and the recovered one is void (R79)."""
    enrollment, certificate = load_enrollment(data), _certificate(data)
    person = load_trainee(enrollment)
    is_other = enrollment.reason == FACE_CHANGED or not is_face_of(certificate, person, person.unit.name)
    if certificate.printed_count and is_other:
        certificate = _replaced(enrollment, certificate)
    certificate.qualification_type_id, certificate.unit_name = person.qualification_type_id, person.unit.name
    certificate.approval = "pending"
    enrollment.reason = None
    return {"recovered_prints": certificate.printed_count, "certificate_id": str(certificate.id)}


@topic(
    "certification.void",
    needs="enrollment_id certificate_id",
    reads="reason",
    ends=Ending(N_("证书作废，编号不再使用，本次取证以未合格结束。不能恢复。")),
)
def void(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Void a refused certificate and fail the enrolment; a certificate held before is unchanged."""
    reason = parse_reason(typed_text(data, "reason"))
    void_certificate(_certificate(data), reason)
    give_reason(load_enrollment(data), reason)
    return {}


@topic("certification.complete", needs="enrollment_id", is_undoable=True)
def complete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Complete the enrolment once the certificate is printed and approved, in either order (R57)."""
    return {}


def _initial(enrollment: Enrollment, context: Context) -> Certificate:
    """Build a certificate with a new number of the unit's province, valid for three years (R55)."""
    person, today = load_trainee(enrollment), context.today
    province = certificate_number.ACADEMIES
    if not is_academy(person.unit) and person.unit.authority_id:
        province = get_prepared(Organisation, person.unit.authority_id).code
    number = CertificateSerial.take(province, today.year)
    session().add(NumberOwner(number=number, owner=person.id_number_digest))
    return _edition(
        enrollment,
        number=number,
        first_issued_on=today,
        issued_on=today,
        valid_to=certificates.initial_valid_to(today),
        edition=1,
    )


def _renewed(enrollment: Enrollment, context: Context) -> Certificate:
    """Build the next edition of the number held, its three years counted from the last valid day (R56)."""
    old = find_approved_certificate(enrollment.person_id)
    if old is None:
        raise Conflict(N_("该人员已没有可换的证书；请由协会终止培训并写明原因。"))
    if mismatch := obstacle_to_owner(old.number, load_trainee(enrollment)):
        raise Conflict(mismatch)
    return _edition(
        enrollment,
        number=old.number,
        first_issued_on=old.first_issued_on,
        issued_on=context.today,
        valid_to=certificates.renewed_valid_to(old.valid_to),
        edition=last_edition(old.number) + 1,
        supersedes_id=old.id,
    )


def _replaced(enrollment: Enrollment, old: Certificate) -> Certificate:
    """Void an unapproved edition whose print has been recovered, and build the one that takes its place."""
    held = find_approved_certificate(enrollment.person_id)
    new = _edition(
        enrollment,
        number=old.number,
        first_issued_on=old.first_issued_on,
        issued_on=old.issued_on,
        valid_to=old.valid_to,
        edition=last_edition(old.number) + 1,
        supersedes_id=held.id if held else None,
    )
    void_certificate(old, FACE_CHANGED, old.approval)
    session().flush()  # one edition in the making: the old one first
    session().add(new)
    session().flush()
    return new


def _edition(enrollment: Enrollment, **values: Any) -> Certificate:
    person = load_trainee(enrollment)
    return Certificate(
        id=new_id(),
        person_id=person.id,
        qualification_type_id=person.qualification_type_id,
        kind=CertificateKind.ISSUED,
        state=CertificateState.ISSUED,
        approval="pending",
        printed_count=0,
        enrollment_id=enrollment.id,
        unit_name=person.unit.name,
        **values,
    )


def _latest_edition(certificate: Certificate) -> Certificate:
    """Follow a certificate to the edition that a change of type has put in its place (R61)."""
    while certificate.state == CertificateState.SUPERSEDED:
        query = select(Certificate).where(Certificate.supersedes_id == certificate.id)
        successor = session().scalars(query.where(Certificate.enrollment_id == certificate.enrollment_id)).one_or_none()
        if successor is None:
            break
        certificate = successor
    return certificate


def _certificate(data: dict[str, Any]) -> Certificate:
    return get_prepared(Certificate, UUID(data["certificate_id"]))
