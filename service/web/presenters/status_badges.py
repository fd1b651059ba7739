"""The status table of ui/language: one state = one colour, one sign, one word, the same everywhere."""

from __future__ import annotations

from typing import NamedTuple

from service.errors import N_


class Status(NamedTuple):
    """colour: '' (grey), info, ok, warn, bad, note; sign: a symbol of img/icons.svg; word: a key of the catalogue."""

    colour: str
    sign: str
    word: str


STATUSES: dict[str, dict[str, Status]] = {
    "task": {
        "open": Status("", "open", N_("待领取")),
        "mine": Status("info", "mine", N_("我已领取")),
        "other": Status("", "lock", N_("他人办理中")),
        "completed": Status("ok", "check", N_("已办结")),
        "cancelled": Status("", "back", N_("已撤回")),
    },
    "enrollment": {
        "pending": Status("info", "half", N_("待确认")),
        "confirmed": Status("info", "half", N_("已确认")),
        "checked_in": Status("info", "half", N_("已报到")),
        "scored": Status("info", "half", N_("成绩待确认")),
        "makeup": Status("warn", "back", N_("须补考")),
        "certifying": Status("info", "half", N_("办证中")),
        "completed": Status("ok", "check", N_("已完成")),
        "failed": Status("bad", "no", N_("未合格")),
        "rejected": Status("bad", "no", N_("未获确认")),
        "no_show": Status("", "no", N_("未报到")),
        "withdrawn": Status("", "no", N_("已撤回")),
        "cancelled": Status("", "no", N_("已取消")),
    },
    "person": {
        "draft": Status("", "draft", N_("草稿")),
        "pending": Status("info", "half", N_("待审批")),
        "approved": Status("ok", "check", N_("已审批")),
        "rejected": Status("warn", "back", N_("已退回")),
        "deregistered": Status("", "no", N_("已注销")),
    },
    "certificate": {
        "none": Status("", "open", N_("无证")),
        "issued": Status("info", "half", N_("待审批")),
        "valid": Status("ok", "check", N_("有效")),
        "expiring": Status("warn", "clock", N_("将到期")),
        "expired": Status("bad", "stop", N_("已过期")),
        "revoked": Status("bad", "no", N_("已吊销")),
        "superseded": Status("", "swap", N_("已换新版")),
        "void": Status("", "no", N_("已作废")),
        "deregistered": Status("", "no", N_("已注销")),
    },
    "class": {
        "draft": Status("", "draft", N_("草稿")),
        "enrolling": Status("info", "half", N_("报名中")),
        "enrolment_closed": Status("info", "lock", N_("报名截止")),
        "running": Status("info", "half", N_("开班")),
        "scored": Status("info", "half", N_("成绩待确认")),
        "confirmed": Status("info", "half", N_("成绩已确认")),
        "completed": Status("ok", "check", N_("已结班")),
        "cancelled": Status("", "no", N_("已取消")),
    },
    "unit": {
        "draft": Status("", "draft", N_("待完善")),
        "complete": Status("ok", "check", N_("正常")),
        "deleted": Status("", "no", N_("已删除")),
    },
    "case": {
        "running": Status("info", "half", N_("进行中")),
        "ended": Status("ok", "check", N_("已办结")),
        "incident": Status("bad", "alert", N_("故障")),
    },
    "version": {
        "current": Status("ok", "check", N_("现行")),
        "running": Status("info", "half", N_("仍有在办")),
        "retired": Status("", "no", N_("停用")),
    },
    "notice": {
        "draft": Status("", "draft", N_("草稿")),
        "published": Status("ok", "check", N_("已发布")),
        "withdrawn": Status("", "back", N_("已撤下")),
    },
    "plan": {
        "draft": Status("", "draft", N_("草稿")),
        "published": Status("ok", "check", N_("已发布")),
        "closed": Status("", "tick", N_("已结束")),
        "cancelled": Status("", "no", N_("已取消")),
    },
    "reissue": {
        "requested": Status("info", "half", N_("待审核")),
        "returned": Status("warn", "back", N_("待补充")),
        "approved": Status("info", "print", N_("待打印")),
        "completed": Status("ok", "check", N_("已补办")),
        "refused": Status("bad", "no", N_("未获准")),
        "withdrawn": Status("", "no", N_("已撤回")),
        "lapsed": Status("", "no", N_("已终止")),
    },
    "ticket": {
        "open": Status("", "open", N_("待受理")),
        "in_progress": Status("info", "half", N_("办理中")),
        "waiting_user": Status("warn", "back", N_("待补充")),
        "resolved": Status("ok", "check", N_("已解决")),
        "closed": Status("", "tick", N_("已关闭")),
    },
    "batch": {
        "running": Status("info", "half", N_("正在排版")),
        "done": Status("ok", "check", N_("可下载")),
        "failed": Status("bad", "stop", N_("没有成功")),
        "removed": Status("", "no", N_("文件已删除")),
    },
    "user": {
        "active": Status("ok", "check", N_("正常")),
        "waiting": Status("warn", "clock", N_("待同意")),
        "locked": Status("warn", "lock", N_("已锁定")),
        "disabled": Status("", "no", N_("已停用")),
    },
}


def status_of(kind: str, state: str) -> Status:
    """The status of ``state``; a state that the table does not know is a programming error (KeyError)."""
    return STATUSES[kind][state]
