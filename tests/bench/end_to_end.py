"""Completions a second without HTTP, against the floor: the statements that they send, sent bare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from service.infrastructure.postgres import Server
from tests.bench import chain
from tests.bench.figures import Figures, p50, percentile
from tests.bench.processes import at_once
from tests.bench.scratch import copy
from tests.bench.tape import Transaction, play

PROCESSES = 2  # as many as the web server has


def measure(server: Server, prepared: str, case_ids: Sequence[UUID], figures: Figures) -> None:
    """Walk the cases three times from equal databases: to record, to measure, and bare."""
    parts = [list(case_ids[n::PROCESSES]) for n in range(PROCESSES)]
    for name in ("bench_record", "bench_walk", "bench_floor"):
        copy(server, prepared, name)
    recorded = at_once(chain.walk, [(server.url("bench_record"), part, True) for part in parts])
    walked = at_once(chain.walk, [(server.url("bench_walk"), part, False) for part in parts])
    bare = at_once(_play, [(_dsn(server, "bench_floor"), one.prepared, one.transactions) for one in recorded])
    ours, floor = [_seconds(one) for one in walked], bare
    rate, peer = _rate(ours), _rate(floor)
    figures.key("floor_over_end_to_end", peer / rate)
    figures.row(
        "completions/s without HTTP, against bare SQL", f"{rate:,.0f}", f"{peer:,.0f} bare; ratio {peer / rate:.2f}"
    )
    every = [s for one in ours for s in one]
    cpu = sum(one.cpu for one in walked) / len(every) * 1000
    statements = sum(len(t) for one in recorded for t in one.transactions) / len(every)
    transactions = sum(len(one.transactions) for one in recorded) / len(every)
    figures.row(
        "  a completion: p50, p95, Python CPU",
        f"{p50(every) * 1e3:.2f}, {percentile(every, 0.95) * 1e3:.2f}, {cpu:.2f} ms",
        f"{statements:.1f} statements in {transactions:.2f} transactions",
    )
    stages = {
        stage: round(p50([s for one in walked for s in one.seconds[stage]]) * 1e3, 3) for stage in walked[0].seconds
    }
    figures.details["end_to_end"] = {
        "processes": PROCESSES,
        "completions": len(every),
        "per_second": round(rate, 1),
        "floor_per_second": round(peer, 1),
        "p50_ms": round(p50(every) * 1e3, 3),
        "p95_ms": round(percentile(every, 0.95) * 1e3, 3),
        "python_cpu_ms": round(cpu, 3),
        "statements": round(statements, 2),
        "transactions": round(transactions, 2),
        "p50_ms_by_stage": stages,
    }


def _play(ready: Callable[[], object], dsn: str, prepared: list[bytes], transactions: list[Transaction]) -> list[float]:
    ready()
    return play(dsn, prepared, transactions)


def _dsn(server: Server, database: str) -> str:
    return server.url(database).replace("+psycopg2", "")


def _seconds(one: Any) -> list[float]:
    return [s for stage in one.seconds.values() for s in stage]


def _rate(processes: list[list[float]]) -> float:
    """Completions a second of all processes together. The floor's transactions are one a completion."""
    return sum(len(seconds) / sum(seconds) for seconds in processes)
