"""The first page of each role: what waits, and where to go."""

from __future__ import annotations

from typing import NamedTuple

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from service.domain.permissions import Action
from service.errors import N_
from service.models import inbox
from service.reports.home import panels
from service.web import layout
from service.web.access import signed_in

bp = Blueprint("home", __name__)


class Shortcut(NamedTuple):
    """A way to what a role does most often."""

    endpoint: str
    word: str
    note: str
    sign: str
    action: Action


SHORTCUTS = (
    Shortcut("persons.new", N_("录入人员"), N_("报省级主管部门审批"), "plus", Action.EDIT_PERSON),
    Shortcut("classes.index", N_("为人员报名"), N_("选择招生中的培训班"), "tick", Action.ENROLL),
    Shortcut("plans.new", N_("制定计划"), N_("年度培训安排"), "calendar", Action.EDIT_PLAN),
    Shortcut("classes.new", N_("发布培训班"), N_("拟制后发布招生"), "cap", Action.EDIT_CLASS),
    Shortcut("certificate_acts.expired", N_("注销过期证书"), N_("逐件或成批办理"), "no", Action.DEREGISTER_CERTIFICATE),
    Shortcut("printing.register", N_("登记领取"), N_("打印与领取登记"), "draft", Action.PRINT_CERTIFICATE),
    Shortcut("units.index", N_("管理单位"), N_("新增、变更、查询"), "unit", Action.ADD_UNIT),
    Shortcut("users.index", N_("管理账号"), N_("新增、停用、重置密码"), "key", Action.MANAGE_USERS),
    Shortcut("processes.index", N_("流程定义"), N_("版本、图与在办分布"), "flow", Action.EDIT_PROCESSES),
    Shortcut("cases.index", N_("案卷回放"), N_("逐步查看每件的经过"), "eye", Action.REPLAY_CASES),
)


@bp.get("/")
@signed_in
def index() -> ResponseReturnValue:
    known = current_app.view_functions
    shortcuts = [s for s in SHORTCUTS if s.endpoint in known and layout.may_now(s.action)]
    mine = inbox.count_mine(current_user)
    return render_template(
        "pages/home/index.html", counts=layout.counts(), mine=mine, shortcuts=shortcuts, panels=panels(current_user)
    )


@bp.get("/more")
@signed_in
def more() -> ResponseReturnValue:
    return render_template("pages/home/more.html")
