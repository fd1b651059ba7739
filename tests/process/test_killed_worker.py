"""A worker that is killed from outside while it lays a class out: the next one ends the file (R58, issue 9: batches)."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pikepdf
import pytest
from sqlalchemy import func, select, update

from service.config import CHECKOUT
from service.domain.certificates.faces import Packaging
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.lease import LEASE
from service.models.queries.stored_files import file_sizes
from service.models.tables.certificates.certificate import Certificate, PrintRecord
from service.models.tables.certificates.print_batch import PrintBatch
from service.models.tables.runtime.case import Job
from service.workflow.certificates import printing
from service.workflow.runtime import jobs
from tests.builders.stage import make_stage
from tests.builders.world import make_certificate

WORKER = """
import os, sys, uuid
os.sched_setaffinity(0, list(os.sched_getaffinity(0))[:1])  # one process lays out, slice after slice
from service.app import create_app
from service.models.db.time_limits import JOB
with create_app(limits=JOB).app_context():
    from service.workflow.runtime import jobs
    jobs.run_at_once(uuid.UUID(sys.argv[1]))
"""
PATIENCE = 120.0  # seconds


def _work(batch_id: UUID) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", WORKER, str(batch_id)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE)


def _kill_at(worker: subprocess.Popen[bytes], batch_id: UUID, files: int) -> None:
    """Kill the worker once so many files are kept: no handler runs. The process that lays out for it ends too."""
    until = time.monotonic() + PATIENCE
    while len(file_sizes(batch_id)) < files:
        session().rollback()
        assert time.monotonic() < until
        assert worker.poll() is None
        time.sleep(0.02)
    os.kill(worker.pid, signal.SIGKILL)
    worker.communicate(timeout=PATIENCE)  # to the end of what it and they could write
    assert worker.returncode == -signal.SIGKILL


def _let_the_lease_run_out(batch_id: UUID) -> None:
    with transaction(Operation("test")) as current:
        current.execute(update(Job).where(Job.id == batch_id).values(locked_until=datetime.now(UTC) - LEASE))


def _faces(content: bytes, packaging: Packaging) -> list[Any]:
    """A mark of each face in its order: its number in a ZIP, what stands on the page in a PDF."""
    if packaging is Packaging.ZIP:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            assert packed.testzip() is None
            return [name.partition("-")[0] for name in packed.namelist()]
    with pikepdf.open(io.BytesIO(content)) as document:
        return [page.Contents.read_bytes() for page in document.pages]


@pytest.mark.parametrize(
    ("packaging", "faces", "kept_files"), [(Packaging.PDF, 60, (2, 4)), (Packaging.ZIP, 12, (10,))]
)
def test_a_class_goes_on_after_kill_9_without_a_page_lost_or_doubled(
    app: Any, clock: Any, packaging: Packaging, faces: int, kept_files: tuple[int, ...]
) -> None:
    """Killed again and again: what was laid out stays, what was not is; each print is logged once."""
    stage = make_stage()
    held = {make_certificate(stage.person()).id for _ in range(faces)}
    batch = printing.begin_batch(stage.association, held, "一班", "", "https://localhost/v/{}", packaging=packaging)
    batch_id = batch.id
    for files in kept_files:
        before = file_sizes(batch_id)
        _kill_at(_work(batch_id), batch_id, files)
        assert session().get_one(PrintBatch, batch_id, populate_existing=True).state == "running"
        assert before.items() <= file_sizes(batch_id).items()
        _let_the_lease_run_out(batch_id)
    clock.move_to(datetime.now(UTC))
    jobs.run_at_once(batch_id)
    row = session().get_one(PrintBatch, batch_id, populate_existing=True)
    assert (row.state, row.done, row.refused) == ("done", faces, [])
    logged = select(PrintRecord.certificate_id, func.count()).group_by(PrintRecord.certificate_id)
    assert {row[0]: row[1] for row in session().execute(logged)} == dict.fromkeys(held, 1)
    counts = session().scalars(select(Certificate.printed_count).where(Certificate.id.in_(held)))
    assert set(counts) == {1}
    content = b"".join(printing.read_file(row)[1])
    found = _faces(content, packaging)
    assert len(found) == len(set(found)) == faces
    if packaging is Packaging.ZIP:
        assert found == [one.number for one in printing.printable(stage.association, set(held))]
    assert list(file_sizes(batch_id)) == [""]
