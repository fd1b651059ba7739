"""Back-test of finished cases: seconds for 10,000 of them over two processes, against their bare re-execution."""

from __future__ import annotations

import time
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from service.engine import replay
from service.infrastructure.postgres import Server
from service.models.db.session import session
from service.models.tables.runtime.case import Case, JournalRow
from service.workflow.processes import definitions
from service.workflow.versions import backtests
from tests.bench import chain
from tests.bench.figures import Figures
from tests.bench.processes import at_once
from tests.bench.scratch import application, copy

PROCESSES = 2


def measure(server: Server, prepared: str, case_ids: Sequence[UUID], figures: Figures) -> None:
    """Walk the cases to their certificates, then test the version in force on them."""
    copy(server, prepared, "bench_backtest")
    url = server.url("bench_backtest")
    at_once(chain.walk, [(url, list(case_ids[n::PROCESSES]), False) for n in range(PROCESSES)])
    wall, test, bare = _test(url, list(case_ids))  # here: what at_once starts may start no processes
    seconds = wall * 10_000 / len(case_ids)
    figures.key("backtest_10k_s", seconds)
    figures.key("backtest_over_replay", test / bare)
    a_case = 1_000 * test / len(case_ids)
    told_beside = f"{test / bare:.2f} times the bare re-execution: {a_case:.1f} ms of one core a case"
    figures.row("anpei backtest: 10,000 enrolments on 2 cores", f"{seconds:.1f} s", told_beside)


def _test(url: str, case_ids: Sequence[UUID]) -> tuple[float, float, float]:
    """Wall seconds over all processes, theirs once they have begun; CPU seconds on one of the test and of replay."""
    with application(url).app_context():
        digest = session().scalars(select(Case.definition).where(Case.id == case_ids[0])).one()
        definition = definitions.definition(digest)
        assert _tally(definition, case_ids[:1], 1) == 1
        many = [case_ids[n % len(case_ids)] for n in range(2_000)] if len(case_ids) >= 50 else case_ids
        wall = time.perf_counter()
        assert _tally(definition, many, PROCESSES) == len(many)
        wall = (time.perf_counter() - wall) * len(case_ids) / len(many)
        test = time.process_time()
        _tally(definition, case_ids, 1)
        test, bare = time.process_time() - test, time.process_time()
        for case_id in case_ids:
            query = select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
            assert replay.re_execute(list(session().scalars(query)), definitions.definition) == []
        return wall, test, time.process_time() - bare


def _tally(definition: object, case_ids: Sequence[UUID], processes: int) -> int:
    tally = backtests.Tally()
    for found in backtests.run_over(definition, case_ids, processes):  # type: ignore[arg-type]
        tally.add(found)
    assert tally.cases == []
    return tally.done
