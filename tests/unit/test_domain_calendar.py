"""Civil dates and instants."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from service.domain.values.calendar import (
    add_months,
    add_years,
    civil_date,
    start_of_day,
    write_date,
)


def test_the_civil_date_changes_at_midnight_in_china_which_is_16_oclock_utc() -> None:
    assert civil_date(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)) == date(2026, 12, 31)
    assert civil_date(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == date(2027, 1, 1)


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="offset"):
        civil_date(datetime(2026, 1, 1))


def test_a_day_begins_where_the_civil_date_begins() -> None:
    begin = start_of_day(date(2026, 3, 2))
    assert begin == datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
    assert civil_date(begin) == date(2026, 3, 2)


def test_daylight_saving_of_1988_does_not_shift_the_civil_day() -> None:
    assert start_of_day(date(1988, 7, 1)) == datetime(1988, 6, 30, 15, 0, tzinfo=UTC)


def test_a_day_that_the_month_lacks_becomes_the_first_of_the_next() -> None:
    assert add_years(date(2024, 2, 29), 3) == date(2027, 3, 1)
    assert add_years(date(2024, 2, 29), 4) == date(2028, 2, 29)
    assert add_years(date(2024, 3, 1), -1) == date(2023, 3, 1)
    assert add_months(date(2026, 1, 31), 1) == date(2026, 3, 1)
    assert add_months(date(2026, 10, 31), 1) == date(2026, 12, 1)
    assert add_months(date(2026, 12, 15), 1) == date(2027, 1, 15)
    assert add_months(date(2026, 1, 15), -1) == date(2025, 12, 15)


def test_certificates_print_dates_with_two_digits() -> None:
    assert write_date(date(2026, 2, 9)) == "2026年02月09日"
