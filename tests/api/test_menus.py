"""The menu of every role by the rows of the seed (S84–S124, §7 [I]) and domain.md §9: each leaf of his works, nobody else's exists.

The tables below are written by hand from ``seed.md``; nothing in them comes from the code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from service.models.db import transaction as unit_of_work
from service.models.db.clock import today
from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.persons.person import Person
from service.models.tables.units.organisation import AcademyLink, Organisation, authority_id
from service.web.shell.menu import MENU as DECLARED
from service.workflow.notices import bulletins
from service.workflow.training import plans
from tests.builders.stage import known
from tests.builders.trained import make_enrollment
from tests.builders.world import (
    authority_user,
    make_certificate,
    make_class,
    make_institution,
    make_person,
    make_photo,
    make_unit,
    make_user,
    sign_in,
)

ROLES = (
    "ministry",
    "province",
    "association",
    "institution",
    "group",
    "enterprise",
    "branch",
    "sys_admin",
    "security_admin",
    "audit_admin",
    "process_admin",
)
OFFICIAL = {"ministry", "province", "association"}
UNITS = {"group", "enterprise", "branch"}
BUSINESS = OFFICIAL | UNITS | {"institution"}

# Leaves that several roles have alike: word, address, heading.
HOME, INBOX = ("首页", "/", "首页"), ("待办", "/inbox", "待办")
SUPPORT = [("在线客服", "/tickets", "在线客服"), ("提交工单", "/tickets/new", "提交工单")]  # S78–S82
OWN = [("导出记录", "/exports", "我的导出"), ("密码修改", "/password", "修改密码")]  # S98 S112 S120
NOTICES = ("通知信息列表", "/notices", "通知")  # S96 S109 S119
WRITING = [("通报信息管理", "/bulletins", "通报管理"), ("发布通报", "/bulletins/new", "发布通报")]  # S110, [I]
UNIT_LISTS = [
    ("企业管理", "/units", "企业管理"),  # S86 S101 S115 S123
    ("企业分公司管理", "/branches", "企业分公司管理"),  # S87 S102 S116 S124
]
UNIT_ENTRY = [
    ("企业录入", "/units/new", "企业录入"),  # S101 S123
    ("企业分公司录入", "/branches/new", "企业分公司录入"),  # S102, [I]
    ("尚未录入", "/units/unentered", "尚未录入的单位"),  # S14
]
DUE = ("应培训情况统计", "/reports/due-training", "应培训情况统计")  # S89 S105, §9 (I) for units
ALL_REPORTS, WARNINGS = ("全部报表", "/reports", "报表"), ("预警信息", "/reports/warnings", "证书预警")  # S85
RENEWAL = ("换证学员及考核成绩", "/reports/renewal-trainees", "换证学员及考核成绩")  # S94
ANNUAL = ("年度培训班情况表", "/reports/annual-classes", "年度培训班情况表")  # S95 S108
TRAINEES = ("培训班学员统计", "/reports/class-trainees", "培训班学员统计")  # S84
SUMMARY = ("单位信息汇总", "/reports/unit-summary", "单位信息汇总")  # S85 S100 S122
ENROLLED = ("报名情况", "/enrollments", "报名")
CASES = ("案卷", "/cases", "案卷")
ACCOUNTS = [("用户管理", "/users", "账号"), ("添加用户", "/users/new", "新增账号")]  # S97 S111 S121

UNIT_MENU = {  # S113–S120, and [I] for the group
    "首页": [HOME],
    "待办": [INBOX],
    "培训": [
        ("培训班查询", "/classes", "培训班"),
        ("培训班管理", "/classes/offers", "培训班管理"),
        ENROLLED,
        DUE,
    ],  # S118
    "人员": [("人员信息管理", "/persons", "人员信息管理")],  # S117
    "证书": [("证件查询", "/certificates", "证书台账"), ("遗失补办", "/reissues", "补办登记")],  # §9
    "报表": [ALL_REPORTS, WARNINGS],
    "企业信息": UNIT_LISTS,
    "通知": [NOTICES],
    "客服": SUPPORT,
    "案卷": [CASES],
    "系统": OWN,
}
MENUS: dict[str, dict[str, list[tuple[str, str, str]]]] = {
    "ministry": {
        "首页": [HOME],
        "待办": [INBOX],
        "培训": [("培训班管理", "/classes", "培训班"), ("培训计划", "/plans", "培训计划"), DUE],  # S91 S90 S89
        "人员": [
            ("人员信息查询", "/persons", "人员信息查询"),
            ("人员信息变更", "/persons/changes", "人员信息变更"),
        ],  # S84 S88
        "证书": [
            ("证件查询", "/certificates", "证书台账"),  # S93
            ("证件审批", "/desks/certificates", "待办"),  # S92
            ("证件注销", "/certificates/expired", "过期证书注销"),  # S77 C10
        ],
        "报表": [ALL_REPORTS, RENEWAL, ANNUAL, TRAINEES, SUMMARY, WARNINGS],
        "企业信息": UNIT_LISTS,
        "通知": [NOTICES],
        "客服": SUPPORT,
        "案卷": [CASES],
        "系统": ACCOUNTS + OWN,
    },
    "province": {
        "首页": [HOME],
        "待办": [INBOX],
        "培训": [
            ("培训班管理", "/classes", "培训班"),
            ("开设培训班", "/classes/new", "开设培训班"),
            ("代企业报名", "/classes/offers", "代企业报名"),  # S107
            ENROLLED,
            ("报名确认", "/desks/enrollments", "待办"),
            ("制定计划", "/plans", "培训计划"),
            DUE,  # S107 S106 S105
        ],
        "人员": [
            ("本省人员信息列表", "/persons", "本省人员信息列表"),
            ("人员信息审批", "/desks/persons", "待办"),
        ],  # S104 S103
        "证书": [("证件查询", "/certificates", "证书台账")],  # §9
        "报表": [ALL_REPORTS, ANNUAL, SUMMARY, WARNINGS],
        "企业信息": UNIT_LISTS + UNIT_ENTRY,
        "通知": [NOTICES, *WRITING],
        "客服": SUPPORT,
        "案卷": [CASES],
        "系统": ACCOUNTS + OWN,
    },
    "association": {
        "首页": [HOME],
        "待办": [INBOX],
        "培训": [
            ("培训班管理", "/classes", "培训班"),
            ("开设培训班", "/classes/new", "开设培训班"),
            ("院校报名", "/classes/offers", "院校报名"),  # S63 S122
            ENROLLED,
            ("现场报到", "/classes/check-in", "现场报到"),
            ("成绩确认", "/desks/scores", "待办"),  # S53 S55
            ("制定计划", "/plans", "培训计划"),
            DUE,
        ],
        "人员": [
            ("人员信息查询", "/persons", "人员信息查询"),
            ("人员信息变更", "/persons/changes", "人员信息变更"),  # S64 S65
            ("院校人员管理", "/academies/persons", "院校人员管理"),  # S121
        ],
        "证书": [
            ("证件查询", "/certificates", "证书台账"),
            ("证件打印", "/desks/prints", "证书台账"),  # S121 S122
            ("领取登记", "/certificates/prints", "打印与领取登记"),
            ("遗失补办", "/reissues", "补办登记"),  # S12
        ],
        "报表": [ALL_REPORTS, RENEWAL, ANNUAL, TRAINEES, SUMMARY, WARNINGS],
        "企业信息": [*UNIT_LISTS, ("院校管理", "/academies", "院校管理"), *UNIT_ENTRY],  # S121 S123
        "通知": [NOTICES, *WRITING],
        "客服": SUPPORT,
        "案卷": [CASES],
        "系统": ACCOUNTS + OWN,
    },
    "institution": {  # [I]
        "首页": [HOME],
        "待办": [INBOX],
        "培训": [
            ("培训班查询", "/classes", "培训班"),
            ("院校人员报名", "/classes/offers", "院校人员报名"),
            ENROLLED,  # S62
            ("成绩录入", "/classes/scores", "成绩录入"),  # S54 S59
        ],
        "人员": [("人员信息查询", "/persons", "人员信息查询")],  # §9
        "通知": [NOTICES],
        "客服": SUPPORT,
        "案卷": [CASES],
        "系统": OWN,
    },
    "group": UNIT_MENU,
    "enterprise": UNIT_MENU,
    "branch": UNIT_MENU,
    "sys_admin": {  # [I]
        "首页": [HOME],
        "待办": [INBOX],
        "客服": [*SUPPORT, ("工单分派", "/desks/tickets", "待办")],
        "系统": [
            *ACCOUNTS,
            ("参数与字典", "/settings", "设置与字典"),
            ("省份字典", "/settings/provinces", "省份字典"),
            ("备份", "/backup", "备份"),
            *OWN,
        ],
    },
    "security_admin": {  # §9: role grants, unlock, policy
        "首页": [HOME],
        "待办": [INBOX],
        "客服": SUPPORT,
        "系统": [("账号与授权", "/users", "账号"), ("安全策略", "/settings", "安全策略"), *OWN],
    },
    "audit_admin": {  # §9: read, verify and export logs
        "首页": [HOME],
        "待办": [INBOX],
        "客服": SUPPORT,
        "审计": [
            ("日志审计", "/audit", "日志审计"),
            ("流程分析", "/mining", "流程分析"),
            ("规则核查", "/audit/rules", "规则核查"),
            ("随机抽查", "/audit/samples", "随机抽查"),
            ("数据变更", "/row-history", "数据变更"),
        ],
        "案卷": [("案卷回放", "/cases", "案卷"), ("流程定义", "/processes", "流程")],
        "系统": OWN,
    },
    "process_admin": {  # §9: diagrams, decisions, forms
        "首页": [HOME],
        "待办": [INBOX],
        "客服": SUPPORT,
        "审计": [("流程分析", "/mining", "流程分析")],
        "案卷": [CASES, ("流程定义", "/processes", "流程")],
        "系统": OWN,
    },
}

SHORTCUTS = {
    "ministry": ["应培情况统计", "证件审核", "注销过期证书"],  # S85, C10
    "province": ["制定计划", "开设培训班", "报名确认", "人员审批"],  # S100
    "association": ["制定计划", "开设培训班", "现场报到", "成绩确认", "证件打印"],  # S122
    "institution": ["录入成绩", "院校报名"],  # [I]
    "group": ["报名", "录入人员"],
    "enterprise": ["报名", "录入人员"],
    "branch": ["报名", "录入人员"],  # S114
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done at a leaf: its row, the page that offers it, its address, and whose it is. {…}: an object in the reader's scope."""

    seed: str
    where: str
    address: str
    roles: set[str]
    method: str = "GET"
    offered: set[str] | None = None  # at that page; without it, to all whose it is

    def __str__(self) -> str:
        return f"{self.seed} {self.method} {self.address}"


P, A = "province", "association"
OPERATIONS = [
    # 企业管理, 企业分公司管理, 院校
    Operation("S101 S123 新增", "/units", "/units/new", {P, A}),
    Operation("S101 S123 新增", "", "/units", {P, A}, "POST"),
    Operation("S102 S124 新增", "/branches", "/branches/new", {P, A}),
    Operation("S102 S124 新增", "", "/branches", {P, A}, "POST"),
    Operation("S123 添加院校", "/academies", "/academies/new", {A}),
    Operation("S123 添加院校", "", "/academies", {A}, "POST"),
    Operation("S101 S115 S123 修改", "/units/{unit}", "/units/{unit}/edit", {P, A} | UNITS),
    Operation("S101 S115 S123 修改", "", "/units/{unit}", {P, A} | UNITS, "POST"),
    Operation("S34 S101 S123 删除", "/units/{unit}", "/units/{unit}/delete", {P, A, "enterprise", "branch"}),
    Operation("S34 S101 S123 删除", "", "/units/{unit}/delete", {P, A, "enterprise", "branch"}, "POST"),
    Operation("S66 变更名称", "/units/{unit}", "/units/{unit}/rename", {P, A}),
    Operation("S66 变更名称", "", "/units/{unit}/rename", {P, A}, "POST"),
    Operation("S101 S102 S123 S124 转换", "/units/{unit}", "/units/{unit}/convert", {P, A}),
    Operation("S101 S102 S123 S124 转换", "", "/units/{unit}/convert", {P, A}, "POST"),
    Operation("S14 催报", "", "/units/unentered", {P, A}, "POST"),
    Operation("S86 S101 S115 S123 导出", "/units", "/exports/new/units", OFFICIAL | UNITS, "POST"),
    Operation("S87 S102 S116 S124 导出", "/branches", "/exports/new/branches", OFFICIAL | UNITS, "POST"),
    Operation("S123 导出", "/academies", "/exports/new/academies", {A}, "POST"),
    # 人员管理
    Operation("S117 添加", "/persons", "/persons/new", UNITS | {A}, offered=UNITS),
    Operation("S117 添加", "", "/persons", UNITS | {A}, "POST"),
    Operation("S121 添加", "/academies/persons", "/persons/new", UNITS | {A}, offered={A}),
    Operation("S117 导入", "", "/persons/import", UNITS | {A}),
    Operation("S117 S121 修改", "/persons/{kept}", "/persons/{kept}/edit", UNITS | {A}),
    Operation("S117 S121 修改", "", "/persons/{kept}", UNITS | {A}, "POST"),
    Operation("S117 C4 删除", "/persons/{draft}", "/persons/{draft}/delete", UNITS | {A}),
    Operation("S117 C4 删除", "", "/persons/{draft}/delete", UNITS | {A}, "POST"),
    Operation("S104 S43 注销", "/persons/{kept}", "/persons/{kept}/deregister", {P, A}),
    Operation("S104 S43 注销", "", "/persons/{kept}/deregister", {P, A}, "POST"),
    Operation("S64 变更单位", "/persons/{person}", "/persons/{person}/transfer", {A}),
    Operation("S64 变更单位", "", "/persons/{person}/transfer", {A}, "POST"),
    Operation("S65 变更资格类型", "/persons/{held}", "/persons/{held}/type", {A}),
    Operation("S65 变更资格类型", "", "/persons/{held}/type", {A}, "POST"),
    Operation("S84 查看全号", "/persons/{person}", "/persons/{person}/number", OFFICIAL | UNITS, "POST"),
    Operation("S104 S117 导出", "/persons", "/exports/new/persons", BUSINESS, "POST"),
    Operation("S88 S121 导出", "/persons/changes", "/exports/new/person-changes", {"ministry", A}, "POST"),
    Operation("S121 导出", "/academies/persons", "/exports/new/academy-persons", {A}, "POST"),
    # 培训管理
    Operation("S106 S122 新增", "/plans", "/plans/new", {P, A}),
    Operation("S106 修改", "/plans/{plan}", "/plans/{plan}/edit", {P, A}),
    Operation("S106 发布", "/plans/{plan}", "/plans/{plan}/publish", {P, A}, "POST"),
    Operation("S106 注销", "/plans/{plan}", "/plans/{plan}/cancel", {P, A}),
    Operation("S107 S122 开班", "/classes", "/classes/new", {P, A}),
    Operation("S107 S122 开班", "", "/classes", {P, A}, "POST"),
    Operation("S107 修改", "/classes/{own_class}", "/classes/{own_class}/change", {P}),
    Operation("S107 注销", "/classes/{own_class}", "/classes/{own_class}/cancel", {P}),
    Operation("S107 S118 S62 S63 报名", "/classes/{class}", "/classes/{class}/enroll", {P, A, "institution"} | UNITS),
    Operation("S107 S118 S62 S63 报名", "/classes/offers", "/classes/{class}/enroll", {P, A, "institution"} | UNITS),
    Operation("S107 S118 S62 S63 报名", "", "/classes/{class}/enroll", {P, A, "institution"} | UNITS, "POST"),
    Operation("S53 报到", "/classes/check-in", "/classes/{held_class}/check-in", {A}),
    Operation("S53 报到", "", "/classes/{held_class}/check-in", {A}, "POST"),
    Operation("R48 撤销报到", "", "/enrollments/{came}/undo-check-in", {A}, "POST"),
    Operation("S54 S59 录入成绩", "/classes/scores", "/classes/{held_class}/scores", {"institution"}),
    Operation("S54 S59 录入成绩", "", "/classes/{held_class}/scores", {"institution"}, "POST"),
    Operation("R51 更正成绩", "", "/enrollments/{came}/correct", {A}),
    Operation("S53 导出", "/classes/check-in", "/exports/new/check-in", {A}, "POST"),
    Operation("S54 导出", "/classes/scores", "/exports/new/to-score", {"institution"}, "POST"),
    # 证件管理
    Operation("R62 吊销", "/certificates/{certificate}", "/certificates/{certificate}/revoke", {"ministry"}),
    Operation("R62 吊销", "", "/certificates/{certificate}/revoke", {"ministry"}, "POST"),
    Operation("S77 注销", "/certificates/expired", "/certificates/expired", {"ministry"}, "POST"),
    Operation("S77 注销", "", "/certificates/{certificate}/deregister", {"ministry"}, "POST"),
    Operation("S12 打印", "/certificates", "/certificates/print", {A}),
    Operation("S12 打印", "", "/certificates/print", {A}, "POST"),
    Operation("S12 打印", "", "/certificates/{certificate}/print", {A}, "POST"),
    Operation("S12 领取登记", "", "/certificates/prints", {A}, "POST"),
    Operation(
        "S12 遗失补办", "/certificates/{kept_certificate}", "/certificates/{kept_certificate}/reissue", UNITS | {A}
    ),
    Operation("S12 遗失补办", "", "/certificates/{kept_certificate}/reissue", UNITS | {A}, "POST"),
    # 统计报表
    Operation("S94 导出", "/reports/renewal-trainees", "/exports/new/renewal-trainees", {"ministry", A}, "POST"),
    Operation("S95 S108 导出", "/reports/annual-classes", "/exports/new/annual-classes", OFFICIAL, "POST"),
    Operation("S105 导出", "/reports/due-training", "/exports/new/due-training", OFFICIAL | UNITS, "POST"),
    # 通知信息
    Operation("S96 S109 S119 导出", "/notices", "/exports/new/notices", BUSINESS, "POST"),
    Operation("S110 添加", "/bulletins", "/bulletins/new", {P, A}),
    Operation("S110 添加", "", "/bulletins", {P, A}, "POST"),
    Operation("S110 修改", "/bulletins", "/bulletins/{bulletin}", {P, A}),
    Operation("S110 删除", "/bulletins/{bulletin}", "/bulletins/{bulletin}/delete", {P, A}),
    Operation("S110 发布", "", "/bulletins/{bulletin}/publish", {P, A}),
    Operation("S110 发布", "", "/bulletins/{bulletin}/publish", {P, A}, "POST"),
    Operation("S110 导出", "/bulletins", "/exports/new/bulletins", {P, A}, "POST"),
    # 系统管理
    Operation("S97 S111 新增", "/users", "/users/new", OFFICIAL | {"sys_admin"}),
    Operation("S97 S111 新增", "", "/users", OFFICIAL | {"sys_admin"}, "POST"),
    Operation("S97 S111 修改", "/users/{user}", "/users/{user}/edit", OFFICIAL | {"sys_admin"}),
    Operation("S97 S111 注销", "/users/{user}", "/users/{user}/disable", OFFICIAL | {"sys_admin"}),
    Operation("S97 S111 注销", "", "/users/{user}/disable", OFFICIAL | {"sys_admin"}, "POST"),
    Operation("S35 重置密码", "", "/users/{user}/reset", OFFICIAL | {"sys_admin"}, "POST"),
    Operation("§9 解锁", "", "/users/{user}/unlock", {"security_admin"}, "POST"),
    Operation("§9 授权", "", "/users/{user}/assent", {"security_admin"}, "POST"),
    Operation("§9 强制退出", "", "/users/{user}/sign-out", {"security_admin"}, "POST"),
    Operation("[I] 参数", "/settings", "/settings", {"sys_admin", "security_admin"}, "POST"),
    Operation("[I] 字典", "/settings", "/settings/types/new", {"sys_admin"}),
    Operation("[I] 字典", "", "/settings/types", {"sys_admin"}, "POST"),
    Operation("[I] 省份导出", "/settings/provinces", "/exports/new/provinces", {"sys_admin"}, "POST"),
    Operation("§9 校验", "/audit", "/audit/verify", {"audit_admin"}, "POST"),
    Operation("§9 导出日志", "/audit", "/exports/new/audit-events", {"audit_admin"}, "POST"),
    Operation("§9 流程分析", "/mining", "/exports/new/process-mining", {"audit_admin", "process_admin"}, "POST"),
    Operation(
        "§9 事件日志", "", "/mining/log/csv", {"audit_admin", "process_admin"}, "POST"
    ),  # offered where there are cases
    Operation("§9 规则核查", "/audit/rules", "/exports/new/rule-checks", {"audit_admin"}, "POST"),
    Operation("§9 随机抽查", "/audit/samples", "/audit/samples", {"audit_admin"}, "POST"),
    Operation("§9 导出数据变更", "/row-history", "/exports/new/row-history", {"audit_admin"}, "POST"),
]


@dataclass(slots=True)
class World:
    """An account of each role, a unit of each kind with its people, an institution."""

    users: dict[str, User]
    places: dict[str, Organisation]
    people: dict[str, dict[str, str]]
    centre: Organisation


@pytest.fixture
def world(app: Flask, clock: Any) -> World:
    centre = make_institution()
    places = {"enterprise": make_unit("enterprise"), "group": make_unit("group"), "academy": make_unit("academy")}
    places["branch"] = make_unit("branch", parent_id=places["group"].id)
    with unit_of_work.transaction(unit_of_work.Operation("test")) as current:
        current.add(AcademyLink(academy_id=places["academy"].id, institution_id=centre.id))
    users = {
        "ministry": authority_user("ministry"),
        "province": authority_user(),
        "association": authority_user("association"),
        "institution": make_user("training_institution", centre.id),
        "group": make_user("group", places["group"].id),
        "enterprise": make_user("enterprise", places["enterprise"].id),
        "branch": make_user("enterprise", places["branch"].id),
    } | {role: make_user(role, authority_id("platform")) for role in ROLES[7:]}
    users = {role: known(user) for role, user in users.items()}
    return World(users, places, {name: _people(place) for name, place in places.items()}, centre)


def _people(place: Organisation) -> dict[str, str]:
    """Of a unit: a person without a certificate, one who holds a valid one, a draft."""
    person, held = make_person(place), make_person(place)
    make_photo(held)
    return {
        "person": str(person.id),
        "held": str(held.id),
        "draft": str(make_person(place, state="draft").id),
        "certificate": str(make_certificate(held).id),
    }


def objects_of(world: World, role: str) -> dict[str, str]:
    """The ids of what a role works with, in its scope.

    kept: a person whom the role looks after itself (the association: of academies); held: one with a certificate.
    """
    users, places, people, centre = world.users, world.places, world.people, world.centre
    own = role if role in places else "academy" if role == "institution" else "enterprise"
    looked_after = people["academy"] if role == "association" else people[own]
    trainer = users[role] if role in ("province", "association") else users["province"]
    kind = "initial" if role == "association" else "renewal"
    plan = plans.save_plan(
        trainer,
        {
            "kind": kind,
            "year": "2026",
            "title": f"计划{role}",
            "time": "m6",
            "place": "济南",
            "capacity": "80",
            "hours": "48",
        },
    )
    bulletin = bulletins.save_bulletin(trainer, {"title": f"通报{role}", "body": "正文"})
    offered = make_class("initial", organiser=authority_id("association"), institution=centre, hours=48)
    day = today()
    running = make_class(
        "initial",
        organiser=authority_id("association"),
        institution=centre,
        hours=48,
        state="running",
        starts_on=day,
        ends_on=day + timedelta(days=2),
        enrol_from=day - timedelta(days=9),
        enrol_until=day - timedelta(days=1),
    )
    came = make_enrollment(session().get_one(Person, looked_after["person"]), running, "checked_in")
    account = make_user("enterprise", places["enterprise"].id)
    return {
        "unit": str(places[own if own != "academy" else "enterprise"].id),
        "person": people[own]["person"],
        "held": people[own]["held"],
        "certificate": people[own]["certificate"],
        "kept": looked_after["held"],
        "draft": looked_after["draft"],
        "kept_certificate": looked_after["certificate"],
        "plan": str(plan.id),
        "bulletin": str(bulletin.id),
        "class": str(offered.id),
        "own_class": str(make_class(organiser=authority_id("37"), institution=centre).id),
        "held_class": str(running.id),
        "came": str(came.id),
        "user": str(account.id),
    }


def read(client: FlaskClient, address: str) -> str:
    answer = client.get(address, follow_redirects=True)
    assert answer.status_code == 200, (address, answer.status_code)
    return unescape(answer.get_data(as_text=True))


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def links(html: str, nav: str) -> list[tuple[str, str]]:
    """Word and address of each link in a part of the navigation; counts beside a word are left out."""
    part = re.search(nav + r"(.*?)</nav>", html, re.S)
    if part is None:
        return []
    found = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', part[1], re.S)
    return [(words(re.sub(r"<b.*?</b>", "", word, flags=re.S)), address) for address, word in found]


def menu(client: FlaskClient) -> dict[str, list[tuple[str, str]]]:
    """The menu as it is read from the pages: the bar, and under each place the row of its leaves."""
    found: dict[str, list[tuple[str, str]]] = {}
    for word, address in links(read(client, "/"), '<nav aria-label="主导航">'):
        found[word] = links(read(client, address), '<nav class="leaves"[^>]*>') or [("", address)]
    return found


@pytest.mark.parametrize("role", ROLES)
def test_the_menu_of_a_role_is_that_of_the_seed(client: FlaskClient, world: World, role: str) -> None:  # S84–S124
    sign_in(client, world.users[role])
    expected = {
        place: [(word if len(leaves) > 1 else "", address) for word, address, _ in leaves]
        for place, leaves in MENUS[role].items()
    }
    assert menu(client) == expected


@pytest.mark.parametrize("role", ROLES)
def test_each_leaf_of_a_role_works_and_says_where_one_is(client: FlaskClient, world: World, role: str) -> None:
    sign_in(client, world.users[role])
    for place, leaves in MENUS[role].items():
        for word, address, heading in leaves:
            page = read(client, address)
            title = re.search(r"<h1[^>]*>(.*?)</h1>", page, re.S)
            assert title, address
            assert words(title[1]).startswith(heading), address
            bar = re.search(r'<nav aria-label="主导航">(.*?)</nav>', page, re.S)
            assert bar
            here = re.findall(r"aria-current=[^>]*>(.*?)</a>", bar[1], re.S)
            assert [words(re.sub(r"<b.*?</b>", "", h, flags=re.S)) for h in here] == [place], address
            if len(leaves) > 1:
                row = re.search(r'<nav class="leaves"[^>]*>(.*?)</nav>', page, re.S)
                assert row
                assert re.findall(r'aria-current="page">(.*?)</a>', row[1]) == [word], address


@pytest.mark.parametrize("role", ROLES)
def test_a_leaf_of_another_role_is_not_found(client: FlaskClient, world: World, role: str) -> None:  # R70
    mine = {address for leaves in MENUS[role].values() for _, address, _ in leaves}
    others = {address for other in MENUS.values() for leaves in other.values() for _, address, _ in leaves} - mine
    assert others
    sign_in(client, world.users[role])
    for address in sorted(others):
        answer = client.get(address)
        assert answer.status_code == 404, address
    assert "没有找到" in answer.get_data(as_text=True)


def test_without_a_session_every_leaf_leads_to_the_sign_in(client: FlaskClient, app: Flask) -> None:
    for address in sorted(
        {address for other in MENUS.values() for leaves in other.values() for _, address, _ in leaves}
    ):
        answer = client.get(address)
        assert answer.status_code == 302, address
        assert answer.headers["Location"].startswith("/sign-in"), address


@pytest.mark.parametrize("role", SHORTCUTS)
def test_the_first_page_has_the_shortcuts_of_the_seed(client: FlaskClient, world: World, role: str) -> None:
    """S85, S100, S114, S122, [I]; each of them leads somewhere."""
    sign_in(client, world.users[role])
    part = re.search(r'<nav class="quick"[^>]*>(.*?)</nav>', read(client, "/"), re.S)
    assert part
    found = re.findall(r'<a href="([^"]+)">.*?<span>(.*?)<small>', part[1], re.S)
    assert [words(word) for _, word in found][2:] == SHORTCUTS[role]  # after the inbox and what one has claimed
    for address, _ in found:
        read(client, address)


@pytest.mark.parametrize("role", ROLES)
def test_the_operations_of_a_role_are_offered_and_no_others_exist(
    client: FlaskClient, world: World, role: str
) -> None:  # R70
    sign_in(client, world.users[role])
    faults, given = [], objects_of(world, role)
    for operation in OPERATIONS:
        is_mine = role in operation.roles
        address, where = operation.address.format(**given), operation.where.format(**given)
        if not is_mine or operation.method == "GET":
            status = client.open(address, method=operation.method).status_code
            if (status in (200, 302)) != is_mine or (not is_mine and status != 404):
                faults.append(f"{operation}: {status}")
        if where:
            page = client.get(where)
            is_offered = page.status_code == 200 and f'"{address}"' in re.sub(r"\?[^\"]*", "", unescape(page.text))
            if is_offered != (role in (operation.roles if operation.offered is None else operation.offered)):
                faults.append(
                    f"{operation}: {'offered' if is_offered else 'not offered'} at {where} ({page.status_code})"
                )
    assert not faults, "\n".join(faults)


def test_all_operations_of_the_table_name_known_addresses(app: Flask) -> None:
    """A misspelt address would answer 404 to everybody."""
    adapter = app.url_map.bind("x")
    sample = "0" * 8 + "-0000-0000-0000-" + "0" * 12
    for operation in OPERATIONS:
        address = re.sub(r"\{.*?\}", sample, operation.address)
        assert adapter.test(address, operation.method), operation


def test_every_name_in_the_menu_is_a_page_or_a_blueprint(app: Flask) -> None:
    known = {*app.blueprints, *app.view_functions}
    for section in DECLARED:
        for item in section.items:
            named = {item.endpoint, *item.covers, *(endpoint for _, endpoint in item.operations)}
            assert named <= known, (item.endpoint, named - known)
