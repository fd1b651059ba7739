"""The badge of a state: one state has one colour, one sign and one word, the same on every page."""

from __future__ import annotations

from typing import NamedTuple

from service.domain.accounts.roles import AccountState
from service.domain.certificates.certificates import CertificateState
from service.domain.certificates.reissues import ReissueState
from service.domain.notices.notices import NoticeState
from service.domain.notices.tickets import TicketState
from service.domain.persons.corrections import CorrectionState
from service.domain.persons.persons import PersonState
from service.domain.training.classes import ClassState
from service.domain.training.enrollment_state import EnrollmentState
from service.domain.training.plans import PlanState
from service.domain.units.units import UnitState
from service.domain.values.labelled_enum import Labelled
from service.errors import N_


class Status(NamedTuple):
    """colour: '' (grey), info, ok, warn, bad, note; sign: a symbol of img/icons.svg; word: a key of the catalogue."""

    colour: str
    sign: str
    word: str


ENUMERATIONS: dict[str, type[Labelled]] = {
    "enrollment": EnrollmentState,
    "person": PersonState,
    "certificate": CertificateState,
    "class": ClassState,
    "unit": UnitState,
    "notice": NoticeState,
    "plan": PlanState,
    "reissue": ReissueState,
    "correction": CorrectionState,
    "ticket": TicketState,
    "user": AccountState,
}
BADGES: dict[type[Labelled], dict[Labelled, tuple[str, str]]] = {
    EnrollmentState: {
        EnrollmentState.PENDING: ("info", "half"),
        EnrollmentState.CONFIRMED: ("info", "half"),
        EnrollmentState.CHECKED_IN: ("info", "half"),
        EnrollmentState.SCORED: ("info", "half"),
        EnrollmentState.MAKEUP: ("warn", "back"),
        EnrollmentState.CERTIFYING: ("info", "half"),
        EnrollmentState.COMPLETED: ("ok", "check"),
        EnrollmentState.FAILED: ("bad", "no"),
        EnrollmentState.REJECTED: ("bad", "no"),
        EnrollmentState.WITHDRAWN: ("", "no"),
        EnrollmentState.NO_SHOW: ("", "no"),
        EnrollmentState.CANCELLED: ("", "no"),
        EnrollmentState.TERMINATED: ("bad", "no"),
    },
    PersonState: {
        PersonState.DRAFT: ("", "draft"),
        PersonState.PENDING: ("info", "half"),
        PersonState.APPROVED: ("ok", "check"),
        PersonState.REJECTED: ("warn", "back"),
        PersonState.DEREGISTERED: ("", "no"),
    },
    CertificateState: {
        CertificateState.ISSUED: ("info", "half"),
        CertificateState.VALID: ("ok", "check"),
        CertificateState.SUPERSEDED: ("", "swap"),
        CertificateState.REVOKED: ("bad", "no"),
        CertificateState.DEREGISTERED: ("", "no"),
        CertificateState.VOID: ("", "no"),
    },
    ClassState: {
        ClassState.DRAFT: ("", "draft"),
        ClassState.ENROLLING: ("info", "half"),
        ClassState.ENROLMENT_CLOSED: ("info", "lock"),
        ClassState.RUNNING: ("info", "half"),
        ClassState.SCORED: ("info", "half"),
        ClassState.CONFIRMED: ("info", "half"),
        ClassState.COMPLETED: ("ok", "check"),
        ClassState.CANCELLED: ("", "no"),
    },
    UnitState: {
        UnitState.DRAFT: ("", "draft"),
        UnitState.COMPLETE: ("ok", "check"),
        UnitState.DELETED: ("", "no"),
    },
    NoticeState: {
        NoticeState.DRAFT: ("", "draft"),
        NoticeState.PUBLISHED: ("ok", "check"),
        NoticeState.WITHDRAWN: ("", "back"),
    },
    PlanState: {
        PlanState.DRAFT: ("", "draft"),
        PlanState.PUBLISHED: ("ok", "check"),
        PlanState.CLOSED: ("", "tick"),
        PlanState.CANCELLED: ("", "no"),
    },
    ReissueState: {
        ReissueState.REQUESTED: ("info", "half"),
        ReissueState.RETURNED: ("warn", "back"),
        ReissueState.APPROVED: ("info", "print"),
        ReissueState.COMPLETED: ("ok", "check"),
        ReissueState.REFUSED: ("bad", "no"),
        ReissueState.WITHDRAWN: ("", "no"),
        ReissueState.LAPSED: ("", "no"),
    },
    CorrectionState: {
        CorrectionState.REQUESTED: ("info", "half"),
        CorrectionState.APPROVED: ("info", "half"),
        CorrectionState.APPLIED: ("ok", "check"),
        CorrectionState.REFUSED: ("bad", "no"),
        CorrectionState.WITHDRAWN: ("", "no"),
        CorrectionState.LAPSED: ("", "no"),
    },
    TicketState: {
        TicketState.OPEN: ("", "open"),
        TicketState.IN_PROGRESS: ("info", "half"),
        TicketState.WAITING_USER: ("warn", "back"),
        TicketState.RESOLVED: ("ok", "check"),
        TicketState.CLOSED: ("", "tick"),
    },
    AccountState: {
        AccountState.ACTIVE: ("ok", "check"),
        AccountState.WAITING: ("warn", "clock"),
        AccountState.LOCKED: ("warn", "lock"),
        AccountState.DISABLED: ("", "no"),
    },
}
"""Colour and sign of a state; its word is the label of the enumeration."""
WITHOUT_ENUMERATION: dict[str, dict[str, Status]] = {
    "task": {
        "open": Status("", "open", N_("待领取")),
        "mine": Status("info", "mine", N_("我已领取")),
        "other": Status("", "lock", N_("他人办理中")),
        "completed": Status("ok", "check", N_("已办结")),
        "cancelled": Status("", "back", N_("已撤回")),
    },
    "certificate": {
        "none": Status("", "open", N_("无证")),
        "expiring": Status("warn", "clock", N_("将到期")),
        "expired": Status("bad", "stop", N_("已过期")),
    },
    "case": {
        "running": Status("info", "half", N_("进行中")),
        "ended": Status("ok", "check", N_("已办结")),
        "incident": Status("bad", "alert", N_("故障")),
        "suspended": Status("warn", "half", N_("已暂停")),
    },
    "process_change": {
        "proposed": Status("warn", "clock", N_("待批准")),
        "approved": Status("ok", "check", N_("已批准")),
        "refused": Status("bad", "stop", N_("未批准")),
        "withdrawn": Status("", "no", N_("已撤回")),
        "superseded": Status("", "no", N_("未经批准已直接生效")),
    },
    "version": {
        "current": Status("ok", "check", N_("现行")),
        "proposed": Status("warn", "clock", N_("待批准")),
        "running": Status("info", "half", N_("仍有在办")),
        "refused": Status("bad", "stop", N_("已驳回")),
        "withdrawn": Status("", "no", N_("已撤回")),
        "retired": Status("", "no", N_("停用")),
    },
    "run": {
        "running": Status("info", "half", N_("进行中")),
        "done": Status("ok", "check", N_("已完成")),
        "failed": Status("bad", "stop", N_("没有成功")),
        "stopped": Status("", "no", N_("已取消")),
    },
    "batch": {
        "running": Status("info", "half", N_("正在排版")),
        "done": Status("ok", "check", N_("可下载")),
        "failed": Status("bad", "stop", N_("没有成功")),
        "cancelled": Status("", "no", N_("已取消")),
        "removed": Status("", "no", N_("文件已删除")),
    },
}
"""States that are computed for a page and stored nowhere."""


def status_of(kind: str, state: str) -> Status:
    """The status of ``state``; a state that no table knows is a programming error (KeyError, ValueError)."""
    if state in (computed := WITHOUT_ENUMERATION.get(kind, {})):
        return computed[state]
    member = ENUMERATIONS[kind](state)
    return Status(*BADGES[ENUMERATIONS[kind]][member], member.label)
