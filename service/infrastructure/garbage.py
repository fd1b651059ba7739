"""The garbage collector of a process that lives long or computes much."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Freeze the objects loaded by now, which live as long as the process, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
