"""Exports of some 50,000 rows on the full data, as the worker writes them (R71): seconds, counted up to 50,000 rows.

``python -m tests.bench.exports`` measures alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.bench.figures import Figures
from tests.bench.full_scale.database import full_scale
from tests.bench.processes import at_once

LOGIN = "association"
LISTS: tuple[tuple[str, dict[str, str], bool], ...] = (  # list, filter, whole numbers
    ("persons", {}, False),
    ("persons", {}, True),
    ("certificates", {"state": "valid"}, False),
    ("enrollments", {"kind": "renewal", "state": "completed"}, False),
)


def measure(figures: Figures) -> None:
    """Write each in a process of its own; the slowest is the figure."""
    (found,) = at_once(_write_all, [()])
    figures.key("export_50000_s", max(one["for_50000"] for one in found))
    for one in found:
        what = f"export: {one['list']}{', whole numbers' if one['whole'] else ''}, {one['rows']:,} rows"
        figures.row(
            what, f"{one['seconds']:.1f} s", f"50,000 rows {one['for_50000']:.1f} s; {one['bytes'] / 1e6:.1f} MB"
        )
    figures.details["exports"] = found


def _write_all(ready: Callable[[], Any]) -> list[dict[str, Any]]:
    with full_scale() as app, app.app_context():
        ready()
        return [_write(*one) for one in LISTS]


def _write(name: str, chosen: dict[str, str], is_whole: bool) -> dict[str, Any]:
    """One export from the button to the finished file; its rows, its file and its log go again."""
    from service.models.db.session import session
    from service.models.tables.accounts.user import User
    from service.workflow.runtime import jobs
    from service.workflow.system import exports

    user = User.by_login(LOGIN)
    assert user is not None
    began = time.perf_counter()
    row = exports.begin(user, name, chosen, purpose="benchmark", unmasked=is_whole)
    jobs.run_at_once(row.id)
    seconds = time.perf_counter() - began
    size = exports.read_file(row)[0]
    exports.remove(row.id)
    session().expire_all()
    return {
        "list": name,
        "whole": is_whole,
        "rows": row.total,
        "seconds": round(seconds, 2),
        "bytes": size,
        "for_50000": round(seconds * exports.MAX_EXPORT_ROWS / row.total, 2),
    }


if __name__ == "__main__":
    measure(Figures())
