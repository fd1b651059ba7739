"""Back-test: the recorded inputs of a case, given to another version of its diagram, in memory; no handler runs.

People, messages and results of topics come from the journal, in their order. Timers that the recorded run set fire
where it fired them; others by a clock that goes from one recorded instant to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import orjson

from service.engine import migration, replay
from service.engine.definition import Definition, read_definition
from service.engine.kernel.types import MigrationRefused
from service.engine.replay import Definitions, Row
from service.engine.tested_case import MENDS, Kind, Outcome, TestedCase, last


@dataclass(slots=True)
class Backtest:
    """Tests cases against one definition; ``definitions`` finds those that their journals name."""

    definition: Definition
    definitions: Definitions
    plans: dict[str, migration.Plan] = field(default_factory=dict)

    def test(self, rows: Sequence[Row]) -> Outcome:
        """Give one case's inputs to the definition, all of them or those after its last mend; whatever fails is the
        outcome of this case alone, named by its type: what it says may be personal.
        """
        try:
            return self._tested(rows)
        except Exception as error:
            element, seq = last(getattr(error, "element", "")), rows[-1].get("seq")
            return Outcome(Kind.ERROR, element, seq, type(error).__name__)

    def _tested(self, rows: Sequence[Row]) -> Outcome:
        moved = [n for n, row in enumerate(rows) if row["kind"] in MENDS]
        begun = moved[-1] + 1 if moved else 0
        digest = rows[max(begun - 1, 0)]["definition"]
        old = self.definitions(digest)
        plan = self.plans.setdefault(digest, migration.propose(old, self.definition))
        run = TestedCase(self.definition, old, plan, rows[begun:], lambda: self._stored(rows))
        try:
            if begun:
                run.take(self._stored(rows[:begun]), rows[begun - 1])
        except MigrationRefused as refused:
            return Outcome(Kind.NO_PLACE, refused.element, rows[begun - 1]["seq"], str(refused))
        return run.outcome()

    def _stored(self, rows: Sequence[Row]) -> bytes:
        """The stored state after the last of these rows, by the versions that they name."""
        *_, (_, reached) = replay.run(rows, self.definitions)
        assert reached.step is not None
        return reached.step.state


_tests: list[Backtest] = []  # of this process


def enter(bundle: Mapping[str, bytes], process: str, versions: Mapping[str, tuple[Mapping[str, bytes], str]]) -> None:
    """Prepare a process for ``test_slice``: the version under test, and by digest those that journals name."""

    @cache
    def version(digest: str) -> Definition:
        files, key = versions[digest]
        return read_definition(files, key, validate=False)

    _tests[:] = [Backtest(read_definition(bundle, process, validate=False), version)]


def test_slice(cases: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, str, str]]:
    """Test some cases, each with the records of its journal as JSON: case, kind of outcome, element."""
    found = []
    for case, records in cases:
        outcome = _tests[0].test([orjson.loads(record) for record in records])
        found.append((case, str(outcome.kind), outcome.element))
    return found
