"""Identity of persons: locked while it is relied upon, and whom a certificate number belongs to (R77)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import exists, or_, select, update

from service.domain.persons.persons import PersonState
from service.domain.training.enrollment_state import LIVE_STATES
from service.errors import N_, Message
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate, NumberOwner
from service.models.tables.persons.person import Person
from service.models.tables.training.training import Enrollment


def is_identity_locked(person_id: UUID) -> bool:
    """Tell whether a certificate of the person, ended ones too, or a live enrolment relies on who the person is."""
    certified = exists().where(Certificate.person_id == person_id)
    enrolled = exists().where(Enrollment.person_id == person_id, Enrollment.state.in_(tuple(LIVE_STATES)))
    return bool(session().scalar(select(or_(certified, enrolled))))


def former_record(person: Person) -> Person | None:
    """Find the latest deregistered record of the same number that has a certificate (R17)."""
    query = select(Person).where(
        Person.id_number_digest == person.id_number_digest,
        Person.id != person.id,
        Person.state == PersonState.DEREGISTERED,
        exists().where(Certificate.person_id == Person.id),
    )
    return session().scalars(query.order_by(Person.id.desc()).limit(1)).one_or_none()


def obstacle_to_owner(number: str, person: Person) -> Message | None:
    """Return why a certificate cannot go on as this person's: its number belongs to another identity (§1.4)."""
    if NumberOwner.owner_of(number) == person.id_number_digest:
        return None
    return Message(N_("证书 %(number)s 登记的持有人与该人员现在的身份不同，请先核实并办理“更正身份”。"), number=number)


def owns_number(digest: bytes) -> bool:
    """Tell whether a certificate number belongs to the identity with this fingerprint."""
    return bool(session().scalar(select(exists().where(NumberOwner.owner == digest))))


def change_owner(before: bytes, after: bytes) -> None:
    """Let the numbers of an identity follow its correction."""
    session().execute(update(NumberOwner).where(NumberOwner.owner == before).values(owner=after))
