"""Random processes of the fuzz, tested back at random moments on both drawings of the same, whether they were migrated
between them or not: wherever a case waits, and whatever it has done, nothing differs.
"""

from __future__ import annotations

import random

import pytest

from service.engine.backtest import Backtest
from service.engine.conformance.cases import BEGIN
from service.engine.tested_case import Kind
from tests.conformance.test_random_migrations import MigratedCases
from tests.conformance.test_random_processes import CENTURY, drawings

EACH, SEEDS, MOMENTS = 12, 2, 4


@pytest.mark.parametrize("often", [0.0, 0.2])
@pytest.mark.parametrize("batch", range(SEEDS))
def test_a_case_is_the_same_on_its_own_drawing_and_on_one_with_other_ids(batch: int, often: float) -> None:
    for _, (seed, drawn, _) in zip(range(EACH), drawings(90_000 + batch * 1_000), strict=False):
        cases = MigratedCases(drawn, seed, often)
        case = cases.start("P", dict(drawn.data), drawn.begin)
        cases.settle(BEGIN + CENTURY)
        for version in cases.versions:
            plans = {other.digest: cases.plan(other, version) for other in cases.versions}
            test = Backtest(version, cases.known.__getitem__, plans)
            for moment in random.Random(seed).choices(range(1, len(case.rows) + 1), k=MOMENTS):
                found = test.test(case.rows[:moment])
                assert found.kind == Kind.SAME, (seed, moment, found.kind, found.element, found.detail)
