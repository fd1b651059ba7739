"""The panel of the studio: the properties of the gate's allow list that it offers for each element, with choices."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from service.domain.accounts.roles import Role
from service.errors import N_
from service.infrastructure.translation import translate
from service.workflow.processes import definitions
from service.workflow.processes.dialect import allow_list, components
from service.workflow.processes.vocabulary import states, vocabulary

TEMPLATES = definitions.PROCESSES / "element-templates" / "anpei.json"
LABELS = {
    "id": N_("标识"),
    "name": N_("名称"),
    "name_en": N_("名称（英文）"),
    "candidateStarterGroups": N_("可发起的角色"),
    "candidateGroups": N_("办理角色"),
    "formKey": N_("表单"),
    "dueDate": N_("办理期限"),
    "scope": N_("由哪个单位办理"),
    "summary": N_("待办摘要"),
    "topic": N_("服务任务的主题"),
    "decisionRef": N_("决策表"),
    "resultVariable": N_("结果写入变量"),
    "mapDecisionResult": N_("结果的形状"),
    "calledElement": N_("被调用的流程"),
    "script": N_("脚本"),
    "conditionExpression": N_("走这里的条件"),
    "condition": N_("触发的条件"),
    "default": N_("默认连线"),
    "messageRef": N_("消息"),
    "signalRef": N_("信号"),
    "errorRef": N_("错误"),
    "errorCode": N_("错误代码"),
    "escalationRef": N_("升级"),
    "escalationCode": N_("升级代码"),
    "timeDuration": N_("时长"),
    "timeDate": N_("时刻"),
    "timeCycle": N_("周期"),
    "activityRef": N_("补偿哪个活动"),
    "waitForCompletion": N_("等补偿做完"),
    "isInterrupting": N_("中断所在的流程"),
    "cancelActivity": N_("中断所在的活动"),
    "parallelMultiple": N_("各个定义都到达才触发"),
    "collection": N_("集合变量"),
    "elementVariable": N_("元素变量"),
    "isSequential": N_("逐个进行"),
    "loopCardinality": N_("实例个数"),
    "completionCondition": N_("提前完成的条件"),
    "loopCondition": N_("继续循环的条件"),
    "loopMaximum": N_("最多循环次数"),
    "testBefore": N_("先判断后执行"),
    "activationCondition": N_("放行的条件"),
    "ordering": N_("次序"),
    "cancelRemainingInstances": N_("条件成立时取消其余"),
    "instantiate": N_("收到消息时开始案卷"),
    "state": N_("状态"),
    "state_name": N_("状态的名称"),
    "state_name_en": N_("状态的名称（英文）"),
    "inputOutput": N_("输入和输出参数"),
    "followUpDate": N_("提醒时间"),
    "priority": N_("优先级"),
    "assignee": N_("办理人（账号）"),
    "batch": N_("归组"),
    "asyncBefore": N_("开始之前先存盘"),
    "asyncAfter": N_("完成之后先存盘"),
    "isForCompensation": N_("用于补偿"),
    "startQuantity": N_("开始需要的令牌数"),
    "completionQuantity": N_("完成放出的令牌数"),
    "documentation": N_("文字说明"),
}
"""Property → its label, in the order of the panel."""

RARE = (
    *("followUpDate", "priority", "assignee", "batch", "asyncBefore", "asyncAfter", "isForCompensation"),
    *("startQuantity", "completionQuantity", "isInterrupting", "cancelActivity", "parallelMultiple", "instantiate"),
)
KINDS = {
    "default": "flow",
    "activityRef": "activity",
    "inputOutput": "parameters",
    "topic": "topic",
    "documentation": "documentation",
    "script": "text",
    **dict.fromkeys(["messageRef", "signalRef", "errorRef", "escalationRef"], "reference"),
    **dict.fromkeys([*allow_list.EXPRESSIONS, "timeDuration", "timeDate", "timeCycle"], "expression"),
}
CHOICES = {
    "candidateStarterGroups": "roles",
    "candidateGroups": "roles",
    "formKey": "form",
    "decisionRef": "dmn",
    "topic": "topics",
    "calledElement": "processes",
    "scope": "addresses",
    "state": "states",
    **dict.fromkeys(["collection", "elementVariable", "resultVariable", "summary", "batch"], "variables"),
    **dict.fromkeys(allow_list.EXPRESSIONS, "variables"),
    **{name: list(values) for name, values in allow_list.CAMUNDA_VALUES.items() if len(values) > 1},
    **{name: list(values) for (_, name), values in allow_list.VALUES.items() if len(values) > 1},
}
"""Property → the list whose names it is chosen from, or the values themselves."""

CHILDREN = {
    "sequenceFlow": ["conditionExpression"],
    "multiInstanceLoopCharacteristics": ["loopCardinality", "completionCondition"],
    "standardLoopCharacteristics": ["loopCondition"],
    "complexGateway": ["activationCondition"],
    "adHocSubProcess": ["completionCondition"],
    "timerEventDefinition": ["timeDuration", "timeDate", "timeCycle"],
    "conditionalEventDefinition": ["condition"],
    "scriptTask": ["script"],
}
"""Element → those of its children that are written as properties."""

_DRAWN = "the drawing says it"
_NO_EFFECT = "it has no effect"
_ONE = "there is one value"
_FILE = "declarations are written in the file"
NOT_OFFERED = {
    **dict.fromkeys(["sourceRef", "targetRef", "attachedToRef", "processRef", "dataObjectRef", "dataStoreRef"], _DRAWN),
    "triggeredByEvent": "the tool that changes the type says it",
    **dict.fromkeys(["processType", "isClosed", "definitionalCollaborationRef", "gatewayDirection"], _NO_EFFECT),
    **dict.fromkeys(["implementation", "partitionElementRef", "itemSubjectRef"], _NO_EFFECT),
    **dict.fromkeys(["isImmediate", "eventGatewayType", "method", "decisionRefBinding"], _ONE),
    **dict.fromkeys(["calledElementBinding", "scriptFormat", "isExecutable"], _ONE),
    "type": "a topic brings it along",
    "operationRef": "an operation only names a message; `messageRef` does, too",
    **dict.fromkeys(["behavior", "oneBehaviorEventRef", "noneBehaviorEventRef"], _FILE),
    "structureRef": _FILE,
}
"""Attribute that the gate accepts and the panel leaves to others → the reason."""

SHOWN = (
    *("process", "lane", "participant", "sequenceFlow", "dataObjectReference", "dataStoreReference"),
    *allow_list.ACTIVITIES,
    *allow_list.GATEWAYS,
    *allow_list.EVENTS,
)
"""Elements that can be chosen on the drawing."""

PARTS = (
    *("multiInstanceLoopCharacteristics", "standardLoopCharacteristics", "error", "escalation"),
    *allow_list.EVENT_DEFINITIONS,
)
"""Elements whose properties stand beside those of the element they belong to."""

NOT_SHOWN = {
    **dict.fromkeys(
        ["messageFlow", "laneSet", "childLaneSet", "flowNodeRef", "incoming", "outgoing", "association", "group"],
        _DRAWN,
    ),
    **dict.fromkeys(["collaboration", "textAnnotation", "text", "category", "categoryValue"], _DRAWN),
    **dict.fromkeys(["categoryValueRef", "sourceRef", "targetRef", "dataObject", "dataStore"], _DRAWN),
    **dict.fromkeys(["dataInputAssociation", "dataOutputAssociation", "property"], _DRAWN),
    **dict.fromkeys(["documentation", "extensionElements", "message", "signal"], "a property of what has it"),
    **dict.fromkeys([name for names in CHILDREN.values() for name in names], "a property of what has it"),
    **dict.fromkeys(["definitions", "import", "relationship", "source", "target", "dataState"], _NO_EFFECT),
    **dict.fromkeys(["participantMultiplicity", "interfaceRef", "endPointRef", "interface", "operation"], _NO_EFFECT),
    **dict.fromkeys(["inMessageRef", "outMessageRef", "errorRef", "operationRef", "itemDefinition"], _NO_EFFECT),
    **dict.fromkeys(["ioSpecification", "inputSet", "outputSet", "dataInput", "dataOutput", "dataInputRefs"], _FILE),
    **dict.fromkeys(["dataOutputRefs", "optionalInputRefs", "optionalOutputRefs", "inputSetRefs"], _FILE),
    **dict.fromkeys(["outputSetRefs", "eventDefinitionRef", "complexBehaviorDefinition", "event"], _FILE),
}
"""Element that the gate accepts and the panel does not show → the reason."""


def offered() -> dict[str, list[dict[str, Any]]]:
    """Element → the fields of the panel, in order."""
    return {name: _fields(name) for name in (*SHOWN, *PARTS)}


def form_parts() -> dict[str, Any]:
    """The components that pages draw, each with the properties that can be chosen, and all that the editor writes."""
    written = frozenset().union(*components.FORM_JS.values()) - components.FORM_JS.keys()
    return {
        "drawn": {kind: sorted(_chosen(kind)) for kind in components.ATTRIBUTES},
        "written": sorted(written - components.EDITOR),
    }


def _chosen(kind: str) -> set[str]:
    """The properties of a component that change what is drawn."""
    paths = [f"{holder}.{name}" if holder else name for holder, names in components.FORM_JS.items() for name in names]
    drawn = {path.rpartition(".")[2] for path in paths if components.is_drawn(kind, path)}
    return drawn - components.ALWAYS.keys() - components.EDITOR


def names_of(element: str) -> set[str]:
    """Every property by which the gate understands an element."""
    camunda = allow_list.CAMUNDA_ATTRIBUTES.get(element, frozenset())
    extensions = {name for name, within in allow_list.CAMUNDA_CHILDREN.items() if element in within}
    properties = {name for name, within in allow_list.PROPERTIES.items() if element in within}
    return {*allow_list.ELEMENTS[element], *camunda, *extensions, *properties, *CHILDREN.get(element, [])}


def _fields(element: str) -> list[dict[str, Any]]:
    names = names_of(element) - NOT_OFFERED.keys()
    if element in SHOWN:
        names.add("documentation")
    elif element != "linkEventDefinition":
        names -= {"name"}  # what is chosen by its name
    names -= {"id"} if element in PARTS else set()
    if element == "eventBasedGateway":
        names -= {"instantiate"}  # ``false`` alone
    return [_field(element, name) for name in LABELS if name in names]


def _field(element: str, name: str) -> dict[str, Any]:
    camunda = name in allow_list.CAMUNDA_ATTRIBUTES.get(element, frozenset())
    values = CHOICES.get(name)
    kind = KINDS.get(name, "property" if name in allow_list.PROPERTIES else "text")
    return {
        "name": f"camunda:{name}" if camunda else name,
        "label": translate(LABELS[name]),
        "kind": "check" if values in (["true", "false"],) else kind,
        "choices": values,
        "many": name == "candidateStarterGroups",
        "area": name in ("documentation", "script"),
        "rare": name in RARE,
    }


def choices(process: str) -> dict[str, Any]:
    """The names that the panel offers: roles, topics with the variables behind them, variables, states, processes."""
    return {
        **_known(),
        "roles": roles(),
        "states": {state: translate(label) for state, label in states(process).items()},
        "processes": sorted({*vocabulary().processes, *(it.version.key for it in definitions.listing())}),
        "messages": sorted(vocabulary().processes[process].messages) if process in vocabulary().processes else [],
    }


def roles() -> dict[str, str]:
    """The roles by name, in the reader's language."""
    return {role.value: translate(role.label) for role in Role}


@cache
def _known() -> dict[str, Any]:
    known = vocabulary()
    topics = {
        name: {"needs": sorted(one.needs), "gives": sorted(one.gives | one.may_give)}
        for name, one in sorted(known.topics.items())
    }
    variables = {name for one in topics.values() for name in (*one["needs"], *one["gives"])}
    starts = {name for one in known.processes.values() for name in one.starts_with | one.starter}
    return {
        "topics": topics,
        "variables": sorted(variables | starts),
        "addresses": sorted(known.addresses),
        "inputs": template_inputs(),
    }


def template_inputs() -> dict[str, list[dict[str, str]]]:
    """Inputs of topics by our element templates: name and label of each."""
    found: dict[str, list[dict[str, str]]] = {}
    for template in json.loads(TEMPLATES.read_text(encoding="utf-8")):
        properties = template["properties"]
        bound = {one["binding"]["name"]: one for one in properties}
        topic = bound.get("camunda:topic", {}).get("value", "")
        found[topic] = [
            {"name": one["binding"]["name"], "label": one["label"], "type": one["type"]}
            for one in properties
            if one["binding"]["type"] == "camunda:inputParameter"
        ]
    return found
