"""Import of persons from a sheet (R72): all rows rehearsed by the rules of the form,
then entered, all or none unless asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import IO
from uuid import UUID

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound, ProcessError
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.queries.persons import person_imports
from service.models.tables.accounts.user import User
from service.models.tables.persons.person_import import ImportState, PersonImport
from service.models.tables.runtime.case import Job
from service.models.tables.system.audit import AuditEvent
from service.workflow.authorization import must_have_record
from service.workflow.persons import import_photos
from service.workflow.persons.import_photos import PhotoArchive
from service.workflow.persons.import_rows import (
    Wrong,
    dump_rows,
    dump_sheet,
    merge,
    rows_of,
    save_all,
    sheet_of,
    strangers_of,
    wrong_from_json,
    wrong_to_json,
)
from service.workflow.persons.import_sheet import (
    COLUMNS,
    PHOTO,
    Row,
    Spell,
    choices,
    find_table,
    read_people,
    refuse_repeated,
)
from service.workflow.persons.person_records import save_and_submit, save_person
from service.workflow.runtime import jobs
from service.workflow.xlsx_reader import lines_of, read_raw_table

ROWS_AT_ONCE = 200  # rows that are checked or entered while the reader waits
PHOTOS_AT_ONCE = 50  # each takes some 30 ms
SUBMISSIONS_AT_ONCE = 20  # an approval is started for each
SLICE_ROWS = 50  # rows between two notes of the progress
IMPORT_LIFETIME = timedelta(days=1)
OTHERS_END = timedelta(seconds=10)  # in which whoever has lost the lease sees it
CHECK, ENTER, REMOVAL = "person_import.check", "person_import.enter", "person_import.remove"


class _Undone(Exception):
    """Leaves a transaction without a trace."""


def begin(
    user: User, import_id: UUID, data: bytes, submit: bool, spell: Spell, photos: IO[bytes] | None = None
) -> PersonImport:
    """Take an uploaded file and check every row of it; nothing is written but the rows and photos themselves.

    A table that is not the template waits until ``assign_columns``, with which its photos come then.
    import_id: of the form; sent twice it gives the same import. submit: whether what is entered is to be sent for
    approval, whose rules are then checked too. photos: a ZIP of them, or None. Raises InvalidInput at ``file`` or
    ``photos``, NotAllowed, Conflict (R3).
    """
    if not may(Role(user.role), Action.EDIT_PERSON):
        raise NotAllowed
    must_have_record(user, Action.EDIT_PERSON)
    if session().get(PersonImport, import_id) is not None:
        return find(user, import_id)
    raw = read_raw_table(data)
    table = find_table(lines_of(raw), spell)
    packed = import_photos.open_photos(photos) if photos else None
    user_id = user.id
    values = {
        "id": import_id,
        "at": now(),
        "user_id": user_id,
        "organisation_id": user.organisation_id,
        "submit": submit,
        "total": len(table.lines),
        "state": ImportState.MAPPING,
        "content": dump_sheet(raw),
    }
    rows = read_people(table, table.places, choices(user, spell)) if table.is_template else []
    with transaction(Operation("begin_person_import", user_id)) as current:
        if is_new := person_imports.insert_import(values):
            current.add(_job(REMOVAL, import_id, IMPORT_LIFETIME))
        job = _take_rows(import_id, rows, packed) if is_new and rows else None
    if job:
        jobs.run_at_once(job)
    return find_own(user_id, import_id)


def assign_columns(
    user: User, import_id: UUID, places: Mapping[str, int], spell: Spell, photos: IO[bytes] | None = None
) -> PersonImport:
    """Read the rows of a table by the columns that the user names, and check them; a second click does nothing.

    places: name of a field → column of the sheet. Raises InvalidInput at ``columns`` for a field that must be there,
    at ``file`` or ``photos`` as ``begin``; NotFound; Conflict for what is gone.
    """
    found = find(user, import_id)
    if found.state != ImportState.MAPPING:
        return found
    missing = [Message(column.label) for column in COLUMNS if column.required and column.input_name not in places]
    if missing:
        raise InvalidInput({"columns": Message(N_("请指出哪一列是“%(column)s”。"), column=missing[0])})
    table = find_table(sheet_of(found), spell)
    rows = read_people(table, places, choices(user, spell))
    packed = import_photos.open_photos(photos) if photos else None
    user_id = user.id
    with transaction(Operation("assign_import_columns", user_id)):
        row = person_imports.lock_import(import_id)
        job = _take_rows(import_id, rows, packed) if row and row.state == ImportState.MAPPING else None
    if job:
        jobs.run_at_once(job)
    return find_own(user_id, import_id)


def mend_rows(user: User, import_id: UUID, typed: Mapping[int, Mapping[str, str]], spell: Spell) -> PersonImport:
    """Take cells typed on the preview in the place of those of the file, and check every row again.

    typed: number of a row → name of a field → text. Raises NotFound; Conflict for a preview that is gone.
    """
    find(user, import_id)
    columns, options, user_id = {column.input_name: column for column in COLUMNS}, choices(user, spell), user.id
    with transaction(Operation("mend_import_rows", user_id)):
        held = person_imports.lock_import(import_id)  # read under the lock: of two mends each keeps what the other did
        if held is not None and held.state == ImportState.CHECKING:
            raise Conflict(N_("文件还在检查，请稍候。"))
        rows = rows_of(held) if held is not None and held.state == ImportState.CHECKED else []
        if held is None or not rows:
            raise Conflict(N_("预览已过期或已放弃，请重新上传文件。"))
        for row in rows:
            for name, text in typed.get(row.number, {}).items():
                row.read(columns[name], text.strip() or None, options)
            row.wrong = {name: why for name, why in row.wrong.items() if name in (PHOTO, *row.unread)}
        refuse_repeated(rows)
        job = _check_again(held, rows, strangers_of(held))
    if job:
        jobs.run_at_once(job)
    return find_own(user_id, import_id)


def _take_rows(import_id: UUID, rows: list[Row], packed: PhotoArchive | None) -> UUID | None:
    """Keep rows and photos in the running transaction and have them checked; the job to be run at once, if any is."""
    found = import_photos.assign(packed, rows) if packed else import_photos.Found()
    for row in rows:
        if row.number in found.wrong:
            row.wrong.setdefault(PHOTO, found.wrong[row.number])
    if packed:
        import_photos.keep(import_id, packed, found)
    held = person_imports.lock_import(import_id)
    assert held is not None
    held.photos = len(found.entries)
    return _check_again(held, rows, found.strangers)


def _check_again(held: PersonImport, rows: list[Row], strangers: list[str]) -> UUID | None:
    held.state, held.total, held.done, held.error = ImportState.CHECKING, len(rows), 0, None
    held.content = dump_rows(rows, strangers)
    held.wrong = wrong_to_json({str(row.number): row.wrong for row in rows if row.wrong})
    waits = len(rows) <= ROWS_AT_ONCE and held.photos <= PHOTOS_AT_ONCE
    session().add(job := _job(CHECK, held.id, LEASE if waits else timedelta()))
    return job.id if waits else None


def check(import_id: UUID, lease: Lease) -> None:
    """Rehearse the rows: each is saved by the rules of the form, then undone. Doing it again does no harm."""
    _guarded(import_id, lease, lambda: _check(import_id, lease))


def start(user: User, import_id: UUID, partial: bool) -> PersonImport:
    """Enter what was checked; the second of two clicks does nothing. partial: leave out the rows that were refused.

    Raises Conflict when rows were refused and partial was not asked for, none passed, or the preview is gone.
    """
    find(user, import_id)
    user_id = user.id
    with transaction(Operation("start_person_import", user_id)) as current:
        row = person_imports.lock_import(import_id)
        assert row is not None
        if row.state == ImportState.DONE or (row.state == ImportState.IMPORTING and not row.error):
            return row
        _must_be_ready(row, partial)
        row.state, row.partial, row.done, row.error = ImportState.IMPORTING, partial, 0, None
        waits = row.total <= (SUBMISSIONS_AT_ONCE if row.submit else ROWS_AT_ONCE)
        job = _job(ENTER, import_id, LEASE if waits else timedelta())
        current.add(job)
    if waits:
        jobs.run_at_once(job.id)
    return find_own(user_id, import_id)


def enter(import_id: UUID, lease: Lease) -> None:
    """Enter the persons in one transaction; when it fails none is entered, and doing it again enters none twice."""
    _guarded(import_id, lease, lambda: _enter(import_id, lease))


def drop(user: User, import_id: UUID) -> None:
    """The user gives the import up: its rows are removed at once."""
    find(user, import_id)
    remove(import_id)


def remove(import_id: UUID) -> None:
    """Take the rows away (§5.1: no residual data); how many rows were entered stays."""
    with transaction(Operation("remove_person_import")):
        row = person_imports.lock_import(import_id)
        import_photos.remove(import_id)
        if row is not None:
            row.content, row.wrong = None, row.wrong if row.state == ImportState.DONE else {}
            row.state = ImportState.DONE if row.state == ImportState.DONE else ImportState.REMOVED


def find(user: User, import_id: UUID) -> PersonImport:
    """One of the user's own imports; raises NotFound."""
    return find_own(user.id, import_id)


def find_own(user_id: UUID, import_id: UUID) -> PersonImport:
    """The same for a user known by id."""
    row = session().get(PersonImport, import_id, populate_existing=True)
    if row is None or row.user_id != user_id:
        raise NotFound
    return row


def _guarded(import_id: UUID, lease: Lease, work: Callable[[], None]) -> None:
    """Note that the work failed, by its kind: the text of a database error holds personal data."""
    try:
        work()
    except LeaseLost:
        raise
    except Exception as error:
        kind = type(error).__name__[:80]
        with transaction(Operation("person_import_failed")):
            lease.hold()
            row = person_imports.lock_import(import_id)
            if row is not None:
                row.error = kind
        raise ProcessError(N_("导入没有完成（%(kind)s），没有写入任何人员。请再试一次。"), kind=kind) from None


def _check(import_id: UUID, lease: Lease) -> None:
    row = session().get_one(PersonImport, import_id, populate_existing=True)
    if row.state != ImportState.CHECKING:
        return
    wrong, rows, user_id, submit, has_photos = (
        wrong_from_json(row),
        rows_of(row),
        row.user_id,
        row.submit,
        row.photos > 0,
    )
    for n in range(0, len(rows), SLICE_ROWS):
        try:
            with transaction(Operation("check_person_import", user_id)):
                merge(wrong, save_all(_active(user_id), rows[n : n + SLICE_ROWS], save_person, submit))
                raise _Undone
        except _Undone:
            merge(wrong, import_photos.check(import_id, rows[n : n + SLICE_ROWS]) if has_photos else {})
            person_imports.record_progress(import_id, n + SLICE_ROWS, lease)
    with transaction(Operation("check_person_import", user_id)):
        lease.complete()
        held = person_imports.lock_import(import_id)
        if held is not None and held.state == ImportState.CHECKING:
            held.state, held.wrong, held.done, held.error = ImportState.CHECKED, wrong_to_json(wrong), held.total, None


def _enter(import_id: UUID, lease: Lease) -> None:
    row = session().get_one(PersonImport, import_id, populate_existing=True)
    if row.state != ImportState.IMPORTING:
        return
    user_id, partial, wrong, has_photos = row.user_id, row.partial, wrong_from_json(row), row.photos > 0
    rows = [one for one in rows_of(row) if not one.wrong]
    save = save_and_submit if row.submit else save_person
    fresh: Wrong = {}
    try:
        with transaction(Operation("import_persons", user_id)):
            if not person_imports.try_exclusive_work(import_id):  # by whoever has lost the lease and not seen it yet
                lease.postpone(now() + OTHERS_END)
                return
            user = _active(user_id)
            for n in range(0, len(rows), SLICE_ROWS):
                some = rows[n : n + SLICE_ROWS]
                fresh |= save_all(user, some, save, photos=import_photos.of_rows(import_id, some) if has_photos else {})
                person_imports.record_progress(import_id, n + SLICE_ROWS, lease)
            if fresh and not partial:
                raise _Undone
            _end(user, import_id, len(rows) - len(fresh), merge(wrong, fresh))
            lease.complete()
    except _Undone:
        _give_back(import_id, merge(wrong, fresh), lease)


def _end(user: User, import_id: UUID, entered: int, wrong: Wrong) -> None:
    """In the transaction that entered them: one look at the row tells whether it is still to be done."""
    row = person_imports.lock_import(import_id)
    if row is None or row.state != ImportState.IMPORTING:
        raise _Undone
    row.state, row.entered, row.done, row.ended_at, row.error = ImportState.DONE, entered, row.total, now(), None
    row.content, row.wrong = None, wrong_to_json(wrong)
    import_photos.remove(import_id)
    detail = {"rows": row.total, "entered": entered, "submitted": row.submit}
    session().add(AuditEvent.by(user, "import_persons", "person_import", row.id, detail=detail))


def _give_back(import_id: UUID, wrong: Wrong, lease: Lease) -> None:
    """Back to the preview: since the check a row has become wrong, so nothing was entered."""
    with transaction(Operation("person_import_refused")):
        lease.complete()
        row = person_imports.lock_import(import_id)
        if row is not None and row.state == ImportState.IMPORTING:
            row.state, row.wrong, row.done = ImportState.CHECKED, wrong_to_json(wrong), row.total


def _must_be_ready(row: PersonImport, partial: bool) -> None:
    if row.state == ImportState.CHECKING:
        raise Conflict(N_("文件还在检查，请稍候。"))
    if row.state in (ImportState.REMOVED, ImportState.MAPPING) or row.content is None:
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


def _job(name: str, import_id: UUID, after: timedelta) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=name, due_at=at, run_at=at, payload={"import_id": str(import_id)})


jobs.SIDE_EFFECTS |= {
    CHECK: lambda payload, lease: check(UUID(payload["import_id"]), lease),
    ENTER: lambda payload, lease: enter(UUID(payload["import_id"]), lease),
    REMOVAL: lambda payload, _lease: remove(UUID(payload["import_id"])),
}
