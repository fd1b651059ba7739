"""人员审批: a person is submitted to the province of the unit, approved, rejected, or deregistered (R9–R21)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action
from service.domain.persons import persons
from service.domain.persons.persons import PersonState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, NotFound
from service.handlers.registry import describe_process, message, task_subject, topic
from service.models.db.session import session
from service.models.queries.persons.correction_list import live_correction_of
from service.models.queries.scope_adapters import is_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment
from service.operations.certificates import end_holders, find_approved_certificate
from service.operations.context import Context, TaskSubject
from service.operations.enrollments import is_academy
from service.operations.legacy_certificates import create_legacy_certificate, relink_certificate
from service.operations.personal_values import typed_text
from service.validation.typed_text import as_id

describe_process(
    "personnel_approval",
    starts_with="person_id",
    may_start_with="request reason",
    messages={"deregister": message("reason", awaited_throughout=True), "take_back": message()},
)


@task_subject("personnel_approval")
def describe_subject(data: dict[str, Any]) -> TaskSubject:
    """Describe an approval by person and unit."""
    if "unit_id" not in data:
        return TaskSubject()
    person = _person(data)
    return TaskSubject(
        subject=person.name,
        summary=person.qualification_type.name,
        unit_name=person.unit.name,
        facts=_facts(person),
        unit_id=person.unit_id,
        authority_id=person.unit.authority_id,
    )


@topic(
    "personnel_approval.receive",
    needs="person_id",
    reads="request",
    gives="request unit_id authority_id is_academy",
    values={"request": "approval deregister"},
)
def receive(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Find the unit and authority of the case. Raises NotFound unless the actor may request it: the unit an approval,
    the province a deregistration.
    """
    person, request = _person(data), data.get("request") or "approval"
    user = User.get(context.actor_id) if context.actor_id else None
    action = Action.DEREGISTER_PERSON if request == "deregister" else Action.EDIT_PERSON
    if user and not is_in_scope(user, action, person.unit):
        raise NotFound
    return {
        "request": request,
        "unit_id": str(person.unit_id),
        "authority_id": str(person.unit.authority_id) if person.unit.authority_id else None,
        "is_academy": is_academy(person.unit),
    }


@topic("personnel_approval.submit", needs="person_id is_academy", is_undoable=True)
def submit(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Submit a draft, changed (R14) or rejected person to the province; an academy's is approved at once (R12).

    Raises InvalidInput without the declaration, or under age (R20).
    """
    person = _person(data)
    persons.check_declaration(person.no_criminal_record)
    if not persons.is_adult(person.birth_date, context.today):
        raise InvalidInput({"birth_date": N_("该人员未满 18 周岁，不能录入。")})
    person.case_id = context.case_id
    if data["is_academy"]:
        _enter(person, context)
    return {}


@topic("personnel_approval.approve", needs="person_id", is_undoable=True)
def approve(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Approve: the person may be enrolled, and earlier certificates count (R12, R17, R21)."""
    person = _person(data)
    _enter(person, context)
    person.decision_comment = None
    return {}


@topic("personnel_approval.reject", needs="person_id", reads="reason", is_undoable=True)
def reject(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Reject with a comment; the unit corrects the record and submits again (R13)."""
    person = _person(data)
    person.decision_comment = parse_reason(typed_text(data, "reason"))
    return {}


@topic("personnel_approval.take_back", needs="person_id")
def take_back(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Give a submitted person back to the unit, which corrects the record and submits again (R85)."""
    _person(data).decision_comment = None
    return {}


@topic("personnel_approval.deregister", needs="person_id", reads="reason")
def deregister(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    """Deregister for good, with a reason. Raises Conflict while an enrolment is live (R17)."""
    person = _person(data)
    live = select(Enrollment.id).where(Enrollment.person_id == person.id, Enrollment.state.in_(LIVE_ENROLLMENT))
    has_live = session().scalar(live.limit(1)) is not None
    if obstacle := persons.obstacle_to_deregistration(PersonState(person.state), has_live):
        raise Conflict(obstacle)
    person.decision_comment = parse_reason(typed_text(data, "reason"))
    person.case_id = context.case_id
    if (correction := live_correction_of(person.id)) and correction.case_id:
        context.send_message(correction.case_id, "correction_ended", {"outcome": "lapsed"})
    if held := find_approved_certificate(person.id):
        session().flush()
        end_holders(held, context)
    return {}


def _enter(person: Person, context: Context) -> None:
    person.is_photo_approved = True
    relink_certificate(person, context.today)
    create_legacy_certificate(person, context)


def _person(data: dict[str, Any]) -> Person:
    query = select(Person).options(joinedload(Person.unit), joinedload(Person.qualification_type))
    found = session().scalars(query.where(Person.id == as_id(data.get("person_id")))).one_or_none()
    if found is None:
        raise NotFound
    return found


def _facts(person: Person) -> dict[str, Any]:
    return {
        "qualification_type": person.qualification_type.code,
        "qualification_name": person.qualification_type.name,
        "id_number": person.id_number_masked,
        "sex": person.sex,
        "birth_date": person.birth_date.isoformat(),
        "legacy_number": person.legacy_number,
        "has_photo": person.photo_id is not None,
        "legacy_valid_to": person.legacy_valid_to.isoformat() if person.legacy_valid_to else None,
    }
