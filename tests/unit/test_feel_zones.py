"""Regions of the zone database where their clocks are set: each instant is told, moved and read back exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from service.engine.feel.temporal import SECOND, DateTime, Zone, in_zone, plus_nanos, read_date_time

CHANGES = {
    ("Europe/Berlin", "forward"): datetime(2026, 3, 29, 1, tzinfo=UTC),
    ("Europe/Berlin", "back"): datetime(2026, 10, 25, 1, tzinfo=UTC),
    ("America/New_York", "forward"): datetime(2026, 3, 8, 7, tzinfo=UTC),
    ("America/New_York", "back"): datetime(2026, 11, 1, 6, tzinfo=UTC),
    ("Australia/Lord_Howe", "forward"): datetime(2026, 10, 3, 15, 30, tzinfo=UTC),
    ("Australia/Lord_Howe", "back"): datetime(2026, 4, 4, 15, tzinfo=UTC),
    ("Asia/Shanghai", "never"): datetime(2026, 6, 1, tzinfo=UTC),
}
QUARTERS = range(-12, 13)
YEARS = (0, 400, 8000)


def shown(region: str, at: datetime, years: int) -> DateTime:
    """The same instant, so many years later, on the clock of a region."""
    days = years // 400 * 146_097
    found = in_zone(int(at.timestamp()) * SECOND + days * 86_400 * SECOND, Zone(0, region))
    assert found is not None
    return found


@pytest.mark.parametrize(("change", "years"), list(product(CHANGES, YEARS)), ids=str)
def test_each_instant_is_told_as_the_clock_shows_it_and_read_back(change: tuple[str, str], years: int) -> None:
    region = change[0]
    for quarter in QUARTERS:
        at = CHANGES[change] + timedelta(minutes=15 * quarter)
        clock, found = at.astimezone(ZoneInfo(region)), shown(region, at, years)
        assert (found.time.hour, found.time.minute, found.fold) == (clock.hour, clock.minute, clock.fold)
        assert found.instant == (int(at.timestamp()) + years // 400 * 146_097 * 86_400) * SECOND
        again = read_date_time(str(found))
        assert again is not None
        assert again.instant == found.instant


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_duration_later_is_that_much_later(change: tuple[str, str]) -> None:
    for here, there in product(QUARTERS, QUARTERS):
        at = shown(change[0], CHANGES[change] + timedelta(minutes=15 * here), 0)
        later = plus_nanos(at, 15 * 60 * there * SECOND)
        assert later is not None
        assert later.instant - at.instant == 15 * 60 * there * SECOND


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("2026-03-29T02:30:00@Europe/Berlin", "2026-03-29T03:30:00@Europe/Berlin"),
        ("2026-03-29T01:59:59@Europe/Berlin", "2026-03-29T01:59:59@Europe/Berlin"),
        ("2026-03-29T03:00:00@Europe/Berlin", "2026-03-29T03:00:00@Europe/Berlin"),
        ("2026-10-04T02:15:00@Australia/Lord_Howe", "2026-10-04T02:45:00@Australia/Lord_Howe"),
        ("2026-10-25T02:30:00@Europe/Berlin", "2026-10-25T02:30:00@Europe/Berlin"),
    ],
)
def test_what_a_clock_leaves_out_is_read_as_much_later(text: str, reads: str) -> None:
    assert str(read_date_time(text)) == reads
