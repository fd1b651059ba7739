"""The work of one process: a slice of persons or classes is told and copied into the database, one transaction a slice."""

from __future__ import annotations

from random import Random
from typing import Any

import psycopg2

from service.demo.full.ending import end
from service.demo.full.enrolling import Enrolling
from service.demo.full.holding import Holding
from service.demo.full.lives import Life
from service.demo.full.plan import Class, Learner, Story, timeline
from service.demo.full.sheets import Sheets
from service.demo.full.world import World

Classes = list[tuple[Class, list[Story]]]

_world: World | None = None
_connection: Any = None


def begin(world: World, database_url: str) -> None:
    """Make this process ready: it keeps the world and a connection of its own."""
    global _world, _connection
    _world = world
    _connection = connect(database_url)


def finish() -> None:
    """Close what ``begin`` opened, where it was in the calling process."""
    _connection.close()


def connect(database_url: str) -> Any:
    """A connection that does not wait for the disk: a filling that is broken off begins anew."""
    address = database_url.replace("+psycopg2", "", 1)
    return psycopg2.connect(address, options="-c timezone=UTC -c synchronous_commit=off")


def tell_persons(number: int, learners: list[Learner]) -> int:
    """The whole history of these persons; returns how many."""
    assert _world is not None
    sheets = Sheets(Random(f"{_world.seed} persons {number}"))  # noqa: S311 - invented data
    for learner in learners:
        _tell(Life(sheets, _world, learner))
    sheets.write(_connection)
    return len(learners)


def tell_classes(number: int, classes: Classes) -> int:
    """The cases of these classes; returns how many."""
    assert _world is not None
    sheets = Sheets(Random(f"{_world.seed} classes {number}"))  # noqa: S311 - invented data
    for planned, stories in classes:
        Holding(sheets, _world, planned, stories).run()
    sheets.write(_connection)
    return len(classes)


def _tell(life: Life) -> None:
    learner = life.learner
    if learner.fate != "draft":
        life.approve()
    for event in learner.events:
        if isinstance(event, Story):
            Enrolling(life, event).run(timeline(event))
        else:
            end(life, event)
    if learner.left_at is not None:
        life.deregister(learner.left_at)
    life.close()
