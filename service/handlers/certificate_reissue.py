"""遗失补办: the unit applies for a lost certificate, the association decides,
a new edition is issued and printed (R64, S12).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.certificates import certificates
from service.domain.certificates.certificates import CertificateKind, CertificateState
from service.domain.persons.persons import PersonState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, NotFound
from service.handlers.registry import Ending, describe_process, message, task_subject, topic
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.queries.certificates.reissue_list import live_reissue_of, reissue_of
from service.models.queries.scope_adapters import is_in_scope
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, next_edition
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import authority_id
from service.operations.certificates import log_print
from service.operations.context import Context, TaskSubject
from service.operations.enrollments import is_academy
from service.operations.identity import obstacle_to_owner
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process(
    "certificate_reissue",
    starts_with="certificate_id statement",
    messages={
        "withdraw_reissue": message(awaited_throughout=True),
        "certificate_ended": message(awaited_throughout=True),
    },
)


@task_subject("certificate_reissue")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a reissue by holder, unit and certificate."""
    if "reissue_id" not in data:
        return TaskSubject()
    certificate = _reissue(data).certificate
    person = certificate.person
    return TaskSubject(
        subject=person.name,
        summary=certificate.number,
        unit_name=person.unit.name,
        facts={
            "certificate_number": certificate.number,
            "qualification_name": certificate.qualification_type.name,
            "valid_to": certificate.valid_to.isoformat(),
            "id_number": person.id_number_masked,
        },
        unit_id=person.unit_id,
        authority_id=person.unit.authority_id,
    )


@topic(
    "certificate_reissue.receive",
    needs="certificate_id",
    reads="statement",
    gives="reissue_id certificate_number person_id unit_id authority_id asker_role asker_id",
)
def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Create the application of the holder's unit for a valid, printed certificate that is not being reissued.

    Raises NotFound out of scope, Conflict when there is nothing to reissue, InvalidInput without a statement.
    """
    certificate = _certificate(data)
    unit = certificate.person.unit
    user = User.get(context.actor_id) if context.actor_id else None
    if user is None or not is_in_scope(user, Action.REQUEST_REISSUE, unit):
        raise NotFound
    _check_reissuable(certificate, context)
    if live_reissue_of(certificate.id):
        raise Conflict(N_("这份证书的补办正在办理，请勿重复申请。"))
    row = Reissue(
        id=new_id(),
        certificate_id=certificate.id,
        unit_id=unit.id,
        requested_by=user.id,
        case_id=context.case_id,
        statement=parse_reason(typed_text(data, "statement"), "statement"),
    )
    session().add(row)
    applicant = (Role.ASSOCIATION, authority_id("association")) if is_academy(unit) else (Role.ENTERPRISE, unit.id)
    return {
        "reissue_id": str(row.id),
        "certificate_number": certificate.number,
        "person_id": str(certificate.person_id),
        "unit_id": str(unit.id),
        "authority_id": str(unit.authority_id) if unit.authority_id else None,
        "asker_role": applicant[0].value,
        "asker_id": str(applicant[1]),
    }


@topic("certificate_reissue.send_back", needs="reissue_id", reads="reason", is_undoable=True)
def send_back(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Return the application to the unit; the reason says what is missing."""
    return _decide(data, context)


@topic("certificate_reissue.refuse", needs="reissue_id", reads="reason", is_undoable=True)
def refuse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Refuse with a reason; the certificate is unchanged."""
    return _decide(data, context)


@topic("certificate_reissue.resubmit", needs="reissue_id", reads="statement", is_undoable=True)
def resubmit(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Submit again with a new statement."""
    row = _reissue(data)
    row.statement = parse_reason(typed_text(data, "statement"), "statement")
    return {}


@topic("certificate_reissue.withdraw", needs="reissue_id")
def withdraw(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Withdraw the application: the diagram says that it is."""
    return {}


@topic("certificate_reissue.lapse", needs="reissue_id")
def lapse(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End the reissue because the certificate has ended in the meantime."""
    return {}


@topic(
    "certificate_reissue.issue_edition",
    needs="reissue_id",
    gives="new_certificate_id",
    ends=Ending(N_("原证随即作废，公开查验即时可见；补发的新版待打印。不能撤回。")),
)
def issue_edition(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Replace the lost edition: same number, dates and approval, a new token (R64)."""
    row = _reissue(data)
    old = row.certificate
    _check_reissuable(old, context)
    old.state = CertificateState.SUPERSEDED
    session().flush()  # a unique index allows one valid edition: the lost one first
    new = next_edition(old, unit_name=old.person.unit.name)
    session().add(new)
    session().flush()
    row.new_certificate_id, row.comment = new.id, None
    row.decided_by, row.decided_at = context.actor_id, context.at
    return {"new_certificate_id": str(new.id)}


@topic("certificate_reissue.record_print", needs="reissue_id", reads="print_reason")
def record_print(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Log the print of the new edition, which ends the reissue (R58)."""
    row = _reissue(data)
    certificate = session().get_one(Certificate, row.new_certificate_id, populate_existing=True)
    has_photo = row.certificate.person.has_approved_photo
    log_print(certificate, has_photo, typed_text(data, "print_reason"), context.actor_id, context.at)
    return {}


def _decide(data: dict[str, Any], context: Context) -> dict[str, Any]:
    row = _reissue(data)
    row.comment = parse_reason(typed_text(data, "reason"))
    row.decided_by, row.decided_at = context.actor_id, context.at
    return {}


def _check_reissuable(certificate: Certificate, context: Context) -> None:
    if certificate.person.state == PersonState.DEREGISTERED:
        raise Conflict(N_("持证人已注销，不能补办。"))
    is_printed = certificate.kind == CertificateKind.LEGACY or certificate.printed_count > 0
    if mismatch := obstacle_to_owner(certificate.number, certificate.person):
        raise Conflict(mismatch)
    if obstacle := certificates.obstacle_to_reissue(to_domain(certificate), context.today, is_printed):
        raise Conflict(obstacle)


def _reissue(data: dict[str, Any]) -> Reissue:
    return reissue_of(UUID(data["reissue_id"]))


def _certificate(data: dict[str, Any]) -> Certificate:
    loaded = joinedload(Certificate.person).joinedload(Person.unit)
    query = select(Certificate).options(loaded).where(Certificate.id == as_id(data.get("certificate_id")))
    found = session().scalars(query.with_for_update(of=Certificate)).one_or_none()
    if found is None:
        raise NotFound
    return found
