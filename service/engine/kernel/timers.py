"""ISO 8601 instants, durations and cycles, and timers that never look at a clock: due once, fired by an input."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

CIVIL = ZoneInfo("Asia/Shanghai")

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d{1,4})Y)?(?:(?P<months>\d{1,5})M)?(?:(?P<weeks>\d{1,5})W)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,7})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9}(?:[.,]\d{1,6})?)S)?)?"
)
_CYCLE = re.compile(r"R(?P<times>\d{0,6})(?:/(?P<start>\d{4}-[^/]+))?/(?P<period>P[^/]+)")


@dataclass(frozen=True, slots=True)
class Duration:
    """Years to days are civil in Asia/Shanghai, hours to seconds are elapsed time."""

    months: int
    days: int
    seconds: int
    microseconds: int = 0

    def after(self, at: datetime) -> datetime:
        """The instant this long after ``at``, UTC; a day that the month lacks becomes its last day."""
        local = at.astimezone(CIVIL)
        year, month = divmod(local.year * 12 + local.month - 1 + self.months, 12)
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        moved = local.replace(year=year, month=month + 1, day=day) + timedelta(days=self.days)
        return moved.astimezone(UTC) + timedelta(seconds=self.seconds, microseconds=self.microseconds)


@dataclass(frozen=True, slots=True)
class Cycle:
    """``R3/PT10M``: how often (None: for ever), how long between, and when first if it is said."""

    times: int | None
    period: Duration
    start: datetime | None


def parse_duration(text: str) -> Duration | None:
    """``P1Y2M3W4DT5H6M7.5S`` or None when the text is no duration."""
    found = _DURATION.fullmatch(text)
    if not found:
        return None
    seconds, _, fraction = (found["seconds"] or "0").replace(",", ".").partition(".")
    part = {name: int(value or 0) for name, value in found.groupdict().items() if name != "seconds"}
    return Duration(
        part["years"] * 12 + part["months"],
        part["weeks"] * 7 + part["days"],
        part["hours"] * 3600 + part["minutes"] * 60 + int(seconds),
        int(fraction.ljust(6, "0")),
    )


def parse_instant(text: str) -> datetime | None:
    """An ISO 8601 date or instant as UTC, Asia/Shanghai when it has no offset; None when the text is neither."""
    if not re.match(r"\d{4}-\d\d-\d\d", text):
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=CIVIL)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_cycle(text: str) -> Cycle | None:
    """``R3/PT10M``, ``R/P1D`` or ``R2/2026-01-01T00:00:00/P1D``; None when the text is no cycle."""
    found = _CYCLE.fullmatch(text)
    period = parse_duration(found["period"]) if found else None
    if not found or period is None or period == Duration(0, 0, 0):
        return None
    start = parse_instant(found["start"]) if found["start"] else None
    if found["start"] and start is None:
        return None
    return Cycle(int(found["times"]) if found["times"] else None, period, start)


def due_after(text: str, at: datetime) -> datetime:
    """The instant (UTC) at which a duration that starts at ``at``, or an instant, falls due.

    Raises ValueError for others.
    """
    duration = parse_duration(text)
    try:
        due = duration.after(at) if duration else parse_instant(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text} 超出日期范围") from error
    if due is None:
        raise ValueError(f"{text} 不是 ISO 8601 的时长或时刻")
    return due


def can_fall_due(text: str) -> bool:
    """Tell whether a duration or an instant as it is written leads to a day that the calendar has."""
    try:
        due_after(text, datetime(2000, 1, 1, tzinfo=UTC))
    except ValueError:
        return False
    return True


def to_text(instant: datetime) -> str:
    """The one spelling of an instant in state and journal: ISO 8601 in UTC with ``Z``."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The inverse of ``to_text``."""
    return datetime.fromisoformat(text)
