"""Remedies: what to write here instead of other engines' attributes and extension elements."""

from __future__ import annotations

_TOPIC = ('改用 camunda:type="external" 和 camunda:topic。', 'Write camunda:topic with camunda:type="external".')
_LISTENER = ("在前后画一个服务任务，或用事件。", "Draw a service task before or behind it, or an event.")
_FORM = ("改用 camunda:formKey 和同名的 .form 表单。", "Write camunda:formKey, and a .form file of that name.")
_MAPPING = ("改用 camunda:inputOutput。", "Write camunda:inputOutput.")
_ROLE = (
    "改用 camunda:candidateGroups(一个角色)或 camunda:assignee(一个用户名)。",
    "Write camunda:candidateGroups (one role) or camunda:assignee (one login).",
)
_SCRIPT = ("用 script 元素，以 Starlark 写。", "Use a script element, in Starlark.")
_VERSION = (
    "删去：被调用的流程和决策用一起部署的版本。",
    "Remove it: what is called is the version that is deployed together.",
)
_MESSAGE = (
    "删去：消息按名称和业务对象送达。",
    "Remove it: messages are delivered by name and case.",
)
_COLLECTION = (
    "改用 camunda:collection 和 camunda:elementVariable。",
    "Write camunda:collection and camunda:elementVariable.",
)

INSTEAD: dict[str, tuple[str, str]] = {
    **dict.fromkeys(["class", "expression", "delegateExpression", "type", "taskDefinition", "connector"], _TOPIC),
    **dict.fromkeys(["executionListener", "taskListener", "executionListeners", "taskListeners"], _LISTENER),
    **dict.fromkeys(["formData", "formProperty", "formDefinition", "formRef", "formHandlerClass"], _FORM),
    **dict.fromkeys(["in", "out", "ioMapping", "field", "variableMappingClass", "initiator"], _MAPPING),
    **dict.fromkeys(["variableMappingDelegateExpression", "resultVariableName"], _MAPPING),
    **dict.fromkeys(["candidateUsers", "assignmentDefinition", "skipExpression"], _ROLE),
    **dict.fromkeys(["resource", "script"], _SCRIPT),
    **dict.fromkeys(["calledElementVersion", "calledElementVersionTag", "decisionRefVersion"], _VERSION),
    **dict.fromkeys(["decisionRefVersionTag", "calledElementTenantId", "decisionRefTenantId"], _VERSION),
    **dict.fromkeys(["subscription", "scope", "eventType"], _MESSAGE),
    **dict.fromkeys(["loopCharacteristics"], _COLLECTION),
    "resultVariable": ("由主题的程序写变量。", "Let the handler of the topic write variables."),
    "calledDecision": (
        "改用 camunda:decisionRef 和 camunda:resultVariable。",
        "Write camunda:decisionRef and camunda:resultVariable.",
    ),
    "caseRef": ("改用 calledElement 调用流程。", "Call a process, with calledElement."),
}
"""Local name → how to say it here, in Chinese and English."""

OTHERWISE = ("删去，引擎没有对应的写法。", "Remove it: the engine has nothing that means the same.")


def instead_of(name: str) -> tuple[str, str]:
    """The remedy for another engine's word, whatever its namespace."""
    return INSTEAD.get(name, OTHERWISE)
