"""The roles people sign in with, and who may create an account for whom. What each may do: permissions.py."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from service.domain.values.labelled_enum import Labelled
from service.errors import N_, Message


class Role(Labelled):
    MINISTRY = "ministry", N_("工信部")
    PROVINCIAL_AUTHORITY = "provincial_authority", N_("省级主管部门")
    ASSOCIATION = "association", N_("协会")
    TRAINING_INSTITUTION = "training_institution", N_("培训机构")
    GROUP = "group", N_("集团")
    ENTERPRISE = "enterprise", N_("企业")  # branches sign in with this role too
    SYS_ADMIN = "sys_admin", N_("系统管理员")  # accounts and parameters, grants nothing
    SECURITY_ADMIN = "security_admin", N_("安全管理员")  # grants, unlocks, policy
    AUDIT_ADMIN = "audit_admin", N_("审计管理员")  # reads and verifies, changes nothing
    PROCESS_ADMIN = "process_admin", N_("流程管理员")  # diagrams, decisions, forms


class UserState(Labelled):
    ACTIVE = "active", N_("正常")
    LOCKED = "locked", N_("已锁定")
    DISABLED = "disabled", N_("已停用")  # for good or for a while; an account is never deleted (R4)


class AccountState(Labelled):
    """The state of an account, as its list shows it."""

    ACTIVE = "active", N_("正常")
    WAITING = "waiting", N_("待同意")  # for the security administrator
    LOCKED = "locked", N_("已锁定")  # after failed sign-ins, for half an hour
    DISABLED = "disabled", N_("已停用")


# The three separated administrators (等保 2.0): none does business, nobody is two of them.
SEPARATED = frozenset({Role.SYS_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN})
ADMINISTRATORS = SEPARATED | {Role.PROCESS_ADMIN}
BUSINESS = frozenset(Role) - ADMINISTRATORS
UNIT_ROLES = frozenset({Role.GROUP, Role.ENTERPRISE})

CREATES: Mapping[Role, frozenset[Role]] = {
    Role.MINISTRY: frozenset({Role.PROVINCIAL_AUTHORITY, Role.GROUP, Role.ENTERPRISE}),
    Role.PROVINCIAL_AUTHORITY: UNIT_ROLES,  # of its own province
    Role.ASSOCIATION: frozenset({Role.PROVINCIAL_AUTHORITY, Role.TRAINING_INSTITUTION, Role.GROUP, Role.ENTERPRISE}),
    Role.SYS_ADMIN: frozenset(Role),  # without rights until the security administrator assents
}


def managed_by(role: Role) -> list[Role]:
    """The roles whose accounts a role sees: those it may create, or all for whoever unlocks."""
    return [r for r in Role if r in CREATES.get(role, ())] or list(Role)


def obstacle_to_account(
    creator: Role, role: Role, creator_authority: UUID | None = None, authority: UUID | None = None
) -> Message | None:
    """Return why ``creator`` cannot create, change or disable an account of ``role`` (R1, C8).

    authority: of the organisation the account belongs to; a province stays within its own.
    """
    if role not in CREATES.get(creator, frozenset()):
        return Message(
            N_("%(creator)s不能管理%(role)s的账号，请联系系统管理员。"),
            creator=Message(creator.label),
            role=Message(role.label),
        )
    if creator is Role.PROVINCIAL_AUTHORITY and (authority is None or authority != creator_authority):
        return Message(N_("只能管理本省单位的账号，外省单位请由其所在省办理。"))
    return None


def needs_assent(creator: Role) -> bool:
    """Tell whether a new account waits for the security administrator before it has any right (三员, domain.md §9)."""
    return creator is Role.SYS_ADMIN


def changes_need_assent(actor: Role, role: Role) -> bool:
    """Tell whether a change of an account of ``role`` takes its rights until the assent (三员, domain.md §9)."""
    return needs_assent(actor) and role in ADMINISTRATORS
