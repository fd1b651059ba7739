"""Settings of an installation: who may set each, and within which range. The values set are rows of a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from service.domain.accounts import passwords
from service.domain.accounts.permissions import Action
from service.domain.accounts.roles import Role
from service.errors import N_, InvalidInput, Message
from service.validation.messages import NOT_AN_INTEGER, OUT_OF_RANGE, TOO_LONG
from service.validation.typed_text import as_whole


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting. kind: ``number`` from least to most, or ``text`` of at most ``most`` characters; action: whose it is
    (三员: parameters are the system administrator's, policy is the security administrator's)."""

    label: str
    hint: str
    default: str
    least: int
    most: int
    action: Action
    kind: str = "number"


def _minutes(role: Role) -> str:
    return str(passwords.idle_limit(role) // timedelta(minutes=1))


_PARAMETER, _POLICY = Action.CHANGE_SETTINGS, Action.CHANGE_POLICY

SETTINGS: dict[str, Setting] = {
    "confirm_days_before": Setting(
        N_("报名确认提前天数"),
        N_("报名确认在开班前多少天截止；0 为开班当日。只影响之后的报名。"),
        "0",
        0,
        30,
        _PARAMETER,
    ),
    "attachments": Setting(N_("每条通报的附件数"), N_("一条通报最多带几个附件。"), "5", 0, 10, _PARAMETER),
    "attachment_megabytes": Setting(N_("附件大小（MB）"), N_("单个附件最大多少 MB。"), "5", 1, 7, _PARAMETER),
    "reminder_days": Setting(N_("催报间隔天数"), N_("同一单位两次催报至少相隔多少天。"), "3", 1, 30, _PARAMETER),
    "erasure_years": Setting(
        N_("个人信息保留年数"),
        N_("已注销人员的最后一本证书失效后多少年，删除其手机号和照片（每日自动）。"),
        "3",
        3,
        30,
        _PARAMETER,
    ),
    "undo_minutes": Setting(
        N_("办理后可撤回分钟数"),
        N_("办理后多久之内、他人还没有接着办时，本人可以撤回；由此发出的邮件等到那时才寄。0 为不可撤回。"),
        "10",
        0,
        60,
        _PARAMETER,
    ),
    "support_phone": Setting(N_("服务电话"), N_("显示在页脚；留空则不显示。"), "", 0, 40, _PARAMETER, "text"),
    "session_minutes": Setting(
        N_("会话闲置分钟数"), N_("多久不操作须重新登录。"), _minutes(Role.ENTERPRISE), 5, 60, _POLICY
    ),
    "administrator_session_minutes": Setting(
        N_("管理员会话闲置分钟数"),
        N_("系统、安全、审计、流程管理员多久不操作须重新登录。"),
        _minutes(Role.SYS_ADMIN),
        5,
        30,
        _POLICY,
    ),
    "session_hours": Setting(
        N_("会话最长小时数"),
        N_("从登录算起，最多用多久须重新登录。"),
        str(passwords.MAX_SESSION_DURATION // timedelta(hours=1)),
        1,
        24,
        _POLICY,
    ),
    "password_days": Setting(
        N_("密码有效天数"),
        N_("主管部门、协会、培训机构和管理员的密码用满几天须更换，提前 7 天提醒；0 为不限。"),
        str(passwords.LIFETIME // timedelta(days=1)),
        0,
        180,
        _POLICY,
    ),
    "sign_in_failures": Setting(
        N_("登录失败次数"), N_("15 分钟内失败几次即锁定 30 分钟。"), str(passwords.MAX_FAILURES), 3, 10, _POLICY
    ),
    "two_person_deploy": Setting(
        N_("流程变更双人批准"),
        N_("1：流程的新版本由另一位流程管理员批准后才生效；0：通过检查即生效。"),
        "1",
        0,
        1,
        _POLICY,
    ),
}


def parse_setting(key: str, text: str | None) -> str:
    """Read what was typed for a setting; raises ``InvalidInput`` at its key, naming the range."""
    setting, typed = SETTINGS[key], " ".join((text or "").split())
    if setting.kind == "text":
        if len(typed) > setting.most:
            raise InvalidInput({key: Message(TOO_LONG, most=setting.most, now=len(typed))})
        return typed
    if not re.fullmatch("[0-9]+", typed):
        raise InvalidInput({key: NOT_AN_INTEGER})
    if (number := as_whole(typed, setting.least, setting.most)) is None:
        raise InvalidInput({key: Message(OUT_OF_RANGE, least=setting.least, most=setting.most)})
    return str(number)
