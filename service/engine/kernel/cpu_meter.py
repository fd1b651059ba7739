"""Limits on computing count CPU time, so that a busy machine never turns a sound diagram into a faulty one.

A limit on real time, ten times as long, stands behind: it only notices what no longer moves at all.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 10  # times the CPU time allowed: the real time after which nobody is working any more


class CpuMeter:
    """CPU time of this thread since the meter was made, with what others computed for it, without what is not its own.

    seconds: allowed; None for no limit.
    """

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._began, self._real = time.thread_time(), time.monotonic()
        self._others = 0.0
        self._asked = False

    def charge(self, seconds: float) -> None:
        """Add CPU time that a child computed for this thread."""
        self._others += seconds

    def left(self) -> float:
        """CPU time that is still allowed."""
        if self.seconds is None:
            return float("inf")
        return self.seconds - (time.thread_time() - self._began) - self._others

    def is_stuck(self) -> bool:
        """Tell whether far more real time than CPU time went by, twice in a row: whoever asks is then not to blame."""
        if self.seconds is None or time.monotonic() - self._real < self.seconds * PATIENCE:
            return False
        self._real = time.monotonic()
        self._asked, asked = True, self._asked
        return asked

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Leave out what runs inside."""
        cpu, real = time.thread_time(), time.monotonic()
        try:
            yield
        finally:
            self._began += time.thread_time() - cpu
            self._real += time.monotonic() - real
