"""Rules of plans (R33, domain.md §8) and the ranges of settings."""

from __future__ import annotations

from datetime import date

import pytest

from service.domain.accounts.permissions import Action
from service.domain.system.settings import SETTINGS, parse_setting
from service.domain.training import plans
from service.domain.training.plans import PlanState
from service.errors import InvalidInput

TODAY = date(2026, 3, 2)


def test_a_plan_is_cancelled_until_somebody_has_checked_in_at_a_class_of_it() -> None:
    assert plans.obstacle_to_cancellation(PlanState.DRAFT, 0) is None
    assert plans.obstacle_to_cancellation(PlanState.PUBLISHED, 0) is None
    assert "已有学员报到" in str(plans.obstacle_to_cancellation(PlanState.PUBLISHED, 1))
    assert plans.obstacle_to_cancellation(PlanState.CLOSED, 0) is not None


def test_only_a_published_plan_gives_a_class_and_only_a_draft_is_published() -> None:
    assert [s for s in PlanState if plans.obstacle_to_class(s) is None] == [PlanState.PUBLISHED]
    assert [s for s in PlanState if plans.obstacle_to_publication(s) is None] == [PlanState.DRAFT]
    assert [s for s in PlanState if plans.obstacle_to_editing(s) is None] == [PlanState.DRAFT, PlanState.PUBLISHED]


@pytest.mark.parametrize(("year", "is_right"), [(2025, False), (2026, True), (2029, True), (2030, False)])
def test_a_plan_is_for_this_year_or_the_next_three(year: int, is_right: bool) -> None:
    if is_right:
        plans.check_year(year, TODAY)
    else:
        with pytest.raises(InvalidInput):
            plans.check_year(year, TODAY)


def test_a_plan_speaks_of_months_to_come() -> None:
    plans.check_time(2026, 3, TODAY)
    plans.check_time(2027, 1, TODAY)
    plans.check_time(2026, None, TODAY)
    with pytest.raises(InvalidInput):
        plans.check_time(2026, 2, TODAY)
    assert [plans.quarter_of(m, None) for m in (1, 3, 4, 12)] == [1, 1, 2, 4]
    assert plans.quarter_of(None, 3) == 3
    assert plans.quarter_of(None, None) is None


@pytest.mark.parametrize("key", list(SETTINGS))
def test_a_setting_takes_its_default_and_the_ends_of_its_range_and_nothing_beyond(key: str) -> None:
    one = SETTINGS[key]
    assert parse_setting(key, one.default) == one.default
    if one.kind == "number":
        for value in (one.least, one.most):
            assert parse_setting(key, f" {value} ") == str(value)
        wrong = [str(one.most + 1), "", "x", "1.5", "-1", "９", "9" * 40] + ([str(one.least - 1)] if one.least else [])
    else:
        wrong = ["长" * (one.most + 1)]
    for typed in wrong:
        with pytest.raises(InvalidInput) as refused:
            parse_setting(key, typed)
        assert set(refused.value.fields) == {key}


def test_policy_and_parameters_are_two_persons_matter() -> None:
    assert {one.action for one in SETTINGS.values()} == {Action.CHANGE_SETTINGS, Action.CHANGE_POLICY}
