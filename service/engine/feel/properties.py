"""Names behind a dot: entries of contexts, parts of dates, times, durations and intervals; of a list, of each."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from service.engine.feel.temporal import (
    DAY,
    SECOND,
    Date,
    DateTime,
    DaysDuration,
    Time,
    YearsDuration,
)
from service.engine.feel.values import Range, Value

Part = Callable[[Any], Value]


def weekday(date: Date) -> int:
    """1 for Monday to 7 for Sunday."""
    return (date.ordinal + 3) % 7 + 1


def _signed(value: int, unit: int, of: int) -> Decimal:
    """The part of a duration, with the duration's sign."""
    part = abs(value) // unit % of if of else abs(value) // unit
    return Decimal(-part if value < 0 else part)


def _offset(time: Time) -> Value:
    return DaysDuration(time.zone.offset * SECOND) if time.zone and not time.zone.region else None


def _offset_at(at: DateTime) -> Value:
    return None if at.offset is None else DaysDuration(at.offset * SECOND)


def _part_of(name: str, part: Part) -> Part:
    return lambda at: part(getattr(at, name))


_DATE: dict[str, Part] = {
    "year": lambda date: Decimal(date.year),
    "month": lambda date: Decimal(date.month),
    "day": lambda date: Decimal(date.day),
    "weekday": lambda date: Decimal(weekday(date)),
}
_TIME: dict[str, Part] = {
    "hour": lambda time: Decimal(time.hour),
    "minute": lambda time: Decimal(time.minute),
    "second": lambda time: Decimal(time.second),
    "timezone": lambda time: time.zone.region or None if time.zone else None,
}
_PARTS: dict[type, dict[str, Part]] = {
    Date: _DATE,
    Time: {**_TIME, "time offset": _offset},
    DateTime: {
        **{name: _part_of("date", part) for name, part in _DATE.items()},
        **{name: _part_of("time", part) for name, part in _TIME.items()},
        "time offset": _offset_at,
    },
    DaysDuration: {
        "days": lambda duration: _signed(duration.nanos, DAY, 0),
        "hours": lambda duration: _signed(duration.nanos, 3600 * SECOND, 24),
        "minutes": lambda duration: _signed(duration.nanos, 60 * SECOND, 60),
        "seconds": lambda duration: _signed(duration.nanos, SECOND, 60),
    },
    YearsDuration: {
        "years": lambda duration: _signed(duration.months, 12, 0),
        "months": lambda duration: _signed(duration.months, 1, 12),
    },
    Range: {
        "start": lambda range_: range_.start,
        "end": lambda range_: range_.end,
        "start included": lambda range_: range_.start_included,
        "end included": lambda range_: range_.end_included,
    },
}
PROPERTIES = frozenset(name for parts in _PARTS.values() for name in parts if " " in name)


def property_of(value: Value, name: str) -> Value:
    """The part of that name; null where there is none."""
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list):
        return [property_of(item, name) for item in value]
    part = _PARTS.get(type(value), {}).get(name)
    return part(value) if part else None
