"""Certificates in 培训报名到取证: made, printed, approved or refused, corrected or void (R54–R60)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select

from service.domain.certificates import certificate_number, certificates
from service.domain.certificates.certificates import CERTIFICATE_MOVES, CertificateState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.domain.values.reasons import parse_reason
from service.domain.values.state_machine import check_move
from service.errors import N_, Conflict
from service.models.db.ids import new_id
from service.models.db.prepared_statements import execute_prepared, get_prepared
from service.models.db.session import session
from service.models.queries.training.training_need_facts import rule
from service.models.tables.certificate import Certificate, CertificateSerial, NumberOwner, last_edition
from service.models.tables.organisation import Organisation
from service.models.tables.training import Enrollment
from service.operations import prints
from service.operations.context import Context
from service.operations.enrollment_row import (
    certificate_in_making,
    enrollment_of,
    is_academy,
    move,
    trainee,
    trainee_by,
)

_HELD = select(Certificate).where(Certificate.person_id == bindparam("person"), Certificate.state == "valid")


def issue_certificate(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Make the certificate of a passed enrolment: a new number, or the old one continued (R54–R56).

    A certificate that is still in the making stays what it is (after a correction that changed nothing).
    """
    enrollment = enrollment_of(data)
    certificate = certificate_in_making(enrollment)
    if certificate is None:
        renews = enrollment.kind == TrainingKind.RENEWAL
        certificate = _renewed(enrollment, context) if renews else _first(enrollment, context)
        session().add(certificate)
    if enrollment.state != EnrollmentState.CERTIFYING:
        move(enrollment, EnrollmentState.CERTIFYING, context)
    return {"certificate_id": str(certificate.id), "certificate_number": certificate.number}


def record_print(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """One print: with a photo, and from the second on with a reason (R57, R58).

    What was revoked before its first print is not printed any more; the case only goes on to its end.
    """
    certificate = _in_force(_certificate(data))
    if certificate.state != CertificateState.REVOKED:
        has_photo = trainee_by(certificate.person_id).photo_id is not None
        prints.record(certificate, has_photo, data.get("print_reason"), context.actor_id, context.at)
    return {}


def approve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The ministry approves: valid from now on (R59); the edition it renews is superseded (R56, R60)."""
    certificate = _certificate(data)
    if obstacle := certificates.obstacle_to_approval(rule(certificate)):
        raise Conflict(obstacle)
    if old := certificate_held(certificate.person_id):
        old.state = CertificateState.SUPERSEDED
        session().flush()  # one edition is valid at a time: the old one steps back first
        prints.tell_reissue(old, context)
    check_move(CERTIFICATE_MOVES, CertificateState(certificate.state), CertificateState.VALID)
    certificate.state, certificate.approval = CertificateState.VALID, "approved"
    certificate.approved_by, certificate.approved_at = context.actor_id, context.at
    certificate.qualification_type_id = trainee_by(
        certificate.person_id
    ).qualification_type_id  # may have changed (R61)
    return {}


def refuse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """The ministry refuses with a reason; what follows the association decides (R60, domain.md §8)."""
    certificate = _certificate(data)
    if obstacle := certificates.obstacle_to_approval(rule(certificate)):
        raise Conflict(obstacle)
    certificate.approval = "rejected"
    enrollment_of(data).reason = parse_reason(data.get("reason"))
    return {}


def stop_printing(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Whether copies were printed that nobody has taken back yet; the diagram has ended the printing."""
    return {"printed": _certificate(data).printed_count > data.get("recovered_prints", 0)}


def resubmit(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Bring the certificate to what is known of the person now, and ask for approval again."""
    enrollment, certificate = enrollment_of(data), _certificate(data)
    certificate.qualification_type_id = trainee(enrollment).qualification_type_id
    certificate.unit_name = trainee(enrollment).unit.name
    certificate.approval = "pending"
    enrollment.reason = None
    return {"recovered_prints": certificate.printed_count}


def void(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Close a refused certificate as void; the enrolment ends as failed, the old certificate stays what it was."""
    certificate = _certificate(data)
    reason = parse_reason(data.get("reason"))
    check_move(CERTIFICATE_MOVES, CertificateState(certificate.state), CertificateState.VOID)
    certificate.state, certificate.void_reason = CertificateState.VOID, reason
    move(enrollment_of(data), EnrollmentState.FAILED, context, reason)
    return {}


def complete(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Printed and approved, in whatever order (R57)."""
    move(enrollment_of(data), EnrollmentState.COMPLETED, context)
    return {}


def certificate_held(person_id: UUID) -> Certificate | None:
    """The approved certificate of a person, expired or not."""
    return execute_prepared(_HELD, {"person": person_id}).scalar_one_or_none()


def _first(enrollment: Enrollment, context: Context) -> Certificate:
    """A new number of the province of the unit at issue, three years from the confirmation of the score (R55)."""
    person, today = trainee(enrollment), context.today
    province = certificate_number.ACADEMIES
    if not is_academy(person.unit) and person.unit.authority_id:
        province = session().get_one(Organisation, person.unit.authority_id).code
    number = certificate_number.issue(province, today.year, CertificateSerial.take(province, today.year))
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
    """The next edition of the number held, counted from its last valid day (R56)."""
    old = certificate_held(enrollment.person_id)
    if old is None:
        raise Conflict(N_("该人员已没有可换的证书，请联系工信部核实。"))
    return _edition(
        enrollment,
        number=old.number,
        first_issued_on=old.first_issued_on,
        issued_on=context.today,
        valid_to=certificates.renewed_valid_to(old.valid_to),
        edition=last_edition(old.number) + 1,
        supersedes_id=old.id,
    )


def _edition(enrollment: Enrollment, **values: Any) -> Certificate:
    person = trainee(enrollment)
    return Certificate(
        id=new_id(),
        person_id=person.id,
        qualification_type_id=person.qualification_type_id,
        kind="issued",
        state=CertificateState.ISSUED,
        approval="pending",
        printed_count=0,
        enrollment_id=enrollment.id,
        unit_name=person.unit.name,
        **values,
    )


def _in_force(certificate: Certificate) -> Certificate:
    """The edition itself, or the one that a change of type has put in its place meanwhile (R61)."""
    while certificate.state == CertificateState.SUPERSEDED:
        query = select(Certificate).where(Certificate.supersedes_id == certificate.id)
        heir = session().scalars(query.where(Certificate.enrollment_id == certificate.enrollment_id)).one_or_none()
        if heir is None:
            break
        certificate = heir
    return certificate


def _certificate(data: dict[str, Any]) -> Certificate:
    return get_prepared(Certificate, UUID(data["certificate_id"]))
