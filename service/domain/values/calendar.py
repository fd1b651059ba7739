"""Civil dates in Asia/Shanghai and instants in UTC. Nothing here asks what time it is: today comes in from outside."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from service.validation.written import read_date

ZONE = ZoneInfo("Asia/Shanghai")
DAY = timedelta(days=1)


def civil_date(instant: datetime) -> date:
    """The date in China at an instant; raises ``ValueError`` for an instant without offset."""
    if instant.tzinfo is None:
        raise ValueError("an instant carries its offset")
    return instant.astimezone(ZONE).date()


def start_of_day(day: date) -> datetime:
    """The instant, in UTC, at which a civil day begins in China."""
    return datetime.combine(day, time.min, ZONE).astimezone(UTC)


def read_day(text: str) -> date | None:
    """A day of the years 1990 to 2200, in any of the forms of ``read_date``; None for anything else."""
    day = read_date(text)
    return day if day and 1990 <= day.year <= 2200 else None


def add_months(day: date, months: int) -> date:
    """The same day of the month, ``months`` later; where it does not exist, the first of the month after (R55)."""
    years, month = divmod(day.month - 1 + months, 12)
    try:
        return day.replace(year=day.year + years, month=month + 1)
    except ValueError:
        years, month = divmod(day.month + months, 12)
        return date(day.year + years, month + 1, 1)


def add_years(day: date, years: int) -> date:
    """The anniversary; 29 February becomes 1 March in common years (R20, R55)."""
    return add_months(day, 12 * years)


MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def write_date(day: date) -> str:
    """A date as certificates print it: ``2026年12月09日``."""
    return f"{day.year:04d}年{day.month:02d}月{day.day:02d}日"


def write_date_in_english(day: date) -> str:
    """A date as bilingual certificates print it: ``9 Dec 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year:04d}"
