"""Scores in tenths, the pass mark, the make-up."""

from __future__ import annotations

import pytest

from service.domain.training.scores import (
    has_makeup,
    is_pass,
    obstacle_to_correction,
    parse_pass_mark,
    parse_score,
    write_score,
)
from service.errors import InvalidInput


@pytest.mark.parametrize(
    ("typed", "tenths"),
    [
        ("0", 0),
        ("100", 1000),
        ("100.0", 1000),
        ("54.5", 545),
        (85, 850),
        (" ８５．５ ", 855),
        ("缺考", None),
        ("005", 50),
    ],
)
def test_r49_a_score_is_0_to_100_with_at_most_one_decimal_or_absent(typed: str | int, tenths: int | None) -> None:
    assert parse_score(typed) == tenths


@pytest.mark.parametrize("typed", ["101", "100.1", "-1", "54.55", "", None, "abc", "1e2", "5,5", "nan", -3, 101])
def test_r49_any_other_score_is_refused_at_its_field(typed: str | int | None) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_score(typed, field="score_3")
    assert set(caught.value.fields) == {"score_3"}


@pytest.mark.parametrize("tenths", [0, 5, 545, 600, 1000, None])
def test_a_score_written_is_read_back(tenths: int | None) -> None:
    assert parse_score(write_score(tenths)) == tenths


def test_scores_are_written_without_a_needless_decimal() -> None:
    assert [write_score(s) for s in (850, 545, 0, None)] == ["85", "54.5", "0", "缺考"]


def test_r50_reaching_the_mark_exactly_passes() -> None:
    assert is_pass(600, 600)
    assert not is_pass(599, 600)


def test_r49_absence_fails_even_at_a_mark_of_zero() -> None:
    assert not is_pass(None, 0)
    assert is_pass(0, 0)


def test_a_pass_mark_cannot_be_absent() -> None:
    assert parse_pass_mark("60") == 600
    with pytest.raises(InvalidInput):
        parse_pass_mark("缺考")


@pytest.mark.parametrize(("attempt", "is_allowed", "expected"), [(1, True, True), (1, False, False), (2, True, False)])
def test_r52_there_is_one_make_up_and_its_score_is_final(attempt: int, is_allowed: bool, expected: bool) -> None:
    assert has_makeup(attempt, is_allowed) is expected


def test_r51_a_confirmed_score_is_corrected_with_a_second_persons_assent_before_the_approval() -> None:
    assert obstacle_to_correction("ann", {"bob"}, certificate_approved=False) is None
    assert "另一人" in str(obstacle_to_correction("ann", {"bob", "ann"}, certificate_approved=False))
    assert "不能再更正" in str(obstacle_to_correction("ann", {"bob"}, certificate_approved=True))
