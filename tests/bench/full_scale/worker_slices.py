"""Work of one process: a slice of persons or classes is run and copied into the database, in one transaction."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg2

from tests.bench.full_scale.bulk_copy import CopyBuffer
from tests.bench.full_scale.class_run import ClassRun
from tests.bench.full_scale.deregistration import run_deregistration
from tests.bench.full_scale.enrollment_run import EnrollmentRun
from tests.bench.full_scale.person_history import PersonHistory
from tests.bench.full_scale.plan import ClassPlan, EnrollmentPlan, PersonPlan, enrollment_events
from tests.bench.full_scale.shared_data import SharedData

_shared: SharedData | None = None
_connection: Any = None


def open_worker(shared: SharedData, database_url: str) -> None:
    """Prepare this process: it keeps the shared data and a connection of its own."""
    global _shared, _connection
    _shared = shared
    _connection = connect(database_url)


def close_worker() -> None:
    """Close the connection, where the work is done in the calling process."""
    _connection.close()


def connect(database_url: str) -> Any:
    """Connect without waiting for the disk at commits: an interrupted filling starts over anyway."""
    address = database_url.replace("+psycopg2", "", 1)
    return psycopg2.connect(address, options="-c timezone=UTC -c synchronous_commit=off")


def copy_persons(number: int, persons: list[PersonPlan]) -> int:
    """Copy the whole history of these persons; returns their number."""
    assert _shared is not None
    buffer = CopyBuffer(Random(f"{_shared.seed} persons {number}"))
    for planned in persons:
        _run(PersonHistory(buffer, _shared, planned), planned)
    buffer.write(_connection)
    return len(persons)


def copy_classes(number: int, classes: list[tuple[ClassPlan, list[EnrollmentPlan]]]) -> int:
    """Copy the cases of these classes; returns their number."""
    assert _shared is not None
    buffer = CopyBuffer(Random(f"{_shared.seed} classes {number}"))
    for planned, enrolled in classes:
        ClassRun(buffer, _shared, planned, enrolled).run()
    buffer.write(_connection)
    return len(classes)


def _run(history: PersonHistory, planned: PersonPlan) -> None:
    if planned.outcome != "draft":
        history.approve()
    for event in planned.events:
        if isinstance(event, EnrollmentPlan):
            EnrollmentRun(history, event).run(enrollment_events(event))
        else:
            run_deregistration(history, event)
    if planned.left_at is not None:
        history.deregister(planned.left_at)
    history.close()
