"""``make bench``: every figure with its peer in the same run, on a database of its own. Writes ``bench/latest.json``."""

from __future__ import annotations

import argparse
import time

from service.config import EMBEDDED_ROLES
from service.migrations import upgrade
from tests.bench import (
    backtest,
    cast,
    certificates,
    end_to_end,
    engine_bench,
    exports,
    http,
    inbox,
    lists,
    mining,
    proof,
    siege,
    start,
)
from tests.bench.figures import Figures
from tests.bench.processes import at_once
from tests.bench.scratch import scratch

PREPARED = "bench"
DATABASE = ("end_to_end", "http", "inbox", "proof", "backtest", "mining")
PARTS = ("engine", *DATABASE, "exports", "certificates", "lists", "siege", "start")


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure only these")
    parser.add_argument(
        "--cases", type=int, default=240, help="enrolments that are walked from confirmation to certificate"
    )
    chosen = parser.parse_args()
    figures = Figures()
    print(f"\n  {'what':<52} {'measured':>22}   beside it")
    if "engine" in chosen.only:
        _engine(figures)
    if {*DATABASE, "siege"} & set(chosen.only):
        _database(figures, chosen.only, chosen.cases)
    if "start" in chosen.only:
        start.measure(figures)
    if "exports" in chosen.only:
        exports.measure(figures)  # the full data are made first where they are missing
    if "certificates" in chosen.only:
        certificates.measure(figures)
    if "lists" in chosen.only:
        lists.measure(figures)
    figures.summary()
    if set(chosen.only) == set(PARTS):
        figures.write()


def _engine(figures: Figures) -> None:
    cycle, growth = engine_bench.engine_cycle(), engine_bench.loop_growth()
    figures.key("engine_cycle_ratio", cycle["ratio"])
    figures.row(
        "engine: load, complete, save, p50",
        f"{cycle['fast_ms']:.3f} ms",
        f"plain library {cycle['plain_ms']:.3f} ms; ratio {cycle['ratio']:.1f}",
    )
    figures.key("turn_400_over_10", growth["ratio"])
    figures.row(
        "engine: a completion at loop turn 400",
        f"{growth['turn_400_ms']:.3f} ms",
        f"at turn 10 {growth['turn_10_ms']:.3f} ms; ratio {growth['ratio']:.2f}",
    )
    figures.details["engine"] = {"cycle": cycle, "growth": growth}


def _database(figures: Figures, only: list[str], cases: int) -> None:
    with scratch() as server:
        if "siege" in only:
            siege.measure(server, figures)
        if not set(DATABASE) & set(only):
            return
        began = time.perf_counter()
        server.create_database(PREPARED)
        upgrade(server.url(PREPARED, EMBEDDED_ROLES.owner), EMBEDDED_ROLES)
        (case_ids,) = at_once(cast.prepare, [(server.url(PREPARED), cases)])
        server.execute("VACUUM ANALYZE", PREPARED)  # as autovacuum would have done to an installation of some age
        figures.row(f"prepared {len(case_ids)} enrolments", f"{time.perf_counter() - began:.1f} s")
        floor: float | None = None
        if "end_to_end" in only:
            floor = end_to_end.measure(server, PREPARED, case_ids, figures)
        if "http" in only:
            http.measure(server, PREPARED, len(case_ids), floor, figures)
        if "inbox" in only:
            inbox.measure(server, PREPARED, figures)
        if "proof" in only:
            proof.measure(server, PREPARED, case_ids, figures)
        if "backtest" in only:
            backtest.measure(server, PREPARED, case_ids, figures)
        if "mining" in only:
            mining.measure(server, PREPARED, case_ids, figures)


if __name__ == "__main__":
    main()
