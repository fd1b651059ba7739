"""过期注销: an expired certificate whose holder did not take part is deregistered by the ministry (R62, R63, S77)."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.certificates import certificates
from service.domain.persons.persons import PersonState
from service.domain.values.calendar import add_years, start_of_day
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.handlers.registry import Ending, describe_process, message, task_subject, topic
from service.models.db.session import session
from service.models.queries.training.training_need_facts import facts_of, to_domain
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import Organisation
from service.operations.certificates import end_holders
from service.operations.context import Context, TaskSubject
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process(
    "certificate_deregistration",
    starts_with="certificate_id",
    messages={"recheck": message(may_give="ended_certificate")},
)

DEFAULT_REASON = N_("有效期满，未参加换证培训")


@task_subject("certificate_deregistration")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe a deregistration by holder and certificate, batched by province."""
    if "authority_id" not in data:
        return TaskSubject()
    certificate = _certificate(data)
    person = certificate.person
    province = session().get(Organisation, person.unit.authority_id) if person.unit.authority_id else None
    return TaskSubject(
        subject=person.name,
        summary=certificate.number,
        unit_name=person.unit.name,
        batch=str(province.id) if province else None,
        batch_title=province.name if province else None,
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
    "certificate_deregistration.gather_facts",
    needs="certificate_id",
    gives="is_due person_id unit_id valid_to certificate_number authority_id",
    is_undoable=True,
)
def gather_facts(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Decide if the certificate is still due. Raises Conflict when a case is started for one that is not (R25, R62)."""
    certificate = _certificate(data)
    obstacle = _obstacle(certificate, context.today)
    if obstacle and context.seq == 0:
        raise Conflict(obstacle)
    person = certificate.person
    return {
        "is_due": obstacle is None,
        "person_id": str(person.id),
        "unit_id": str(person.unit_id),
        "valid_to": certificate.valid_to.isoformat(),
        "certificate_number": certificate.number,
        "authority_id": str(person.unit.authority_id) if person.unit.authority_id else None,
    }


@topic(
    "certificate_deregistration.deregister",
    needs="certificate_id",
    reads="reason",
    ends=Ending(N_("证书终止，不能恢复；持证人须重新取证并编新号。"), reason=N_("注销原因")),
)
def deregister(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """End the certificate: its holder now needs an initial certification and a new number (R62, R63)."""
    certificate = _certificate(data)
    if obstacle := _obstacle(certificate, context.today):
        raise Conflict(obstacle)
    certificate.void_reason = parse_reason(typed_text(data, "reason") or DEFAULT_REASON)
    end_holders(certificate, context)
    return {}


@topic("certificate_deregistration.postpone", needs="until", reads="reason", gives="resume_at", is_undoable=True)
def postpone(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Postpone the decision to a day within a year, with a reason; the facts are gathered again then."""
    parse_reason(typed_text(data, "reason"))
    until = date.fromisoformat(data["until"])
    if not context.today < until <= add_years(context.today, 1):
        raise InvalidInput({"until": N_("请选择明天起一年以内的某一日。")})
    return {"resume_at": start_of_day(until).isoformat()}


def _obstacle(certificate: Certificate, today: date) -> Message | None:
    """Say why it cannot be deregistered now; the certificate of a deregistered person stays in the ledger (R17)."""
    if certificate.person.state == PersonState.DEREGISTERED:
        return Message(N_("持证人已注销，证书留存台账，无须注销。"))
    known = facts_of([certificate.person_id], today)[certificate.person_id]
    under_way = bool(known.facts["is_renewal_under_way"])
    return certificates.obstacle_to_deregistration(to_domain(certificate), today, under_way)


def _certificate(data: dict[str, Any]) -> Certificate:
    loaded = (joinedload(Certificate.qualification_type), joinedload(Certificate.person).joinedload(Person.unit))
    query = select(Certificate).options(*loaded).where(Certificate.id == as_id(data.get("certificate_id")))
    found = session().scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound
    return found
