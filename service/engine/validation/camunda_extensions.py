"""Rules for the values of the Camunda attributes: fixed names, dates, numbers, or an expression in ``${…}``."""

from __future__ import annotations

import re
from typing import Any

from service.engine.kernel.synonyms import BINDINGS, LEFT, VERSIONS
from service.engine.kernel.timers import can_fall_due
from service.engine.kernel.xml_reader import CAMUNDA
from service.engine.validation.diagram import Diagram, camunda, local
from service.engine.validation.elements.events import DURATION, EXPRESSION, INSTANT

FIXED = re.compile(r"[\w.:/-]{1,200}")
NAME = re.compile(r"[A-Za-z]\w{0,99}")
ROLE = re.compile(r"[a-z][a-z0-9_]{0,63}")
NUMBER = re.compile(r"-?\d{1,9}")
TIME = re.compile(f"{DURATION.pattern}|{INSTANT.pattern}")

WRITTEN: dict[tuple[str, str], tuple[re.Pattern[str], bool, str, str]] = {
    ("serviceTask", "topic"): (FIXED, False, "固定名称", "a fixed name"),
    ("userTask", "formKey"): (FIXED, False, "固定名称", "a fixed name"),
    ("startEvent", "formKey"): (FIXED, False, "固定名称", "a fixed name"),
    ("businessRuleTask", "decisionRef"): (FIXED, False, "固定名称", "a fixed name"),
    ("businessRuleTask", "resultVariable"): (NAME, False, "变量名", "the name of a variable"),
    ("multiInstanceLoopCharacteristics", "collection"): (
        NAME,
        True,
        "变量名，或 ${…}",
        "the name of a variable, or ${…}",
    ),
    ("multiInstanceLoopCharacteristics", "elementVariable"): (NAME, False, "变量名", "the name of a variable"),
    ("userTask", "candidateGroups"): (ROLE, True, "一个角色，或 ${…}", "one role, or ${…}"),
    ("userTask", "assignee"): (FIXED, True, "一个用户名，或 ${…}", "one login, or ${…}"),
    ("userTask", "dueDate"): (TIME, True, "ISO 8601 时长或时刻，或 ${…}", "an ISO 8601 duration or instant, or ${…}"),
    ("userTask", "followUpDate"): (
        TIME,
        True,
        "ISO 8601 时长或时刻，或 ${…}",
        "an ISO 8601 duration or instant, or ${…}",
    ),
    ("userTask", "priority"): (NUMBER, True, "整数，或 ${…}", "a whole number, or ${…}"),
}
"""(element, attribute) → how it is written, whether an expression may stand there, and that in words."""


def attributes_are_well_written(d: Diagram) -> None:
    """Attributes of the dialect have the form the engine reads."""
    for (name, attribute), (pattern, expression, zh, en) in WRITTEN.items():
        for element in d.all(name):
            value = camunda(element, attribute)
            if (
                value is None
                or (pattern.fullmatch(value.strip()) and (pattern is not TIME or can_fall_due(value.strip())))
                or (expression and EXPRESSION.fullmatch(value.strip()))
            ):
                continue
            d.refuse(
                element,
                f"camunda:{attribute}“{value[:60]}”应为{zh}。",
                f'camunda:{attribute} "{value[:60]}" must be {en}.',
                "改正该值。",
                "Correct it.",
            )
    for element in d.all("callActivity"):
        value = element.get("calledElement")
        if value and not FIXED.fullmatch(value):
            d.refuse(
                element,
                f"calledElement“{value[:60]}”应为固定名称。",
                f'calledElement "{value[:60]}" must be a fixed name.',
                "写流程的 id。",
                "Write the id of a process.",
            )


def parameters_are_plain(d: Diagram) -> None:
    """Input and output parameters have a name and a text, nothing nested."""
    for holder in d.all("extensionElements"):
        for element in holder.iter(f"{{{CAMUNDA}}}inputParameter", f"{{{CAMUNDA}}}outputParameter"):
            if len(element) or not NAME.fullmatch(element.get("name") or ""):
                _refuse_parameter(d, holder.getparent(), element)


def _refuse_parameter(d: Diagram, owner: Any, element: Any) -> None:
    d.refuse(
        owner,
        f"{local(element)} 应有变量名，内容只能是文字或 ${{…}}。",
        f"{local(element)} needs the name of a variable and plain text or ${{…}}.",
        "写成 ${…}，不用脚本、列表或映射元素。",
        "Write ${…}, no script, list or map elements.",
    )


_ONE_VERSION = ("调用的总是一起部署的版本", "what is called is the version that is deployed together")
WITHOUT_EFFECT: dict[str, tuple[str, str]] = {
    **dict.fromkeys([*VERSIONS, *BINDINGS], _ONE_VERSION),
    "conditionExpression": (
        "条件是空的，这条顺序流按没有条件执行",
        "it is empty, and the flow is read as one without condition",
    ),
    "zeebe:taskDefinition": ("按 camunda:topic 执行", "camunda:topic stands beside it and is followed"),
    "zeebe:subscription": ("消息按名称和业务对象送达", "messages are delivered by name and case"),
    "spiffworkflow:calledDecisionId": (
        "引擎只按 camunda:decisionRef 调用决策",
        "the engine calls a decision by camunda:decisionRef only",
    ),
}
"""Words that the reading of a diagram leaves out (``synonyms``) → the reason."""


def what_is_left_out_is_told(d: Diagram) -> None:
    """Name all that the reading left out of an element."""
    for element in [e for elements in d.by_kind.values() for e in elements if e.get(LEFT)]:
        for name in element.get(LEFT).split():
            zh, en = WITHOUT_EFFECT[name]
            d.warn(element, f"{name} 不起作用：{zh}。", f"{name} is without effect: {en}.", "删去它。", "Remove it.")


RULES = (attributes_are_well_written, parameters_are_plain, what_is_left_out_is_told)
