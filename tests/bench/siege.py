"""A normal user's pages while the server is besieged, beside the same pages in quiet; and the memory that it costs."""

from __future__ import annotations

import subprocess
import sys

from service import demo
from service.cli.processes import bring_up_to_date
from service.config import CHECKOUT, settings
from service.infrastructure.postgres import Server
from tests.bench import web
from tests.bench.figures import Figures, p50, percentile
from tests.bench.scratch import HOME, application
from tests.builders.siege import PAGES, Client, Memory, besieged, visit

DATABASE = "bench_siege"
LOGIN, ATTACKER = "enterprise-1", "enterprise-2"
SHARE = 0.07  # of the demonstration's persons
SLOW, GUESSERS = 200, 24
ROUNDS = 25


def measure(server: Server, figures: Figures) -> None:
    """Measure the pages of an enterprise in quiet and under siege, on the demonstration, in one run of the server."""
    server.create_database(DATABASE)
    url = server.url(DATABASE)
    subprocess.run([sys.executable, "-m", "tests.bench.siege", url], cwd=CHECKOUT, check=True)
    password = (HOME / "demo-password").read_text().strip()
    with web.serving(server, DATABASE) as (port, process), Memory(process) as memory:
        user = Client(port).sign_in(LOGIN, password)
        visit(user, PAGES, 5)
        quiet = visit(user, PAGES, ROUNDS)
        with besieged(port, ATTACKER, password, SLOW, GUESSERS) as answers:
            visit(user, PAGES, 2)
            attacked = visit(user, PAGES, ROUNDS)
    _tell(figures, quiet, attacked, memory)
    figures.details["siege"] |= {"slow_clients": SLOW, "guessers": GUESSERS, "answers": answers}


def _tell(figures: Figures, quiet: list[float], attacked: list[float], memory: Memory) -> None:
    before, under = percentile(quiet, 0.95), percentile(attacked, 0.95)
    figures.key("siege_p95_ratio", under / before)
    figures.key("siege_rss_mb", max(memory.most.values()))
    figures.row(
        "page p95 under siege", f"{under * 1e3:.0f} ms", f"quiet {before * 1e3:.0f} ms; ratio {under / before:.1f}"
    )
    figures.row(
        "most memory of a process",
        f"{max(memory.most.values()):.0f} MB",
        str({k: round(v) for k, v in memory.most.items()}),
    )
    figures.details["siege"] = {
        "quiet_ms": {"p50": round(p50(quiet) * 1e3, 1), "p95": round(before * 1e3, 1)},
        "besieged_ms": {"p50": round(p50(attacked) * 1e3, 1), "p95": round(under * 1e3, 1)},
        "memory_mb": {name: round(most, 1) for name, most in memory.most.items()},
    }


def fill(url: str) -> None:
    """Fill a database with the demonstration."""
    app = application(url)
    bring_up_to_date(app, settings())
    with app.app_context():
        demo.fill(share=SHARE)


if __name__ == "__main__":
    fill(sys.argv[1])
