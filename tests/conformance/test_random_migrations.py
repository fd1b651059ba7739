"""Random processes of the fuzz, migrated to and fro between two drawings of the same at random moments: the traces are
still those of the reference game, and every journal is proved.
"""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from service.engine import Definition, Plan, journal, read_definition, replay
from service.engine.conformance.cases import BEGIN, FUNCTIONS, Cases, Running
from service.engine.engine import step
from service.engine.kernel.types import Input
from tests.conformance.process_model import bpmn
from tests.conformance.random_processes import Drawing
from tests.conformance.test_random_processes import CENTURY, drawings

EACH, SEEDS = 15, 4
IDS = re.compile(r' (id|sourceRef|targetRef|attachedToRef|default|activityRef|calledElement)="([a-zA-Z]+\d+)"')


def renamed(diagram: bytes) -> bytes:
    """The same drawing with another id for every element."""
    return IDS.sub(r' \1="\2_other"', diagram.decode()).encode()


class MigratedCases(Cases):
    """Cases that change their version now and then between two inputs."""

    def __init__(self, drawn: Drawing, seed: int, often: float = 0.4) -> None:
        diagram = bpmn(drawn.main)
        super().__init__({"m.bpmn": diagram})
        versions = [
            read_definition({"m.bpmn": text}, "P", FUNCTIONS, deployment_rules=False)
            for text in (diagram, renamed(diagram))
        ]
        self.versions, self.known = versions, {version.digest: version for version in versions}
        self.random, self.often, self.left = random.Random(seed), often, Counter[str]()
        goes = {name: name + "_other" for name in versions[0].elements if name + "_other" in versions[1].elements}
        self.goes = Plan(goes), Plan({other: name for name, other in goes.items()})

    def plan(self, old: Definition, new: Definition) -> Plan:
        return Plan() if old is new else self.goes[new is self.versions[0]]

    def migrate(self, case: Running) -> None:
        old = case.definition
        new = next(version for version in self.versions if version is not old)
        given = Input("migrate", case.seq, self.now, data=self.plan(old, new).to_data())
        self.left.update(job.kind for job in case.jobs.values())
        done = step(new, case.state, given, self.serve, b"s" * 16, old)
        assert done.trace == ()
        envelope = journal.Envelope(case.name, None, case.rows[-1]["hash"], b"s" * 16)
        case.rows.append(journal.step_row(envelope, new, given, done))
        case.definition = new
        self._keep(case, done)

    def settle(self, until: object) -> None:
        for _ in range(200):
            for case in self._open():
                if self.random.random() < self.often:
                    self.migrate(case)
            if not (self._deliver() or self._continue() or self._pass_time(BEGIN + CENTURY)):
                return

    def audit(self) -> list[str]:
        return [fault for case in self.running for fault in replay.re_execute(case.rows, self.known.__getitem__)]


@pytest.mark.parametrize("batch", range(SEEDS))
def test_migrated_processes_trace_what_the_reference_game_says(batch: int) -> None:
    migrated = 0
    for _, (seed, drawn, expected) in zip(range(EACH), drawings(70_000 + batch * 1_000), strict=False):
        cases = MigratedCases(drawn, seed)
        case = cases.start("P", dict(drawn.data), drawn.begin)
        cases.settle(BEGIN + CENTURY)
        assert not case.incident, (seed, case.incident)
        assert cases.audit() == [], seed
        assert sorted(cases.tokens) == expected, seed
        migrated += sum(row["kind"] == "migrate" for row in case.rows)
    assert migrated > EACH
