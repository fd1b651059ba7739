"""What is done in the background is held by a lease: overtaken or killed at any step it has one result, whole."""

from __future__ import annotations

import io
import itertools
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import func, select

from service.config import MailServer, settings
from service.infrastructure import smtp
from service.models.db.clock import MovingClock
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE, Lease, LeaseLost
from service.models.queries.stored_files import LIFETIME, PIECE_BYTES, file_sizes, read_file, write_file
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.persons.person import Person
from service.models.tables.persons.person_import import PersonImport
from service.models.tables.runtime.case import Job, JobState
from service.models.tables.system.export import ExportLog
from service.web.views.persons.person_import import spell
from service.workflow.certificates import printing
from service.workflow.persons import person_import
from service.workflow.runtime import jobs
from service.workflow.system import exports
from tests.api.test_pages_person_import import book, cells
from tests.builders.stage import Stage, make_stage
from tests.builders.world import make_certificate

Result = Callable[[], Any]
Begin = Callable[[], Result]
"""Orders one work of the background; returns what tells its result, the same each time."""


def _count(model: Any, *conditions: Any) -> int:
    return session().scalar(select(func.count()).select_from(model).where(*conditions)) or 0


def _print(stage: Stage, serial: Any, monkeypatch: pytest.MonkeyPatch) -> Begin:
    user_id = stage.association.id
    monkeypatch.setattr(printing, "FOREGROUND_FACES", 0)
    monkeypatch.setattr(printing, "print_piece", cache(printing.print_piece))
    chosen = [make_certificate(stage.person(), printed_count=1).id for _ in range(2)]

    def begin() -> Result:
        batch_id = printing.begin_batch(_user(user_id), chosen, "x", "核对", "https://example.org/{}").id

        def result() -> Any:
            row = session().get_one(PrintBatch, batch_id, populate_existing=True)
            printed = _count(PrintRecord, PrintRecord.batch_id == batch_id)
            return (
                row.state,
                row.done,
                row.refused,
                printed,
                b"".join(printing.read_file(row)[1])[:4],
                list(file_sizes(batch_id)),
            )

        return result

    return begin


def _export(stage: Stage, serial: Any, monkeypatch: pytest.MonkeyPatch) -> Begin:
    monkeypatch.setattr(exports, "ROWS_AT_ONCE", 0)
    user_id = stage.association.id
    stage.person()

    def begin() -> Result:
        export_id = exports.begin(_user(user_id), "persons", {}).id

        def result() -> Any:
            row = session().get_one(ExportLog, export_id, populate_existing=True)
            return row.state, row.done, list(file_sizes(export_id)), b"".join(exports.read_file(row)[1])[:2]

        return result

    return begin


def _check(stage: Stage, serial: Any, monkeypatch: pytest.MonkeyPatch) -> Begin:
    monkeypatch.setattr(person_import, "ROWS_AT_ONCE", 0)
    user_id = stage.enterprise.id

    def begin() -> Result:
        import_id = _upload(user_id, serial)

        def result() -> Any:
            row = session().get_one(PersonImport, import_id, populate_existing=True)
            return row.state, row.done, row.wrong, row.error

        return result

    return begin


def _enter(stage: Stage, serial: Any, monkeypatch: pytest.MonkeyPatch) -> Begin:
    monkeypatch.setattr(person_import, "ROWS_AT_ONCE", 0)
    user_id = stage.enterprise.id

    def begin() -> Result:
        import_id = _upload(user_id, serial)
        jobs.run_all()
        person_import.start(_user(user_id), import_id, partial=False)
        before = _count(Person)

        def result() -> Any:
            row = session().get_one(PersonImport, import_id, populate_existing=True)
            return row.state, row.entered, row.wrong, row.error, _count(Person) - before

        return result

    return begin


def _user(user_id: UUID) -> User:
    user = User.get(user_id)
    assert user
    return user


def _upload(user_id: UUID, serial: Any) -> UUID:
    return person_import.begin(_user(user_id), new_id(), book([cells(next(serial))]), submit=False, spell=spell).id


WORKS = {"print": _print, "export": _export, "check of an import": _check, "import": _enter}


class Killed(BaseException):
    """What no handler catches."""


class Steps:
    """Do something before or after the ``at``-th of all dealings of this thread with its lease."""

    def __init__(self, at: int, act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
        self.left, self._act, self._thread = at, act, threading.get_ident()
        for name in ("extended", "hold", "complete"):
            monkeypatch.setattr(Lease, name, self._around(getattr(Lease, name)))

    def _step(self) -> None:
        if threading.get_ident() == self._thread:
            self.left -= 1
            if not self.left:
                self._act()

    def _around(self, method: Any) -> Any:
        def dealt(lease: Lease) -> Any:
            self._step()
            found = method(lease)
            self._step()
            return found

        return dealt


@pytest.mark.parametrize("how", ["overtaken", "killed"])
@pytest.mark.parametrize("work", WORKS)
def test_overtaken_or_killed_at_each_step_a_work_has_one_result(
    app: Flask, clock: MovingClock, monkeypatch: pytest.MonkeyPatch, work: str, how: str
) -> None:
    """R58, R71, R72: the lease runs out before each step and other workers do the work; or its worker dies there."""

    def work_elsewhere() -> None:
        with app.app_context():
            jobs.run_all()

    def overtake() -> None:
        clock.move(LEASE + timedelta(seconds=1))
        with ThreadPoolExecutor(2) as others:
            for done in [others.submit(work_elsewhere) for _ in range(2)]:
                done.result()

    def kill() -> None:
        raise Killed

    begin = WORKS[work](make_stage(), itertools.count(1), monkeypatch)
    expected, at, more = None, 0, True
    while more:
        result = begin()
        with monkeypatch.context() as patched, suppress(Killed):
            steps = Steps(at, kill if how == "killed" else overtake, patched)
            jobs.run_all()
        session().rollback()
        clock.move(LEASE + timedelta(seconds=1))
        jobs.run_all()
        expected = expected or result()  # nothing happened at step 0
        assert result() == expected, at
        at, more = at + 1, steps.left <= 0
    assert at > 6
    assert _count(Job, Job.kind == "effect", Job.state == JobState.FAILED) == 0


def test_a_lease_that_another_has_neither_extends_nor_ends_the_job(app: Flask, clock: MovingClock) -> None:
    stage = make_stage()
    job = session().get_one(Job, exports.begin(stage.association, "persons", {}).id)
    for act in (Lease.extend, Lease.hold, Lease.complete, lambda one: one.postpone(clock.now())):
        with pytest.raises(LeaseLost):
            act(Lease(job.id, "somebody else"))
    jobs.run_at_once(job.id)
    with pytest.raises(LeaseLost):
        Lease(job.id, "somebody else").extend()


def test_the_jobs_of_one_pool_are_not_taken_by_another(app: Flask, clock: MovingClock) -> None:
    """A slow effect delays no timer, a slow mail server no document."""
    effects = {"mail": jobs.Pool.MAIL, exports.EFFECT: jobs.Pool.DOCUMENT, printing.EFFECT: jobs.Pool.DOCUMENT}
    kinds = dict.fromkeys(("timer", "async", "message", "signal"), jobs.Pool.CASE)
    at, current = clock.now(), session()
    rows = [("effect", name, pool) for name, pool in effects.items()] + [(k, "", pool) for k, pool in kinds.items()]
    for pool in jobs.Pool:
        with current.begin_nested():
            ids = {new_id(): row for row in rows}
            for job_id, (kind, name, _) in ids.items():
                current.add(Job(id=job_id, kind=kind, name=name, due_at=at, run_at=at, payload={}))
            current.flush()
            claim = {"worker": "w", "until": at + LEASE, "now": at, "limit": 99, "pool": pool}
            taken = {job.id for job in current.execute(jobs.CLAIM_JOBS, claim)}
        assert {key for key, row in ids.items() if row[2] == pool} <= taken
        assert not {key for key, row in ids.items() if row[2] != pool} & taken
        current.rollback()


def test_files_are_swept_after_their_lifetime_whoever_made_them(app: Flask, clock: MovingClock, tmp_path: Any) -> None:
    """Those of the database by any machine, those that a killed process left on this one too."""
    owner, content = new_id(), bytes(range(256)) * 9000
    with transaction(Operation("test")) as current:
        write_file(current, owner, io.BytesIO(content))
        write_file(current, owner, io.BytesIO(b"part"), "0001")
    pieces = list(read_file(owner))
    assert (b"".join(pieces), max(map(len, pieces))) == (content, PIECE_BYTES)
    assert file_sizes(owner) == {"": len(content), "0001": 4}
    left = settings().data_dir / "exports" / "left"
    left.mkdir(parents=True)
    (left / "made.xlsx").write_bytes(b"PK")
    clock.move_to(datetime.now(UTC) - timedelta(hours=1))
    exports.sweep()
    assert left.exists()
    clock.move(LIFETIME + timedelta(hours=2))
    exports.sweep()
    assert (file_sizes(owner), list(read_file(owner)), left.exists()) == ({}, [], False)


def test_a_mail_server_that_answers_byte_by_byte_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.5)
    served: list[bool] = []

    def trickle(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            for _ in range(10_000):  # a byte now and then: no single wait is long
                connection.sendall(b"2")
                connection.settimeout(0.05)
                with suppress(TimeoutError):
                    if connection.recv(1) == b"":
                        served.append(True)
                        return

    mail = EmailMessage()
    mail["From"], mail["To"] = "a@example.cn", "b@example.cn"
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        ended = pool.submit(trickle, listening)
        server = MailServer("127.0.0.1", listening.getsockname()[1], "plain", "", "", "a@example.cn")
        with pytest.raises(smtp.Away):
            smtp.send(server, mail)
        ended.result()
    assert served == [True]
