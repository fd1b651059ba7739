"""Random walks through a definition, each input given to the engine and to a ReferenceRun beside it."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

from service.engine import Definition, Input, StaleToken, Step, StepError, journal, step
from service.engine.replay import ReferenceRun, recorded_handler
from service.engine.tokens import order_of

BEGIN = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
COMPARED = [f.name for f in fields(Step) if f.name != "state"]


class Walk:
    """One case: what is open, the rows of its journal, and the ReferenceRun beside it."""

    def __init__(self, definition: Definition, seed: int, data: dict[str, list[Any]], serve=None) -> None:
        self.definition, self.data = definition, data
        self.random = random.Random(seed)
        self.serve = serve or self.answer
        self.reference: ReferenceRun | None = ReferenceRun(definition)
        self.at, self.seq, self.state = BEGIN, 0, None
        self.users: dict[str, Any] = {}
        self.jobs: dict[str, Any] = {}
        self.awaited: tuple[str, ...] = ()
        self.ended = False
        self.rows: list[dict[str, Any]] = []
        self.largest = 0
        self.told: dict[tuple[str, str], list[Any]] = defaultdict(list)

    def answer(self, request) -> dict[str, Any] | None:
        if request.topic.endswith("external"):
            return None
        return {request.element.split("/")[-1] + "_done": self.random.randrange(100), **self.fields(1)}

    def remember(self, request) -> dict[str, Any] | None:
        result = self.serve(request)
        self.told[request.element, request.topic].append(result)
        return result

    def fields(self, most: int = 3) -> dict[str, Any]:
        chosen = self.random.sample(sorted(self.data), min(most, len(self.data)))
        return {name: self.random.choice(self.data[name]) for name in chosen}

    def all_fields(self) -> dict[str, Any]:
        return {name: self.random.choice(self.data[name]) for name in sorted(self.data)}

    def put(self, kind: str, **given: Any) -> Step:
        """One input to both engines; raises AssertionError where they differ, StaleToken or StepError where both do."""
        self.at += timedelta(seconds=self.random.randrange(1, 5000))
        self.told = defaultdict(list)
        taken = Input(kind, self.seq, self.at, **given)
        salt = self.random.randbytes(16)
        try:
            done = step(self.definition, self.state, taken, self.remember, salt)
        except (StaleToken, StepError) as failed:
            self.fails_alike(taken, salt, failed)
            raise
        prev = self.rows[-1]["hash"] if self.rows else ""
        row = journal.step_row(journal.Envelope("case", "somebody", prev, salt), self.definition, taken, done)
        if self.reference:
            again = self.reference.step(taken, recorded_handler(row), salt)
            for name in COMPARED:
                assert getattr(done, name) == getattr(again, name), (self.definition.process, name, taken)
        self.take(done, row)
        return done

    def fails_alike(self, taken: Input, salt: bytes, failed: Exception) -> None:
        if self.reference:
            try:
                self.reference.step(taken, lambda request: self.told[request.element, request.topic].pop(0), salt)
            except (StaleToken, StepError) as also:
                assert (type(also), str(also)) == (type(failed), str(failed))  # noqa: PT017
            else:
                raise AssertionError(f"only the compact engine failed: {failed}")
            self.reference = None

    def take(self, done: Step, row: dict[str, Any]) -> None:
        self.rows.append(row)
        self.state, self.awaited, self.ended = done.state, done.awaited, done.ended
        self.largest = max(self.largest, len(done.state))
        for token in done.closed:
            self.users.pop(token)
        for token in done.jobs_cleared:
            self.jobs.pop(token)
        self.users.update({task.token: task for task in (*done.opened, *done.readdressed)})
        self.jobs.update({job.token: job for job in done.jobs_set})
        self.seq += 1

    def move(self) -> bool:
        """One random input that has a place; False when there is none."""
        choices = [("complete", token) for token in sorted(self.users, key=order_of)] * 3
        choices += [(job.kind, token) for token, job in sorted(self.jobs.items(), key=lambda pair: order_of(pair[0]))]
        choices += [tuple(name.split(":", 1)) for name in self.awaited]
        if not choices:
            return False
        if self.random.random() < 0.05:
            self.put("readdress", data=self.fields(2))
            return True
        kind, what = self.random.choice(choices)
        if kind == "complete":
            self.put(kind, token=what, element=self.users[what].element, data=self.fields())
        elif kind == "timer":
            self.put(kind, token=what, element=self.jobs[what].element, due=self.jobs[what].due)
        elif kind == "external":
            self.put(kind, token=what, element=self.jobs[what].element, data=self.fields())
        elif kind == "async":
            self.put("job", token=what, element=self.jobs[what].element)
        else:
            self.put(kind, element=what, data=self.fields(1))
        return True

    def run(self, most: int = 40) -> Walk:
        """Start and move until the case ends, fails, or has had its share."""
        try:
            self.put("start", data=self.all_fields())
            while self.seq < most and not self.ended and self.move():
                pass
        except (StaleToken, StepError):
            pass
        return self
