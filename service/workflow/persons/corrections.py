"""Correction of an identity that is relied upon (R77): asked for with evidence, withdrawn; decided in tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from service.domain.accounts.permissions import Action
from service.domain.persons import corrections, persons
from service.domain.persons.corrections import CorrectionKind
from service.domain.persons.identity import Identity, IdType, Sex
from service.domain.persons.persons import ALREADY_ENTERED, PersonState
from service.domain.values.validators import parse_reason
from service.errors import N_, Conflict, InvalidInput, Message, NotFound
from service.models.db.clock import today
from service.models.db.encryption import blind_index
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.persons.correction_list import correction_of, live_correction_of
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.accounts.user import User
from service.models.tables.persons.identity_correction import CorrectionFile, IdentityCorrection
from service.models.tables.persons.person import Person
from service.models.tables.system import setting
from service.models.tables.system.audit import AuditEvent
from service.operations.identity import is_identity_locked, owns_number
from service.validation.form_reader import FormReader
from service.workflow.attachments import check_attachment
from service.workflow.authorization import must_reach
from service.workflow.runtime import tasks

PROCESS = "identity_correction"
EVIDENCE = frozenset({"png", "jpg", "jpeg", "pdf"})
MEGABYTE = 1024 * 1024
DECIDED = N_("更正已有结论，不能撤回。")
Files = Sequence[tuple[str, bytes]]


def request_correction(user: User, person_id: UUID, raw: Mapping[str, Any], files: Files) -> IdentityCorrection:
    """Ask for a correction; the province approves it, the association assents.

    raw: ``kind``, ``statement`` and the fields of the identity; an empty ``id_number`` keeps the number. files: name
    and bytes of the evidence. Raises Conflict when none is needed or one is under way, InvalidInput at the field.
    """
    with transaction(Operation("request_correction", user.id)) as current:
        person = _held(user, person_id)
        if why := obstacle(person):
            raise Conflict(why)
        entry = FormReader(raw)
        kind = entry.choice("kind", list(CorrectionKind), required=True)
        statement = entry.parse(parse_reason, entry.typed("statement"), "statement")
        row = _corrected(person, entry)
        checked = entry.parse(_check_files, files) or []
        if row is not None and kind:
            row.kind = kind
            _refuse_misfit(person, row, entry)
        entry.check()
        assert row is not None
        row.statement, row.requested_by = str(statement), user.id
        current.add(row)
        current.flush()
        current.add_all(_file(row, *one) for one in checked)
        tasks.start(user, PROCESS, {"correction_id": str(row.id)}, business_key=str(row.id))
    return row


def withdraw_correction(user: User, correction_id: UUID) -> None:
    """Take a correction back before it has been decided. Raises Conflict once it has."""
    with transaction(Operation("withdraw_correction", user.id)):
        row = own_correction(user, correction_id)
        if row.case_id is None:
            raise Conflict(DECIDED)
        tasks.correlate_message(user, row.case_id, "correction_ended", {"outcome": "withdrawn"}, otherwise=DECIDED)


def own_correction(user: User, correction_id: UUID) -> IdentityCorrection:
    """Find a correction that the user may take back. Raises NotFound."""
    row = visible_correction(user, correction_id)
    must_reach(user, Action.CORRECT_IDENTITY, row.person.unit)
    return row


def visible_correction(user: User, correction_id: UUID) -> IdentityCorrection:
    """A correction of a person in scope; raises NotFound."""
    row = correction_of(correction_id)
    if row is None:
        raise NotFound
    get_or_404_in_scope(user, Person, row.person_id)
    return row


def open_file(user: User, correction_id: UUID, file_id: UUID) -> tuple[CorrectionFile, bytes]:
    """A file of the evidence with its content; raises NotFound."""
    visible_correction(user, correction_id)
    found = session().get(CorrectionFile, file_id)
    if found is None or found.correction_id != correction_id:
        raise NotFound
    return found, found.content


def reveal_numbers(user: User, correction_id: UUID, source: str | None = None) -> tuple[str, str]:
    """The document's whole number before and after; the look is remembered (§5.2)."""
    with transaction(Operation("reveal_number", user.id)) as current:
        row = visible_correction(user, correction_id)
        must_reach(user, Action.REVEAL_NUMBER, row.person.unit)
        current.add(
            AuditEvent.by(
                user,
                "reveal_number",
                "person",
                row.person_id,
                source=source,
                detail={"number": f"{row.former_number_masked}, {row.id_number_masked}"},
            )
        )
        return row.former_number, row.id_number


def is_locked(person: Person) -> bool:
    """Tell whether the identity of a person changes by a correction alone."""
    return is_identity_locked(person.id)


def obstacle(person: Person) -> Message | None:
    """Say why no correction of this person can be asked for now."""
    is_under_way = live_correction_of(person.id) is not None
    return corrections.obstacle_to_correction(PersonState(person.state), is_identity_locked(person.id), is_under_way)


def _held(user: User, person_id: UUID) -> Person:
    """The person, locked: of two who ask at once the second sees the first."""
    session().execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True))
    person = get_or_404_in_scope(user, Person, person_id, joinedload(Person.unit))
    must_reach(user, Action.CORRECT_IDENTITY, person.unit)
    return person


def _corrected(person: Person, entry: FormReader) -> IdentityCorrection | None:
    """The identity as it should be; None when it cannot be read, with the errors at its fields."""
    name = entry.parse(persons.parse_name, entry.typed("name"))
    id_type = entry.choice("id_type", list(IdType)) or person.id_type
    number = entry.typed("id_number") or person.id_number
    sex = entry.choice("sex", list(Sex)) or person.sex
    born = entry.date("birth_date") or person.birth_date
    found: Identity | None = entry.parse(persons.identify, IdType(id_type), number, born, Sex(sex), today())
    if name is None or found is None:
        return None
    row = IdentityCorrection(id=new_id(), person_id=person.id, unit_id=person.unit_id, before=_before(person))
    row.former_number, row.name, row.id_type, row.id_number = person.id_number, name, id_type, found.number
    row.sex, row.birth_date = found.sex, found.birth_date
    return row


def _refuse_misfit(person: Person, row: IdentityCorrection, entry: FormReader) -> None:
    """Refuse what does not change anything, does not fit its reason, or is somebody else's number."""
    changed = corrections.changed_fields(identity_of(person), identity_of(row))
    if why := corrections.obstacle_to_kind(CorrectionKind(row.kind), changed):
        entry.refuse("kind", why)
    if "id_number" in changed:
        taken = select(Person.id).where(Person.id_number_digest == row.id_number_digest, Person.state != "deregistered")
        if session().scalar(taken.limit(1)) is not None or owns_number(row.id_number_digest):
            entry.refuse("id_number", ALREADY_ENTERED)


def identity_of(row: Person | IdentityCorrection) -> dict[str, object]:
    """The locked fields of a person, or of what a correction makes of one; the number by its digest."""
    return {
        "name": row.name,
        "id_type": row.id_type,
        "id_number": row.id_number_digest,
        "birth_date": row.birth_date,
        "sex": row.sex,
    }


def changes_of(row: IdentityCorrection) -> list[tuple[str, object, object]]:
    """The label of each field that a correction changes, before and after; numbers masked."""
    was = {**row.before, "id_number": row.former_number_masked}
    becomes = {
        "name": row.name,
        "id_type": row.id_type,
        "id_number": row.id_number_masked,
        "birth_date": row.birth_date.isoformat(),
        "sex": row.sex,
    }
    differs = {field for field in becomes if was[field] != becomes[field]}
    if blind_index(row.former_number) != row.id_number_digest:
        differs.add("id_number")
    return [(field, was[field], becomes[field]) for field in corrections.LOCKED if field in differs]


def _before(person: Person) -> dict[str, str]:
    return {
        "name": person.name,
        "id_type": person.id_type,
        "birth_date": person.birth_date.isoformat(),
        "sex": person.sex,
    }


def _check_files(files: Files, field: str = "files") -> list[tuple[str, str, bytes]]:
    """Name, media type and content of each. Raises InvalidInput at ``files`` for none, too many, or a wrong one."""
    most = setting.number("attachments")
    if not files:
        raise InvalidInput({field: N_("请上传证明材料，如身份证照片、更名或户籍证明。")})
    if len(files) > most:
        raise InvalidInput({field: Message(N_("一次最多 %(most)s 个文件。"), most=most)})
    limit = setting.number("attachment_megabytes") * MEGABYTE
    return [(*check_attachment(name, data, limit, field, EVIDENCE), data) for name, data in files]


def _file(row: IdentityCorrection, name: str, media_type: str, data: bytes) -> CorrectionFile:
    kept = CorrectionFile(id=new_id(), correction_id=row.id, name=name, media_type=media_type)
    kept.size, kept.content = len(data), data
    return kept
