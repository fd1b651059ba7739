"""Values that a process remembers for a while, so that not every page and wake-up asks for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

Value = TypeVar("Value")


class ProcessCache(Generic[Value]):
    """One value with an end; ``clear_all`` empties every cache, for tests with a database each.

    clock: seconds, monotonic unless the end must follow the clock of the program.
    """

    _caches: ClassVar[list[ProcessCache[Any]]] = []

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: tuple[float, Value] | None = None
        self._caches.append(self)

    def get(self) -> Value | None:
        """The value, None when there is none or its time is over."""
        kept = self._kept  # read once: another thread may clear it
        return kept[1] if kept is not None and self._clock() < kept[0] else None

    def put(self, value: Value, lifetime: timedelta) -> Value:
        """Remember a value for ``lifetime``, and return it."""
        self._kept = self._clock() + lifetime.total_seconds(), value
        return value

    def clear(self) -> None:
        """Forget the value."""
        self._kept = None

    @classmethod
    def clear_all(cls) -> None:
        """Forget the values of all caches."""
        for cache in cls._caches:
            cache.clear()
