"""Classes: organiser, soundness, windows, changes, cancellation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from service.domain.accounts.roles import Role
from service.domain.training.class_progress import progress
from service.domain.training.classes import (
    ENROLLABLE,
    MIN_HOURS,
    ClassState,
    check_capacity,
    check_dates,
    check_hours,
    check_moving,
    check_organiser,
    confirm_until,
    confirmation_lapses_at,
    confirmation_warning_at,
    is_check_in_day,
    is_open_to,
    may_organise,
    obstacle_to_cancellation,
    obstacle_to_class_changes,
    obstacle_to_window,
    refresher_year,
)
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.training_kind import TrainingKind
from service.errors import InvalidInput

FROM, UNTIL, START, END = date(2026, 11, 1), date(2026, 11, 20), date(2026, 11, 30), date(2026, 12, 2)


def fields_of(call: Callable[[], object]) -> set[str]:
    with pytest.raises(InvalidInput) as caught:
        call()
    return set(caught.value.fields)


def test_r33_the_association_organises_initial_classes_and_provinces_the_others() -> None:
    organised = {(role, kind) for role in Role for kind in TrainingKind if may_organise(role, kind)}
    assert organised == {
        (Role.ASSOCIATION, TrainingKind.INITIAL),
        (Role.PROVINCIAL_AUTHORITY, TrainingKind.REFRESHER),
        (Role.PROVINCIAL_AUTHORITY, TrainingKind.RENEWAL),
    }
    check_organiser(Role.ASSOCIATION, TrainingKind.INITIAL)
    assert fields_of(lambda: check_organiser(Role.ASSOCIATION, TrainingKind.RENEWAL)) == {"kind"}


def test_the_days_of_a_class_follow_each_other_and_may_coincide() -> None:
    check_dates(FROM, UNTIL, START, END)
    check_dates(START, START, START, START)
    assert fields_of(lambda: check_dates(UNTIL, FROM, START, END)) == {"enrol_until"}
    assert fields_of(lambda: check_dates(FROM, END, START, START)) == {"starts_on"}
    assert fields_of(lambda: check_dates(END, START, UNTIL, FROM)) == {"enrol_until", "starts_on", "ends_on"}


def test_r36_the_hours_reach_the_minimum_of_every_type() -> None:
    least = {"主要负责人（生产）": 48, "安全管理人员（销售）": 32}
    check_hours(48, least)
    assert fields_of(lambda: check_hours(47, least)) == {"hours"}
    assert (MIN_HOURS[TrainingKind.INITIAL], MIN_HOURS[TrainingKind.REFRESHER]) == (48, 16)


def test_r35_r40_the_capacity_is_not_below_those_enrolled() -> None:
    check_capacity(1)
    check_capacity(30, taken=30)
    assert fields_of(lambda: check_capacity(0)) == {"capacity"}
    assert fields_of(lambda: check_capacity(29, taken=30)) == {"capacity"}


def test_r35_after_publication_place_dates_and_capacity_may_change() -> None:
    assert obstacle_to_class_changes(ClassState.ENROLLING, ["place", "starts_on", "capacity"], has_scores=True) is None
    assert obstacle_to_class_changes(ClassState.DRAFT, ["kind", "hours"], has_scores=False) is None
    assert obstacle_to_class_changes(ClassState.COMPLETED, ["place"], has_scores=False) is not None


def test_r33_after_publication_the_kind_never_changes() -> None:
    assert obstacle_to_class_changes(ClassState.ENROLLING, ["kind"], has_scores=False) is not None


def test_r35_the_pass_mark_is_fixed_by_the_first_score() -> None:
    assert obstacle_to_class_changes(ClassState.RUNNING, ["pass_mark"], has_scores=False) is None
    assert obstacle_to_class_changes(ClassState.RUNNING, ["pass_mark"], has_scores=True) is not None


def test_r37_a_class_is_cancelled_only_before_the_first_check_in() -> None:
    cancellable = {state for state in ClassState if obstacle_to_cancellation(state, checked_in=0) is None}
    assert cancellable == {ClassState.DRAFT, ClassState.ENROLLING, ClassState.ENROLMENT_CLOSED}
    assert obstacle_to_cancellation(ClassState.ENROLMENT_CLOSED, checked_in=1) is not None


@pytest.mark.parametrize(
    ("today", "is_open"),
    [(date(2026, 10, 31), False), (FROM, True), (UNTIL, True), (date(2026, 11, 21), False)],
)
def test_r38_both_ends_of_the_enrolment_window_belong_to_it(today: date, is_open: bool) -> None:
    for state in ENROLLABLE:
        assert (obstacle_to_window(state, False, FROM, UNTIL, today) is None) == is_open


@pytest.mark.parametrize("is_closed", [False, True])
@pytest.mark.parametrize("state", ClassState)
def test_r38_r86_the_window_and_its_early_end_decide_not_that_people_have_come(
    state: ClassState, is_closed: bool
) -> None:
    may = obstacle_to_window(state, is_closed, FROM, UNTIL, FROM) is None
    assert may == (state in (ClassState.ENROLLING, ClassState.RUNNING) and not is_closed)


def test_r34_s61_a_provinces_class_is_for_its_own_unless_opened() -> None:
    shandong, hubei, association = uuid4(), uuid4(), uuid4()
    assert is_open_to(shandong, shandong, Role.PROVINCIAL_AUTHORITY, to_others=False)
    assert not is_open_to(hubei, shandong, Role.PROVINCIAL_AUTHORITY, to_others=False)
    assert is_open_to(hubei, shandong, Role.PROVINCIAL_AUTHORITY, to_others=True)
    assert is_open_to(hubei, association, Role.ASSOCIATION, to_others=False)


def test_r45_what_is_unconfirmed_lapses_when_the_first_day_of_the_class_is_over() -> None:
    assert confirm_until(START) == START
    assert confirm_until(START, days_before=3) == date(2026, 11, 27)
    assert confirmation_lapses_at(START) == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert confirmation_warning_at(START) == datetime(2026, 11, 27, 16, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "expected"),
    [(date(2026, 11, 28), False), (date(2026, 11, 29), True), (END, True), (date(2026, 12, 3), False)],
)
def test_r48_check_in_is_from_the_day_before_to_the_last_day(today: date, expected: bool) -> None:
    assert is_check_in_day(START, END, today) is expected


def test_r54_a_refresher_counts_for_the_year_in_which_it_ends() -> None:
    assert refresher_year(date(2027, 1, 2)) == 2027


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [({"starts_on", "place"}, ["starts_on"]), ({"enrol_from", "enrol_until"}, ["enrol_from", "enrol_until"])],
)
def test_r35_the_beginning_is_fixed_once_people_have_come(changed: set[str], wrong: list[str]) -> None:
    check_moving(changed, arrived=0)
    check_moving({"ends_on", "place", "capacity"}, arrived=1)
    with pytest.raises(InvalidInput) as refused:
        check_moving(changed, arrived=1)
    assert sorted(refused.value.fields) == wrong


STEPS = (
    ({}, "enrolling", "enrolment_closed"),
    ({EnrollmentState.PENDING: 1, EnrollmentState.CONFIRMED: 2}, "enrolling", "enrolment_closed"),
    ({EnrollmentState.NO_SHOW: 1, EnrollmentState.WITHDRAWN: 1}, "enrolling", "enrolment_closed"),
    ({EnrollmentState.CHECKED_IN: 1, EnrollmentState.CONFIRMED: 2}, "running", "running"),
    ({EnrollmentState.SCORED: 2, EnrollmentState.MAKEUP: 1}, "running", "running"),
    ({EnrollmentState.SCORED: 2, EnrollmentState.COMPLETED: 1}, "running", "scored"),
    ({EnrollmentState.COMPLETED: 3}, "running", "confirmed"),
)


@pytest.mark.parametrize(("counts", "open_state", "closed_state"), STEPS)
def test_r86_a_class_runs_from_its_first_check_in_and_r38_no_further_while_others_may_enrol(
    counts: dict[EnrollmentState, int], open_state: str, closed_state: str
) -> None:
    assert progress(False, counts) == open_state
    assert progress(True, counts) == closed_state
