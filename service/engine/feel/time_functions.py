"""Standard functions that make dates, times and durations, and tell of them (clause 10.3.4.1, .7 and .8)."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from service.engine.feel import temporal
from service.engine.feel.properties import weekday
from service.engine.feel.signatures import Overload, builtin
from service.engine.feel.temporal import SECOND, Date, DateTime, DaysDuration, Time, YearsDuration, Zone
from service.engine.feel.values import Value, equal

FORMS: dict[str, list[Overload]] = {}
_builtin = partial(builtin, FORMS)

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


@_builtin("date(from: string)")
def _read_date(text: str) -> Value:
    return temporal.read_date(text)


@_builtin("date(from: moment)")
def _date(moment: Date | DateTime) -> Date:
    return moment if isinstance(moment, Date) else moment.date


@_builtin("date(year: number, month: number, day: number)")
def _make_date(year: Decimal, month: Decimal, day: Decimal) -> Value:
    parts = _integers(year, month, day)
    return temporal.make_date(*parts) if parts else None


def _integers(*values: Decimal) -> list[int] | None:
    if any(value != value.to_integral_value() or abs(value) > temporal.LAST_YEAR for value in values):
        return None
    return [int(value) for value in values]


@_builtin("date and time(from: string)")
def _read_date_time(text: str) -> Value:
    return temporal.read_date_time(text)


@_builtin("date and time(from: moment)")
def _date_time(moment: Date | DateTime) -> Value:
    return DateTime(moment, Time(0, Zone(0))) if isinstance(moment, Date) else moment


@_builtin("date and time(date: moment, time: time)")
def _date_with_time(moment: Date | DateTime, time: Time) -> Value:
    return temporal.date_time(_date(moment), time)


@_builtin("date and time(date: date and time, timezone: string)")
def _in_zone(at: DateTime, name: str) -> Value:
    zone = temporal.read_zone(name) or temporal.read_zone(f"@{name}")
    return temporal.in_zone(at.instant, zone) if zone and at.time.zone else None


@_builtin("time(from: string)")
def _read_time(text: str) -> Value:
    return temporal.read_time(text)


@_builtin("time(from: time)", "time(from: date and time)", "time(from: date)")
def _time(value: Any) -> Value:
    if isinstance(value, Date):
        return Time(0, Zone(0))
    return value.time if isinstance(value, DateTime) else value


@_builtin("time(hour: number, minute: number, second: number, offset?: any)")
def _make_time(hour: Decimal, minute: Decimal, second: Decimal, offset: Value = None) -> Value:
    parts = _integers(hour, minute, second.to_integral_value("ROUND_FLOOR"))
    if parts is None or not isinstance(offset, DaysDuration | None):
        return None
    if offset is not None and abs(offset.nanos) > 18 * 3600 * SECOND:
        return None
    zone = None if offset is None else Zone(int(offset.nanos / SECOND))
    return temporal.make_time(parts[0], parts[1], parts[2], int(second % 1 * SECOND), zone)


@_builtin("duration(from: string)")
def _read_duration(text: str) -> Value:
    return temporal.read_duration(text)


@_builtin("duration(from: duration)")
def _duration(value: DaysDuration | YearsDuration) -> Value:
    return value


@_builtin("years and months duration(from: moment, to: moment)")
def _months_between(start: Date | DateTime, end: Date | DateTime) -> Value:
    return YearsDuration(temporal.months_between(_date(start), _date(end)))


@_builtin("is(value1: any, value2: any)")
def _is(one: Value, other: Value) -> Value:
    """Tell whether two values are the same, their zones included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, Time):
        return one == other
    if isinstance(one, DateTime):
        return one == other
    return equal(one, other) is True


@_builtin("day of year(date: moment)")
def _day_of_year(moment: Date | DateTime) -> Value:
    date = _date(moment)
    return Decimal(date.ordinal - Date(date.year, 1, 1).ordinal + 1)


@_builtin("day of week(date: moment)")
def _day_of_week(moment: Date | DateTime) -> Value:
    return WEEKDAYS[weekday(_date(moment)) - 1]


@_builtin("month of year(date: moment)")
def _month_of_year(moment: Date | DateTime) -> Value:
    return MONTHS[_date(moment).month - 1]


@_builtin("week of year(date: moment)")
def _week_of_year(moment: Date | DateTime) -> Value:
    """The week by ISO 8601: the first is that of the first Thursday."""
    date = _date(moment)
    thursday = temporal.date_of(date.ordinal - weekday(date) + 4)
    if thursday is None:
        return None
    return Decimal((thursday.ordinal - Date(thursday.year, 1, 1).ordinal) // 7 + 1)
