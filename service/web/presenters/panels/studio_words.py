"""The words of the studio: findings, differences and outcomes in the reader's language, and what panels offer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import SequenceMatcher
from html import unescape
from itertools import zip_longest
from typing import Any

from service.errors import N_, Message
from service.infrastructure.translation import translate
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Task
from service.models.tables.runtime.process import DefinitionVersion
from service.models.tables.runtime.version_change import BacktestRun, RunState
from service.web.presenters.formatting import language, thousands
from service.web.presenters.panels.studio_panel import LABELS, roles
from service.web.presenters.panels.task_panel import TaskPanel
from service.workflow.processes import definitions
from service.workflow.processes.rehearsals import Outcome
from service.workflow.versions import backtests, drafts, process_changes

ELEMENT = re.compile(r"(?<![\w.:<])[a-z]+[A-Z]\w+(?![\w:=.])")
NAME = re.compile(r'\bname="([^"]+)"')
MOST_LINES = 3000  # of two files that are lined up; longer ones stand side by side as they are
AROUND = 2  # lines that are shown before and after a difference
VERSION = N_("版本 %(n)s")
KINDS = {"added": N_("新增了"), "removed": N_("删除了"), "changed": N_("修改了"), "moved": N_("移动了")}
WHAT = {
    "file": N_("文件"),
    "field": N_("字段"),
    "form": N_("表单"),
    "table": N_("决策表"),
    "rule": N_("规则"),
    "userTask": N_("用户任务"),
    "serviceTask": N_("服务任务"),
    "scriptTask": N_("脚本任务"),
    "businessRuleTask": N_("决策任务"),
    "callActivity": N_("调用流程"),
    "subProcess": N_("子流程"),
    "sequenceFlow": N_("连线"),
    "startEvent": N_("开始事件"),
    "endEvent": N_("结束事件"),
    "boundaryEvent": N_("边界事件"),
    "intermediateCatchEvent": N_("中间事件"),
    "intermediateThrowEvent": N_("抛出事件"),
    "exclusiveGateway": N_("排他网关"),
    "parallelGateway": N_("并行网关"),
    "inclusiveGateway": N_("包容网关"),
    "eventBasedGateway": N_("事件网关"),
    "lane": N_("泳道"),
    "participant": N_("参与者"),
    "process": N_("流程"),
    "message": N_("消息"),
    "textAnnotation": N_("注释"),
    "collaboration": N_("协作"),
    "error": N_("错误"),
    "signal": N_("信号"),
    "decision": N_("决策"),
    "input": N_("输入列"),
    "output": N_("输出列"),
    "inputData": N_("输入数据"),
    "knowledgeSource": N_("知识来源"),
    "businessKnowledgeModel": N_("业务知识模型"),
}
SAID = {
    "type": N_("种类"),
    "order": N_("顺序"),
    "within": N_("所在"),
    "text": N_("文字"),
    "sourceRef": N_("来自"),
    "targetRef": N_("去往"),
    "processRef": N_("流程"),
    "attachedToRef": N_("附着于"),
    "flowNodeRef": N_("泳道里的环节"),
    "cancelActivity": N_("打断所附的环节"),
    "triggeredByEvent": N_("由事件触发"),
    "isExecutable": N_("可执行"),
    "conditionExpression": N_("走这里的条件"),
    "errorCode": N_("错误代码"),
    "followUpDate": N_("跟进时间"),
    "batch": N_("成批办理"),
    "messageEventDefinition.messageRef": N_("消息"),
    "errorEventDefinition.errorRef": N_("错误"),
    "timerEventDefinition.timeDuration": N_("时长"),
    "timerEventDefinition.timeDate": N_("时刻"),
    "timerEventDefinition.timeCycle": N_("周期"),
    "label": N_("名称"),
    "properties.label_en": N_("名称（英文）"),
    "dateLabel": N_("日期的名称"),
    "timeLabel": N_("时间的名称"),
    "title": N_("标题"),
    "title_en": N_("标题（英文）"),
    "description": N_("说明"),
    "properties.description_en": N_("说明（英文）"),
    "properties.text_en": N_("文字（英文）"),
    "properties.personal": N_("个人信息"),
    "properties.show_if": N_("何时显示"),
    "properties.required_if": N_("何时必填"),
    "conditional.hide": N_("何时隐藏"),
    "key": N_("变量"),
    "path": N_("变量"),
    "values": N_("选项"),
    "valuesKey": N_("选项的名单"),
    "defaultValue": N_("默认值"),
    "readonly": N_("只显示"),
    "disabled": N_("不可填写"),
    "decimalDigits": N_("小数位数"),
    "validate.required": N_("必填"),
    "validate.minLength": N_("最少字数"),
    "validate.maxLength": N_("最多字数"),
    "validate.min": N_("最小值"),
    "validate.max": N_("最大值"),
    "validate.pattern": N_("正则表达式"),
}
"""Words for what a difference names and no panel does."""
SEVERITIES = ("refused", "warning", "note")
ONLY_DRAWN = N_("只改了画法")
ROLES = ("candidateGroups", "candidateStarterGroups")  # attributes that name roles
WORDS = {
    **LABELS,
    "isDefault": N_("其他条件都不成立时走这里"),
    "more": N_("更多"),
    "loop": N_("循环或多实例"),
    "eventDefinition": N_("事件定义"),
    "input": N_("输入参数"),
    "output": N_("输出参数"),
    "parameter": N_("参数名"),
    "value": N_("参数值"),
    "other": N_("表达式…"),
    "newForm": N_("新建表单"),
    "title": N_("表单标题"),
    "title_en": N_("表单标题（英文）"),
    "none": N_("（无）"),
    "element": N_("元素"),
    "connect": N_("连到"),
    "draw": N_("画连线"),
    "reads": N_("必读"),
    "writes": N_("写入"),
    "nothing": N_("点选图上的元素，在这里填写。"),
    "noFindings": N_("检查通过。"),
    "noDifferences": N_("与现行版本相同。"),
    "saving": N_("正在保存…"),
    "saved": N_("已自动保存"),
    "unsaved": N_("没有保存"),
    "errors": N_("错"),
    "warnings": N_("提醒"),
    "locate": N_("定位"),
    "waiting": N_("等待办理"),
    "listening": N_("可收到"),
    "passed": N_("经过"),
    "ended": N_("案卷结束"),
    "result": N_("结果"),
    "do": N_("办这一步"),
    "act_start": N_("开始"),
    "act_complete": N_("办了"),
    "act_message": N_("收到消息"),
    "act_signal": N_("收到信号"),
    "act_timer": N_("到时"),
    "noRule": N_("没有规则适用于这些输入。"),
    "wrongId": N_("标识由字母、数字、下划线组成，不以数字开头。"),
    "takenId": N_("图上已有这个标识，请换一个。"),
    "newFormName": N_("新表单的标识（字母、数字、下划线）"),
    "unreadable": N_("这个文件画不出来，请在下面改文字："),
    "offline": N_("没有连上服务器。改动留在本页，连上后自动保存。"),
    "signedOut": N_("登录已过期。改动留在本页，请在新标签页登录，回来后自动保存。"),
    "signIn": N_("登录（新标签页）"),
    "failed": N_("服务器没有保存。改动留在本页，稍后自动再试。"),
    "download": N_("下载本页的"),
    "reopen": N_("打开最新的草稿，放弃本页的改动"),
}


def panel_words() -> dict[str, str]:
    """The labels of the page's scripts."""
    return {name: translate(text) for name, text in WORDS.items()}


def gravest_first(findings: Iterable[Any]) -> list[Any]:
    """Refusals before warnings before notes."""
    return sorted(findings, key=lambda issue: SEVERITIES.index(issue.severity))


def in_words(said: str) -> str:
    """Call elements as the tools of the studio do: ``userTask`` is 用户任务."""
    return ELEMENT.sub(lambda found: WHAT.get(found[0], found[0]), said)


def finding(issue: Any) -> dict[str, Any]:
    """A finding of the gate, with how to mend it."""
    is_chinese = language() == "zh"
    text, remedy = map(in_words, (issue.zh, issue.remedy_zh)) if is_chinese else (issue.en, issue.remedy_en)
    return {
        "file": issue.file,
        "element": issue.element.rpartition("/")[2],
        "line": issue.line,
        "rule": issue.rule,
        "severity": issue.severity,
        "text": text,
        "remedy": remedy,
    }


def difference(one: Any) -> dict[str, Any]:
    """A difference in words: ``kind`` and ``what`` as read, each attribute before and after."""
    return {
        "file": one.file,
        "element": one.element,
        "kind": one.kind,
        "said": translate(ONLY_DRAWN if (one.kind, one.what) == ("moved", "file") else KINDS[one.kind]),
        "what": translate(WHAT[one.what]) if one.what in WHAT else one.what,
        "name": translate(one.name) if one.name else one.element,
        "details": [
            {"name": word_for(name), "old": _readable(name, old), "new": _readable(name, new)}
            for name, old, new in one.details
        ],
    }


def word_for(name: str) -> str:
    """The word for what an element says; the name itself for properties of one's own."""
    known = WORDS.get(name) or SAID.get(name)
    return translate(known) if known else name


def _readable(name: str, value: str) -> str:
    """A value as read: roles with their labels, kinds of elements in words."""
    if name == "type" and value in WHAT:
        return translate(WHAT[value])
    if name not in ROLES:
        return value
    labels = roles()
    return ", ".join(f"{role} · {labels[role]}" if role in labels else role for role in value.replace(",", " ").split())


def outcome(one: Outcome) -> dict[str, str]:
    """A model test and why it failed, if it did."""
    is_chinese = language() == "zh"
    return {"name": one.name if is_chinese else one.name_en or one.name, "problem": one.zh if is_chinese else one.en}


def backtest(run: BacktestRun) -> dict[str, str]:
    """A back-test in words, and how it looks: ``ok``, ``warn`` where cases would go another way, ``note``."""
    return _tested(run.state, run.done, run.total, sum(run.counts.get("same", {}).values()))


def proven(version: DefinitionVersion) -> dict[str, Any] | None:
    """Model tests and back-test of the proof that a version keeps, in words; None for one from before it was kept."""
    if "tests" not in version.proof:
        return None
    kept = version.proof["backtest"]
    tested = kept and _tested(kept["state"], kept["done"], kept["total"], kept["counts"].get("same", 0))
    return {"tests": [outcome(Outcome(**one)) for one in version.proof["tests"]], "backtest": tested}


def _tested(state: str, done: int, total: int, same: int) -> dict[str, str]:
    differ = done - same
    if state == RunState.DONE:
        said = Message(N_("回测 %(all)s 件案卷，%(n)s 件不同"), all=thousands(done), n=thousands(differ))
        return {"look": "warn" if differ else "ok", "said": str(said)}
    if state == RunState.RUNNING:
        said = Message(N_("正在回测：%(done)s / %(all)s 件"), done=thousands(done), all=thousands(total))
        return {"look": "note", "said": str(said)}
    return {"look": "warn", "said": translate(N_("上次回测没有做完"))}


def summary(differences: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Count what was added, removed, changed and moved."""
    counted = dict.fromkeys(KINDS, 0)
    for one in differences:
        counted[one["kind"]] += 1
    return counted


def beside(old: Mapping[str, str], new: Mapping[str, str], main: str, was: Message, now: Message) -> dict[str, Any]:
    """Everything that the page of differences shows: two versions, the marks on their drawings, the words."""
    found = [difference(one) for one in drafts.differences({n: t.encode() for n, t in old.items()}, new)]
    return {
        "differences": found,
        "counts": summary(found),
        "marks": {one["element"]: one["kind"] for one in found if one["file"] == main},
        "old_xml": drafts.drawn(old).get(main, ""),
        "new_xml": drafts.drawn(new).get(main, ""),
        "old_label": translate(was),
        "new_label": translate(now),
        "names": drawn_names(old.get(main, "") + new.get(main, "")),
        "sides": two_sides(old, new),
    }


def change_cards(_user: User, task: Task) -> list[TaskPanel]:
    """The version that somebody proposes beside the one that it replaces, with the gate's and the tests' answers."""
    change = process_changes.of_case(task.case_id)
    if change is None:
        return [TaskPanel("pages/cards/facts.html")]
    version = definitions.version(change.definition)
    new = definitions.texts_of(change.definition)
    old = definitions.texts_of(change.replaces) if change.replaces else {}
    was = definitions.version(change.replaces).number if change.replaces else 0
    findings, tests = drafts.judge(change.key, new)
    run = backtests.latest_of(change.key, definitions.files(change.definition))
    values = {
        "change": change,
        "version": version,
        "proposer": process_changes.proposer_of(change),
        "shown": beside(old, new, version.main, Message(VERSION, n=was), Message(VERSION, n=version.number)),
        "findings": [finding(issue) for issue in gravest_first(findings)],
        "tests": [outcome(one) for one in tests],
        "run": run,
        "backtest": backtest(run) if run else None,
    }
    return [TaskPanel("pages/cards/change.html", values, wide=True)]


def drawn_names(drawn: str, english: Mapping[str, str] | None = None) -> dict[str, str]:
    """Names in a diagram that read differently in the reader's language, as drawn → as read.

    english: what stands beside the names of one that is not deployed yet.
    """
    beside = english if english and language() == "en" else {}
    found = {name: translate(name) for name in sorted({unescape(name) for name in NAME.findall(drawn)})}
    read = {name: beside.get(name, name) if told == name else told for name, told in found.items()}
    return {name: told for name, told in read.items() if told != name}


def two_sides(old: Mapping[str, str], new: Mapping[str, str]) -> list[dict[str, Any]]:
    """The files that differ in more than their drawing, line by line beside each other."""
    sides = []
    for name in sorted({*old, *new}):
        was, now = drafts.readable_lines(name, old.get(name, "")), drafts.readable_lines(name, new.get(name, ""))
        if was != now:
            sides.append({"name": name, "rows": list(_rows(was, now))})
    return sides


def _rows(old: list[str], new: list[str]) -> Iterator[tuple[str, str]]:
    """The lines that differ beside each other, with some around them; what is left out is a pair of dots."""
    if len(old) + len(new) > MOST_LINES:
        yield from zip_longest(old, new, fillvalue="")
        return
    for kind, left, right, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from zip_longest(old[left:right], new[begin:end], fillvalue="")
            continue
        same = old[left:right]
        if len(same) > 2 * AROUND + 1:
            head = same[:AROUND] if left else []
            tail = same[-AROUND:] if right < len(old) else []
            same = [*head, "…", *tail]
        yield from ((line, line) for line in same)
