"""Plays one case by the names of its elements: what tests of the engine read like."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from service.engine import (
    Definition,
    Input,
    Job,
    Request,
    Step,
    UserTask,
    journal,
    read_definition,
    step,
)
from tests.unit.engine_shapes import Shape, shape

AT = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in China


class Play:
    """A case and what is open in it; every input is also a row of ``rows``."""

    def __init__(
        self, drawn: Shape | Definition, serve: Callable[[Request], Any] | None = None, **options: Any
    ) -> None:
        self.definition = (
            drawn
            if isinstance(drawn, Definition)
            else read_definition(drawn.files, drawn.name, **({"validate": False} | options))
        )
        self.serve = serve or (lambda request: {})
        self.at, self.state = AT, None
        self.users: dict[str, UserTask] = {}
        self.jobs: dict[str, Job] = {}
        self.rows: list[dict[str, Any]] = []
        self.last: Step | None = None

    def put(self, kind: str, *, salt: bytes = b"salt", **given: Any) -> Step:
        self.at += timedelta(minutes=1)
        taken = Input(kind, len(self.rows), self.at, **given)
        done = step(self.definition, self.state, taken, self.serve, salt)
        prev = self.rows[-1]["hash"] if self.rows else ""
        envelope = journal.Envelope("case-1", "u-1", prev, salt)
        self.rows.append(journal.step_row(envelope, self.definition, taken, done))
        self.state, self.last = done.state, done
        for token in done.closed:
            del self.users[token]
        for token in done.jobs_cleared:
            del self.jobs[token]
        self.users |= {task.token: task for task in (*done.opened, *done.readdressed)}
        self.jobs |= {job.token: job for job in done.jobs_set}
        return done

    def start(self, **data: Any) -> Step:
        return self.put("start", data=data)

    def complete(self, element: str, **data: Any) -> Step:
        return self.put("complete", token=self.token(self.users, element), element=element, data=data)

    def fire(self, element: str) -> Step:
        token = self.token(self.jobs, element)
        return self.put("timer", token=token, element=element, due=self.jobs[token].due)

    def job(self, kind: str, element: str, **data: Any) -> Step:
        return self.put(kind, token=self.token(self.jobs, element), element=element, data=data)

    def message(self, name: str, **data: Any) -> Step:
        return self.put("message", element=name, data=data)

    @property
    def open(self) -> list[str]:
        """Paths of the open user tasks, oldest first."""
        return [task.element for task in self.users.values()]

    @staticmethod
    def token(held: dict[str, Any], element: str) -> str:
        return next(token for token, found in held.items() if found.element == element)


def play(nodes: str, flows: str, serve: Callable[[Request], Any] | None = None, **drawn: Any) -> Play:
    """A case of a process drawn on the spot."""
    return Play(shape("case", nodes, flows, **drawn), serve)
