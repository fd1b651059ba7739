"""Proof of finished cases: seconds for 10,000 of them over two processes, against their re-execution alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from sqlalchemy import select

from service.engine import replay
from service.infrastructure import garbage
from service.infrastructure.postgres import Server
from service.models.db.session import session
from service.models.tables.runtime.case import JournalRow
from service.workflow.processes import definitions
from service.workflow.runtime.verification import Verifier
from tests.bench import chain
from tests.bench.figures import Figures
from tests.bench.processes import at_once
from tests.bench.scratch import application, copy

PROCESSES = 2


def measure(server: Server, prepared: str, case_ids: Sequence[UUID], figures: Figures) -> None:
    """Walk the cases to their certificates, then prove them, each process its share."""
    copy(server, prepared, "bench_proof")
    parts = [list(case_ids[n::PROCESSES]) for n in range(PROCESSES)]
    url = server.url("bench_proof")
    at_once(chain.walk, [(url, part, False) for part in parts])
    told = at_once(_prove, [(url, part) for part in parts])
    wall, proof, bare = max(one[0] for one in told), sum(one[1] for one in told), sum(one[2] for one in told)
    figures.key("verify_10k_s", wall * 10_000 / len(case_ids))
    figures.key("verify_over_reexecution", proof / bare)
    cpu = proof * 10_000 / len(case_ids) / PROCESSES
    told_beside = f"{cpu:.1f} s of CPU each; {proof / bare:.2f} times the execution alone"
    figures.row("anpei verify: 10,000 enrolments on 2 cores", f"{wall * 10_000 / len(case_ids):.1f} s", told_beside)


def _prove(ready: Callable[[], object], url: str, case_ids: Sequence[UUID]) -> tuple[float, float, float]:
    """Wall and CPU seconds of the proof, and CPU seconds of reading and executing the same cases again."""
    with application(url).app_context():
        verifier = Verifier()
        found = list(verifier.verify(case_ids[:1]))
        assert found == [], found
        garbage.collect_seldom()  # as each process of `anpei verify` does
        ready()
        wall, cpu = time.perf_counter(), time.process_time()
        assert list(verifier.verify(case_ids)) == []
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        bare = time.process_time()
        for case_id in case_ids:
            query = select(JournalRow.record).where(JournalRow.case_id == case_id).order_by(JournalRow.seq)
            assert replay.re_execute(list(session().scalars(query)), definitions.definition) == []
        return wall, cpu, time.process_time() - bare
