"""Certificates that a newly approved person holds already: issued before this system, or under an older record."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select

from service.domain.certificates import certificate_number
from service.domain.certificates.certificates import CertificateKind, CertificateState, parse_legacy
from service.domain.persons.persons import PersonState
from service.errors import N_, InvalidInput, Message
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.tables.certificates.certificate import Certificate, CertificateSerial, NumberOwner
from service.models.tables.persons.person import Person
from service.operations.context import Context


def relink_certificate(person: Person, today: date) -> None:
    """Link an unexpired certificate of a deregistered record with the same identity number to this person (R17)."""
    former = select(Person.id).where(
        Person.id_number_digest == person.id_number_digest,
        Person.id != person.id,
        Person.state == PersonState.DEREGISTERED,
    )
    query = select(Certificate).where(
        Certificate.person_id.in_(former), Certificate.state == CertificateState.VALID, Certificate.valid_to >= today
    )
    found = session().scalars(query).one_or_none()
    if found is not None and _held(person) is None:
        found.person_id = person.id
        session().flush()


def create_legacy_certificate(person: Person, context: Context) -> None:
    """Create a certificate from the legacy fields of the person's record; who approves it vouches for it (R21).

    Approved again after an edit, the certificate is updated. Raises InvalidInput when the number is another person's.
    """
    if not person.legacy_number:
        return
    number, issued_on, valid_to = _parse(person, context.today)
    _reserve_number(number, person, context.today)
    held = _held(person)
    if held is None:
        if not _exists(number):
            session().add(_legacy(person, context, number, issued_on, valid_to))
    elif held.kind == CertificateKind.LEGACY and held.number == number and held.edition == 1:
        held.first_issued_on = held.issued_on = issued_on
        held.valid_to = valid_to


def obstacle_to_number(number: str, person: Person, today: date) -> Message | None:
    """Return why a typed number cannot be this person's: it is another's, or ours and not given out yet (R78)."""
    owner = NumberOwner.owner_of(number)
    if owner is not None:
        is_own = owner == person.id_number_digest
        return None if is_own else Message(N_("证书编号 %(number)s 已属于另一名人员，请对照证书核对。"), number=number)
    own = certificate_number.read_own_form(number)
    last = CertificateSerial.last_of(own.province, own.year) if own else None
    return certificate_number.obstacle_to_typing(number, last, today)


def _parse(person: Person, today: date) -> tuple[str, date, date]:
    """Read the legacy fields as entry does, since they may have been entered when the rules were others."""
    try:
        return parse_legacy(person.legacy_number, person.legacy_issued_on, person.legacy_valid_to, today)
    except InvalidInput as wrong:
        why = next(iter(wrong.fields.values()))
        raise InvalidInput({"decision": why, **wrong.fields}, text=why) from wrong


def _reserve_number(number: str, person: Person, today: date) -> None:
    """Reserve a number for the person for good, ended certificates included (domain.md §1.4)."""
    if obstacle := obstacle_to_number(number, person, today):
        raise InvalidInput({"decision": obstacle, "certificate_number": obstacle}, text=obstacle)
    if session().get(NumberOwner, number) is None:
        session().add(NumberOwner(number=number, owner=person.id_number_digest))


def _held(person: Person) -> Certificate | None:
    query = select(Certificate).where(
        Certificate.person_id == person.id, Certificate.state.in_((CertificateState.VALID, CertificateState.ISSUED))
    )
    return session().scalars(query.order_by(Certificate.state.desc())).first()


def _exists(number: str) -> bool:
    """True if the ledger has this number: that certificate has ended, and typing it again does not revive it."""
    return bool(session().scalar(select(func.count()).select_from(Certificate).where(Certificate.number == number)))


def _legacy(person: Person, context: Context, number: str, issued_on: date, valid_to: date) -> Certificate:
    return Certificate(
        id=new_id(),
        number=number,
        person_id=person.id,
        qualification_type_id=person.qualification_type_id,
        kind=CertificateKind.LEGACY,
        first_issued_on=issued_on,
        issued_on=issued_on,
        valid_to=valid_to,
        edition=1,
        state=CertificateState.VALID,
        approval="approved",
        approved_by=context.actor_id,
        approved_at=context.at,
        unit_name=person.unit.name,
    )
