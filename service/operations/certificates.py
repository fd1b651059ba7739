"""Certificate rows: finding a person's, logging a print, ending a reissue that has lost its object."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import bindparam, select

from service.domain.certificates import certificates
from service.domain.certificates.certificates import CertificateState
from service.errors import N_, InvalidInput
from service.models.db.ids import new_id
from service.models.db.prepared_statements import execute_prepared
from service.models.db.session import session
from service.models.queries.certificates.reissue_list import live_reissue_of
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.certificate import Certificate, PrintRecord
from service.models.tables.training import Enrollment
from service.operations.context import Context

FIRST_PRINT = N_("首次打印")

_APPROVED = select(Certificate).where(
    Certificate.person_id == bindparam("person"), Certificate.state == CertificateState.VALID
)
_UNAPPROVED = select(Certificate).where(
    Certificate.enrollment_id == bindparam("enrollment"), Certificate.state == CertificateState.ISSUED
)


def find_approved_certificate(person_id: UUID) -> Certificate | None:
    """Find the certificate that a person holds, expired or not."""
    return execute_prepared(_APPROVED, {"person": person_id}).scalar_one_or_none()


def find_unapproved_certificate(enrollment: Enrollment) -> Certificate | None:
    """Find the certificate that this enrolment brought while it waits for approval."""
    return execute_prepared(_UNAPPROVED, {"enrollment": enrollment.id}).scalar_one_or_none()


def log_print(
    certificate: Certificate, has_photo: bool, reason: str | None, actor_id: UUID | None, at: datetime
) -> None:
    """Log one print of one edition (R57, R58). Raises InvalidInput at ``print_reason`` without a photo, or when a
    further print gives no reason."""
    why = (reason or "").strip()
    if obstacle := certificates.obstacle_to_printing(to_domain(certificate), has_photo, certificate.printed_count, why):
        raise InvalidInput({"print_reason": obstacle}, text=obstacle)
    session().add(
        PrintRecord(id=new_id(), certificate_id=certificate.id, printed_by=actor_id, reason=why or FIRST_PRINT)
    )
    certificate.printed_count += 1
    certificate.last_printed_at = at


def end_reissue(certificate: Certificate, context: Context) -> None:
    """Send ``certificate_ended`` to the case, if any, that is reissuing a certificate that has ended (R64)."""
    waiting = live_reissue_of(certificate.id)
    if waiting is not None and waiting.case_id != context.case_id:
        context.send_message(waiting.case_id, "certificate_ended")
