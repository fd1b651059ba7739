"""Changes of a person by the association without a new approval (R15, S64, S65): unit and qualification type."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action
from service.domain.certificates.certificates import CertificateState, obstacle_to_type_change
from service.errors import N_, Conflict, InvalidInput
from service.models.db.clock import today
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.certificates.reissue_list import live_reissue_of, live_reissues_of
from service.models.queries.persons.correction_list import live_correction_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.training.training_need_facts import to_domain
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate, next_edition
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import Enrollment
from service.models.tables.units.organisation import Organisation
from service.operations.certificates import follow_records
from service.workflow.authorization import must_reach
from service.workflow.runtime import tasks


def transfer_person(user: User, person_id: UUID, unit_id: UUID) -> Person:
    """Move a person to another unit (S64); number and validity of the certificate stay (R65).

    Open tasks that wait for the province of the unit move to the new province (R42). Raises InvalidInput at ``unit``.
    """
    with transaction(Operation("transfer_person", user.id)):
        person = _person(user, person_id, Action.TRANSFER_PERSON)
        unit = Organisation.hold(unit_id)
        if unit is None or not unit.is_unit or unit.state == "deleted":
            raise InvalidInput({"unit": N_("请选择要转入的单位。")})
        if unit.id == person.unit_id:
            raise InvalidInput({"unit": N_("该人员已在这个单位，请选择另一个。")})
        person.unit_id = unit.id
        session().flush()
        _readdress(user, person, unit)
        _call_back(user, person)
    return person


def change_type(user: User, person_id: UUID, code: str) -> Person:
    """Change the qualification type while the certificate is valid, without any other condition (R61, S65).

    Number and dates stay, the approval too; a new edition waits to be printed, and the old one says so when verified.
    A renewal in the making follows; if it is printed, its print is called back (R79).
    """
    with transaction(Operation("change_qualification_type", user.id)) as current:
        person = _person(user, person_id, Action.CHANGE_TYPE)
        kind = current.scalars(
            select(QualificationType).where(QualificationType.code == code, QualificationType.active)
        ).one_or_none()
        if kind is None or kind.id == person.qualification_type_id:
            raise InvalidInput({"qualification_type": N_("请选择另一种资格类型。")})
        valid = select(Certificate).where(Certificate.person_id == person.id, Certificate.state == "valid")
        old = current.scalars(valid).one_or_none()
        if obstacle := obstacle_to_type_change(to_domain(old) if old else None, today()):
            raise Conflict(obstacle)
        assert old is not None
        old.state = CertificateState.SUPERSEDED
        person.qualification_type_id = kind.id
        current.flush()  # one edition is valid at a time: the old one steps back first
        current.add(next_edition(old, qualification_type_id=kind.id, unit_name=person.unit.name))
        if waiting := live_reissue_of(old.id):
            tasks.correlate_message(user, waiting.case_id, "certificate_ended")
        _call_back(user, person)
    return person


def _call_back(user: User, person: Person) -> None:
    """Let a certificate in the making follow; a print of it is called back (R79)."""
    for case_id in follow_records([person.id]):
        tasks.offer_message(user, case_id, "face_changed")


def _person(user: User, person_id: UUID, action: Action) -> Person:
    person = get_or_404_in_scope(user, Person, person_id, joinedload(Person.unit))
    must_reach(user, action, person.unit)
    if person.state == "deregistered":
        raise Conflict(N_("该人员已注销，不能变更。"))
    return person


def _readdress(user: User, person: Person, unit: Organisation) -> None:
    """Open cases about the person follow to the new province; decided ones keep their snapshot."""
    data = {"unit_id": str(unit.id), "authority_id": str(unit.authority_id) if unit.authority_id else None}
    waiting = select(Enrollment).where(Enrollment.person_id == person.id, Enrollment.state == "pending")
    for enrollment in session().scalars(waiting):
        enrollment.unit_id, enrollment.authority_id = unit.id, unit.authority_id
        session().flush()
        tasks.reroute_tasks(enrollment.case_id, data, user.id)
    if person.state in ("pending", "rejected") and person.case_id:
        case = session().get(Case, person.case_id)
        if case is not None and case.ended_at is None:
            tasks.reroute_tasks(person.case_id, data, user.id)
    if (correction := live_correction_of(person.id)) and correction.case_id:
        tasks.reroute_tasks(correction.case_id, data, user.id)
    for reissue in live_reissues_of(person.id):
        reissue.unit_id = unit.id
        session().flush()
        asker = {} if unit.kind == "academy" else {"asker_id": str(unit.id)}
        tasks.reroute_tasks(reissue.case_id, {**data, **asker}, user.id)
