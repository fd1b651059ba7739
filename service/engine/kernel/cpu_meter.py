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
        self._real = time.monotonic()
        self._others = self._used = 0.0
        self._cpu: float | None = None
        self._again = self._real + (seconds or 0) / 2
        self._asked = False

    def charge(self, seconds: float) -> None:
        """Add CPU time that a child computed for this thread."""
        self._others += seconds

    def left(self) -> float:
        """CPU time that is still allowed. The clock of CPU time is slow to ask, and nobody can compute longer than real
        time goes by: it counts from half of the allowance on, and is asked now and then.
        """
        if self.seconds is None:
            return float("inf")
        now = time.monotonic()
        if now >= self._again:
            cpu = time.thread_time()
            self._cpu, since = cpu, cpu if self._cpu is None else self._cpu
            self._used += cpu - since
            self._again = now + self.seconds / 100
        return self.seconds - self._used - self._others

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
        real, counts = time.monotonic(), self._cpu is not None
        if counts:
            self._used += time.thread_time() - (self._cpu or 0)
        try:
            yield
        finally:
            passed = time.monotonic() - real
            self._real += passed
            self._again += passed
            if counts:
                self._cpu = time.thread_time()
