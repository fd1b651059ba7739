"""Exports: a list, a report or files of cases as one file, logged; small ones at once, large ones by the worker
(R70, R71).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import update

from service.config import settings
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import N_, Conflict, InvalidInput, Message, NotAllowed, NotFound
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries import stored_files
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.queries.stored_files import delete_file, file_sizes, write_file
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Job
from service.models.tables.system.audit import AuditEvent
from service.models.tables.system.export import ExportLog, ExportState
from service.reports import find_export
from service.reports.framework.report import Report, Row, Table, parse_filter
from service.reports.lists.unmasked import PERSONAL, reveal
from service.validation.form_reader import FormReader
from service.workflow.authorization import must_have_record
from service.workflow.runtime import jobs

MAX_EXPORT_ROWS = 50_000  # of one export (R71)
MAX_PURPOSE_LENGTH = 200  # characters
ROWS_AT_ONCE = 4_000  # take less than two seconds; more are written by the worker
EFFECT, REMOVAL = "export", "export.remove"

Sheets = Iterator[tuple[Report, Table, Iterator[list[Row]]]]
"""Each table of an export, the report's own first, with its rows."""
Progress = Callable[[int], None]
"""Notes how many rows are written, and keeps the lease. Raises Stopped."""
Writer = Callable[[ExportLog, User, Progress, Path], None]
"""Writes the file of an export, in the language of who asked for it."""


def has_personal(report: Report, user: User, given: Mapping[str, str]) -> bool:
    """Tell whether the list has numbers that are masked unless asked for, and the reader may ask."""
    if report.is_plain or not may(Role(user.role), Action.EXPORT_UNMASKED):
        return False
    return any(map(_is_personal, _tables(report, user, given)))


def count_rows(report: Report, user: User, given: Mapping[str, str]) -> int:
    """Count the rows of all its tables, to one more than an export may have."""
    return sum(table.count(MAX_EXPORT_ROWS + 1) for table in _tables(report, user, given))


def begin(
    user: User,
    name: str,
    given: Mapping[str, str],
    *,
    purpose: str = "",
    unmasked: bool = False,
    language: str = "zh",
    source: str | None = None,
) -> ExportLog:
    """Begin an export and remember it: who, which list, which filter, how many rows, masked or not, and what for.

    The job that writes it bears its id. Raises NotFound for a list that is not for this role, Conflict
    for more than 50,000 rows, and for whole numbers NotAllowed, or InvalidInput without a purpose.
    """
    report = find_export(user, name)
    must_have_record(user, Action.VIEW_PERSONS)
    entry = FormReader({"purpose": purpose})
    written = entry.text("purpose", MAX_PURPOSE_LENGTH) or ""
    entry.check()
    if unmasked:
        _check_unmasked(user, written)
    chosen = parse_filter(report, user, given)
    total = count_rows(report, user, given)
    if total > MAX_EXPORT_ROWS:
        raise Conflict(Message(N_("超过 %(most)s 行，请缩小条件后再导出。"), most=f"{MAX_EXPORT_ROWS:,}"))
    row = ExportLog(
        name=name,
        chosen=chosen.arguments(),
        masked=not unmasked,
        purpose=written or None,
        language=language,
        total=total,
    )
    return enqueue(user, row, EFFECT, row.chosen, source=source, after=LEASE if total <= ROWS_AT_ONCE else timedelta())


def enqueue(
    user: User,
    row: ExportLog,
    effect: str,
    narrowed: Mapping[str, Any],
    *,
    source: str | None = None,
    after: timedelta = timedelta(),
) -> ExportLog:
    """Remember an export of a user and what it is narrowed to, with the job that writes it, which bears its id."""
    row.id, row.user_id, row.organisation_id = new_id(), user.id, user.organisation_id
    with transaction(Operation("begin_export", user.id)) as current:
        current.add(row)
        # the purpose stands encrypted in the export that the event is about
        detail = {"list": row.name, "filter": dict(narrowed), "rows": row.total, "masked": row.masked}
        current.add(AuditEvent.by(user, "export", "export", row.id, source=source, detail=detail))
        current.add(_job(REMOVAL, row, stored_files.LIFETIME))
        job = _job(effect, row, after)
        job.id = row.id
        current.add(job)
    return row


def write_if_small(row: ExportLog) -> bool:
    """Write a file of few rows while the reader waits; whether it is one."""
    if is_small := row.total <= ROWS_AT_ONCE:
        jobs.run_at_once(row.id)
    return is_small


def write(export_id: UUID, writer: Writer, lease: Lease) -> None:
    """Write the file of an export; doing it again after a failure begins again. A failure is noted, then raised.

    It ends without a file when the reader stops it meanwhile.
    """
    row = session().get_one(ExportLog, export_id, populate_existing=True)
    if row.state not in (ExportState.RUNNING, ExportState.FAILED):
        return
    try:
        _write(row, writer, lease)
    except LeaseLost:
        raise
    except Stopped:
        session().rollback()
    except Exception as error:
        session().rollback()
        with transaction(Operation("end_export")):
            lease.hold()
            _change(row, ExportState.FAILED, error=f"{type(error).__name__}: {error}"[:2000])
        raise


def stop(user: User, export_id: UUID) -> ExportLog:
    """Give up an export that still runs: the worker ends at its next piece.

    Raises NotFound, Conflict when it has ended.
    """
    row = find(user, export_id)
    with transaction(Operation("stop_export", user.id)) as current:
        if not _change(row, ExportState.STOPPED):
            raise Conflict(N_("这次导出已经结束，不能再取消。"))
        current.refresh(row)
    return row


def remove(export_id: UUID) -> None:
    """Take the file away; the row stays (§5.1: no residual data)."""
    with transaction(Operation("remove_export")) as current:
        delete_file(current, export_id)
        current.get_one(ExportLog, export_id).state = ExportState.REMOVED


def find(user: User, export_id: UUID) -> ExportLog:
    """One of the user's own exports; raises NotFound."""
    row = session().get(ExportLog, export_id, populate_existing=True)
    if row is None or row.user_id != user.id:
        raise NotFound
    return row


def read_file(row: ExportLog) -> tuple[int, Iterator[bytes]]:
    """The size and the pieces of the file of a finished export; raises NotFound when it is gone."""
    size = file_sizes(row.id).get("")
    if row.state != ExportState.DONE or size is None:
        raise NotFound(N_("文件已过一天，已删除；请重新导出。"))
    return size, stored_files.read_file(row.id)


def sweep() -> None:
    """Take away what outlived its lifetime: files in the database, and on this machine what a killed process left."""
    with transaction(Operation("sweep_files")):
        stored_files.delete_expired()
    for left in _folder().iterdir():
        if left.stat().st_mtime < (now() - stored_files.LIFETIME).timestamp():
            shutil.rmtree(left) if left.is_dir() else left.unlink()


def _folder() -> Path:
    folder = settings().data_dir / "exports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


class Stopped(Exception):
    """The export has ended while it was written: given up by the reader."""


def _write(row: ExportLog, writer: Writer, lease: Lease) -> None:
    user = User.get(row.user_id)
    if user is None or not user.is_active:
        raise NotAllowed
    # for a moment the rows stand in it as they are: for this account of the machine alone
    with tempfile.TemporaryDirectory(dir=_folder()) as folder:
        made = Path(folder) / "made"
        writer(row, user, partial(_note, row, lease), made)
        with made.open("rb") as content, transaction(Operation("end_export")) as current:
            lease.complete()
            if not _change(row, ExportState.DONE, error=None):
                raise Stopped
            write_file(current, row.id, content)


def _note(row: ExportLog, lease: Lease, done: int) -> None:
    with transaction(Operation("export_progress")):
        if not _change(row, ExportState.RUNNING, done=done):
            raise Stopped
    lease.extend()


def _check_unmasked(user: User, purpose: str) -> None:
    if not may(Role(user.role), Action.EXPORT_UNMASKED):
        raise NotAllowed
    if not purpose:
        raise InvalidInput({"purpose": N_("导出完整号码须写明用途，用途会记入审计。")})


def _tables(report: Report, user: User, given: Mapping[str, str]) -> Iterator[Table]:
    return (part.read(user, parse_filter(part, user, given)) for part in (report, *report.parts))


def _is_personal(table: Table) -> bool:
    return any(column.key in PERSONAL for column in table.columns)


def sheets(row: ExportLog, user: User, progress: Progress) -> Sheets:
    """The tables of a list or report with their rows; raises NotFound when it is no more for this role."""
    done = 0
    report = find_export(user, row.name)
    tables = _tables(report, user, {"year": "", **row.chosen})
    for part, table in zip((report, *report.parts), tables, strict=True):
        yield part, table, _counted(row, table, done, progress)
        done += table.count(MAX_EXPORT_ROWS)


def _counted(row: ExportLog, table: Table, done: int, progress: Progress) -> Iterator[list[Row]]:
    """The batches, whole numbers in them if asked for; between them the progress is written down. Raises Stopped.

    done: rows of the tables before this one.
    """
    is_whole = not row.masked and _is_personal(table)
    for cells in table.batches():
        yield reveal(cells) if is_whole else cells
        done += len(cells)
        progress(done)


def _change(row: ExportLog, state: str, **more: Any) -> bool:
    """Change an export that has not ended; whether it had not. A failed one that is tried again runs again."""
    change = update(ExportLog).where(
        ExportLog.id == row.id, ExportLog.state.in_((ExportState.RUNNING, ExportState.FAILED))
    )
    change = change.values(state=state, ended_at=None if state == ExportState.RUNNING else now(), **more)
    return session().execute(change.returning(ExportLog.id)).one_or_none() is not None


def _job(name: str, row: ExportLog, after: timedelta) -> Job:
    at = now() + after
    return Job(id=new_id(), kind="effect", name=name, due_at=at, run_at=at, payload={"export_id": str(row.id)})
