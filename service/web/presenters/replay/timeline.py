"""Journal rows as people read them: a sign, what happened, by whom, and what was answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext

from service import forms
from service.errors import N_
from service.infrastructure.translation import translate
from service.web.presenters import form_answers
from service.workflow.processes import definitions
from service.workflow.runtime.history import MENDS, MessageSender, TimelineRow

SIGNS = {
    "start": "draft",
    "complete": "check",
    "claim": "mine",
    "unclaim": "back",
    "assign": "swap",
    "timer": "clock",
    "message": "bell",
    "signal": "bell",
    "job": "half",
    "external": "link",
    "readdress": "swap",
    "error": "alert",
    "variables": "swap",
    "move": "swap",
    "skip": "right",
    "suspend": "half",
    "resume": "play",
    "cancel": "stop",
    "retry": "back",
    "resolve": "check",
    "migrate": "swap",
    "undo": "back",
}
WORDS = {
    "start": N_("发起"),
    "claim": N_("领取"),
    "unclaim": N_("退还"),
    "assign": N_("转交"),
    "timer": N_("到时"),
    "message": N_("收到通知"),
    "signal": N_("收到信号"),
    "job": N_("自动办理"),
    "external": N_("外部系统办理"),
    "readdress": N_("改由新的主管单位办理"),
    "error": N_("出错转办"),
    "undo": N_("撤回"),
    "migrate": N_("流程迁移"),
    "variables": N_("修复：改变量"),
    "move": N_("修复：移动"),
    "skip": N_("修复：跳过"),
    "suspend": N_("修复：暂停"),
    "resume": N_("修复：恢复"),
    "cancel": N_("修复：取消案卷"),
    "retry": N_("修复：重试"),
    "resolve": N_("修复：故障标为已处理"),
}
REASON, TARGET, VARIABLES, PAPER = N_("原因"), N_("移到"), N_("变量"), N_("文书")
MESSAGES = {
    "withdraw": N_("撤回报名"),
    "class_cancelled": N_("培训班取消"),
    "no_show": N_("未报到"),
    "end_training": N_("提前终止"),
    "cancel_class": N_("取消培训班"),
    "class_changed": N_("班次变更"),
    "certificate_ended": N_("证书已终止"),
    "recheck": N_("重新核对"),
    "withdraw_reissue": N_("撤回补办申请"),
    "enrollment_changed": N_("报名情况有变化"),
    "close_enrolment": N_("提前截止报名"),
    "correct_score": N_("提出更正"),
    "undo_check_in": N_("撤销报到"),
    "take_back": N_("撤回提交"),
}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One line: what happened in words; kind: of the input; given: the answers of its form (fields), label and word."""

    seq: int
    kind: str
    at: datetime
    sign: str
    what: str
    who: str
    organisation: str
    given: list[tuple[str, str]]
    fields: tuple[forms.Field, ...] = ()
    behalf: str = ""
    sender: MessageSender | None = None

    @property
    def by(self) -> str:
        """The actor, the organisation, and for whom it was done."""
        acted = [self.who, self.organisation, gettext("代 %(whom)s", whom=self.behalf) if self.behalf else ""]
        return " · ".join(filter(None, acted)) or gettext("系统")


def to_timeline(
    entries: Iterable[TimelineRow], papers: Mapping[int, Sequence[str]] | None = None
) -> list[TimelineEntry]:
    """The entries in their order, in the reader's language. papers: titles of those that each input made."""
    return [_tell(entry, (papers or {}).get(entry.seq, ())) for entry in entries]


def _tell(entry: TimelineRow, papers: Sequence[str]) -> TimelineEntry:
    fields = _fields(entry)
    sign = SIGNS.get(entry.kind, "info")
    given = form_answers.read(fields, entry.data) if entry.kind not in MENDS else _reason(entry)
    given = [*given, *((translate(PAPER), title) for title in papers)]
    organisation, behalf = (translate(name) if name else "" for name in (entry.organisation, entry.behalf))
    what = _what(entry)
    return TimelineEntry(
        *(entry.seq, entry.kind, entry.at, sign, what, entry.actor, organisation, given, fields, behalf, entry.sender)
    )


def _reason(entry: TimelineRow) -> list[tuple[str, str]]:
    """Tell why a case was mended, where a token was moved to, and which variables were changed."""
    told = [(translate(REASON), str(reason))] if isinstance(reason := entry.data.get("reason"), str) else []
    if to := entry.data.get("to"):
        element = definitions.definition(entry.definition).elements.get(str(to))
        told.append((translate(TARGET), translate(element.name if element else str(to))))
    if values := entry.data.get("values"):
        told.append((translate(VARIABLES), ", ".join(sorted(values))))
    return told


def _what(entry: TimelineRow) -> str:
    name = translate(entry.element_name)
    if entry.kind == "complete":
        return name
    if entry.kind in ("message", "signal"):
        return translate(MESSAGES.get((entry.element or "").split("/")[-1], WORDS[entry.kind]))
    word = translate(WORDS.get(entry.kind, entry.kind))
    return gettext("%(what)s · %(where)s", what=word, where=name) if name else word


def _fields(entry: TimelineRow) -> tuple[forms.Field, ...]:
    """The form that was filled in, as the version of that moment had it; of a start, where a form is what starts."""
    definition, key = definitions.definition(entry.definition), None
    if entry.kind == "complete":
        element = definition.elements.get((entry.element or "").split("/")[-1])
        key = element.form_key if element else None
    elif entry.kind == "start" and definitions.is_started_by_form(definition.process):
        key = definition.start_form
    form = definition.files.get(f"{key}.form")
    return forms.fields(form) if form else ()
