"""The one clock: instants are UTC, civil dates Asia/Shanghai. Tests and the demonstration replace it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


class Clock:
    """The system's time. Tests and the demonstration put another clock in its place with ``clock_override``."""

    def now(self) -> datetime:
        """The present instant, UTC, in whole milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class MovingClock(Clock):
    """A clock that is moved by hand."""

    def __init__(self, start: datetime) -> None:
        self.instant = start.astimezone(UTC)

    def now(self) -> datetime:
        """The instant it was moved to."""
        return self.instant

    def move(self, by: timedelta) -> None:
        """Go on by ``by`` (not negative)."""
        self.instant += by

    def move_to(self, at: datetime) -> None:
        """Go on to ``at``; never backwards."""
        self.instant = max(self.instant, at.astimezone(UTC))


_clocks = [Clock()]  # the last one counts


@contextmanager
def clock_override(clock: Clock) -> Iterator[Clock]:
    """Let every thread of this process read ``clock`` inside the block."""
    _clocks.append(clock)
    try:
        yield clock
    finally:
        _clocks.pop()


def now() -> datetime:
    """The present instant, UTC."""
    return _clocks[-1].now()


def today() -> date:
    """The civil date in Asia/Shanghai: the server date of the rules (R22)."""
    return _clocks[-1].now().astimezone(CHINA).date()
