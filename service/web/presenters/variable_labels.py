"""The words for variables of the shipped processes and how their values read;
what stands in a form has its label there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from flask_babel import gettext

from service.domain.accounts.roles import Role
from service.domain.training.classes import ClassState
from service.errors import N_, Message
from service.infrastructure.translation import translate
from service.models.db.clock import CHINA
from service.validation.fields import EARLIEST, LATEST
from service.validation.typed_text import as_instant
from service.web.presenters import labels
from service.web.presenters.formatting import mark, role_name
from service.workflow.processes.diagram_states import states_said

LABELS = {
    "absent": N_("缺考"),
    "all_closed": N_("全部办结"),
    "is_recorded": N_("已登记"),
    "printed": N_("已打印"),
    "route": N_("承办去向"),
    "attempt": N_("考次"),
    "authority_id": N_("主管省份"),
    "certificate_id": N_("证书"),
    "answer_within": N_("答复时限"),
    "asker_id": N_("申请单位"),
    "asker_role": N_("申请人角色"),
    "desk_id": N_("承办单位"),
    "desk_role": N_("承办角色"),
    "is_due": N_("应注销"),
    "new_certificate_id": N_("新版证书"),
    "new_kind": N_("改为"),
    "number": N_("工单编号"),
    "reissue_id": N_("补办登记"),
    "requester_id": N_("提问人"),
    "requester_role": N_("提问人角色"),
    "resume_at": N_("暂缓期满"),
    "statement": N_("遗失说明"),
    "ticket_id": N_("工单"),
    "ticket_kind": N_("工单类型"),
    "stage": N_("班次阶段"),
    "class_state": N_("班次状态"),
    "starter_authority_id": N_("发起单位的主管省份"),
    "starter_id": N_("发起人"),
    "starter_organisation_id": N_("发起单位"),
    "seen": N_("修改前校验"),
    "enrol_ends_at": N_("报名截止时刻"),
    "starts_at": N_("开班时刻"),
    "certificate_number": N_("证书编号"),
    "check_in_by": N_("报到截止"),
    "check_in_from": N_("报到开始"),
    "class_id": N_("培训班"),
    "confirm_by": N_("确认期限"),
    "confirm_until": N_("确认截止日"),
    "decision": N_("结论"),
    "ends_by_reference_date": N_("标准点前到期"),
    "enrolled_on": N_("报名日"),
    "enrollment_id": N_("报名"),
    "has_certificate": N_("持有证书"),
    "institution_id": N_("培训机构"),
    "is_academy": N_("院校人员"),
    "is_expired": N_("已过期"),
    "is_renewal_under_way": N_("换证办理中"),
    "issued_on": N_("发证日期"),
    "kind": N_("培训类型"),
    "lapse_at": N_("逾期时刻"),
    "makeup_allowed": N_("允许补考"),
    "makeup_left": N_("可补考"),
    "need": N_("应参加"),
    "needs_confirmation": N_("须省级确认"),
    "on_behalf": N_("代为报名"),
    "organiser_id": N_("主办单位"),
    "organiser_role": N_("主办角色"),
    "pass_mark": N_("及格线"),
    "passed": N_("合格"),
    "person_id": N_("人员"),
    "reason": N_("原因"),
    "reference_date": N_("标准点"),
    "request": N_("申请事项"),
    "score": N_("成绩"),
    "today": N_("报名时日期"),
    "unit_id": N_("单位"),
    "valid_to": N_("证书有效期至"),
    "via": N_("报名渠道"),
    "warn_at": N_("提醒时刻"),
    "was_issued_this_year": N_("本年发证"),
    "was_refreshed_this_year": N_("本年已再培训"),
}

STAGES = {"enrolment_closed": N_("报名已截止"), "check_in_closed": N_("报到已结束")}

FORMATTERS: dict[str, Callable[[Any], str]] = {
    "ticket_kind": lambda value: labels.enum_label("ticket_kind", value),
    "kind": lambda value: labels.enum_label("training_kind", value),
    "need": lambda value: labels.enum_label("need", value),
    "score": mark,
    "pass_mark": mark,
    "new_kind": lambda value: labels.enum_label("ticket_kind", value),
    "stage": lambda value: translate(STAGES.get(value, str(value))),
    "class_state": lambda value: translate(ClassState(value).label),
    "asker_role": role_name,
    "desk_role": role_name,
    "organiser_role": role_name,
    "requester_role": role_name,
}

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"""("[^"]*"|'[^']*')|(?<![\w.])([A-Za-z_]\w*)(?!\w|\s*\()""")
_OPERATORS = frozenset(["if", "else", "and", "or", "not", "in", "is", "for", "lambda", "True", "False", "None"])
_DAYS = re.compile(r"P(\d+)D")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")


def is_id(text: str) -> bool:
    """Tell whether a value is the id of a row."""
    return _ID.fullmatch(text) is not None


def label(name: str) -> str:
    """The word for a variable, or ''."""
    return translate(LABELS.get(name))


def role_words(text: str, asked: Mapping[str, str]) -> str:
    """The role that does a task; of an expression the roles it can give, else the variables that decide it.

    asked: the labels of fields, by variable.
    """
    if said := states_said(text) if text else set():
        return " / ".join(map(_role, sorted(said)))
    names = dict.fromkeys(name for _text, name in _NAME.findall(text) if name and name not in _OPERATORS)
    words = gettext("、").join(label(name) or translate(asked.get(name)) or name for name in names)
    return gettext("由%(what)s决定", what=words) if words else "—"


def _role(text: str) -> str:
    return role_name(text) if text in set(Role) else text


def read(name: str, value: Any) -> str:
    """A value in words; an id is shortened to its last 12 digits."""
    if isinstance(value, bool):
        return translate(N_("是") if value else N_("否"))
    with suppress(LookupError, ValueError, TypeError, ArithmeticError):  # another process may use the name otherwise
        if name in FORMATTERS:
            return FORMATTERS[name](value)
    text = str(value)
    if is_id(text):
        return f"…{text[-12:]}"
    if found := _DAYS.fullmatch(text):
        return translate(Message(N_("%(n)s 天"), n=found[1]))
    return _instant(text) if _INSTANT.fullmatch(text) else text


def _instant(text: str) -> str:
    """To the minute, in China's time, which is also meant where no offset stands."""
    at = as_instant(text)
    if at is None or not EARLIEST <= at.date() <= LATEST:  # beyond them it may be no instant in China's time
        return text
    return f"{at.astimezone(CHINA) if at.tzinfo else at:%Y-%m-%d %H:%M}"
