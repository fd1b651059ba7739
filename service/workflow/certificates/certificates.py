"""Audited use cases on certificates: print, revoke, record receipt, public verification (R58, R62, R67)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload, undefer_group

from service.domain.accounts.attempts import QUERIES, QUERIES_OF_NUMBER, source_of
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.certificates import certificates
from service.domain.certificates.certificate_number import parse_certificate_number
from service.domain.certificates.certificates import CertificateState
from service.domain.certificates.faces import FaceStyle
from service.domain.persons.persons import parse_name
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound, TooManyAttempts
from service.models.db.clock import now, today
from service.models.db.encryption import ENCRYPTED
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates import certificate_list
from service.models.queries.scope import get_or_404_in_scope, inbox_addresses
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.attempt import Attempt
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.runtime.case import Task
from service.models.tables.training.training import Enrollment
from service.operations.certificates import holders_of, log_print
from service.validation.form_reader import FormReader
from service.workflow.certificates import faces
from service.workflow.certificates.printer_calibration import Shift
from service.workflow.row_refusal import refusal_of
from service.workflow.runtime import jobs, tasks

ATTEMPT_KIND = "verify"
MAX_PRINT_REASON = 200  # characters
PREVIEW_MARK = " · 预览，不作证书使用"


def print_certificate(
    user: User, certificate_id: UUID, reason: str = "", batch_id: UUID | None = None, style: FaceStyle | None = None
) -> PrintRecord:
    """Print once: by completing the open print task of its case, else as a further print with a reason (R58).

    The record is what entitles to the print file, in its style. batch_id: printed with others. Raises Conflict without
    a photo or for a dead edition, InvalidInput at ``reason`` when a further print gives none.
    """
    with transaction(Operation("print_certificate", user.id)) as current:
        found = _printable(user, certificate_id)
        has_photo = found.person.has_approved_photo
        reason = read_print_reason(reason)
        if obstacle := certificates.obstacle_to_printing(to_domain(found), has_photo, found.printed_count, reason):
            if has_photo and found.printed_count and not reason:
                raise InvalidInput({"reason": obstacle})
            raise Conflict(obstacle)
        if task := _print_task(user, found):
            tasks.complete(user, task.id, {"print_reason": reason})
        else:
            log_print(found, has_photo, reason, user.id, now())
        current.flush()
        newest = (
            select(PrintRecord).where(PrintRecord.certificate_id == found.id).order_by(PrintRecord.created_at.desc())
        )
        record = current.scalars(newest.order_by(PrintRecord.id.desc()).limit(1)).one()
        record.batch_id = batch_id
        if style is not None:
            record.layout, record.language = str(style.layout), str(style.language)
        return record


def read_print_reason(typed: str) -> str:
    """Read the reason of a further print, '' for none. Raises InvalidInput at ``reason``."""
    entry = FormReader({"reason": typed})
    reason = entry.text("reason", MAX_PRINT_REASON)
    entry.check()
    return reason or ""


def revoke(user: User, certificate_id: UUID, reason: str) -> Certificate:
    """Revoke a certificate before its last day, with a reason (R62); what holds it learns of its end (R80).

    Raises Conflict for what is not valid or has expired, InvalidInput at ``reason``.
    """
    if not may(Role(user.role), Action.REVOKE_CERTIFICATE):
        raise NotAllowed
    with transaction(Operation("revoke_certificate", user.id)) as current:
        current.execute(select(Certificate.id).where(Certificate.id == certificate_id).with_for_update())
        found = get_or_404_in_scope(user, Certificate, certificate_id)
        current.refresh(found)
        why = parse_reason(reason)
        if obstacle := certificates.obstacle_to_revocation(to_domain(found), today()):
            raise Conflict(obstacle)
        found.state, found.void_reason = CertificateState.REVOKED, why
        current.flush()
        for case_id, message, data in holders_of(found):
            jobs.leave_message(case_id, message, data)
    return found


def print_file(user: User, record_id: UUID, address: str, shift: Shift = (0, 0)) -> bytes:
    """The PDF of a logged print, in the style in which it was printed. address: where the QR code leads,
    ``{}`` standing for the token; shift: ``parse_shift``.
    """
    record = session().get(PrintRecord, record_id)
    if record is None:
        raise NotFound
    style = FaceStyle.parse({"layout": record.layout, "language": record.language})
    return faces.file_of(faces.face_of(_printable(user, record.certificate_id), address, "", shift, style))


def preview(
    user: User, certificate_id: UUID, address: str, shift: Shift = (0, 0), style: FaceStyle | None = None
) -> bytes:
    """The face with the mark «预览» on it: to be looked at before printing, not logged."""
    return faces.file_of(faces.face_of(_printable(user, certificate_id), address, PREVIEW_MARK, shift, style))


def records_file(user: User, certificate_id: UUID, shift: Shift = (0, 0)) -> bytes:
    """The refresher records alone, at their place on the face: to be printed onto the certificate its holder has (D4).

    Raises Conflict when there is none.
    """
    found = _printable(user, certificate_id)
    if not faces.records_of(found):
        raise Conflict(N_("还没有再培训记录，不必打印记录页。"))
    return faces.file_of(faces.face_of(found, "{}", "", shift) | {"records_only": True})


def hand_out(user: User, record_id: UUID, raw: Mapping[str, Any]) -> UUID:
    """Record the receiver and day of a print; returns the certificate's id.

    Raises InvalidInput at ``received_by`` or ``received_on``, Conflict when it was handed out already.
    """
    received = _read_receipt(user, raw)
    return _hand_out(user, record_id, *received)


def hand_out_many(user: User, record_ids: Iterable[UUID], raw: Mapping[str, Any]) -> dict[UUID, Message]:
    """Record the receiver and day of each of these prints by itself; returns those that were refused, and why (R44).

    Raises InvalidInput at ``received_by`` or ``received_on``.
    """
    received = _read_receipt(user, raw)
    refused = {}
    for record_id in dict.fromkeys(record_ids):
        try:
            _hand_out(user, record_id, *received)
        except Exception as error:
            refused[record_id] = refusal_of(error, "hand_out").first
    return refused


def _read_receipt(user: User, raw: Mapping[str, Any]) -> tuple[str, date]:
    if not may(Role(user.role), Action.PRINT_CERTIFICATE):
        raise NotAllowed
    entry = FormReader(raw)
    received_by = entry.text("received_by", 50, required=True)
    received_on = entry.date("received_on", required=True, latest=today())
    entry.check()
    assert received_by
    assert received_on
    return received_by, received_on


def _hand_out(user: User, record_id: UUID, received_by: str, received_on: date) -> UUID:
    with transaction(Operation("hand_out", user.id)) as current:
        chosen = select(PrintRecord).where(PrintRecord.id == record_id).with_for_update()
        record = current.scalars(chosen.execution_options(populate_existing=True)).one_or_none()
        if record is None:
            raise NotFound
        _printable(user, record.certificate_id)
        if record.received_on is not None:
            raise Conflict(N_("已登记过领取，领取人和日期见登记表。"))
        record.received_by, record.received_on = received_by, received_on
        return record.certificate_id


def verify(number: str, name: str, source: str) -> Certificate | None:
    """Find the certificate with this number and exactly this holder's name; None for every miss (R67).

    Every question counts, against the source and against the number; beyond some each must wait longer than the last.
    Raises TooManyAttempts, and InvalidInput for what can be neither a number nor a name.
    """
    entry = FormReader({})
    asked = entry.parse(parse_certificate_number, number, "number")
    called = entry.parse(parse_name, name)
    entry.check()
    assert asked is not None
    count_question(source, asked)
    return certificate_list.by_number_and_name(asked, called or "")


def count_question(source: str, number: str = "") -> None:
    """Count a question of the public against its source and its number, if any; raises TooManyAttempts."""
    paces = {f"source:{source_of(source)}": QUERIES}
    if number:
        paces[f"number:{number}"] = QUERIES_OF_NUMBER
    with transaction(Operation("verify")) as current:
        Attempt.lock(*paces)
        waits = [
            pace.waits_until(Attempt.instants(ATTEMPT_KIND, key, pace.window), now()) for key, pace in paces.items()
        ]
        if until := max(filter(None, waits), default=None):
            seconds = math.ceil((until - now()).total_seconds())
            raise TooManyAttempts(N_("查询过于频繁，请 %(seconds)s 秒后再试。"), seconds, seconds=seconds)
        current.add_all([Attempt(kind=ATTEMPT_KIND, key=key) for key in paces])


def has_print_task(user: User, certificate: Certificate) -> bool:
    """True if the print task of this certificate is in the user's inbox."""
    return _print_task(user, certificate) is not None


def _printable(user: User, certificate_id: UUID) -> Certificate:
    """A certificate that this user may print, with holder and type; NotAllowed for other roles."""
    if not may(Role(user.role), Action.PRINT_CERTIFICATE):
        raise NotAllowed
    holder = joinedload(Certificate.person).options(joinedload(Person.unit), undefer_group(ENCRYPTED))
    loaded = (holder, joinedload(Certificate.qualification_type))
    return get_or_404_in_scope(user, Certificate, certificate_id, *loaded)


def _print_task(user: User, certificate: Certificate) -> Task | None:
    """The open print task of the case that made this edition, if it is in the user's inbox."""
    if certificate.state not in (CertificateState.ISSUED, CertificateState.VALID):
        return None
    reissued = select(Reissue.case_id).where(Reissue.new_certificate_id == certificate.id)
    case_ids = list(session().scalars(reissued))
    if not case_ids and certificate.enrollment_id is not None:
        made = select(Enrollment.case_id).where(Enrollment.id == certificate.enrollment_id)
        case_ids = list(session().scalars(made)) if _is_latest(certificate) else []
    query = select(Task).where(
        Task.case_id.in_(case_ids), Task.state == "open", Task.kind.endswith("print_certificate")
    )
    task = session().scalars(query).first() if case_ids else None
    return task if task and (task.organisation_id, task.role) in inbox_addresses(user) else None


def _is_latest(certificate: Certificate) -> bool:
    """Tell whether no later edition was made by the same enrolment; other enrolments have cases of their own."""
    own = select(func.max(Certificate.edition)).where(Certificate.enrollment_id == certificate.enrollment_id)
    return session().scalar(own) == certificate.edition
