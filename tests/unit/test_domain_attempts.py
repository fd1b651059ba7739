"""A source that fails is slowed down ever more, but never shut out (domain.md §5.1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.domain.accounts.attempts import QUERIES, QUERIES_OF_NUMBER, SIGN_INS, Pace, source_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PACES = [SIGN_INS, QUERIES, QUERIES_OF_NUMBER]


@pytest.mark.parametrize("pace", PACES)
def test_the_wait_grows_with_each_attempt_beyond_the_free_ones_and_has_a_longest(pace: Pace) -> None:
    waits = []
    for n in range(pace.free + 40):
        until = pace.waits_until([NOON] * n, NOON)
        waits.append((until - NOON) // SECOND if until else 0)
    assert waits[: pace.free] == [0] * pace.free
    longest = pace.longest // SECOND
    assert waits[pace.free :] == [min(2**n, longest) for n in range(40)]
    assert longest <= 60


@pytest.mark.parametrize("pace", PACES)
def test_whoever_waits_is_heard_and_after_the_window_all_is_forgotten(pace: Pace) -> None:
    attempts = [NOON] * (pace.free + 20)
    assert pace.waits_until(attempts, NOON + pace.longest) is None
    assert pace.waits_until(attempts, NOON + pace.longest - SECOND) == NOON + pace.longest
    assert pace.waits_until([*attempts, NOON + pace.window], NOON + pace.window) is None


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_network_is_one_source(address: str, source: str) -> None:
    assert source_of(address) == source
