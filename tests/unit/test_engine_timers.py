"""ISO 8601 on the civil calendar of Asia/Shanghai, and timers in a case: due once, stored, fired by an input."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from service.engine import StaleToken, StepError
from service.engine.kernel.timers import (
    due_after,
    from_text,
    parse_cycle,
    parse_duration,
    parse_instant,
    to_text,
)
from tests.unit.engine_play import AT, play


def china(*at: int) -> datetime:
    return datetime(*at, tzinfo=UTC) - timedelta(hours=8)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "begin", "due"),
    [
        ("PT1S", china(2026, 3, 2, 9), china(2026, 3, 2, 9, 0, 1)),
        ("PT1.5S", china(2026, 3, 2, 9), china(2026, 3, 2, 9, 0, 1, 500_000)),
        ("PT1M0,25S", china(2026, 3, 2, 9), china(2026, 3, 2, 9, 1, 0, 250_000)),
        ("P1D", china(2026, 2, 28, 23, 59), china(2026, 3, 1, 23, 59)),
        ("P1M", china(2026, 1, 31, 9), china(2026, 2, 28, 9)),
        ("P1Y", china(2024, 2, 29, 9), china(2025, 2, 28, 9)),
        ("P3Y", china(2026, 3, 1, 0), china(2029, 3, 1, 0)),
        ("P2W", china(2026, 3, 1), china(2026, 3, 15)),
        ("P1Y2M3DT4H5M6S", china(2026, 1, 1), china(2027, 3, 4, 4, 5, 6)),
        ("PT36H", china(2026, 3, 1), china(2026, 3, 2, 12)),
        ("P13M", china(2025, 12, 31), china(2027, 1, 31)),
        ("2026-05-01", china(2026, 3, 1), china(2026, 5, 1)),
        ("2026-05-01T09:30:00", china(2026, 3, 1), china(2026, 5, 1, 9, 30)),
        ("2026-05-01T09:30:00Z", china(2026, 3, 1), datetime(2026, 5, 1, 9, 30, tzinfo=UTC)),
        ("2026-05-01T09:30:00+02:00", china(2026, 3, 1), datetime(2026, 5, 1, 7, 30, tzinfo=UTC)),
        ("P0D", china(2026, 3, 1), china(2026, 3, 1)),
    ],
)
def test_due(text: str, begin: datetime, due: datetime) -> None:
    assert due_after(text, begin) == due


@pytest.mark.parametrize(
    "text",
    [
        "",
        "P",
        "PT",
        "P1",
        "1D",
        "P-1D",
        "PT1.S",
        "PT1.5H",
        "P1S",
        "PT1D",
        "tomorrow",
        "2026-13-01",
        "2026-02-30",
        "R3/PT1M",
        "p1d",
        "P9999999Y",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        due_after(text, AT)


def test_a_due_date_beyond_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="P9999Y"):
        due_after("P9999Y", AT)


def test_cycles() -> None:
    cycle = parse_cycle("R3/PT10M")
    assert cycle is not None
    assert (cycle.times, cycle.period, cycle.start) == (3, parse_duration("PT10M"), None)
    endless = parse_cycle("R/P1D")
    assert endless is not None
    assert endless.times is None
    started = parse_cycle("R2/2026-03-01/P1D")
    assert started is not None
    assert started.start == parse_instant("2026-03-01")
    assert [parse_cycle(text) for text in ("PT10M", "R3", "R3/", "R3/PT0S", "Rx/P1D", "R2/x/P1D")] == [None] * 6


def test_instants_have_one_spelling() -> None:
    for instant in (AT, AT + timedelta(microseconds=5)):
        assert from_text(to_text(instant)) == instant
        assert to_text(instant).endswith("Z")


def test_a_timer_is_due_once_and_fires_by_its_input_only() -> None:
    case = play("s start\nt catch-timer ${wait}\nu user\nk catch-timer ${when}\ne end", "s>t>u>k>e")
    (job,) = case.start(wait="P2D", when="2026-05-01").jobs_set
    assert (job.kind, job.element, job.due) == ("timer", "t", case.at + timedelta(days=2))
    with pytest.raises(StaleToken):
        case.put("timer", token=job.token, element="t", due=AT)
    assert case.fire("t").jobs_cleared == (job.token,)
    assert case.complete("u").jobs_set[0].due == parse_instant("2026-05-01")
    assert case.fire("k").ended


def test_a_cycle_on_a_boundary_fires_its_number_of_times() -> None:
    case = play("s start\na user\nt boundary-timer a R3/PT10M non\nr service mail\nd end\ne end", "s>a>e; t>r>d")
    case.start()
    dues = []
    for _ in range(3):
        dues.append(case.jobs[case.token(case.jobs, "t")].due)
        assert case.fire("t").trace[:2] == ("+t", "+r")
    assert [later - earlier for earlier, later in itertools.pairwise(dues)] == [timedelta(minutes=10)] * 2
    assert case.jobs == {}
    assert case.complete("a").ended


def test_an_endless_cycle_ends_with_its_activity() -> None:
    case = play("s start\na user\nt boundary-timer a R/P1D non\nd end\ne end", "s>a>e; t>d")
    case.start()
    for _ in range(5):
        case.fire("t")
    done = case.complete("a")
    assert done.ended
    assert len(done.jobs_cleared) == 1


def test_an_interrupting_timer_closes_the_task() -> None:
    case = play("s start\na user\nt boundary-timer a P1D\nu user\ne end", "s>a>e; t>u>e")
    case.start()
    done = case.fire("t")
    assert (case.open, len(done.closed), done.trace) == (["u"], 1, ("+t", "-a"))


def test_of_several_timers_at_a_gateway_the_earliest_is_the_job() -> None:
    case = play(
        "s start\nw events\nx catch-timer P2D\ny catch-timer P1D\nm catch-message go\nu user\nv user\nz user\ne end",
        "s>w>x>u>e; w>y>v>e; w>m>z>e",
    )
    (job,) = case.start().jobs_set
    assert job.due == case.at + timedelta(days=1)
    assert case.last.awaited == ("message:go",)
    assert case.put("timer", token=job.token, element="w", due=job.due).trace == ("+w", "+y")
    assert case.open == ["v"]


def test_a_timer_that_is_no_time_fails_the_step() -> None:
    with pytest.raises(StepError, match="soon"):
        play("s start\nt catch-timer ${when}\ne end", "s>t>e").start(when="soon")
