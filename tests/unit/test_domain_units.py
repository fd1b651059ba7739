"""Units: completeness, locked fields, conversion, deletion."""

from __future__ import annotations

from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.domain.units.units import (
    REQUIRED_FIELDS,
    UnitKind,
    UnitState,
    missing_fields,
    obstacle_to_changes,
    obstacle_to_conversion,
    obstacle_to_deletion,
    obstacle_to_work,
)

FULL: dict[str, object] = dict.fromkeys(REQUIRED_FIELDS, "x")


def without(*fields: str) -> dict[str, object]:
    return {**FULL, **dict.fromkeys(fields, "")}


def test_r3_a_record_is_complete_when_nothing_required_is_empty() -> None:
    assert missing_fields(UnitKind.ENTERPRISE, without("parent")) == []
    assert missing_fields(UnitKind.ENTERPRISE, without("credit_code", "phone")) == ["credit_code", "phone"]
    assert missing_fields(UnitKind.BRANCH, without("credit_code")) == []
    assert missing_fields(UnitKind.BRANCH, without("parent")) == ["parent"]
    assert missing_fields(UnitKind.ACADEMY, {}) == ["name", "kind", "authority", "contact", "phone"]


def test_r3_until_its_record_is_complete_a_unit_edits_only_that_record() -> None:
    for role in (Role.GROUP, Role.ENTERPRISE):
        assert "完善本单位信息" in str(obstacle_to_work(role, UnitState.DRAFT, {Action.EDIT_PERSON}))
        assert obstacle_to_work(role, UnitState.DRAFT, {Action.MODIFY_UNIT}) is None
        assert obstacle_to_work(role, UnitState.DRAFT, {Action.CHANGE_PASSWORD}) is None
        assert obstacle_to_work(role, UnitState.COMPLETE, {Action.EDIT_PERSON}) is None
        assert obstacle_to_work(role, UnitState.DRAFT, {Action.MODIFY_UNIT, Action.EDIT_PERSON}) is not None
        assert obstacle_to_work(role, UnitState.DRAFT, ()) is not None  # a page open to every account
    assert obstacle_to_work(Role.PROVINCIAL_AUTHORITY, UnitState.DRAFT, {Action.ENROLL}) is None
    assert obstacle_to_work(Role.ENTERPRISE, UnitState.DELETED, {Action.ENROLL}) is not None


def test_r6_one_person_or_one_branch_bars_deletion() -> None:
    assert obstacle_to_deletion(persons=0, branches=0) is None
    assert str(obstacle_to_deletion(persons=1, branches=0)).startswith("该单位下有人员，无法删除")
    assert "分公司" in str(obstacle_to_deletion(persons=0, branches=1))


def test_r7_a_unit_becomes_a_branch_of_another_group_when_it_has_no_branches() -> None:
    assert obstacle_to_conversion(UnitKind.ENTERPRISE, UnitKind.BRANCH, 0, UnitKind.GROUP) is None
    assert obstacle_to_conversion(UnitKind.GROUP, UnitKind.BRANCH, 0, UnitKind.GROUP) is None
    assert obstacle_to_conversion(UnitKind.GROUP, UnitKind.BRANCH, 0, UnitKind.GROUP, target_is_self=True) is not None
    for target in (None, UnitKind.ENTERPRISE, UnitKind.BRANCH, UnitKind.ACADEMY):
        assert obstacle_to_conversion(UnitKind.ENTERPRISE, UnitKind.BRANCH, 0, target) is not None


def test_r7_a_branch_becomes_a_group_freely() -> None:
    assert obstacle_to_conversion(UnitKind.BRANCH, UnitKind.GROUP, 0) is None
    assert obstacle_to_conversion(UnitKind.ENTERPRISE, UnitKind.GROUP, 0) is None


def test_r8_a_group_with_branches_stays_a_group() -> None:
    assert obstacle_to_conversion(UnitKind.GROUP, UnitKind.ENTERPRISE, 0) is None
    assert "先将其转出" in str(obstacle_to_conversion(UnitKind.GROUP, UnitKind.ENTERPRISE, 1))
    assert "先将其转出" in str(obstacle_to_conversion(UnitKind.GROUP, UnitKind.BRANCH, 1, UnitKind.GROUP))


def test_an_academy_is_not_converted() -> None:
    assert obstacle_to_conversion(UnitKind.ACADEMY, UnitKind.GROUP, 0) is not None
    assert obstacle_to_conversion(UnitKind.GROUP, UnitKind.ACADEMY, 0) is not None


def test_r11_name_code_province_kind_and_parent_are_locked_for_the_unit_itself() -> None:
    for field in ("name", "credit_code", "authority", "kind", "parent"):
        assert obstacle_to_changes(Role.ENTERPRISE, ["phone", field]) is not None
        assert obstacle_to_changes(Role.GROUP, [field]) is not None
        assert obstacle_to_changes(Role.PROVINCIAL_AUTHORITY, [field]) is None
    assert obstacle_to_changes(Role.ENTERPRISE, ["phone", "contact"]) is None
    assert "“单位名称”" in str(obstacle_to_changes(Role.ENTERPRISE, ["parent", "name"]))
