"""The garbage collector of a process that lives long or computes much."""

from __future__ import annotations

import gc


def pause() -> None:
    """Collect nothing while a program loads: what it makes stays. ``collect_seldom`` ends it."""
    gc.disable()


def collect_seldom() -> None:
    """Freeze the objects loaded by now, which live as long as the process, and collect less often."""
    gc.collect()
    gc.freeze()
    gc.enable()
    gc.set_threshold(50_000, 20, 50)
