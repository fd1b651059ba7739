"""One part of the benchmark in this process, which nothing has slowed before: ``python -m tests.bench.part NAME FILE``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import UUID

from service.config import data_dir
from service.infrastructure.postgres import Server
from tests.bench import (
    backtest,
    certificates,
    chain,
    end_to_end,
    engine_bench,
    exports,
    http,
    inbox,
    instructions,
    lists,
    mining,
    proof,
    siege,
    start,
)
from tests.bench.figures import Figures
from tests.bench.scratch import HOME

PREPARED = "bench"
ON_SERVER: dict[str, Callable[[Server, Figures], None]] = {"siege": siege.measure}
ON_CASES: dict[str, Callable[[Server, Sequence[UUID], Figures], None]] = {
    "end_to_end": lambda server, cases, figures: end_to_end.measure(server, PREPARED, cases, figures),
    "http": lambda server, cases, figures: http.measure(server, PREPARED, len(cases), figures),
    "instructions": lambda server, _cases, figures: instructions.measure(server, PREPARED, figures),
    "inbox": lambda server, _cases, figures: inbox.measure(server, PREPARED, figures),
    "proof": lambda server, cases, figures: proof.measure(server, PREPARED, cases, figures),
    "backtest": lambda server, cases, figures: backtest.measure(server, PREPARED, cases, figures),
    "mining": lambda server, cases, figures: mining.measure(server, PREPARED, cases, figures),
}
ALONE: dict[str, Callable[[Figures], None]] = {
    "engine": engine_bench.measure,
    "start": start.measure,
    "exports": exports.measure,  # the full data are made first where they are missing
    "certificates": certificates.measure,
    "lists": lists.measure,
}


def main(name: str, file: Path) -> None:
    """Measure a part and add its figures to those in the file."""
    figures = Figures()
    figures.load(file.read_text())
    if name in ALONE:
        ALONE[name](figures)
    else:
        with Server(HOME, programs_in=data_dir()).running() as server:
            if name in ON_SERVER:
                ON_SERVER[name](server, figures)
            else:
                ON_CASES[name](server, _cases(server), figures)
    file.write_text(figures.dump())


def _cases(server: Server) -> list[UUID]:
    """The cases of the prepared database."""
    first = chain.STAGES[0].element
    found = f"SELECT case_id FROM task WHERE element = '{first}' AND state = 'open' ORDER BY case_id"
    return [UUID(str(case_id)) for (case_id,) in server.execute(found, PREPARED)]


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
