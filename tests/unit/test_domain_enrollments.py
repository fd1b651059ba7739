"""Enrolments: eligibility, confirmation, withdrawal, check-in, scores."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from service.domain.accounts.roles import Role
from service.domain.accounts.scopes import Actor, ScopedObject
from service.domain.certificates.certificates import Certificate, CertificateState
from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import (
    LIVE_STATES,
    EnrollmentState,
    has_come,
    takes_seat,
)
from service.domain.training.enrollments import (
    Candidate,
    ClassOffer,
    may_enroll,
    needs_reason_to_withdraw,
    obstacle_to_check_in,
    obstacle_to_early_pass,
    obstacle_to_kind,
    obstacle_to_no_show,
    obstacle_to_recording,
    obstacle_to_undoing_check_in,
    obstacle_to_withdrawal,
    obstacles_to_confirming,
    obstacles_to_enrolling,
)
from service.domain.training.training_kind import TrainingKind
from service.domain.training.training_need import Need, facts

TODAY, UNTIL, START, END = date(2026, 11, 18), date(2026, 11, 20), date(2026, 11, 30), date(2026, 12, 2)
DAY = timedelta(days=1)
CERTIFICATE = Certificate(date(2024, 1, 19), date(2027, 1, 18), CertificateState.VALID)
FACTS = facts(TODAY, [CERTIFICATE])
PERSON = Candidate(state=PersonState.APPROVED, qualification_type="MANAGER_SALE", need=Need.RENEWAL, facts=FACTS)
OFFER = ClassOffer(
    kind=TrainingKind.RENEWAL,
    state=ClassState.ENROLLING,
    enrol_from=date(2026, 11, 1),
    enrol_until=UNTIL,
    qualification_types=frozenset({"MANAGER_SALE", "MANAGER_PROD"}),
    is_closed=False,
    is_open=True,
)


def told(person: Candidate, offer: ClassOffer = OFFER, today: date = TODAY) -> list[str]:
    return [str(obstacle) for obstacle in obstacles_to_enrolling(person, offer, today)]


def test_r39_an_approved_person_with_the_right_need_may_be_enrolled() -> None:
    assert told(PERSON) == []


@pytest.mark.parametrize("state", sorted(set(PersonState) - {PersonState.APPROVED}))
def test_r39_r14_a_person_who_is_not_approved_may_not(state: PersonState) -> None:
    assert told(replace(PERSON, state=state)) == [f"该人员当前为“{state.label}”，审批通过后才能报名。"]


def test_r39_each_cause_is_told() -> None:
    assert "资格类型" in told(replace(PERSON, qualification_type="PRINCIPAL_PROD"))[0]
    assert "不必重复报名" in told(replace(PERSON, is_in_class=True))[0]
    assert "其他班" in told(replace(PERSON, is_enrolled_elsewhere=True))[0]
    assert "外省" in told(PERSON, replace(OFFER, is_open=False))[0]
    assert "截止" in told(PERSON, today=UNTIL + DAY)[0]


def test_r39_all_causes_are_told_at_once() -> None:
    person = Candidate(
        state=PersonState.PENDING,
        qualification_type="?",
        need=Need.REFRESHER,
        facts=FACTS,
        is_in_class=True,
        is_enrolled_elsewhere=True,
    )
    assert len(told(person, replace(OFFER, is_open=False, state=ClassState.CANCELLED))) == 7


def test_r31_a_class_of_the_wrong_kind_is_refused_with_need_dates_and_next_step() -> None:
    refusal = str(obstacle_to_kind(TrainingKind.REFRESHER, Need.RENEWAL, FACTS))
    for part in ("再培训班", "应换证", "2027-01-18", "2027-03-01", "换证培训班"):
        assert part in refusal
    for kind in TrainingKind:
        assert (obstacle_to_kind(kind, Need.RENEWAL, FACTS) is None) == (kind is TrainingKind.RENEWAL)
        assert obstacle_to_kind(kind, Need.EXPIRED, FACTS) is not None
        assert obstacle_to_kind(kind, Need.NONE, FACTS | {"was_issued_this_year": True}) is not None


def test_r47_confirmation_asks_again_except_for_the_window() -> None:
    closed = replace(OFFER, state=ClassState.ENROLMENT_CLOSED)
    assert obstacles_to_confirming(PERSON, closed, START, last_day=START) == []
    assert len(obstacles_to_confirming(replace(PERSON, state=PersonState.PENDING), closed, START, last_day=START)) == 1


def test_r45_the_province_confirms_until_the_last_day_inclusive() -> None:
    assert obstacles_to_confirming(PERSON, OFFER, START, last_day=START) == []
    assert "2026-11-30" in str(obstacles_to_confirming(PERSON, OFFER, START + DAY, last_day=START)[0])


def test_r41_r44_who_may_enrol_whom() -> None:
    shandong, group, branch, academy, centre = (uuid4() for _ in range(5))
    in_branch = ScopedObject(unit=branch, parent=group, authority=shandong)
    in_academy = ScopedObject(unit=academy, authority=shandong, is_academy=True, linked=frozenset({centre}))

    def may(role: Role, organisation: object, unit: ScopedObject, host: object = None) -> bool:
        return may_enroll(Actor(uuid4(), role, organisation, shandong), unit, host)  # type: ignore[arg-type]

    assert may(Role.GROUP, group, in_branch)
    assert may(Role.ENTERPRISE, branch, in_branch)
    assert not may(Role.ENTERPRISE, group, in_branch)
    assert may(Role.PROVINCIAL_AUTHORITY, shandong, in_branch)
    assert not may(Role.ASSOCIATION, uuid4(), in_branch)
    assert may(Role.ASSOCIATION, uuid4(), in_academy)
    assert may(Role.TRAINING_INSTITUTION, centre, in_academy, centre)
    assert not may(Role.TRAINING_INSTITUTION, centre, in_academy, uuid4())
    assert not may(Role.TRAINING_INSTITUTION, centre, in_branch, centre)
    assert not may(Role.MINISTRY, uuid4(), in_branch)


def test_r40_what_ended_before_check_in_frees_its_seat() -> None:
    free = {state for state in EnrollmentState if not takes_seat(state)}
    assert free == {EnrollmentState.REJECTED, EnrollmentState.WITHDRAWN, EnrollmentState.CANCELLED}
    assert all(takes_seat(state) for state in LIVE_STATES)


def test_r46_pending_is_withdrawn_freely_and_confirmed_until_enrolment_closes() -> None:
    assert obstacle_to_withdrawal(EnrollmentState.PENDING, Role.ENTERPRISE, UNTIL, START) is None
    assert obstacle_to_withdrawal(EnrollmentState.CONFIRMED, Role.ENTERPRISE, UNTIL, UNTIL) is None
    assert obstacle_to_withdrawal(EnrollmentState.CONFIRMED, Role.ENTERPRISE, UNTIL, UNTIL + DAY) is not None
    assert obstacle_to_withdrawal(EnrollmentState.CONFIRMED, Role.PROVINCIAL_AUTHORITY, UNTIL, UNTIL + DAY) is None
    assert obstacle_to_withdrawal(EnrollmentState.CHECKED_IN, Role.PROVINCIAL_AUTHORITY, UNTIL, UNTIL) is not None


def test_r46_a_late_withdrawal_needs_a_reason() -> None:
    assert not needs_reason_to_withdraw(EnrollmentState.CONFIRMED, UNTIL, UNTIL)
    assert needs_reason_to_withdraw(EnrollmentState.CONFIRMED, UNTIL, UNTIL + DAY)
    assert not needs_reason_to_withdraw(EnrollmentState.PENDING, UNTIL, UNTIL + DAY)


def test_r48_check_in_is_on_its_days_only() -> None:
    assert obstacle_to_check_in(START, END, START - DAY) is None
    assert obstacle_to_check_in(START, END, START - 2 * DAY) is not None
    assert obstacle_to_check_in(START, END, END + DAY) is not None


def test_r48_a_check_in_is_undone_only_without_a_score() -> None:
    assert obstacle_to_undoing_check_in(has_come=True, has_score=False) is None
    assert obstacle_to_undoing_check_in(has_come=True, has_score=True) is not None
    assert obstacle_to_undoing_check_in(has_come=False, has_score=False) is not None


def test_a_no_show_is_recorded_once_the_class_has_begun() -> None:
    assert obstacle_to_no_show(START, START) is None
    assert obstacle_to_no_show(START, START - DAY) is not None


def test_r80_who_has_come_is_live_or_ended_after_the_check_in() -> None:
    before = {"pending", "confirmed", "rejected", "withdrawn", "no_show", "cancelled"}
    assert {state for state in EnrollmentState if not has_come(state)} == before


def test_r76_no_score_before_the_class_has_begun() -> None:
    assert [obstacle_to_recording(START, START + n * DAY) is None for n in (-1, 0, 1)] == [False, True, True]


@pytest.mark.parametrize(
    ("days", "reason", "may"),
    [(-1, None, False), (-1, "  ", False), (-1, "考核提前", True), (0, None, True), (1, None, True)],
)
def test_r76_no_pass_is_confirmed_before_the_class_ends_but_for_a_reason(
    days: int, reason: str | None, may: bool
) -> None:
    assert (obstacle_to_early_pass(END, END + days * DAY, reason) is None) == may
