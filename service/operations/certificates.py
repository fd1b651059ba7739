"""Certificate rows: finding a person's, logging a print, ending a reissue that has lost its object."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, any_, bindparam, literal, or_, select

from service.domain.certificates import certificates
from service.domain.certificates.certificates import CertificateState
from service.domain.training.enrollment_state import LIVE_STATES
from service.domain.training.training_kind import TrainingKind
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.ids import new_id
from service.models.db.prepared_statements import execute_prepared
from service.models.db.session import session
from service.models.queries.certificates.reissue_list import live_reissue_of
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.certificates.certificate import Certificate, PrintRecord, last_edition
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Case, Task
from service.models.tables.training.training import Enrollment
from service.models.tables.units.organisation import Organisation
from service.operations.context import Context

FIRST_PRINT = N_("首次打印")
FACE_CHANGED = N_("资料已变更，证面与打印件不同：收回打印件后换发新版。")

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
    now_printed = ["printed_count", "state", "version"]
    session().refresh(certificate, now_printed, with_for_update={"key_share": True})  # two who print take turns
    why = (reason or "").strip()
    if obstacle := certificates.obstacle_to_printing(to_domain(certificate), has_photo, certificate.printed_count, why):
        raise InvalidInput({"print_reason": obstacle}, text=obstacle)
    session().add(
        PrintRecord(id=new_id(), certificate_id=certificate.id, printed_by=actor_id, reason=why or FIRST_PRINT)
    )
    certificate.printed_count += 1
    certificate.last_printed_at = at


def void_certificate(certificate: Certificate, reason: str, approval: str = "rejected") -> None:
    """Void a certificate that was not approved. Raises Conflict for any other."""
    if obstacle := certificates.obstacle_to_approval(to_domain(certificate)):
        raise Conflict(obstacle)
    certificate.state, certificate.approval = CertificateState.VOID, approval
    certificate.void_reason = reason


def end_holders(certificate: Certificate, context: Context) -> None:
    """Send a message to each other case that holds a certificate that has ended, or whose holder has (R64, R80)."""
    for case_id, message, data in holders_of(certificate):
        if case_id != context.case_id:
            context.send_message(case_id, message, data)


def holders_of(certificate: Certificate) -> list[tuple[UUID, str, dict[str, str]]]:
    """Find the live cases that hold a certificate, with the message by which each learns that it has ended.

    A reissue; a refresher or renewal of its holder, or the enrolment that brought it; a deregistration. A case of an
    earlier diagram that does not know the message is left out.
    """
    found: list[tuple[UUID, str, dict[str, str]]] = []
    if reissue := live_reissue_of(certificate.id):
        found.append((reissue.case_id, "certificate_ended", {}))
    why = {"ended_certificate": str(certificate.id)}  # its reason is a personal text, which no message carries
    trained = or_(Enrollment.kind != TrainingKind.INITIAL, Enrollment.id == certificate.enrollment_id)
    training = select(Enrollment.case_id).where(
        Enrollment.person_id == certificate.person_id, Enrollment.state.in_(tuple(LIVE_STATES)), trained
    )
    for message, cases in {"end_training": training, "recheck": _deregistrations_of(certificate)}.items():
        waiting = select(Case.id).where(Case.id.in_(cases), literal(f"message:{message}") == any_(Case.awaited))
        found += [
            (case_id, message, why if message == "end_training" else {}) for case_id in session().scalars(waiting)
        ]
    return found


def _deregistrations_of(certificate: Certificate) -> Select[UUID]:
    return select(Case.id).where(
        Case.business_key == str(certificate.id), Case.process == "certificate_deregistration", Case.ended_at.is_(None)
    )


def ending_reason(certificate_id: UUID) -> str:
    """Write why a certificate has ended, for the enrolments that end with it."""
    certificate = session().get_one(Certificate, certificate_id)
    state, why = CertificateState(certificate.state).label, certificate.void_reason or ""
    return str(Message(N_("证书 %(number)s %(state)s。%(why)s"), number=certificate.number, state=state, why=why))


def is_face_of(certificate: Certificate, person: Person, unit_name: str) -> bool:
    """Tell whether type and unit on the face are those of the holder's record."""
    return (certificate.qualification_type_id, certificate.unit_name) == (person.qualification_type_id, unit_name)


def follow_records(person_ids: Collection[UUID]) -> list[UUID]:
    """Let the certificates in the making of these persons follow their records (R79).

    One that nobody has printed is changed, and counts after every edition there is. Returns the cases of those whose
    print has to be called back: they take the message ``face_changed``.
    """
    session().flush()
    query = (
        select(Certificate, Person, Organisation.name)
        .join(Person, Person.id == Certificate.person_id)
        .join(Organisation, Organisation.id == Person.unit_id)
        .where(Certificate.person_id.in_(person_ids), Certificate.state == CertificateState.ISSUED)
        .order_by(Certificate.id)
    )
    printed = []
    for certificate, person, unit_name in session().execute(query.with_for_update(of=Certificate)).all():
        if is_face_of(certificate, person, unit_name):
            continue
        if certificate.printed_count:
            printed.append(certificate.enrollment_id)
            continue
        certificate.qualification_type_id, certificate.unit_name = person.qualification_type_id, unit_name
        count_last(certificate)
    waiting = select(Task.case_id).where(Task.element.endswith("approve_certificate"), Task.state == "open")
    cases = select(Enrollment.case_id).where(Enrollment.id.in_(printed), Enrollment.case_id.in_(waiting))
    return list(session().scalars(cases.order_by(Enrollment.case_id))) if printed else []


def count_last(certificate: Certificate) -> None:
    """Let an edition that nobody has printed count after every other there is."""
    if (latest := last_edition(certificate.number)) > certificate.edition:
        certificate.edition = latest + 1
