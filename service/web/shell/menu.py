"""The menu of every role, once: sections, their items, what is done there (seed.md S84–S124, §7 [I]; domain.md §9).

The view of an item says who may open it (authorization.py). The bar, 更多 and the first page read navigation.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from service.domain.accounts.roles import Role
from service.errors import N_
from service.reports import REPORTS as REPORTS_DECLARED

Labels = Mapping[Role, str]
Values = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One item of the menu. seed: its rows in seed.md; operations: label and endpoint of each besides 查询 and 查看.

    export: the list that is exported; values: the arguments of its address; role_labels: the label for some roles;
    same_as: endpoint and filter of the page it leads to;
    covers: blueprints and endpoints of the pages that belong to it.
    """

    endpoint: str
    label: str
    seed: str
    operations: tuple[tuple[str, str], ...] = ()
    export: str = ""
    values: Values = field(default_factory=dict)
    role_labels: Labels = field(default_factory=dict)
    same_as: tuple[str, Values] | None = None
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MenuSection:
    """An entry of the bar: its label, its icon, its items; it leads to the first of them."""

    label: str
    icon: str
    items: tuple[MenuItem, ...]


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A way on from the first page (快捷操作): an item, or what is done in one."""

    endpoint: str
    label: str
    note: str
    icon: str
    values: Values = field(default_factory=dict)


def _for_units(label: str) -> dict[Role, str]:
    return {Role.GROUP: label, Role.ENTERPRISE: label}


def _work(endpoint: str, label: str, seed: str, kind: str, operation: str) -> MenuItem:
    """An item that is one kind of work: the inbox narrowed to it."""
    return MenuItem(endpoint, label, seed, ((operation, endpoint),), same_as=("inbox.index", {"kind": kind}))


def _reports(section: str) -> tuple[MenuItem, ...]:
    """The reports that name this section, by their position; their rows in seed.md stand in their own modules."""
    return tuple(
        MenuItem("reports.show", one.menu_label or one.title, "", export=one.name, values={"name": one.name})
        for one in REPORTS_DECLARED
        if one.menu_section == section
    )


EXPORT, PUBLISH, ENROLL, LOOK = N_("导出"), N_("发布"), N_("为人员报名"), N_("培训班查询")
EDIT_UNIT, DELETE_UNIT = N_("修改单位信息"), N_("删除单位")
ADD_PERSON, EDIT_PERSON, CANCEL_PERSON = N_("录入人员"), N_("修改人员"), N_("注销人员")

HOME = MenuSection(N_("首页"), "home", (MenuItem("home.index", N_("首页"), "S85 S100 S114 S122"),))
INBOX = MenuSection(
    N_("待办"),
    "inbox",
    (MenuItem("inbox.index", N_("待办"), "S85 S100 S122", covers=("inbox", "worksheets", "tasks", "starts")),),
)

TRAINING = MenuSection(
    N_("培训"),
    "cap",
    (
        MenuItem(
            "classes.index",
            N_("培训班管理"),
            "S91 S107 S118",
            export="classes",
            operations=(
                (PUBLISH, "classes.new"),
                (ENROLL, "classes.choose"),
                (N_("修改班次"), "classes.propose_change"),
                (N_("取消培训班"), "classes.confirm_cancellation"),
            ),
            role_labels={**_for_units(LOOK), Role.TRAINING_INSTITUTION: LOOK},
            covers=("classes", "reports.class_paper", "papers.class_paper", "papers.class_file", "papers.slips"),
        ),
        MenuItem("classes.new", N_("开设培训班"), "S107 S122", covers=("classes.create",)),
        MenuItem(
            "worklists.offers",
            N_("代企业报名"),
            "S62 S63 S107 S118",
            export="offers",
            operations=((ENROLL, "classes.choose"),),
            role_labels={
                **_for_units(N_("培训班管理")),
                Role.ASSOCIATION: N_("院校报名"),
                Role.TRAINING_INSTITUTION: N_("院校人员报名"),
            },
            covers=("classes.choose", "classes.enroll"),
        ),
        MenuItem(
            "enrollments.index",
            N_("报名情况"),
            "S107",
            operations=((N_("撤回报名"), "enrollments.confirm_withdrawal"),),
            export="enrollments",
            covers=("enrollments",),
        ),
        _work(
            "worklists.confirmations", N_("报名确认"), "S107", "training_enrollment/confirm_enrollment", N_("确认报名")
        ),
        MenuItem(
            "worklists.check_in",
            N_("现场报到"),
            "S53 S122",
            export="check-in",
            operations=((N_("报到"), "enrollments.check_in"), (N_("撤销报到"), "enrollments.undo_check_in")),
            covers=("enrollments.check_in_sheet", "enrollments.check_in", "enrollments.undo_check_ins"),
        ),
        MenuItem(
            "worklists.scores",
            N_("成绩录入"),
            "S54 S59",
            export="to-score",
            operations=((N_("录入成绩"), "enrollments.record_scores"),),
            covers=("enrollments.score_sheet", "enrollments.record_scores", "enrollments.import_scores"),
        ),
        _work(
            "worklists.score_confirmations",
            N_("成绩确认"),
            "S55 S122",
            "training_enrollment/confirm_score",
            N_("确认成绩"),
        ),
        MenuItem(
            "plans.index",
            N_("制定计划"),
            "S90 S106 S122",
            export="plans",
            role_labels={Role.MINISTRY: N_("培训计划")},
            operations=(
                (N_("新增计划"), "plans.new"),
                (N_("修改计划"), "plans.edit"),
                (PUBLISH, "plans.publish"),
                (N_("取消计划"), "plans.confirm_cancellation"),
            ),
            covers=("plans",),
        ),
        *_reports("training"),
    ),
)

PERSONS = MenuSection(
    N_("人员"),
    "people",
    (
        MenuItem(
            "persons.index",
            N_("人员信息查询"),
            "S84 S104 S117",
            export="persons",
            operations=(
                (ADD_PERSON, "persons.new"),
                (N_("导入"), "person_import.new"),
                (EDIT_PERSON, "persons.edit"),
                (N_("删除人员草稿"), "person_actions.confirm_deletion"),
                (CANCEL_PERSON, "person_actions.confirm_deregistration"),
            ),
            role_labels={**_for_units(N_("人员信息管理")), Role.PROVINCIAL_AUTHORITY: N_("本省人员信息列表")},
            covers=(
                "persons",
                "person_actions",
                "person_import",
                "corrections",
                "reports.record",
                "papers.record",
            ),
        ),
        _work("worklists.approvals", N_("人员信息审批"), "S103", "personnel_approval/approve_person", N_("审批人员")),
        MenuItem(
            "persons.changes",
            N_("人员信息变更"),
            "S88 S121",
            export="person-changes",
            operations=(
                (N_("变更单位"), "person_actions.choose_unit"),
                (N_("变更资格类型"), "person_actions.choose_type"),
            ),
        ),
        MenuItem(
            "persons.academies",
            N_("院校人员管理"),
            "S121",
            export="academy-persons",
            operations=(
                (ADD_PERSON, "persons.new"),
                (EDIT_PERSON, "persons.edit"),
                (CANCEL_PERSON, "person_actions.confirm_deregistration"),
            ),
        ),
    ),
)

CERTIFICATES = MenuSection(
    N_("证书"),
    "cert",
    (
        MenuItem(
            "certificates.index",
            N_("证件查询"),
            "S93",
            export="certificates",
            covers=("certificates", "certificate_actions"),
        ),
        _work(
            "worklists.certificate_approvals",
            N_("证件审批"),
            "S92",
            "training_enrollment/certification/approve_certificate",
            N_("审批证件"),
        ),
        MenuItem(
            "certificate_actions.expired",
            N_("证件注销"),
            "S77",
            operations=((N_("注销证书"), "certificate_actions.deregister"),),
            covers=("certificate_actions.deregister_many",),
        ),
        MenuItem(
            "worklists.prints",
            N_("证件打印"),
            "S12 S122",
            operations=((N_("打印证书"), "printing.create"),),
            same_as=("certificates.index", {"print": "no"}),
            covers=("printing",),
        ),
        MenuItem(
            "printing.register",
            N_("领取登记"),
            "S12",
            operations=((N_("登记领取"), "printing.hand_out"),),
            export="prints",
            covers=("printing.hand_out",),
        ),
        MenuItem(
            "reissues.index",
            N_("遗失补办"),
            "S12",
            operations=((N_("申请补办"), "reissues.new"),),
            export="reissue-register",
            covers=("reissues",),
        ),
    ),
)

REPORTS = MenuSection(
    N_("报表"),
    "chart",
    (
        MenuItem("reports.index", N_("全部报表"), "S84", covers=("reports",)),
        *_reports("reports"),
    ),
)

UNITS = MenuSection(
    N_("企业信息"),
    "unit",
    (
        MenuItem(
            "units.index",
            N_("企业管理"),
            "S86 S101 S115 S123",
            export="units",
            operations=(
                (N_("新增企业"), "units.new"),
                (DELETE_UNIT, "unit_actions.confirm_deletion"),
                (EDIT_UNIT, "units.edit"),
                (N_("转分公司"), "unit_actions.convert_form"),
            ),
            covers=("units", "unit_actions"),
        ),
        MenuItem(
            "units.branches",
            N_("企业分公司管理"),
            "S87 S102 S116 S124",
            export="branches",
            operations=(
                (N_("新增分公司"), "units.new_branch"),
                (DELETE_UNIT, "unit_actions.confirm_deletion"),
                (EDIT_UNIT, "units.edit"),
                (N_("转集团"), "unit_actions.convert_form"),
            ),
        ),
        MenuItem(
            "units.academies",
            N_("院校管理"),
            "S121 S123",
            export="academies",
            operations=(
                (N_("添加院校"), "units.new_academy"),
                (DELETE_UNIT, "unit_actions.confirm_deletion"),
                (EDIT_UNIT, "units.edit"),
            ),
            covers=("units.new_academy", "units.create_academy"),
        ),
        MenuItem("units.new", N_("企业录入"), "S101 S123", covers=("units.create",)),
        MenuItem("units.new_branch", N_("企业分公司录入"), "S102 S124", covers=("units.create_branch",)),
        MenuItem(
            "unit_actions.unentered",
            N_("尚未录入"),
            "S14",
            operations=((N_("催报单位"), "unit_actions.remind"),),
            export="unentered",
            covers=("unit_actions.remind",),
        ),
    ),
)

NOTICES = MenuSection(
    N_("通知"),
    "bell",
    (
        MenuItem("notices.index", N_("通知信息列表"), "S96 S109 S119", export="notices", covers=("notices",)),
        MenuItem(
            "notices.own",
            N_("通报信息管理"),
            "S110 S121",
            export="bulletins",
            operations=(
                (N_("添加通报"), "notices.new"),
                (N_("删除通报"), "notices.confirm_deletion"),
                (N_("修改通报"), "notices.edit"),
                (PUBLISH, "notices.confirm_publication"),
                (N_("撤回通报"), "notices.confirm_withdrawal"),
            ),
            covers=(
                "notices.edit",
                "notices.save",
                "notices.confirm_publication",
                "notices.confirm_withdrawal",
                "notices.confirm_deletion",
                "notices.readers",
                "notices.attach",
            ),
        ),
        MenuItem("notices.new", N_("发布通报"), "S110 S121", covers=("notices.create",)),
    ),
)

TICKETS = MenuSection(
    N_("客服"),
    "chat",
    (
        MenuItem("tickets.index", N_("在线客服"), "S78", export="tickets", covers=("tickets",)),
        MenuItem("tickets.new", N_("提交工单"), "S79 S80 S81 S82", covers=("tickets.create",)),
        _work("worklists.dispatch", N_("工单分派"), "S78", "support_ticket/accept_ticket", N_("受理工单")),
    ),
)

AUDIT = MenuSection(
    N_("审计"),
    "eye",
    (
        MenuItem(
            "audit.index",
            N_("日志审计"),
            "[I]",
            operations=((N_("校验日志"), "audit.verify"),),
            export="audit-events",
            covers=("audit",),
        ),
        MenuItem("mining.index", N_("流程分析"), "[I]", export="process-mining", covers=("mining",)),
        MenuItem("audit.rules", N_("规则核查"), "[I]", export="rule-checks"),
        MenuItem(
            "samples.index", N_("随机抽查"), "[I]", operations=((N_("抽取样本"), "samples.draw"),), covers=("samples",)
        ),
        MenuItem("row_history.index", N_("数据变更"), "[I]", export="row-history", covers=("row_history",)),
    ),
)

SYSTEM = MenuSection(
    N_("系统"),
    "gear",
    (
        MenuItem(
            "users.index",
            N_("用户管理"),
            "S97 S111 S121",
            export="users",
            operations=(
                (N_("新增账号"), "users.new"),
                (N_("停用账号"), "users.disable"),
                (N_("修改账号"), "accounts.edit"),
                (N_("重置密码"), "users.reset"),
                (N_("解锁账号"), "users.unlock"),
                (N_("授权账号"), "accounts.assent"),
            ),
            role_labels={Role.SECURITY_ADMIN: N_("账号与授权")},
            covers=("users", "accounts"),
        ),
        MenuItem("users.new", N_("添加用户"), "S97 S111", covers=("users.create",)),
        MenuItem(
            "settings.index",
            N_("参数与字典"),
            "[I]",
            operations=((N_("修改参数"), "settings.save"),),
            role_labels={Role.SECURITY_ADMIN: N_("安全策略")},
            covers=("settings",),
        ),
        MenuItem("administration.provinces", N_("省份字典"), "[I]", export="provinces"),
        MenuItem("administration.backup", N_("备份"), "[I]"),
        MenuItem("exports.index", N_("导出记录"), "S86 S101 S115 S123", covers=("exports",)),
        MenuItem(
            "session.password",
            N_("密码修改"),
            "S98 S112 S120",
            covers=("session", "accounts.own", "accounts.save_own", "accounts.show_privacy", "substitutes"),
        ),
    ),
)

CASES = MenuSection(
    N_("案卷"),
    "flow",
    (
        MenuItem(
            "cases.index",
            N_("案卷"),
            "§9",
            export="cases",
            role_labels={Role.AUDIT_ADMIN: N_("案卷回放")},
            covers=("cases", "mends", "incidents"),
        ),
        MenuItem(
            "processes.index",
            N_("流程定义"),
            "§9",
            covers=("processes", "deployments", "studio", "version_changes"),
        ),
    ),
)

MENU = (
    HOME,
    INBOX,
    TRAINING,
    PERSONS,
    CERTIFICATES,
    REPORTS,
    UNITS,
    NOTICES,
    TICKETS,
    AUDIT,
    CASES,
    SYSTEM,
)

PLAN = Shortcut("plans.new", N_("制定计划"), N_("年度培训安排"), "calendar")
OPEN_CLASS = Shortcut("classes.new", N_("开设培训班"), N_("拟制后发布招生"), "cap")
ACCOUNTS = Shortcut("users.index", N_("用户管理"), N_("新增、停用、重置密码"), "key")
UNIT_WORK = (
    Shortcut("worklists.offers", N_("报名"), N_("选择招生中的培训班"), "tick"),
    Shortcut("persons.new", N_("录入人员"), N_("报省级主管部门审批"), "plus"),
)  # S114

SHORTCUTS: Mapping[Role, tuple[Shortcut, ...]] = {
    Role.MINISTRY: (
        Shortcut("reports.show", N_("应培情况统计"), N_("按省份、单位、类型"), "chart", {"name": "due-training"}),
        Shortcut("worklists.certificate_approvals", N_("证件审核"), N_("逐件或成批审批"), "cert"),
        Shortcut("certificate_actions.expired", N_("注销过期证书"), N_("逐件或成批办理"), "no"),
    ),  # S85
    Role.PROVINCIAL_AUTHORITY: (
        PLAN,
        OPEN_CLASS,
        Shortcut("worklists.confirmations", N_("报名确认"), N_("逐人或成批确认"), "check"),
        Shortcut("worklists.approvals", N_("人员审批"), N_("单位录入的人员"), "people"),
    ),  # S100
    Role.ASSOCIATION: (
        PLAN,
        OPEN_CLASS,
        Shortcut("worklists.check_in", N_("现场报到"), N_("按班签到"), "scan"),
        Shortcut("worklists.score_confirmations", N_("成绩确认"), N_("逐人或成批确认"), "check"),
        Shortcut("worklists.prints", N_("证件打印"), N_("未打印的证书"), "print"),
    ),  # S122
    Role.TRAINING_INSTITUTION: (
        Shortcut("worklists.scores", N_("录入成绩"), N_("承办的培训班"), "draft"),
        Shortcut("worklists.offers", N_("院校报名"), N_("选择招生中的培训班"), "tick"),
    ),  # [I]
    Role.GROUP: UNIT_WORK,
    Role.ENTERPRISE: UNIT_WORK,
    Role.SYS_ADMIN: (
        ACCOUNTS,
        Shortcut("settings.index", N_("参数与字典"), N_("改动留有记录"), "gear"),
        Shortcut("administration.backup", N_("备份"), N_("命令与最近一次"), "lock"),
    ),
    Role.SECURITY_ADMIN: (
        Shortcut("users.index", N_("账号与授权"), N_("同意、解锁、强制退出"), "key"),
        Shortcut("settings.index", N_("安全策略"), N_("密码、会话与锁定"), "gear"),
    ),
    Role.AUDIT_ADMIN: (
        Shortcut("audit.index", N_("日志审计"), N_("查询、校验、导出"), "search"),
        Shortcut("cases.index", N_("案卷回放"), N_("逐步查看每件的经过"), "eye"),
    ),
    Role.PROCESS_ADMIN: (
        Shortcut("processes.index", N_("流程定义"), N_("版本、图与在办分布"), "flow"),
        Shortcut("cases.index", N_("案卷"), N_("在办与已办结"), "eye"),
    ),
}
