"""Figures with unit, peer and requirement; printed as a table and written to ``bench/latest.json``."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LATEST = Path(__file__).resolve().parents[2] / "bench" / "latest.json"
# The figures that are required of us, and how they compare with the requirement.
REQUIRED: dict[str, tuple[str, float]] = {
    "engine_cycle_ratio": (">=", 10),
    "floor_over_end_to_end": ("<=", 1.6),
    "floor_over_http": ("<=", 2.2),
    "inbox_1m_over_1k": ("<=", 1.5),
    "inbox_page_over_query": ("<=", 8),
    "start_s": ("<=", 3),
    "list_pages_most_queries": ("<=", 15),
    "list_pages_p95_ms": ("<=", 150),
    "turn_400_over_10": ("<=", 1.3),
    "export_50000_s": ("<=", 20),
    "siege_p95_ratio": ("<=", 3),
    "siege_rss_mb": ("<=", 400),
    "faces_over_bare": ("<=", 1.5),
    "certificates_500_rss_mb": ("<=", 400),
    "verify_10k_s": ("<=", 60),
    "verify_over_reexecution": ("<=", 1.5),
    "backtest_10k_s": ("<=", 60),
    "backtest_over_replay": ("<=", 1.3),
    "mining_100k_s": ("<=", 10),
}


def machine() -> dict[str, Any]:
    """Describe the machine that the figures are measured on."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": len(os.sched_getaffinity(0)),
        "processor": _line(Path("/proc/cpuinfo"), "model name"),
        "memory": _line(Path("/proc/meminfo"), "MemTotal"),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _line(file: Path, name: str) -> str:
    """A value of a file of the kernel, '' where there is none."""
    lines = file.read_text().splitlines() if file.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


@dataclass
class Figures:
    """The key figures by name, the rows of the table, and everything else that was measured.

    parts: how long each part of the run took, the load that it met, and why it has no figure, if so.
    """

    keys: dict[str, float] = field(default_factory=dict)
    rows: list[tuple[str, str, str]] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)
    machine: dict[str, Any] = field(default_factory=machine)
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def dump(self) -> str:
        """Write what was measured, for another process of the same run."""
        return json.dumps([self.keys, self.rows, self.details])

    def load(self, dumped: str) -> None:
        """Read what ``dump`` wrote."""
        self.keys, self.rows, self.details = json.loads(dumped)

    def key(self, name: str, value: float) -> None:
        """A figure by which runs are compared."""
        self.keys[name] = round(value, 3)

    def row(self, what: str, ours: str, peer: str = "") -> None:
        """Print a line of the table at once, because some take a minute."""
        self.rows.append((what, ours, peer))
        print(f"  {what:<52} {ours:>22}   {peer}", flush=True)

    def verdicts(self) -> dict[str, bool]:
        """Report for each required figure if it is reached."""
        return {name: _holds(self.keys[name], *bound) for name, bound in REQUIRED.items() if name in self.keys}

    def write(self, file: Path = LATEST) -> None:
        """The JSON; key figures stand at its top level."""
        file.parent.mkdir(exist_ok=True)
        content = {
            **self.keys,
            "reached": self.verdicts(),
            "required": {n: f"{o} {b:g}" for n, (o, b) in REQUIRED.items()},
            "machine": self.machine,
            "parts": self.parts,
            "details": self.details,
        }
        file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")

    def summary(self) -> None:
        """The required figures once more, with what is asked of each."""
        print(f"\n  {'figure':<28} {'measured':>10} {'required':>10}")
        for name, reached in self.verdicts().items():
            compare, bound = REQUIRED[name]
            print(
                f"  {name:<28} {self.keys[name]:>10g} {f'{compare} {bound:g}':>10}   {'reached' if reached else 'MISSED'}"
            )


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def p50(values: Sequence[float]) -> float:
    return statistics.median(values)


def _holds(value: float, compare: str, bound: float) -> bool:
    tests: dict[str, Callable[[float, float], bool]] = {">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b}
    return tests[compare](value, bound)
