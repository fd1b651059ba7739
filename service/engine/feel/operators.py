"""The arithmetic of FEEL (clause 10.3.2.10, tables 50 to 53): what two kinds of values give, else null."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from service.engine.feel.temporal import (
    DAY,
    LARGEST_DURATION,
    LAST_YEAR,
    SECOND,
    Date,
    DateTime,
    DaysDuration,
    Time,
    YearsDuration,
    Zone,
    date_of,
    date_time,
    plus_months,
    plus_nanos,
)
from service.engine.feel.values import DIGITS, Value, number

Operation = Callable[[Any, Any], Value]


def days(nanos: int) -> DaysDuration | None:
    """A duration within bounds."""
    return DaysDuration(nanos) if abs(nanos) <= LARGEST_DURATION else None


def months(count: int) -> YearsDuration | None:
    """A duration within bounds."""
    return YearsDuration(count) if abs(count) <= LAST_YEAR * 12 else None


def midnight(value: Date | DateTime) -> DateTime:
    """A date as its midnight in UTC."""
    return DateTime(value, Time(0, Zone(0))) if isinstance(value, Date) else value


def _date_plus_days(date: Date, duration: DaysDuration) -> Date | None:
    return date_of((date.ordinal * DAY + duration.nanos) // DAY)


def _moment_plus_months(at: DateTime, duration: YearsDuration) -> DateTime | None:
    date = plus_months(at.date, duration.months)
    return date_time(date, at.time) if date else None


def _time_plus(time: Time, duration: DaysDuration) -> Time:
    return Time((time.nanos + duration.nanos) % DAY, time.zone)


def _between(a: Date | DateTime, b: Date | DateTime) -> DaysDuration | None:
    a, b = midnight(a), midnight(b)
    if (a.time.zone is None) != (b.time.zone is None):
        return None
    return days(a.instant - b.instant)


def _between_times(a: Time, b: Time) -> DaysDuration | None:
    if (a.zone is None) != (b.zone is None):
        return None
    if a.zone == b.zone or a.zone is None or b.zone is None:
        return days(a.nanos - b.nanos)
    if a.zone.region or b.zone.region:
        return None
    return days(a.nanos - a.zone.offset * SECOND - b.nanos + b.zone.offset * SECOND)


def minus(value: Value) -> Value:
    """The negative of a number or duration; null of anything else."""
    if isinstance(value, Decimal):
        return number(DIGITS.minus(value))
    if isinstance(value, DaysDuration):
        return DaysDuration(-value.nanos)
    return YearsDuration(-value.months) if isinstance(value, YearsDuration) else None


def _scaled(duration: Any, factor: Decimal) -> Value:
    if isinstance(duration, DaysDuration):
        return _whole(DIGITS.multiply(Decimal(duration.nanos), factor), days)
    return _whole(DIGITS.multiply(Decimal(duration.months), factor), months)


def _divided(duration: Any, divisor: Decimal) -> Value:
    if not divisor:
        return None
    if isinstance(duration, DaysDuration):
        return _whole(DIGITS.divide(Decimal(duration.nanos), divisor), days)
    return _whole(DIGITS.divide(Decimal(duration.months), divisor), months)


def _whole(value: Decimal, make: Callable[[int], Value]) -> Value:
    return make(int(value)) if value.is_finite() and abs(value) < LARGEST_DURATION else None


def _ratio(a: int, b: int) -> Value:
    return number(DIGITS.divide(Decimal(a), Decimal(b))) if b else None


_MONEY = (Decimal, Decimal)
_SUMS: dict[tuple[type, type], Operation] = {
    _MONEY: lambda a, b: number(DIGITS.add(a, b)),
    (str, str): lambda a, b: a + b,
    (DateTime, DaysDuration): lambda a, b: plus_nanos(a, b.nanos),
    (DateTime, YearsDuration): _moment_plus_months,
    (Date, DaysDuration): _date_plus_days,
    (Date, YearsDuration): lambda a, b: plus_months(a, b.months),
    (Time, DaysDuration): _time_plus,
    (DaysDuration, DaysDuration): lambda a, b: days(a.nanos + b.nanos),
    (YearsDuration, YearsDuration): lambda a, b: months(a.months + b.months),
}
_DIFFERENCES: dict[tuple[type, type], Operation] = {
    _MONEY: lambda a, b: number(DIGITS.subtract(a, b)),
    **dict.fromkeys(((Date, Date), (Date, DateTime), (DateTime, Date), (DateTime, DateTime)), _between),
    (Time, Time): _between_times,
}
_PRODUCTS: dict[tuple[type, type], Operation] = {
    _MONEY: lambda a, b: number(DIGITS.multiply(a, b)),
    (DaysDuration, Decimal): _scaled,
    (YearsDuration, Decimal): _scaled,
}
_QUOTIENTS: dict[tuple[type, type], Operation] = {
    _MONEY: lambda a, b: number(DIGITS.divide(a, b)) if b else None,
    (DaysDuration, Decimal): _divided,
    (YearsDuration, Decimal): _divided,
    (DaysDuration, DaysDuration): lambda a, b: _ratio(a.nanos, b.nanos),
    (YearsDuration, YearsDuration): lambda a, b: _ratio(a.months, b.months),
}


def plus(a: Value, b: Value) -> Value:
    """``+``."""
    operate = _SUMS.get((type(a), type(b)))
    if operate:
        return operate(a, b)
    operate = _SUMS.get((type(b), type(a)))
    return operate(b, a) if operate else None


def subtract(a: Value, b: Value) -> Value:
    """``-``; a duration is taken away as its negative is added."""
    operate = _DIFFERENCES.get((type(a), type(b)))
    if operate:
        return operate(a, b)
    if isinstance(b, DaysDuration | YearsDuration) and (type(a), type(b)) in _SUMS:
        return _SUMS[type(a), type(b)](a, minus(b))
    return None


def multiply(a: Value, b: Value) -> Value:
    """``*``."""
    operate = _PRODUCTS.get((type(a), type(b)))
    if operate:
        return operate(a, b)
    operate = _PRODUCTS.get((type(b), type(a)))
    return operate(b, a) if operate else None


def divide(a: Value, b: Value) -> Value:
    """``/``; null where the divisor is 0."""
    operate = _QUOTIENTS.get((type(a), type(b)))
    return operate(a, b) if operate else None


def power(a: Value, b: Value) -> Value:
    """``**``; ``0 ** 0`` is 1, as in IEEE 754."""
    if a == 0 and b == 0 and isinstance(a, Decimal) and isinstance(b, Decimal):
        return Decimal(1)
    return number(DIGITS.power(a, b)) if isinstance(a, Decimal) and isinstance(b, Decimal) else None


OPERATIONS: dict[str, Operation] = {"+": plus, "-": subtract, "*": multiply, "/": divide, "**": power}
