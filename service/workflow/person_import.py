"""Import of persons from a sheet (R72): all rows rehearsed by the rules of the form, then entered, all or none unless asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.domain import persons
from service.domain.identity import IdType, Sex
from service.domain.permissions import Action, may
from service.domain.roles import Role
from service.domain.units import UnitKind
from service.errors import N_, AnpeiError, Conflict, InvalidInput, Message, NotAllowed, NotFound, ProcessError
from service.models import (
    AuditEvent,
    Cause,
    Job,
    PersonImport,
    QualificationType,
    User,
    new_id,
    now,
    session,
    transaction,
)
from service.models import person_import as imports
from service.models.sealed import seal, unseal_text
from service.models.unit_list import unit_choices
from service.workflow import jobs
from service.workflow.actors import must_have_record
from service.workflow.person_sheet import Options, Row, Spell, plain, read_people
from service.workflow.registry import save_and_submit, save_person

AT_ONCE = 200  # rows that are checked or entered while the reader waits
AT_ONCE_SUBMITTED = 20  # an approval is started for each
SLICE = 50  # rows between two notes of the progress
KEPT = timedelta(days=1)
SAFETY = timedelta(minutes=2)  # what is done while the reader waits is taken up by the worker if the process dies
CHECK, ENTER, REMOVAL = "person_import.check", "person_import.enter", "person_import.remove"

Wrong = dict[str, dict[str, Message]]
"""Row number, as text → field (or '' for the row) → why."""


class _Undone(Exception):
    """Leaves a transaction without a trace."""


def begin(user: User, import_id: UUID, data: bytes, submit: bool, spell: Spell) -> PersonImport:
    """Take an uploaded file and check every row of it; nothing is written but the sealed rows.

    import_id: of the form; sent twice it gives the same import. submit: whether what is entered is to be sent for
    approval, whose rules are then checked too. Raises InvalidInput for the file, NotAllowed, Conflict (R3).
    """
    if not may(Role(user.role), Action.EDIT_PERSON):
        raise NotAllowed
    must_have_record(user, Action.EDIT_PERSON)
    if session().get(PersonImport, import_id) is not None:
        return find(user, import_id)
    rows = read_people(data, choices(user, spell), spell)
    user_id, wrong = user.id, {str(row.number): row.wrong for row in rows if row.wrong}
    values = {"id": import_id, "at": now(), "user_id": user_id, "organisation_id": user.organisation_id, "submit": submit,
              "total": len(rows), "sealed": _seal(rows), "wrong": _write_down(wrong)}  # fmt: skip
    waits = len(rows) <= AT_ONCE
    with transaction(Cause("begin_person_import", user_id)) as current:
        if is_new := imports.keep(values):
            current.add_all([_job(REMOVAL, import_id, KEPT), _job(CHECK, import_id, SAFETY if waits else timedelta())])
    if waits and is_new:
        check(import_id)
    return find_own(user_id, import_id)


def choices(user: User, spell: Spell) -> Options:
    """What may be chosen in the columns that choose: every spelling of the word, and the value of the form."""
    kind = UnitKind.ACADEMY if user.role == Role.ASSOCIATION else ""
    units = unit_choices(user, kind)
    names = [name for _id, name in units]
    types = QualificationType.choices(by_code=True)
    spelt: dict[str, list[tuple[str, str]]] = {
        "id_type": [(one.label, one.value) for one in IdType],
        "sex": [(one.label, one.value) for one in Sex],
        "qualification_type": [(name, code) for code, name in types],
        "no_criminal_record": [(N_("是"), "true"), (N_("否"), "")],
    }
    options = {
        field: {plain(word): value for text, value in pairs for word in spell(text)} for field, pairs in spelt.items()
    }
    options["qualification_type"] |= {plain(code): code for code, _name in types}
    return {**options, "unit": {plain(name): str(key) for key, name in units if names.count(name) == 1}}


def check(import_id: UUID, job_id: UUID | None = None) -> None:
    """Rehearse the rows: each is saved by the rules of the form, then undone. Doing it again does no harm."""
    _guarded(import_id, lambda: _check(import_id, job_id))


def start(user: User, import_id: UUID, partial: bool) -> PersonImport:
    """Enter what was checked; the second of two clicks does nothing. partial: leave out the rows that were refused.

    Raises Conflict when rows were refused and partial was not asked for, none passed, or the preview is gone.
    """
    find(user, import_id)
    user_id = user.id
    with transaction(Cause("start_person_import", user_id)) as current:
        row = imports.hold(import_id)
        assert row is not None
        if row.state == "done" or (row.state == "importing" and not row.error):
            return row
        _must_be_ready(row, partial)
        row.state, row.partial, row.done, row.error = "importing", partial, 0, None
        waits = row.total <= (AT_ONCE_SUBMITTED if row.submit else AT_ONCE)
        current.add(_job(ENTER, import_id, SAFETY if waits else timedelta()))
    if waits:
        enter(import_id)
    return find_own(user_id, import_id)


def enter(import_id: UUID, job_id: UUID | None = None) -> None:
    """Enter the persons in one transaction; when it fails none is entered, and doing it again enters none twice."""
    _guarded(import_id, lambda: _enter(import_id, job_id))


def drop(user: User, import_id: UUID) -> None:
    """The user gives the import up: its rows are removed at once."""
    find(user, import_id)
    remove(import_id)


def remove(import_id: UUID) -> None:
    """Take the sealed rows away (§5.1: no residual data); how many rows were entered stays."""
    with transaction(Cause("remove_person_import")):
        row = imports.hold(import_id)
        if row is not None:
            row.sealed, row.wrong = None, row.wrong if row.state == "done" else {}
            row.state = "done" if row.state == "done" else "removed"


def find(user: User, import_id: UUID) -> PersonImport:
    """One of the user's own imports; raises NotFound."""
    return find_own(user.id, import_id)


def find_own(user_id: UUID, import_id: UUID) -> PersonImport:
    """The same for a user known by id."""
    row = session().get(PersonImport, import_id, populate_existing=True)
    if row is None or row.user_id != user_id:
        raise NotFound
    return row


def rows_of(row: PersonImport) -> list[Row]:
    """The rows of the file while they are kept, with what is wrong; [] afterwards."""
    wrong = wrong_of(row)
    kept = json.loads(unseal_text(row.sealed)) if row.sealed else []
    return [Row(one["number"], one["cells"], one["raw"], wrong.get(str(one["number"]), {})) for one in kept]


def wrong_of(row: PersonImport) -> Wrong:
    """What is wrong, by row number and field."""
    return {
        number: {field: Message(text, **values) for field, (text, values) in fields.items()}
        for number, fields in row.wrong.items()
    }


def _guarded(import_id: UUID, work: Callable[[], None]) -> None:
    """Note that the work failed, by its kind: the text of a database error holds personal data."""
    try:
        work()
    except Exception as error:
        kind = type(error).__name__[:80]
        with transaction(Cause("person_import_failed")):
            row = imports.hold(import_id)
            if row is not None:
                row.error = kind
        raise ProcessError(N_("导入没有完成（%(kind)s），没有写入任何人员。请再试一次。"), kind=kind) from None


def _check(import_id: UUID, job_id: UUID | None) -> None:
    row = session().get_one(PersonImport, import_id, populate_existing=True)
    if row.state != "checking":
        return
    wrong, rows, user_id, submit = wrong_of(row), rows_of(row), row.user_id, row.submit
    for n in range(0, len(rows), SLICE):
        try:
            with transaction(Cause("check_person_import", user_id)):
                _merge(wrong, _save_all(_active(user_id), rows[n : n + SLICE], save_person, submit))
                raise _Undone
        except _Undone:
            _tell(import_id, n + SLICE, job_id)
    with transaction(Cause("check_person_import", user_id)):
        held = imports.hold(import_id)
        if held is not None and held.state == "checking":
            held.state, held.wrong, held.done, held.error = "checked", _write_down(wrong), held.total, None


def _enter(import_id: UUID, job_id: UUID | None) -> None:
    row = session().get_one(PersonImport, import_id, populate_existing=True)
    if row.state != "importing":
        return
    user_id, partial, wrong = row.user_id, row.partial, wrong_of(row)
    rows = [one for one in rows_of(row) if not one.wrong]
    save = save_and_submit if row.submit else save_person
    fresh: Wrong = {}
    try:
        with transaction(Cause("import_persons", user_id)):
            if not imports.is_alone(import_id):
                return
            user = _active(user_id)
            for n in range(0, len(rows), SLICE):
                fresh |= _save_all(user, rows[n : n + SLICE], save)
                _tell(import_id, n + SLICE, job_id)
            if fresh and not partial:
                raise _Undone
            _end(user, import_id, len(rows) - len(fresh), _merge(wrong, fresh))
    except _Undone:
        _give_back(import_id, _merge(wrong, fresh))


def _end(user: User, import_id: UUID, entered: int, wrong: Wrong) -> None:
    """In the transaction that entered them: one look at the row tells whether it is still to be done."""
    row = imports.hold(import_id)
    if row is None or row.state != "importing":
        raise _Undone
    row.state, row.entered, row.done, row.ended_at, row.error = "done", entered, row.total, now(), None
    row.sealed, row.wrong = None, _write_down(wrong)
    detail = {"rows": row.total, "entered": entered, "submitted": row.submit}
    session().add(AuditEvent(actor_id=user.id, organisation_id=user.organisation_id, action="import_persons",
                             object_type="person_import", object_id=row.id, detail=detail))  # fmt: skip


def _give_back(import_id: UUID, wrong: Wrong) -> None:
    """Back to the preview: since the check a row has become wrong, so nothing was entered."""
    with transaction(Cause("person_import_refused")):
        row = imports.hold(import_id)
        if row is not None and row.state == "importing":
            row.state, row.wrong, row.done = "checked", _write_down(wrong), row.total


def _save_all(user: User, rows: Sequence[Row], save: Callable[..., Any], declared: bool = False) -> Wrong:
    """Save each row inside a savepoint of its own; what was refused, and why. declared: ask for the declaration too."""
    wrong: Wrong = {}
    for row in rows:
        fields: dict[str, Message] = {}
        try:
            with session().begin_nested():
                save(user, None, row.raw)
        except InvalidInput as invalid:
            fields |= invalid.fields or {"": invalid.message}
        except AnpeiError as refused:
            fields[""] = refused.message
        if declared:
            fields |= _undeclared(row.raw)
        if fields:
            wrong[str(row.number)] = fields
    return wrong


def _undeclared(raw: Mapping[str, str]) -> dict[str, Message]:
    """What submitting asks beyond saving (R20)."""
    try:
        persons.check_declaration(bool(raw.get("no_criminal_record")))
    except InvalidInput as invalid:
        return dict(invalid.fields)
    return {}


def _must_be_ready(row: PersonImport, partial: bool) -> None:
    if row.state == "checking":
        raise Conflict(N_("文件还在检查，请稍候。"))
    if row.state == "removed" or row.sealed is None:
        raise Conflict(N_("预览已过期或已放弃，请重新上传文件。"))
    if len(row.wrong) == row.total:
        raise Conflict(N_("没有一行通过检查，请改好后重新上传。"))
    if row.wrong and not partial:
        raise Conflict(Message(N_("有 %(n)s 行没有通过检查，什么都没有写入。"), n=len(row.wrong)))


def _active(user_id: UUID) -> User:
    user = User.get(user_id)
    if user is None or not user.is_active:
        raise NotAllowed
    return user


def _tell(import_id: UUID, done: int, job_id: UUID | None) -> None:
    imports.note(import_id, done, job_id, now() + jobs.LEASE)


def _merge(wrong: Wrong, more: Wrong) -> Wrong:
    """What the cells themselves are comes before what the rules say to them."""
    for number, fields in more.items():
        wrong[number] = {**fields, **wrong.get(number, {})}
    return wrong


def _write_down(wrong: Wrong) -> dict[str, dict[str, list[Any]]]:
    return {
        number: {field: [m.text, {k: str(v) for k, v in m.values.items()}] for field, m in fields.items()}
        for number, fields in wrong.items()
    }


def _seal(rows: Sequence[Row]) -> bytes:
    kept = [{key: value for key, value in asdict(row).items() if key != "wrong"} for row in rows]
    return seal(json.dumps(kept, ensure_ascii=False))


def _job(name: str, import_id: UUID, after: timedelta) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=name, due_at=at, run_at=at, payload={"import_id": str(import_id)})


jobs.EFFECTS |= {
    CHECK: lambda payload, job_id: check(UUID(payload["import_id"]), job_id),
    ENTER: lambda payload, job_id: enter(UUID(payload["import_id"]), job_id),
    REMOVAL: lambda payload, _job: remove(UUID(payload["import_id"])),
}
