"""Fill a database with a country's data, in as many processes as there are cores."""

from __future__ import annotations

import multiprocessing
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service import demo
from service.config import settings
from service.demo.certificate_events import CertificateEvents
from service.demo.invented.accounts import Accounts, create_office_accounts
from service.demo.invented.actions import Actions
from service.demo.invented.people import People, picture
from service.demo.office_content import DraftClasses, OfficeContent
from service.domain.units.provinces import AUTHORITY_CODES
from service.models.db.clock import MovingClock, clock_override, now, today
from service.models.db.encryption import encrypt
from service.models.db.session import session
from service.models.db.transaction import Operation
from service.models.tables.certificates.certificate import CertificateSerial
from service.models.tables.persons.person import Photo, QualificationType
from service.workflow.persons.photos import clean_photo
from service.workflow.processes import definitions
from service.workflow.runtime import jobs
from service.workflow.training import enrollments
from tests.bench.full_scale import worker_slices
from tests.bench.full_scale.bulk_copy import AuditedRow, CopyBuffer
from tests.bench.full_scale.class_schedule import ClassSchedule
from tests.bench.full_scale.organisations import Organisations, yesterday_evening
from tests.bench.full_scale.plan import ClassPlan, EnrollmentPlan, PersonPlan, Scale, need_decision
from tests.bench.full_scale.shared_data import PROCESSES, SharedData

PICTURES = 24
PERSONS_PER_SLICE, CLASSES_PER_SLICE = 250, 20


def fill(
    scale: Scale | None = None, workers: int | None = None, progress: demo.Progress = lambda done, total: None
) -> bool:
    """Fill an empty database up to yesterday through the pure engine, then for today through the use cases.

    workers: number of processes, by default one per core; 0 for this process alone. Returns False where there is data
    already.
    """
    if not demo.begin_filling():
        return False
    last, instant = today(), now()
    accounts = create_office_accounts()
    _copy(scale or Scale(), accounts, progress, (os.cpu_count() or 1) if workers is None else workers)
    with clock_override(MovingClock(yesterday_evening(instant))) as clock:
        assert isinstance(clock, MovingClock)
        actions = Actions(clock, People(demo.SEED), accounts)
        DraftClasses(actions, last).create()
        CertificateEvents(actions, last).run()
        clock.move_to(instant)
        jobs.run_all()
        OfficeContent().create()
    enrollments.refresh_need()
    demo.end_filling()
    return True


def _copy(scale: Scale, accounts: Accounts, progress: demo.Progress, workers: int) -> None:
    """Write everything as it stands at the end of yesterday's work."""
    until = yesterday_evening(now())
    buffer, random = CopyBuffer(Random(demo.SEED)), Random(demo.SEED)
    organisations = Organisations(buffer, scale, accounts, until, random)
    persons = organisations.create()
    definition, _ = definitions.decision("training_need")
    schedule = ClassSchedule(scale, persons, until, random, need_decision(definition))
    schedule.plan()
    shared = _shared_data(buffer, accounts, organisations, until)
    for (province, year), last in schedule.serials.items():
        buffer.add(CertificateSerial, province=province, year=year, last=last)
    connection = worker_slices.connect(settings().database_url)
    buffer.write(connection)
    connection.close()
    _copy_slices(shared, persons, schedule.classes, progress, workers)
    _vacuum()


def _shared_data(buffer: CopyBuffer, accounts: Accounts, organisations: Organisations, until: datetime) -> SharedData:
    rows = session().scalars(select(QualificationType))
    logins = ("ministry", "association", *(f"province-{code}" for code in AUTHORITY_CODES))
    return SharedData(
        seed=demo.SEED,
        now=until,
        today=today(),
        offices={login: accounts[login].id for login in logins},
        institutions=organisations.institutions,
        bundles={name: definitions.files(definitions.current(name).digest) for name in PROCESSES},
        types={row.code: (row.id, row.name) for row in rows},
        photos=_photos(buffer, until),
        decision=definitions.decision("training_need")[1],
    )


def _photos(buffer: CopyBuffer, at: datetime) -> list[UUID]:
    """Create a few pictures that all persons share: 50,000 would be a gigabyte of noise."""
    found = []
    for n in range(PICTURES):
        clean = clean_photo(picture(n))
        values = {"sealed": encrypt(clean.jpeg), "width": clean.width, "height": clean.height}
        row = AuditedRow(buffer, Photo, at, Operation("save_person"), **values)
        row.close()
        found.append(row.id)
    return found


def _copy_slices(
    shared: SharedData, persons: list[PersonPlan], classes: list[ClassPlan], progress: demo.Progress, workers: int
) -> None:
    """Copy classes first, because enrolments refer to them; each slice in the next free process."""
    enrolled: dict[UUID, list[EnrollmentPlan]] = defaultdict(list)
    for person in persons:
        for event in person.events:
            if isinstance(event, EnrollmentPlan):
                enrolled[event.training_class.id].append(event)
    planned = [(found, enrolled[found.id]) for found in classes]
    work: list[tuple[Callable[[int, Any], int], list[Any]]] = [
        (worker_slices.copy_classes, list(_slices(planned, CLASSES_PER_SLICE))),
        (worker_slices.copy_persons, list(_slices(persons, PERSONS_PER_SLICE))),
    ]
    total, done = len(persons) + len(classes), 0
    with _WorkerPool(shared, workers) as pool:
        for function, slices in work:
            for count in pool.map(function, slices):
                done += count
                progress(done, total)


def _slices(rows: list[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(rows)
    while found := list(islice(rest, size)):
        yield found


class _WorkerPool:
    """Runs slices in several processes, or in this one."""

    def __init__(self, shared: SharedData, workers: int) -> None:
        self._arguments = (shared, settings().database_url)
        self._pool: ProcessPoolExecutor | None = None
        if workers > 1:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(workers, context, worker_slices.open_worker, self._arguments)

    def __enter__(self) -> _WorkerPool:
        if self._pool is None:
            worker_slices.open_worker(*self._arguments)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool is None:
            worker_slices.close_worker()
        else:
            self._pool.shutdown(cancel_futures=True)

    def map(self, function: Callable[[int, Any], int], slices: list[Any]) -> Iterator[int]:
        """Yield the number of rows of each slice as it is completed."""
        if self._pool is None:
            yield from (function(n, found) for n, found in enumerate(slices))
            return
        waiting: list[Future[int]] = [self._pool.submit(function, n, found) for n, found in enumerate(slices)]
        yield from (future.result() for future in as_completed(waiting))


def _vacuum() -> None:
    """Do what autovacuum would do later: statistics for the planner, the visibility map for index-only scans."""
    connection = worker_slices.connect(settings().owner_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    connection.close()
