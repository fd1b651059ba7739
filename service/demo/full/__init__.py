"""The demonstration at full scale (domain.md §3): planned as plain values, run through the pure engine, written by COPY."""

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

from service.config import settings
from service.demo.fixtures.accounts import Accounts, make_offices
from service.demo.fixtures.people import picture
from service.demo.full import chunks
from service.demo.full.land import Land, yesterday
from service.demo.full.plan import Class, Learner, Scale, Story
from service.demo.full.seasons import Seasons
from service.demo.full.sheets import Row, Sheets
from service.demo.full.world import PROCESSES, World
from service.domain.units.provinces import AUTHORITY_CODES
from service.models.db.clock import now, today
from service.models.db.encryption import encrypt
from service.models.db.session import session
from service.models.db.transaction import Operation
from service.models.tables.certificate import CertificateSerial
from service.models.tables.person import Photo, QualificationType
from service.workflow.persons.photos import clean_photo
from service.workflow.runtime import definitions

SEED = 2026
PICTURES = 24
PERSONS, CLASSES = 250, 20  # of one slice

Progress = Callable[[int, int], None]


def fill(scale: Scale, progress: Progress, workers: int | None = None) -> Accounts:
    """Write everything as it stands at the end of yesterday's work; ``workers``: processes, 0 for this one alone."""
    accounts, until = make_offices(), yesterday(now())
    sheets, random = Sheets(Random(SEED)), Random(SEED)  # noqa: S311 - invented data
    land = Land(sheets, scale, accounts, until, random)
    learners = land.make()
    seasons = Seasons(scale, learners, until, random)
    seasons.tell()
    world = _world(sheets, accounts, land, until)
    for (province, year), last in seasons.serials.items():
        sheets.add(CertificateSerial, province=province, year=year, last=last)
    connection = chunks.connect(settings().database_url)
    sheets.write(connection)
    connection.close()
    _tell(world, learners, seasons.classes, progress, (os.cpu_count() or 1) if workers is None else workers)
    _settle()
    return accounts


def _world(sheets: Sheets, accounts: Accounts, land: Land, until: datetime) -> World:
    rows = session().scalars(select(QualificationType))
    logins = ("ministry", "association", *(f"province-{code}" for code in AUTHORITY_CODES))
    return World(
        seed=SEED,
        now=until,
        today=today(),
        offices={login: accounts[login].id for login in logins},
        institutions=land.institutions,
        bundles={name: definitions.files(definitions.current(name).digest) for name in PROCESSES},
        types={row.code: (row.id, row.name) for row in rows},
        photos=_photos(sheets, until),
        decision=definitions.decision("training_need")[1],
    )


def _photos(sheets: Sheets, at: datetime) -> list[UUID]:
    """A few drawn pictures that all persons share: 50,000 would be a gigabyte of noise."""
    found = []
    for n in range(PICTURES):
        clean = clean_photo(picture(n))
        row = Row(
            sheets,
            Photo,
            at,
            Operation("save_person"),
            sealed=encrypt(clean.jpeg),
            width=clean.width,
            height=clean.height,
        )
        row.close()
        found.append(row.id)
    return found


def _tell(world: World, learners: list[Learner], classes: list[Class], progress: Progress, workers: int) -> None:
    """Classes first, for enrolments name them; each slice in whatever process is free."""
    total, done = len(learners) + len(classes), 0
    stories: dict[UUID, list[Story]] = defaultdict(list)
    for learner in learners:
        for event in learner.events:
            if isinstance(event, Story):
                stories[event.training_class.id].append(event)
    told: list[tuple[Callable[[int, Any], int], list[Any]]] = [
        (chunks.tell_classes, list(_slices([(planned, stories[planned.id]) for planned in classes], CLASSES))),
        (chunks.tell_persons, list(_slices(learners, PERSONS))),
    ]
    with _Processes(world, workers) as pool:
        for act, slices in told:
            for count in pool.run(act, slices):
                done += count
                progress(done, total)


def _slices(rows: list[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(rows)
    while found := list(islice(rest, size)):
        yield found


class _Processes:
    """Runs slices in several processes, or in this one."""

    def __init__(self, world: World, workers: int) -> None:
        self._given = (world, settings().database_url)
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(workers, context, chunks.begin, self._given) if workers > 1 else None

    def __enter__(self) -> _Processes:
        if self._pool is None:
            chunks.begin(*self._given)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._pool is None:
            chunks.finish()
        else:
            self._pool.shutdown(cancel_futures=True)

    def run(self, act: Callable[[int, Any], int], slices: list[Any]) -> Iterator[int]:
        """How many rows each slice told, as they are done."""
        if self._pool is None:
            yield from (act(n, found) for n, found in enumerate(slices))
            return
        waiting: list[Future[int]] = [self._pool.submit(act, n, found) for n, found in enumerate(slices)]
        yield from (future.result() for future in as_completed(waiting))


def _settle() -> None:
    """What autovacuum would do to tables that were just filled: figures for the planner, and what index-only reading needs."""
    connection = chunks.connect(settings().database_url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    connection.close()
