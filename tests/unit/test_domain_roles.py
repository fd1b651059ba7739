"""Roles, the permission table of domain.md §9, scopes, who creates which account."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from service.domain.accounts.permissions import (
    PERMISSIONS,
    Action,
    may,
)
from service.domain.accounts.roles import (
    ADMINISTRATORS,
    BUSINESS,
    CREATES,
    SEPARATED,
    Role,
    needs_assent,
    obstacle_to_account,
)
from service.domain.accounts.scopes import (
    Actor,
    Audience,
    ScopedObject,
    includes,
    scope_of,
)

SHANDONG, HUBEI, ASSOCIATION, GROUP, BRANCH, ACADEMY, CENTRE = (uuid4() for _ in range(7))


def actor(role: Role, organisation: UUID | None = None, authority: UUID | None = None) -> Actor:
    return Actor(uuid4(), role, organisation, authority)


MINISTRY = actor(Role.MINISTRY, uuid4())
PROVINCE = actor(Role.PROVINCIAL_AUTHORITY, SHANDONG, SHANDONG)
OTHER_PROVINCE = actor(Role.PROVINCIAL_AUTHORITY, HUBEI, HUBEI)
ASSOCIATION_USER = actor(Role.ASSOCIATION, ASSOCIATION, ASSOCIATION)
INSTITUTION = actor(Role.TRAINING_INSTITUTION, CENTRE)
GROUP_USER = actor(Role.GROUP, GROUP, SHANDONG)
BRANCH_USER = actor(Role.ENTERPRISE, BRANCH, HUBEI)

IN_GROUP = ScopedObject(unit=GROUP, authority=SHANDONG)
IN_BRANCH = ScopedObject(unit=BRANCH, parent=GROUP, authority=HUBEI)  # another province than its group (R9)
IN_ACADEMY = ScopedObject(unit=ACADEMY, authority=SHANDONG, is_academy=True, linked=frozenset({CENTRE}))


def sees(who: Actor, action: Action, subject: ScopedObject) -> bool:
    return includes(scope_of(who, action), subject)


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        (Action.APPROVE_PERSON, {Role.PROVINCIAL_AUTHORITY}),
        (Action.CONFIRM_ENROLLMENT, {Role.PROVINCIAL_AUTHORITY}),
        (Action.CHECK_IN, {Role.ASSOCIATION}),
        (Action.RECORD_SCORE, {Role.TRAINING_INSTITUTION}),
        (Action.CONFIRM_SCORE, {Role.ASSOCIATION}),
        (Action.PRINT_CERTIFICATE, {Role.ASSOCIATION}),
        (Action.APPROVE_CERTIFICATE, {Role.MINISTRY}),
        (Action.DEREGISTER_CERTIFICATE, {Role.MINISTRY}),
        (Action.TRANSFER_PERSON, {Role.ASSOCIATION}),
        (Action.CHANGE_TYPE, {Role.ASSOCIATION}),
        (Action.VIEW_CHANGES, {Role.MINISTRY, Role.ASSOCIATION}),
        (Action.EDIT_PERSON, {Role.GROUP, Role.ENTERPRISE, Role.ASSOCIATION}),
        (Action.RENAME_UNIT, {Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION}),
        (Action.CHANGE_PASSWORD, set(Role)),
        (Action.OPEN_TICKET, set(Role)),
        (Action.VIEW_TICKETS, set(Role)),
        (Action.VIEW_TASKS, set(Role)),
        (Action.VIEW_CASES, set(Role)),
        (Action.VIEW_ORGANISATIONS, set(Role)),
        (Action.VIEW_ENROLLMENTS, set(BUSINESS)),
        (Action.EDIT_PROCESSES, {Role.PROCESS_ADMIN}),
        (Action.MEND_CASES, {Role.PROCESS_ADMIN}),
        (Action.GRANT_ROLES, {Role.SECURITY_ADMIN}),
        (Action.READ_AUDIT, {Role.AUDIT_ADMIN}),
    ],
)
def test_each_act_belongs_to_the_roles_of_the_permission_table(action: Action, roles: set[Role]) -> None:
    assert {role for role in Role if may(role, action)} == roles


def test_every_action_belongs_to_somebody_and_every_role_has_a_row() -> None:
    assert set(PERMISSIONS) == set(Role)
    assert set().union(*PERMISSIONS.values()) == set(Action)
    assert all(reaches for actions in PERMISSIONS.values() for reaches in actions.values())


def test_r53_no_role_both_records_and_confirms_scores() -> None:
    assert not any(may(role, Action.RECORD_SCORE) and may(role, Action.CONFIRM_SCORE) for role in Role)


def test_the_three_separated_administrators_share_no_act_and_do_no_business() -> None:
    own = {action for action in Action if all(may(role, action) for role in Role)}
    acts = [set(PERMISSIONS[role]) - own for role in sorted(ADMINISTRATORS)]
    assert sum(map(len, acts)) == len(set().union(*acts))
    business = set().union(*(PERMISSIONS[role] for role in BUSINESS)) - own - {Action.MANAGE_USERS}
    assert not business & set().union(*acts)
    assert len(SEPARATED) == 3


def test_r61_a_branch_in_another_province_belongs_to_that_province() -> None:
    assert sees(OTHER_PROVINCE, Action.CONFIRM_ENROLLMENT, IN_BRANCH)
    assert not sees(PROVINCE, Action.CONFIRM_ENROLLMENT, IN_BRANCH)


def test_r9_r12_persons_are_approved_by_the_province_of_their_unit_and_academies_by_nobody() -> None:
    assert sees(PROVINCE, Action.APPROVE_PERSON, IN_GROUP)
    assert not sees(OTHER_PROVINCE, Action.APPROVE_PERSON, IN_GROUP)
    assert not sees(PROVINCE, Action.APPROVE_PERSON, IN_ACADEMY)


def test_s57_a_group_reaches_its_branches_and_a_branch_only_itself() -> None:
    assert sees(GROUP_USER, Action.ENROLL, IN_GROUP)
    assert sees(GROUP_USER, Action.ENROLL, IN_BRANCH)
    assert sees(BRANCH_USER, Action.ENROLL, IN_BRANCH)
    assert not sees(BRANCH_USER, Action.ENROLL, IN_GROUP)


def test_s57_a_deleted_branch_no_longer_belongs_to_its_group() -> None:
    deleted = ScopedObject(unit=BRANCH, parent=GROUP, authority=HUBEI, is_deleted=True)
    assert not any(sees(GROUP_USER, action, deleted) for action in Action)
    assert sees(OTHER_PROVINCE, Action.VIEW_PERSONS, deleted)


def test_s91_the_ministry_sees_published_classes_and_no_draft() -> None:
    assert sees(MINISTRY, Action.VIEW_CLASSES, ScopedObject(organiser=SHANDONG, is_published=True))
    assert not sees(MINISTRY, Action.VIEW_CLASSES, ScopedObject(organiser=SHANDONG))


def test_r12_a_province_has_no_action_on_persons_of_academies() -> None:
    assert not any(sees(PROVINCE, action, IN_ACADEMY) for action in Action)


def test_r69_nobody_is_shown_a_complaint_about_themselves() -> None:
    at_ministry = Audience(roles=frozenset({Role.MINISTRY}))
    for action in (Action.VIEW_TICKETS, Action.VIEW_TASKS, Action.VIEW_CASES):
        assert sees(MINISTRY, action, ScopedObject(audience=at_ministry, excluded=uuid4()))
        assert not sees(MINISTRY, action, ScopedObject(audience=at_ministry, excluded=MINISTRY.user))


def test_c7_academies_belong_to_the_association_and_the_institutions_linked_to_them() -> None:
    assert sees(ASSOCIATION_USER, Action.ENROLL, IN_ACADEMY)
    assert not sees(ASSOCIATION_USER, Action.ENROLL, IN_GROUP)
    assert sees(INSTITUTION, Action.ENROLL, IN_ACADEMY)
    assert not sees(actor(Role.TRAINING_INSTITUTION, uuid4()), Action.ENROLL, IN_ACADEMY)


def test_an_institution_sees_its_classes_and_those_it_trains() -> None:
    assert sees(INSTITUTION, Action.VIEW_CLASSES, ScopedObject(host=CENTRE))
    assert not sees(INSTITUTION, Action.VIEW_CLASSES, ScopedObject(host=uuid4(), is_published=True))
    assert sees(INSTITUTION, Action.VIEW_PERSONS, ScopedObject(unit=GROUP, trained_by=frozenset({CENTRE})))
    assert not sees(INSTITUTION, Action.VIEW_PERSONS, IN_GROUP)


def test_a_draft_class_is_seen_by_its_organiser_and_a_published_one_by_every_province_and_unit() -> None:
    drafted, published = ScopedObject(organiser=SHANDONG), ScopedObject(organiser=SHANDONG, is_published=True)
    assert sees(PROVINCE, Action.VIEW_CLASSES, drafted)
    assert not sees(OTHER_PROVINCE, Action.VIEW_CLASSES, drafted)
    assert not sees(GROUP_USER, Action.VIEW_CLASSES, drafted)
    assert all(sees(who, Action.VIEW_CLASSES, published) for who in (OTHER_PROVINCE, GROUP_USER, BRANCH_USER))


def test_ministry_and_association_see_everything_and_administrators_nothing() -> None:
    for subject in (IN_GROUP, IN_BRANCH, IN_ACADEMY):
        assert sees(MINISTRY, Action.VIEW_PERSONS, subject)
        assert sees(ASSOCIATION_USER, Action.VIEW_PERSONS, subject)
        for role in ADMINISTRATORS:
            assert not sees(actor(role), Action.VIEW_PERSONS, subject)


def test_a_user_without_organisation_reaches_nothing_that_has_none() -> None:
    for role in BUSINESS - {Role.MINISTRY, Role.ASSOCIATION}:
        lost = actor(role)
        assert not any(sees(lost, action, ScopedObject()) for action in Action)


def test_notices_reach_those_they_are_addressed_to() -> None:
    everyone = ScopedObject(audience=Audience())
    provinces = ScopedObject(audience=Audience(roles=frozenset({Role.PROVINCIAL_AUTHORITY})))
    shandong = ScopedObject(audience=Audience(provinces=frozenset({SHANDONG})))
    enterprises_there = Audience(provinces=frozenset({SHANDONG}), roles=frozenset({Role.ENTERPRISE}))
    assert sees(GROUP_USER, Action.READ_NOTICES, everyone)
    assert sees(PROVINCE, Action.READ_NOTICES, provinces)
    assert not sees(GROUP_USER, Action.READ_NOTICES, provinces)
    assert sees(GROUP_USER, Action.READ_NOTICES, shandong)
    assert not sees(BRANCH_USER, Action.READ_NOTICES, shandong)
    assert not sees(GROUP_USER, Action.READ_NOTICES, ScopedObject(audience=enterprises_there))
    assert not sees(GROUP_USER, Action.READ_NOTICES, ScopedObject(organiser=SHANDONG))  # a draft


def test_everybody_reaches_his_own_account_only() -> None:
    assert sees(GROUP_USER, Action.CHANGE_PASSWORD, ScopedObject(account=GROUP_USER.user))
    assert not sees(GROUP_USER, Action.CHANGE_PASSWORD, ScopedObject(account=BRANCH_USER.user))


def test_r1_c8_nobody_but_the_system_administrator_creates_at_or_above_his_own_level() -> None:
    level = {
        Role.MINISTRY: 0,
        Role.ASSOCIATION: 0,
        Role.PROVINCIAL_AUTHORITY: 1,
        Role.TRAINING_INSTITUTION: 2,
        Role.GROUP: 2,
        Role.ENTERPRISE: 3,
    }
    for creator, created in CREATES.items():
        if creator is not Role.SYS_ADMIN:
            assert all(level[role] > level[creator] for role in created)
    assert CREATES[Role.SYS_ADMIN] == set(Role)
    assert set(CREATES) == {Role.MINISTRY, Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION, Role.SYS_ADMIN}


def test_r1_a_province_creates_accounts_of_its_own_units_only() -> None:
    assert obstacle_to_account(Role.PROVINCIAL_AUTHORITY, Role.ENTERPRISE, SHANDONG, SHANDONG) is None
    assert "外省" in str(obstacle_to_account(Role.PROVINCIAL_AUTHORITY, Role.ENTERPRISE, SHANDONG, HUBEI))
    assert "外省" in str(obstacle_to_account(Role.PROVINCIAL_AUTHORITY, Role.ENTERPRISE))
    assert "省级主管部门不能管理协会的账号" in str(
        obstacle_to_account(Role.PROVINCIAL_AUTHORITY, Role.ASSOCIATION, SHANDONG, SHANDONG)
    )
    assert obstacle_to_account(Role.MINISTRY, Role.PROVINCIAL_AUTHORITY) is None
    assert obstacle_to_account(Role.ENTERPRISE, Role.ENTERPRISE) is not None


def test_accounts_of_the_system_administrator_wait_for_the_security_administrator() -> None:
    assert [role for role in Role if needs_assent(role)] == [Role.SYS_ADMIN]
