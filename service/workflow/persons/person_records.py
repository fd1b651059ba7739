"""Plain audited changes of persons: entering, editing, submitting, deleting a draft, deregistering (R12–R21)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import delete, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import UNIT_ROLES, Role
from service.domain.certificates.certificates import parse_legacy
from service.domain.persons import persons
from service.domain.persons.corrections import IDENTITY_LOCKED, OTHER_IDENTITY
from service.domain.persons.identity import Identity, IdType, Sex
from service.domain.persons.person_fields import PERSON_FIELDS
from service.domain.persons.persons import ALREADY_ENTERED, PersonState
from service.domain.values.validators import parse_phone, parse_reason
from service.errors import N_, Conflict, InvalidInput, Message
from service.models.db.clock import today
from service.models.db.encryption import blind_index
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.queries.scope_adapters import is_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.persons.person import Person, QualificationType
from service.models.tables.runtime.case import Task
from service.models.tables.system.audit import AuditEvent
from service.models.tables.training.training import LIVE_ENROLLMENT, Enrollment, TrainingNeed
from service.models.tables.units.organisation import Organisation
from service.operations.identity import former_record, is_identity_locked
from service.operations.legacy_certificates import obstacle_to_number
from service.validation.form_reader import FormReader
from service.validation.record_fields import Place
from service.workflow.authorization import must_reach
from service.workflow.optimistic_lock import check_version
from service.workflow.persons.photos import CleanPhoto, clean_photo, keep_photo
from service.workflow.runtime import tasks

PROCESS = "personnel_approval"
IN_OWN_SCOPE = Message(N_("该人员已录入，请在人员列表中查找，不必重复录入。"))


def save_person(
    user: User, person_id: UUID | None, raw: Mapping[str, Any], photo: bytes | CleanPhoto | None = None
) -> Person:
    """Enter a person (None) or change one;
    an effective change of an approved one by its unit asks for a new approval (R14).

    raw: the fields of the form as typed; an empty ``id_number`` or ``phone`` of a known person keeps what is stored.
    photo: the bytes of an upload, one that was checked before,
    or None. Raises InvalidInput with an error at each field, Conflict, NotFound.
    """
    with transaction(Operation("save_person", user.id)):
        person = _new_person(user, raw) if person_id is None else _editable(user, person_id, raw)
        before = _values(person)
        entry = FormReader(raw)
        kept = keep_photo(clean) if (clean := _checked(photo, entry)) else None
        person.photo_id = kept.id if kept else person.photo_id
        _fill_identity(user, person, entry)
        _fill_facts(person, entry)
        entry.check()
        _write(user, person)
        changed = persons.effective_changes(before, _values(person))
        if kept:
            person.is_photo_approved = Role(user.role) not in UNIT_ROLES
        if persons.needs_new_approval(PersonState(person.state), Role(user.role), changed):
            _start_approval(user, person)
    return person


def submit_person(user: User, person_id: UUID) -> Person:
    """Send a draft, or one that was sent back, to the province of its unit (R12, R13);
    an academy's is approved at once.

    Raises InvalidInput when something that approval needs is missing, Conflict when it is with the province already.
    """
    with transaction(Operation("submit_person", user.id)):
        person = _reachable(user, person_id, Action.EDIT_PERSON)
        persons.check_declaration(person.no_criminal_record)
        if person.state == PersonState.REJECTED and (task := _revision(person)):
            tasks.complete(user, task.id, {})
        elif person.state in (PersonState.DRAFT, PersonState.REJECTED):
            _start_approval(user, person)
        else:
            raise Conflict(
                persons.obstacle_to_editing(PersonState(person.state)) or Message(N_("该人员已审批，无须再提交。"))
            )
    return person


def save_and_submit(
    user: User, person_id: UUID | None, raw: Mapping[str, Any], photo: bytes | CleanPhoto | None = None
) -> Person:
    """Save and send for approval, both or neither."""
    with transaction(Operation("submit_person", user.id)):
        try:
            person = save_person(user, person_id, raw, photo)
        except InvalidInput as refused:
            raise InvalidInput(refused.fields | _undeclared(raw)) from refused
        if person.state in (PersonState.DRAFT, PersonState.REJECTED):
            submit_person(user, person.id)
    return person


def take_back_person(user: User, person_id: UUID) -> Person:
    """Take a submitted person back to correct the record, while nobody has begun the step it is at (R85)."""
    with transaction(Operation("take_back_person", user.id)):
        person = _reachable(user, person_id, Action.EDIT_PERSON)
        query = select(Task.assignee_id).where(Task.case_id == person.case_id, Task.state == "open")
        assignees = session().scalars(query).all()
        if person.state != PersonState.PENDING or not assignees or person.case_id is None:
            raise Conflict(N_("该人员不在审批中，无须撤回。"))
        if any(assignees):
            raise Conflict(N_("已有人开始审批，不能撤回；如有错误请联系审批方退回。"))
        tasks.correlate_message(
            user, person.case_id, "take_back", otherwise=N_("这件审批是旧版流程，不能撤回；请联系省级主管部门退回。")
        )
    return person


def _undeclared(raw: Mapping[str, Any]) -> dict[str, Message]:
    """Find what submitting would refuse besides: all errors of a form are told in one round."""
    try:
        persons.check_declaration(FormReader(raw).is_ticked("no_criminal_record"))
    except InvalidInput as refused:
        return dict(refused.fields)
    return {}


def delete_draft(user: User, person_id: UUID) -> None:
    """Delete a draft that was never submitted (R16)."""
    with transaction(Operation("delete_draft", user.id)) as current:
        person = _reachable(user, person_id, Action.DELETE_DRAFT_PERSON)
        if obstacle := persons.obstacle_to_deletion(PersonState(person.state)):
            raise Conflict(obstacle)
        current.execute(delete(TrainingNeed).where(TrainingNeed.person_id == person.id))
        current.delete(person)


def deregister_person(user: User, person_id: UUID, reason: str) -> Person:
    """Deregister a person for ever (R17): the province with reason; an approval under way ends with it."""
    with transaction(Operation("deregister_person", user.id)):
        person = _reachable(user, person_id, Action.DEREGISTER_PERSON)
        why = parse_reason(reason)
        if obstacle := persons.obstacle_to_deregistration(PersonState(person.state), has_live_enrollment(person.id)):
            raise Conflict(obstacle)
        if person.state == PersonState.APPROVED:
            data = {"person_id": str(person.id), "request": "deregister"}
            tasks.start(user, PROCESS, data, personal={"reason": why}, business_key=str(person.id))
        elif person.case_id:
            tasks.correlate_message(user, person.case_id, "deregister", personal={"reason": why})
    return person


def reveal_number(user: User, person_id: UUID, source: str | None = None) -> Person:
    """The person whose whole number the user wants to see; the look is remembered (§5.2)."""
    with transaction(Operation("reveal_number", user.id)) as current:
        person = _reachable(user, person_id, Action.REVEAL_NUMBER)
        current.add(
            AuditEvent.by(
                user, "reveal_number", "person", person.id, source=source, detail={"number": person.id_number_masked}
            )
        )
    return person


def has_live_enrollment(person_id: UUID) -> bool:
    """Tell whether an enrolment of the person is under way."""
    query = select(Enrollment.id).where(Enrollment.person_id == person_id, Enrollment.state.in_(LIVE_ENROLLMENT))
    return session().scalar(query.limit(1)) is not None


def _checked(photo: bytes | CleanPhoto | None, entry: FormReader) -> CleanPhoto | None:
    return entry.parse(clean_photo, photo) if isinstance(photo, bytes) and photo else photo or None


def _new_person(user: User, raw: Mapping[str, Any]) -> Person:
    entry = FormReader(raw)
    unit_id = entry.id("unit") if entry.typed("unit") else user.organisation_id
    unit = Organisation.hold(unit_id)
    if unit is None or not unit.is_unit or unit.state == "deleted" or not _reaches(user, unit):
        raise InvalidInput({"unit": N_("请选择人员所在的单位。")})
    must_reach(user, Action.EDIT_PERSON, unit)
    return Person(id=new_id(), unit_id=unit.id, state=PersonState.DRAFT)


def _reaches(user: User, unit: Organisation) -> bool:
    """Tell whether persons of the unit are in the user's reach; a role without the action is told so instead."""
    return not may(Role(user.role), Action.EDIT_PERSON) or is_in_scope(user, Action.EDIT_PERSON, unit)


def _editable(user: User, person_id: UUID, raw: Mapping[str, Any]) -> Person:
    # held before it is read: of two who save at once the second sees what the first has saved
    session().execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))
    person = _reachable(user, person_id, Action.EDIT_PERSON)
    check_version(person.version, raw)
    if obstacle := persons.obstacle_to_editing(PersonState(person.state)):
        raise Conflict(obstacle)
    return person


def _reachable(user: User, person_id: UUID, action: Action) -> Person:
    person = get_or_404_in_scope(user, Person, person_id, joinedload(Person.unit))
    must_reach(user, action, person.unit)
    return person


def _fill_identity(user: User, person: Person, entry: FormReader) -> None:
    """Name, document, birth and sex (R18), and whether somebody has entered this number already (R19).

    They are locked while a certificate or a live enrolment stands on them (R77).
    """
    name = entry.parse(persons.parse_name, entry.typed("name")) or person.name or ""
    id_type = entry.choice("id_type", list(IdType)) or person.id_type or IdType.RESIDENT_ID
    number = entry.typed("id_number") or person.id_number or ""
    sex = entry.choice("sex", list(Sex)) or person.sex
    born = entry.date("birth_date") or person.birth_date
    identity = entry.parse(persons.identify, IdType(id_type), number, born, Sex(sex) if sex else None, today())
    with session().no_autoflush:
        if inspect(person).persistent and is_identity_locked(person.id):
            _refuse_locked(person, name, IdType(id_type), identity, entry)
            return
    person.name = name
    if identity is None:
        return
    person.id_type, person.sex, person.birth_date = IdType(id_type), identity.sex, identity.birth_date
    person.id_number = identity.number
    _refuse_duplicate(user, person, entry)
    _refuse_other_identity(person, entry)


def _refuse_locked(person: Person, name: str, id_type: IdType, identity: Identity | None, entry: FormReader) -> None:
    """Refuse each locked field that was typed differently, and change none (R77)."""
    is_same_name = entry.typed("name") == person.name  # as it was kept, before names had one normal form
    typed: dict[str, object] = {"name": person.name if is_same_name else name, "id_type": id_type}
    if identity is not None:
        typed |= {"id_number": identity.number, "birth_date": identity.birth_date, "sex": identity.sex}
    for field, value in typed.items():
        if value != getattr(person, field):
            entry.refuse(field, IDENTITY_LOCKED)


def _refuse_other_identity(person: Person, entry: FormReader) -> None:
    """Refuse another name, birth or sex than a deregistered, certified record of the number has (R17, R77)."""
    with session().no_autoflush:
        former = former_record(person)
    for field in ("folded_name", "id_type", "birth_date", "sex"):
        if former is not None and getattr(former, field) != getattr(person, field):
            entry.refuse(field.removeprefix("folded_"), OTHER_IDENTITY)


def _refuse_duplicate(user: User, person: Person, entry: FormReader) -> None:
    with session().no_autoflush:
        query = (
            select(Person)
            .options(joinedload(Person.unit))
            .where(
                Person.id_number_digest == person.id_number_digest,
                Person.state != "deregistered",
                Person.id != person.id,
            )
        )
        other = session().scalars(query).one_or_none()
    if other is not None:
        is_own = is_in_scope(user, Action.EDIT_PERSON, other.unit)
        entry.refuse("id_number", IN_OWN_SCOPE if is_own else ALREADY_ENTERED)


def _fill_facts(person: Person, entry: FormReader) -> None:
    with session().no_autoflush:
        kind = _qualification_type(person, entry)
    if kind is not None:
        person.qualification_type_id = kind
    for field in PERSON_FIELDS.plain(Place.FORM):
        setattr(person, field.key, entry.record_field(field, today()))
    person.no_criminal_record = entry.is_ticked("no_criminal_record")
    phone = entry.parse(parse_phone, entry.typed("phone"))
    if phone and phone != person.phone:
        person.phone = phone
    _fill_legacy(person, entry)


def _qualification_type(person: Person, entry: FormReader) -> UUID | None:
    """The chosen type; once there is a certificate only the association changes it (R61)."""
    code = entry.typed("qualification_type")
    found = (
        session()
        .scalars(select(QualificationType).where(QualificationType.code == code, QualificationType.active))
        .one_or_none()
    )
    if found is None:
        entry.refuse("qualification_type", N_("请从列表中选择资格类型。"))
        return None
    if person.qualification_type_id not in (None, found.id) and _has_certificate(person.id):
        entry.refuse("qualification_type", N_("该人员已持有证书，资格类型由协会变更。"))
        return None
    return found.id


def _has_certificate(person_id: UUID) -> bool:
    query = select(Certificate.id).where(Certificate.person_id == person_id, Certificate.state.in_(("valid", "issued")))
    return session().scalar(query.limit(1)) is not None


def _fill_legacy(person: Person, entry: FormReader) -> None:
    """The certificate of the time before this system, vouched for by the province's approval (R21)."""
    typed = [entry.typed(name) for name in ("certificate_number", "certificate_issued_on", "certificate_valid_to")]
    if not any(typed):
        person.legacy_number = person.legacy_issued_on = person.legacy_valid_to = None
        return
    issued, valid_to = entry.date("certificate_issued_on"), entry.date("certificate_valid_to")
    found: tuple[str, date | None, date] | None = entry.parse(parse_legacy, typed[0], issued, valid_to, today())
    if found and person.birth_date and found[1] and not persons.is_adult(person.birth_date, found[1]):
        entry.refuse("certificate_issued_on", N_("发证时该人员未满 18 周岁，请对照原证书核对。"))
    if found:
        with session().no_autoflush:
            obstacle = obstacle_to_number(found[0], person, today())
        if obstacle:
            entry.refuse("certificate_number", obstacle)
        person.legacy_number, person.legacy_issued_on, person.legacy_valid_to = found


def _write(user: User, person: Person) -> None:
    """Write now, so that two units entering one person at the same instant are told apart (R19)."""
    session().add(person)
    try:
        session().flush()
    except IntegrityError as error:
        if "uq_person_id_number" in str(error.orig):
            raise InvalidInput({"id_number": ALREADY_ENTERED}) from error
        raise


def _values(person: Person) -> dict[str, object]:
    """The values whose change counts (R14): the number and the telephone by their digests."""
    values: dict[str, object] = {name: getattr(person, name, None) for name in PERSON_FIELDS.compared()}
    return values | {"phone_digest": blind_index(person.phone) if person.phone else None}


def _start_approval(user: User, person: Person) -> None:
    """Start the process that decides about the person (R12); its handlers write the decision."""
    started = tasks.start(user, PROCESS, {"person_id": str(person.id)}, business_key=str(person.id))
    person.case_id = started.case_id


def _revision(person: Person) -> Task | None:
    """The open task in which the unit mends and sends again what the province sent back."""
    query = select(Task).where(Task.case_id == person.case_id, Task.state == "open", Task.element == "revise_person")
    return session().scalars(query).first()


def visible_person(user: User, person_id: UUID) -> Person:
    """A person in scope with unit and type loaded; raises NotFound."""
    return get_or_404_in_scope(user, Person, person_id, joinedload(Person.unit), joinedload(Person.qualification_type))
