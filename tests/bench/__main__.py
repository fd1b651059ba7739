"""``make bench``: every figure with its peer in the same run, each part in a fresh process. Writes ``bench/latest.json``."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service.config import CHECKOUT, EMBEDDED_ROLES
from service.infrastructure.postgres import Server
from service.migrations import upgrade
from tests.bench import cast
from tests.bench.figures import Figures
from tests.bench.part import ALONE, ON_CASES, ON_SERVER, PREPARED
from tests.bench.processes import at_once
from tests.bench.scratch import scratch

PARTS = (*ON_SERVER, *ON_CASES, *ALONE)
MOST_SECONDS = 20 * 60
"""Of a whole run, the full data apart, which are made once: what has not ended by then is cut off, and said to be."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure only these")
    parser.add_argument(
        "--cases", type=int, default=240, help="enrolments that are walked from confirmation to certificate"
    )
    chosen = parser.parse_args()
    figures, until = Figures(), time.monotonic() + MOST_SECONDS
    print(f"\n  {'what':<52} {'measured':>22}   beside it")
    if {*ON_SERVER, *ON_CASES} & set(chosen.only):
        with scratch() as server:
            if set(ON_CASES) & set(chosen.only):
                _prepare(server, chosen.cases, figures)
            for name in (*ON_SERVER, *ON_CASES):
                if name in chosen.only:
                    _run(name, figures, until)
    for name in ALONE:
        if name in chosen.only:
            _run(name, figures, until)
    figures.summary()
    if set(chosen.only) == set(PARTS):
        figures.write()
    sys.exit(1 if any(part["fault"] for part in figures.parts.values()) else 0)


def _prepare(server: Server, cases: int, figures: Figures) -> None:
    """Make the database with the cases that parts copy."""
    began = time.perf_counter()
    server.create_database(PREPARED)
    upgrade(server.url(PREPARED, EMBEDDED_ROLES.owner), EMBEDDED_ROLES)
    (case_ids,) = at_once(cast.prepare, [(server.url(PREPARED), cases)])
    server.execute("VACUUM ANALYZE", PREPARED)  # as autovacuum would have done to an installation of some age
    figures.row(f"prepared {len(case_ids)} enrolments", f"{time.perf_counter() - began:.1f} s")


def _run(name: str, figures: Figures, until: float) -> None:
    """Run a part in a fresh process, which is given the figures so far; note how long it took, and the load it met."""
    began, load, fault = time.monotonic(), os.getloadavg()[0], ""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.json"
        file.write_text(figures.dump())
        command = [sys.executable, "-m", "tests.bench.part", name, str(file)]
        try:
            subprocess.run(command, cwd=CHECKOUT, check=True, timeout=max(1, until - began))
        except subprocess.TimeoutExpired:
            fault = f"not ended after {MOST_SECONDS // 60} minutes of the run"
        except subprocess.CalledProcessError as failed:
            fault = f"exit code {failed.returncode}"
        with contextlib.suppress(ValueError):
            figures.load(file.read_text())
    if fault:
        figures.row(f"{name}: no figure", fault)
    figures.parts[name] = {
        "seconds": round(time.monotonic() - began, 1),
        "load_before": round(load, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "fault": fault,
    }


if __name__ == "__main__":
    main()
