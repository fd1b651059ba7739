"""Dates, times and durations of FEEL: years of nine digits, nanoseconds, offsets and regions; no clock is read here."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

SECOND = 1_000_000_000  # in nanoseconds
DAY = 86_400 * SECOND
LAST_YEAR = 999_999_999
LARGEST_DURATION = LAST_YEAR * 366 * DAY

_DATE = re.compile(r"(-?)([1-9][0-9]{4,8}|[0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?([Zz]|[+-][0-9:]+|@.+)?")
_OFFSET = re.compile(r"([+-])([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_DAYS = re.compile(
    r"(-?)P(?=[0-9T])(?:([0-9]+)D)?(?:T(?=[0-9])(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+)(?:\.([0-9]+))?S)?)?"
)
_YEARS = re.compile(r"(-?)P(?=[0-9])(?:([0-9]+)Y)?(?:([0-9]+)M)?")


@dataclass(frozen=True, slots=True)
class Date:
    """A civil day of the proleptic Gregorian calendar."""

    year: int
    month: int
    day: int

    @property
    def ordinal(self) -> int:
        """Days since 1970-01-01."""
        year = self.year - (self.month <= 2)
        era, of_era = divmod(year, 400)
        of_year = (153 * (self.month + (-3 if self.month > 2 else 9)) + 2) // 5 + self.day - 1
        return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468

    def __str__(self) -> str:
        return f"{'-' * (self.year < 0)}{abs(self.year):04}-{self.month:02}-{self.day:02}"


@dataclass(frozen=True, slots=True)
class Zone:
    """An offset in seconds, or a region of the zone database."""

    offset: int = 0
    region: str = ""

    def __str__(self) -> str:
        if self.region:
            return f"@{self.region}"
        if not self.offset:
            return "Z"
        minutes, seconds = divmod(abs(self.offset), 60)
        return f"{'-' if self.offset < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}" + (
            f":{seconds:02}" if seconds else ""
        )


@dataclass(frozen=True, slots=True)
class Time:
    """A time of day in nanoseconds since midnight, with or without a zone."""

    nanos: int
    zone: Zone | None = None

    @property
    def hour(self) -> int:
        """The hour, 0 to 23."""
        return self.nanos // (3600 * SECOND)

    @property
    def minute(self) -> int:
        """The minute, 0 to 59."""
        return self.nanos // (60 * SECOND) % 60

    @property
    def second(self) -> int:
        """The second, 0 to 59."""
        return self.nanos // SECOND % 60

    def __str__(self) -> str:
        fraction = f".{self.nanos % SECOND:09}".rstrip("0").rstrip(".")
        return f"{self.hour:02}:{self.minute:02}:{self.second:02}{fraction}{self.zone or ''}"


@dataclass(frozen=True, slots=True)
class DateTime:
    """A date and time; with a zone it is an instant. ``fold``: the second of two equal ones, when a region sets its
    clock back; ``date_time`` makes those that a clock can show.
    """

    date: Date
    time: Time
    fold: int = 0

    @property
    def local(self) -> int:
        """Nanoseconds since 1970-01-01T00:00:00 on the clock of the place."""
        return self.date.ordinal * DAY + self.time.nanos

    @property
    def offset(self) -> int | None:
        """Seconds that the clock is ahead of UTC; None without a zone."""
        zone = self.time.zone
        return None if zone is None else _offset_of(zone, self)

    @property
    def instant(self) -> int:
        """Nanoseconds since the epoch, in UTC; without a zone those of the local clock."""
        return self.local - (self.offset or 0) * SECOND

    def __str__(self) -> str:
        """The text, which reads as the same instant: of two equal ones the second has its offset, not its region."""
        zone = Zone(self.offset or 0) if self.fold else self.time.zone
        return f"{self.date}T{Time(self.time.nanos, zone)}"


@dataclass(frozen=True, slots=True, order=True)
class DaysDuration:
    """Days, hours, minutes and seconds, in nanoseconds."""

    nanos: int

    def __str__(self) -> str:
        days, rest = divmod(abs(self.nanos), DAY)
        time = Time(rest)
        fraction = f".{rest % SECOND:09}".rstrip("0").rstrip(".")
        parts = [f"{time.hour}H" * (time.hour > 0), f"{time.minute}M" * (time.minute > 0)]
        parts.append(f"{time.second}{fraction}S" if time.second or fraction else "")
        clock = "".join(parts)
        text = (f"{days}D" if days else "") + (f"T{clock}" if clock else "")
        return f"{'-' * (self.nanos < 0)}P{text or 'T0S'}"


@dataclass(frozen=True, slots=True, order=True)
class YearsDuration:
    """Years and months, in months."""

    months: int

    def __str__(self) -> str:
        years, months = divmod(abs(self.months), 12)
        text = (f"{years}Y" if years else "") + (f"{months}M" if months or not years else "")
        return f"{'-' * (self.months < 0)}P{text}"


Temporal = Date | Time | DateTime | DaysDuration | YearsDuration


def make_date(year: int, month: int, day: int) -> Date | None:
    """The date, or None where the calendar has none."""
    if not (-LAST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= days_in(year, month)):
        return None
    return Date(year, month, day)


def days_in(year: int, month: int) -> int:
    """The days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def make_time(hour: int, minute: int, second: int, nanos: int = 0, zone: Zone | None = None) -> Time | None:
    """The time of day, or None where the clock has none."""
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return None
    return Time(((hour * 60 + minute) * 60 + second) * SECOND + nanos, zone)


def date_of(ordinal: int) -> Date | None:
    """The date so many days after 1970-01-01; None beyond nine digits of years."""
    era, of_era = divmod(ordinal + 719_468, 146_097)
    year = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    day = of_year - (153 * month + 2) // 5 + 1
    month += 3 if month < 10 else -9
    return make_date(year + era * 400 + (month <= 2), month, day)


def read_date(text: str) -> Date | None:
    """A date from its ISO text."""
    found = _DATE.fullmatch(text)
    if not found:
        return None
    year = int(found[2]) * (-1 if found[1] else 1)
    return make_date(year, int(found[3]), int(found[4]))


def read_time(text: str) -> Time | None:
    """A time of day from its ISO text, with ``Z``, an offset or ``@Region/City``."""
    found = _TIME.fullmatch(text)
    zone = read_zone(found[5]) if found and found[5] else None
    if not found or (found[5] and zone is None):
        return None
    nanos = int((found[4] or "0")[:9].ljust(9, "0"))
    return make_time(int(found[1]), int(found[2]), int(found[3]), nanos, zone)


def read_date_time(text: str) -> DateTime | None:
    """A date and time from its ISO text; a date alone is its midnight."""
    day, sign, clock = text.partition("T")
    date, time = read_date(day), read_time(clock) if sign else Time(0)
    return date_time(date, time) if date and time else None


def read_duration(text: str) -> DaysDuration | YearsDuration | None:
    """A duration of either kind from its ISO text."""
    if found := _YEARS.fullmatch(text):
        months = int(found[2] or 0) * 12 + int(found[3] or 0)
        return YearsDuration(-months if found[1] else months) if months <= LAST_YEAR * 12 else None
    if not (found := _DAYS.fullmatch(text)):
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups()[1:5])
    whole = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    nanos = whole * SECOND + int((found[6] or "0")[:9].ljust(9, "0"))
    return DaysDuration(-nanos if found[1] else nanos) if nanos <= LARGEST_DURATION else None


def read_any(text: str) -> Temporal | None:
    """The meaning of ``@"…"``: a duration, a date, a date and time, or a time, told apart by its form."""
    if text.lstrip("-").startswith("P"):
        return read_duration(text)
    if "T" in text:
        return read_date_time(text)
    return read_date(text) or read_time(text)


def read_zone(text: str) -> Zone | None:
    """``Z``, ``+08:00`` or ``@Asia/Shanghai``."""
    if text in ("Z", "z"):
        return Zone(0)
    if text.startswith("@"):
        return Zone(0, text[1:]) if _region(text[1:]) else None
    found = _OFFSET.fullmatch(text)
    if not found:
        return None
    hours, minutes, seconds = int(found[2]), int(found[3]), int(found[4] or 0)
    offset = (hours * 60 + minutes) * 60 + seconds
    if hours > 18 or minutes > 59 or seconds > 59 or offset > 18 * 3600:
        return None
    return Zone(-offset if found[1] == "-" else offset)


@lru_cache(maxsize=128)
def _region(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _offset_of(zone: Zone, at: DateTime) -> int:
    region = _region(zone.region) if zone.region else None
    return zone.offset if region is None else _seconds(_near(at, region))


def _near(at: DateTime, zone: tzinfo) -> datetime:
    """The same on the calendar of Python, which repeats every 400 years."""
    year = at.date.year
    if not 1 < year < 9999:
        year = 2000 + year % 400 if year > 0 else 1600 + year % 400
    moment = datetime(year, at.date.month, at.date.day) + timedelta(microseconds=at.time.nanos // 1000)
    return moment.replace(tzinfo=zone, fold=at.fold)


def _seconds(moment: datetime) -> int:
    offset = moment.utcoffset()
    return 0 if offset is None else int(offset.total_seconds())


def date_time(date: Date, time: Time) -> DateTime | None:
    """A date and time; one that the clock of a region leaves out is as much later as the clock is set forward."""
    found = DateTime(date, time)
    if time.zone is None or not time.zone.region:
        return found
    shown = in_zone(found.instant, time.zone)
    return found if shown is None or shown.local == found.local else shown


def plus_months(date: Date, months: int) -> Date | None:
    """The same day so many months later, or the last day of a shorter month."""
    year, month = divmod(date.year * 12 + date.month - 1 + months, 12)
    return make_date(year, month + 1, min(date.day, days_in(year, month + 1)))


def plus_nanos(at: DateTime, nanos: int) -> DateTime | None:
    """The date and time so much later, in the same zone."""
    if at.time.zone is not None and at.time.zone.region:
        return in_zone(at.instant + nanos, at.time.zone)
    return _at(at.local + nanos, at.time.zone)


def in_zone(instant: int, zone: Zone) -> DateTime | None:
    """An instant on the clock of a zone."""
    region = _region(zone.region) if zone.region else None
    utc = _at(instant, zone)
    if region is None or utc is None:
        return _at(instant + zone.offset * SECOND, zone)
    shown = _near(utc, UTC).astimezone(region)
    found = _at(instant + _seconds(shown) * SECOND, zone)
    return None if found is None else replace(found, fold=shown.fold)


def _at(local: int, zone: Zone | None) -> DateTime | None:
    days, nanos = divmod(local, DAY)
    date = date_of(days)
    return DateTime(date, Time(nanos, zone)) if date else None


def months_between(start: Date, end: Date) -> int:
    """The whole months from one day to the other, negative when the other is earlier."""
    if end.ordinal < start.ordinal:
        return -months_between(end, start)
    return (end.year - start.year) * 12 + end.month - start.month - (end.day < start.day)
