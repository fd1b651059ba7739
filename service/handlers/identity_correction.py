"""更正身份: the unit asks with evidence, the province approves, the association assents and it is applied (R77)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer_group

from service.domain.accounts.permissions import Action
from service.domain.certificates import certificates
from service.domain.certificates.certificates import CertificateState
from service.domain.persons.corrections import CorrectionKind
from service.domain.persons.persons import ALREADY_ENTERED
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, NotAllowed, NotFound
from service.handlers.registry import Ending, describe_process, message, task_subject, topic
from service.models.db.encryption import ENCRYPTED
from service.models.db.session import session
from service.models.queries.certificates.reissue_list import live_reissue_of
from service.models.queries.persons.correction_list import correction_of
from service.models.queries.scope_adapters import is_in_scope
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, next_edition
from service.models.tables.persons.identity_correction import IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment
from service.operations.certificates import FACE_CHANGED, count_last, find_approved_certificate
from service.operations.context import Context, TaskSubject
from service.operations.enrollments import is_academy
from service.operations.identity import change_owner, owns_number
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process(
    "identity_correction",
    starts_with="correction_id",
    messages={"correction_ended": message("outcome", awaited_throughout=True)},
)

ONE_PERSON = N_("申请人不能复核自己的申请，请由协会另一位经办人复核。")
PRINTED = N_("该人员有已打印、正待审批的证书，其案卷无法收回打印件；请待其办结后再同意更正。")


@task_subject("identity_correction")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a correction by person and reason."""
    if "person_id" not in data:
        return TaskSubject()
    row = _correction(data)
    unit = row.person.unit
    return TaskSubject(
        subject=row.person.name,
        summary=CorrectionKind(row.kind).label,
        unit_name=unit.name,
        facts={"correction_kind": row.kind, "id_number": row.former_number_masked},
        unit_id=unit.id,
        authority_id=unit.authority_id,
    )


@topic("identity_correction.receive", needs="correction_id", gives="person_id unit_id authority_id is_academy")
def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Link a new correction to its case. Raises NotFound for what another account has asked for."""
    row = _correction(data)
    user = User.get(context.actor_id) if context.actor_id else None
    unit = row.person.unit
    if user is None or row.requested_by != user.id or not is_in_scope(user, Action.CORRECT_IDENTITY, unit):
        raise NotFound
    if row.case_id is not None:
        raise Conflict(N_("这份更正已经提交过。"))
    row.case_id = context.case_id
    return {
        "person_id": str(row.person_id),
        "unit_id": str(unit.id),
        "authority_id": str(unit.authority_id) if unit.authority_id else None,
        "is_academy": is_academy(unit),
    }


@topic("identity_correction.approve", needs="correction_id is_academy", is_undoable=True)
def approve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Approve for the province; an academy's has none, and goes on to the association at once."""
    row = _correction(data)
    if not data["is_academy"]:
        row.decided_by, row.decided_at = context.actor_id, context.at
    return {}


@topic("identity_correction.refuse", needs="correction_id", reads="reason", is_undoable=True)
def refuse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Refuse with a reason, as the province or the association; the record is unchanged."""
    row = _correction(data)
    row.comment = parse_reason(typed_text(data, "reason"))
    return {}


@topic(
    "identity_correction.apply",
    needs="correction_id",
    ends=Ending(N_("档案即按更正后的内容记载，已有证书须换发新版。不能撤回，有误只能再次申请更正。")),
)
def apply(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Correct the record; numbers of certificates follow, and a certificate whose face is wrong gets a new edition.

    Raises NotAllowed for who asked for it or stands in for them, InvalidInput for a number that somebody else has.
    """
    row = _correction(data)
    if row.requested_by in context.doers:
        raise NotAllowed(ONE_PERSON)
    person = session().get_one(
        Person, row.person_id, options=[undefer_group(ENCRYPTED)], with_for_update={"key_share": True}
    )
    before = person.id_number_digest
    if before != row.id_number_digest:
        _refuse_taken(row)
        change_owner(before, row.id_number_digest)
        person.id_number = row.id_number
    is_on_face = (person.name, person.sex, before) != (row.name, row.sex, row.id_number_digest)
    person.name, person.id_type, person.sex, person.birth_date = row.name, row.id_type, row.sex, row.birth_date
    session().flush()
    if is_on_face:
        _replace_certificate(person, context)
        _call_back(person, context)
    row.assented_by, row.assented_at = context.actor_id, context.at
    return {}


@topic("identity_correction.close", needs="correction_id outcome", values={"outcome": "withdrawn lapsed"})
def close(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End what was withdrawn, or whose person was deregistered meanwhile (R80): the diagram says that it is."""
    return {}


def _call_back(person: Person, context: Context) -> None:
    """Call the print of a certificate in the making back, whose face is no longer true (R79): its case makes the next
    edition, and nobody approves this one meanwhile. What is not printed yet counts after the edition made here.
    """
    query = select(Certificate).where(
        Certificate.person_id == person.id,
        Certificate.state == CertificateState.ISSUED,
        Certificate.approval == "pending",
    )
    for certificate in session().scalars(query.order_by(Certificate.id).with_for_update()).all():
        if not certificate.printed_count:
            count_last(certificate)
            continue
        enrollment = session().get(Enrollment, certificate.enrollment_id) if certificate.enrollment_id else None
        if enrollment is None or enrollment.case_id is None:
            raise Conflict(PRINTED)
        if enrollment.reason != FACE_CHANGED:
            enrollment.reason = FACE_CHANGED
            context.send_message(enrollment.case_id, "face_changed")


def _refuse_taken(row: IdentityCorrection) -> None:
    others = select(Person.id).where(
        Person.id_number_digest == row.id_number_digest, Person.state != "deregistered", Person.id != row.person_id
    )
    if session().scalar(others.limit(1)) is not None or owns_number(row.id_number_digest):
        raise InvalidInput({"decision": ALREADY_ENTERED}, text=ALREADY_ENTERED)


def _replace_certificate(person: Person, context: Context) -> None:
    """Make the next edition of a valid certificate on paper, to be printed with the corrected face (as R61)."""
    old = find_approved_certificate(person.id)
    if old is None or not certificates.is_in_force(to_domain(old), context.today):
        return
    if old.kind == "issued" and not old.printed_count:
        return  # nothing is on paper: the face is read when it is printed
    old.state = CertificateState.SUPERSEDED
    session().flush()  # one edition is valid at a time: the old one steps back first
    session().add(next_edition(old))
    if waiting := live_reissue_of(old.id):
        context.send_message(waiting.case_id, "certificate_ended")


def _correction(data: dict[str, Any]) -> IdentityCorrection:
    key = as_id(data.get("correction_id"))
    found = correction_of(key) if key else None
    if found is None:
        raise NotFound
    return found
