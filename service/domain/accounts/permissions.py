"""Permission table of domain.md §9: role × action → scope kinds.

``scopes.includes`` defines the kinds, ``queries.scope`` compiles them to SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from service.domain.accounts.roles import BUSINESS, Role
from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class ScopeKind(StrEnum):
    """One kind of scope; a cell of the table is a set of them, joined by OR."""

    ALL = "all"  # A
    BUSINESS = "business"  # all cases but those of support tickets
    PROVINCE = "province"  # P: units of the own province and their persons; academies are the association's (R12)
    GROUP = "group"  # G: the own unit and its branches that are not deleted
    UNIT = "unit"  # U: the own unit
    HOSTED = "hosted"  # C: published classes the institution hosts, and their enrolments
    ORGANISED = "organised"  # O: what the own organisation organises or wrote
    PUBLISHED = "published"  # all but drafts; the provinces a class admits: classes.is_open_to (R34)
    ACADEMIES = "academies"  # academies and their persons
    LINKED = "linked"  # academies linked to the institution, and their persons (C7)
    TRAINEES = "trainees"  # persons enrolled in classes the institution hosts
    ADDRESSED = "addressed"  # notices, tasks and tickets for the own role, province, organisation or account
    OWN = "own"  # what belongs to the account itself


class Action(Labelled):
    VIEW_ORGANISATIONS = "view_organisations", N_("查看机构")  # as choices of forms and homes of accounts, too
    VIEW_UNITS = "view_units", N_("查询单位")
    ADD_UNIT = "add_unit", N_("新增单位")
    DELETE_UNIT = "delete_unit", N_("删除单位")
    MODIFY_UNIT = "modify_unit", N_("修改单位")
    RENAME_UNIT = "rename_unit", N_("变更单位名称")
    CONVERT_UNIT = "convert_unit", N_("单位转换")
    EDIT_ACADEMY = "edit_academy", N_("院校管理")
    EDIT_PERSON = "edit_person", N_("录入人员")
    DELETE_DRAFT_PERSON = "delete_draft_person", N_("删除人员草稿")
    APPROVE_PERSON = "approve_person", N_("人员审批")
    DEREGISTER_PERSON = "deregister_person", N_("注销人员")
    TRANSFER_PERSON = "transfer_person", N_("变更单位")
    CHANGE_TYPE = "change_qualification_type", N_("变更资格类型")
    VIEW_PERSONS = "view_persons", N_("查询人员")
    VIEW_CHANGES = "view_person_changes", N_("人员信息变更")
    REVEAL_NUMBER = "reveal_number", N_("查看全号")
    EXPORT_UNMASKED = "export_unmasked", N_("导出全号")
    VIEW_TRAINING_NEED = "view_training_need", N_("应培训情况")
    VIEW_PLANS = "view_plans", N_("查询计划")
    EDIT_PLAN = "edit_plan", N_("制定计划")
    VIEW_CLASSES = "view_classes", N_("查询培训班")
    EDIT_CLASS = "edit_class", N_("开班")
    VIEW_ENROLLMENTS = "view_enrollments", N_("查询报名")
    ENROLL = "enroll", N_("报名")
    WITHDRAW_ENROLLMENT = "withdraw_enrollment", N_("撤回报名")
    CONFIRM_ENROLLMENT = "confirm_enrollment", N_("报名确认")
    CHECK_IN = "check_in", N_("报到")
    RECORD_SCORE = "record_score", N_("录入成绩")
    CONFIRM_SCORE = "confirm_score", N_("成绩确认")
    CORRECT_IDENTITY = "correct_identity", N_("更正身份")
    END_TRAINING = "end_training", N_("终止培训")
    PRINT_CERTIFICATE = "print_certificate", N_("打印证书")
    REQUEST_REISSUE = "request_reissue", N_("申请补办")
    APPROVE_CERTIFICATE = "approve_certificate", N_("证书审批")
    DEREGISTER_CERTIFICATE = "deregister_certificate", N_("注销证书")
    REVOKE_CERTIFICATE = "revoke_certificate", N_("吊销证书")
    VIEW_CERTIFICATES = "view_certificates", N_("查询证书")
    VIEW_REPORTS = "view_reports", N_("统计报表")
    EDIT_BULLETIN = "edit_bulletin", N_("通报管理")
    READ_NOTICES = "read_notices", N_("查看通知")
    VIEW_CASES = "view_cases", N_("查询案卷")
    VIEW_TASKS = "view_tasks", N_("查看待办")
    MANAGE_USERS = "manage_users", N_("用户管理")
    CHANGE_PASSWORD = "change_password", N_("修改密码")
    VIEW_TICKETS = "view_tickets", N_("查看工单")
    OPEN_TICKET = "open_ticket", N_("在线客服")
    ROUTE_TICKETS = "route_tickets", N_("分派工单")
    CHANGE_SETTINGS = "change_settings", N_("参数与字典")
    BACK_UP = "back_up", N_("备份")
    GRANT_ROLES = "grant_roles", N_("授予角色")
    UNLOCK_USER = "unlock_user", N_("解锁账号")
    CHANGE_POLICY = "change_policy", N_("安全策略")
    READ_AUDIT = "read_audit", N_("日志审计")
    REPLAY_CASES = "replay_cases", N_("案卷回放")
    EDIT_PROCESSES = "edit_processes", N_("流程管理")
    MEND_CASES = "mend_cases", N_("案卷修复")
    MIGRATE_CASES = "migrate_cases", N_("案卷迁移")


ScopeKinds = frozenset[ScopeKind]


def _kinds(*kinds: ScopeKind) -> ScopeKinds:
    return frozenset(kinds)


_NO = _kinds()
_ALL = _kinds(ScopeKind.ALL)
_P = _kinds(ScopeKind.PROVINCE)
_G = _kinds(ScopeKind.GROUP)
_U = _kinds(ScopeKind.UNIT)
_C = _kinds(ScopeKind.HOSTED)
_O = _kinds(ScopeKind.ORGANISED)
_PUBLISHED = _kinds(ScopeKind.PUBLISHED)
_ACADEMIES = _kinds(ScopeKind.ACADEMIES)
_LINKED = _kinds(ScopeKind.LINKED)
_BUSINESS = _kinds(ScopeKind.BUSINESS)
_ADDRESSED = _kinds(ScopeKind.ADDRESSED)
_OWN = _kinds(ScopeKind.OWN)
_TICKET = _OWN | _ADDRESSED  # asked by the account, or routed to its role and organisation (R69)
_A = Action

# Columns: ministry, provincial authority, association, training institution, group, enterprise and branch.
_COLUMNS = tuple(role for role in Role if role in BUSINESS)
_TABLE: Mapping[Action, tuple[ScopeKinds, ...]] = {
    _A.VIEW_ORGANISATIONS: (_ALL, _P | _U, _ALL, _LINKED | _U, _G, _U),
    _A.VIEW_UNITS: (_ALL, _P, _ALL, _NO, _G, _U),
    _A.ADD_UNIT: (_NO, _P, _ALL, _NO, _NO, _NO),
    _A.DELETE_UNIT: (_NO, _P, _ALL, _NO, _NO, _U),  # S34: the enterprise itself, if empty
    _A.MODIFY_UNIT: (_NO, _P, _ALL, _NO, _G, _U),  # without the locked fields for the last two (R11)
    _A.RENAME_UNIT: (_NO, _P, _ALL, _NO, _NO, _NO),
    _A.CONVERT_UNIT: (_NO, _P, _ALL, _NO, _NO, _NO),
    _A.EDIT_ACADEMY: (_NO, _NO, _ACADEMIES, _NO, _NO, _NO),
    _A.EDIT_PERSON: (_NO, _NO, _ACADEMIES, _NO, _G, _U),
    _A.DELETE_DRAFT_PERSON: (_NO, _NO, _ACADEMIES, _NO, _G, _U),
    _A.APPROVE_PERSON: (_NO, _P, _NO, _NO, _NO, _NO),
    _A.DEREGISTER_PERSON: (_NO, _P, _ACADEMIES, _NO, _NO, _NO),
    _A.TRANSFER_PERSON: (_NO, _NO, _ALL, _NO, _NO, _NO),
    _A.CHANGE_TYPE: (_NO, _NO, _ALL, _NO, _NO, _NO),
    _A.VIEW_PERSONS: (_ALL, _P, _ALL, _LINKED | _kinds(ScopeKind.TRAINEES), _G, _U),
    _A.VIEW_CHANGES: (_ALL, _NO, _ALL, _NO, _NO, _NO),  # S88; the association makes them (S121)
    _A.REVEAL_NUMBER: (_ALL, _P, _ALL, _NO, _G, _U),  # §5.2: those with a need, by an audited click
    _A.EXPORT_UNMASKED: (_NO, _P, _ALL, _NO, _NO, _NO),  # §5.2: masked for everybody else, and always with a purpose
    _A.VIEW_TRAINING_NEED: (_ALL, _P, _ALL, _NO, _G, _U),
    _A.VIEW_PLANS: (_ALL, _O | _PUBLISHED, _ALL, _NO, _NO, _NO),
    _A.EDIT_PLAN: (_NO, _O, _O, _NO, _NO, _NO),  # whose kind: classes.may_organise (R33)
    _A.VIEW_CLASSES: (_PUBLISHED, _PUBLISHED | _O, _ALL, _C, _PUBLISHED, _PUBLISHED),
    _A.EDIT_CLASS: (_NO, _O, _O, _NO, _NO, _NO),  # as EDIT_PLAN
    _A.VIEW_ENROLLMENTS: (_ALL, _P | _O, _ALL, _C, _G, _U),
    _A.ENROLL: (_NO, _P, _ACADEMIES, _LINKED, _G, _U),  # the institution only into its classes (C7)
    _A.WITHDRAW_ENROLLMENT: (_NO, _P, _ACADEMIES, _LINKED, _G, _U),
    _A.CONFIRM_ENROLLMENT: (_NO, _P, _NO, _NO, _NO, _NO),  # of the person's unit (R42)
    _A.CHECK_IN: (_NO, _NO, _ALL, _NO, _NO, _NO),
    _A.RECORD_SCORE: (_NO, _NO, _NO, _C, _NO, _NO),
    _A.CONFIRM_SCORE: (_NO, _NO, _ALL, _NO, _NO, _NO),
    _A.CORRECT_IDENTITY: (_NO, _NO, _ACADEMIES, _NO, _G, _U),
    _A.END_TRAINING: (_NO, _NO, _ALL, _NO, _NO, _NO),  # after the check-in; before it, withdrawal
    _A.PRINT_CERTIFICATE: (_NO, _NO, _ALL, _NO, _NO, _NO),
    _A.REQUEST_REISSUE: (_NO, _NO, _ACADEMIES, _NO, _G, _U),
    _A.APPROVE_CERTIFICATE: (_ALL, _NO, _NO, _NO, _NO, _NO),
    _A.DEREGISTER_CERTIFICATE: (_ALL, _NO, _NO, _NO, _NO, _NO),
    _A.REVOKE_CERTIFICATE: (_ALL, _NO, _NO, _NO, _NO, _NO),
    _A.VIEW_CERTIFICATES: (_ALL, _P, _ALL, _NO, _G, _U),
    _A.VIEW_REPORTS: (_ALL, _P, _ALL, _NO, _NO, _NO),
    _A.EDIT_BULLETIN: (_NO, _O, _O, _NO, _NO, _NO),
    _A.READ_NOTICES: (_PUBLISHED | _ADDRESSED | _O, *[_ADDRESSED | _O] * 5),
    _A.VIEW_CASES: tuple(kinds | _TICKET for kinds in (_BUSINESS, _P | _O, _BUSINESS, _C, _G, _U)),
    _A.VIEW_TASKS: (*[_ADDRESSED] * 4, _ADDRESSED | _G, _ADDRESSED),  # S57: a group does its branches' tasks, too
    _A.MANAGE_USERS: (_ALL, _P, _ALL, _NO, _NO, _NO),  # of which roles: roles.CREATES (R1)
    _A.CHANGE_PASSWORD: (_OWN,) * 6,
    _A.VIEW_TICKETS: (_TICKET,) * 6,
    _A.OPEN_TICKET: (_OWN,) * 6,
}

_EVERY_ADMINISTRATOR: Mapping[Action, ScopeKinds] = {
    _A.VIEW_ORGANISATIONS: _U,
    _A.VIEW_CASES: _TICKET,
    _A.VIEW_TASKS: _ADDRESSED,
    _A.VIEW_TICKETS: _TICKET,
    _A.OPEN_TICKET: _OWN,
    _A.CHANGE_PASSWORD: _OWN,
}

# The administrators see no business data; the auditor replays cases with personal fields masked.
_ADMINISTRATION: Mapping[Role, Mapping[Action, ScopeKinds]] = {
    Role.SYS_ADMIN: dict.fromkeys(
        (_A.VIEW_ORGANISATIONS, _A.MANAGE_USERS, _A.CHANGE_SETTINGS, _A.BACK_UP, _A.ROUTE_TICKETS), _ALL
    ),
    Role.SECURITY_ADMIN: dict.fromkeys((_A.VIEW_ORGANISATIONS, _A.GRANT_ROLES, _A.UNLOCK_USER, _A.CHANGE_POLICY), _ALL),
    Role.AUDIT_ADMIN: dict.fromkeys((_A.VIEW_CASES, _A.READ_AUDIT, _A.REPLAY_CASES), _ALL),
    Role.PROCESS_ADMIN: dict.fromkeys((_A.VIEW_CASES, _A.EDIT_PROCESSES, _A.MEND_CASES, _A.MIGRATE_CASES), _ALL),
}

PERMISSIONS: Mapping[Role, Mapping[Action, ScopeKinds]] = {
    role: {action: cells[column] for action, cells in _TABLE.items() if cells[column]}
    for column, role in enumerate(_COLUMNS)
} | {role: {**_EVERY_ADMINISTRATOR, **actions} for role, actions in _ADMINISTRATION.items()}


def may(role: Role, action: Action) -> bool:
    """Tell whether the role has the action at all; on which objects: ``scopes.scope_of``."""
    return action in PERMISSIONS[role]


def acts_for_unit(role: Role, action: Action) -> bool:
    """Tell whether the role does for another unit what a unit does itself (S57, C7, R12).

    So does a group for its branches, the association for academies, an institution for those linked to it, and a
    province that enrols (C12); what else authorities do to units is their own business.
    """
    if ScopeKind.UNIT not in PERMISSIONS[Role.ENTERPRISE].get(action, _NO) and action is not Action.VIEW_TASKS:
        return False
    is_for_province = role is Role.PROVINCIAL_AUTHORITY and action is Action.ENROLL
    return is_for_province or bool(PERMISSIONS[role].get(action, _NO) & (_G | _ACADEMIES | _LINKED))


def kinds_of(role: Role, action: Action) -> ScopeKinds:
    """Return the cell of the table; empty: the role does not have the action."""
    return PERMISSIONS[role].get(action, _NO)
