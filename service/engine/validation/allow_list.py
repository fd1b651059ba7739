"""The allow-list as data: which elements, attributes, values and extensions the engine executes as BPMN 2.0 says.

Whatever is not named here is refused. Order and occurrence of children and XSD types come from the OMG's schema.
"""

from __future__ import annotations

TASKS = ["task", "userTask", "manualTask", "scriptTask", "serviceTask", "businessRuleTask", "sendTask", "receiveTask"]
SUBPROCESSES = ["subProcess", "transaction", "adHocSubProcess"]
ACTIVITIES = [*TASKS, *SUBPROCESSES, "callActivity"]
GATEWAYS = ["exclusiveGateway", "parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway"]
THROWS = ["intermediateThrowEvent", "endEvent"]
CATCHES = ["startEvent", "intermediateCatchEvent", "boundaryEvent"]
EVENTS = [*CATCHES, *THROWS]
REFUSED_NODES = ["choreographyTask", "subChoreography", "callChoreography"]
FLOW_NODES = [*ACTIVITIES, *GATEWAYS, *EVENTS, *REFUSED_NODES]

EVENT_DEFINITIONS = [
    "messageEventDefinition",
    "timerEventDefinition",
    "signalEventDefinition",
    "errorEventDefinition",
    "escalationEventDefinition",
    "conditionalEventDefinition",
    "terminateEventDefinition",
    "linkEventDefinition",
    "compensateEventDefinition",
    "cancelEventDefinition",
]

_NAMED = "id name"
_ACTIVITY = "id name isForCompensation startQuantity completionQuantity default"
_CATCH = "id name parallelMultiple"

ELEMENTS: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        # the file
        "definitions": "id name targetNamespace expressionLanguage typeLanguage exporter exporterVersion",
        "process": "id name processType isClosed isExecutable definitionalCollaborationRef",
        "collaboration": "id name isClosed",
        "participant": "id name processRef",
        "participantMultiplicity": "id minimum maximum",
        "interfaceRef": "",
        "endPointRef": "",
        "messageFlow": "id name sourceRef targetRef messageRef",
        "laneSet": _NAMED,
        "childLaneSet": _NAMED,
        "lane": "id name partitionElementRef",
        "flowNodeRef": "",
        "import": "namespace location importType",
        # drawing and explanation, without effect
        "documentation": "id textFormat",
        "extensionElements": "",
        "textAnnotation": "id textFormat",
        "text": "",
        "group": "id categoryValueRef",
        "association": "id sourceRef targetRef associationDirection",
        "category": _NAMED,
        "categoryValue": "id value",
        "categoryValueRef": "",
        "relationship": "id type direction",
        "source": "",
        "target": "",
        # what events and tasks name
        "eventDefinitionRef": "",
        "message": "id name itemRef",
        "signal": "id name structureRef",
        "error": "id name errorCode structureRef",
        "escalation": "id name escalationCode structureRef",
        "itemDefinition": "id itemKind structureRef isCollection",
        "interface": "id name implementationRef",
        "operation": "id name implementationRef",
        "inMessageRef": "",
        "outMessageRef": "",
        "errorRef": "",
        "operationRef": "",
        # data that is only declared
        "dataObject": "id name itemSubjectRef isCollection",
        "dataObjectReference": "id name itemSubjectRef dataObjectRef",
        "dataStore": "id name capacity isUnlimited itemSubjectRef",
        "dataStoreReference": "id name itemSubjectRef dataStoreRef",
        "dataState": _NAMED,
        "property": "id name itemSubjectRef",
        "ioSpecification": "id",
        "inputSet": _NAMED,
        "outputSet": _NAMED,
        "dataInput": "id name itemSubjectRef isCollection",
        "dataOutput": "id name itemSubjectRef isCollection",
        "dataInputRefs": "",
        "dataOutputRefs": "",
        "optionalInputRefs": "",
        "optionalOutputRefs": "",
        "inputSetRefs": "",
        "outputSetRefs": "",
        "dataInputAssociation": "id",
        "dataOutputAssociation": "id",
        "sourceRef": "",
        "targetRef": "",
        # flow
        "sequenceFlow": "id name sourceRef targetRef isImmediate",
        "conditionExpression": "id language evaluatesToTypeRef",
        "incoming": "",
        "outgoing": "",
        # activities
        "task": _ACTIVITY,
        "manualTask": _ACTIVITY,
        "userTask": _ACTIVITY + " implementation",
        "serviceTask": _ACTIVITY + " implementation operationRef",
        "businessRuleTask": _ACTIVITY + " implementation",
        "scriptTask": _ACTIVITY + " scriptFormat",
        "script": "",
        "sendTask": _ACTIVITY + " implementation messageRef operationRef",
        "receiveTask": _ACTIVITY + " implementation messageRef operationRef instantiate",
        "callActivity": _ACTIVITY + " calledElement",
        "subProcess": _ACTIVITY + " triggeredByEvent",
        "transaction": _ACTIVITY + " triggeredByEvent method",
        "adHocSubProcess": _ACTIVITY + " triggeredByEvent ordering cancelRemainingInstances",
        "multiInstanceLoopCharacteristics": "id isSequential behavior oneBehaviorEventRef noneBehaviorEventRef",
        "loopCardinality": "id language evaluatesToTypeRef",
        "complexBehaviorDefinition": "id",
        "event": _NAMED,
        "completionCondition": "id language evaluatesToTypeRef",
        "standardLoopCharacteristics": "id testBefore loopMaximum",
        "loopCondition": "id language evaluatesToTypeRef",
        # gateways
        "exclusiveGateway": "id name gatewayDirection default",
        "inclusiveGateway": "id name gatewayDirection default",
        "parallelGateway": "id name gatewayDirection",
        "complexGateway": "id name gatewayDirection default",
        "activationCondition": "id language evaluatesToTypeRef",
        "eventBasedGateway": "id name gatewayDirection instantiate eventGatewayType",
        # events
        "startEvent": _CATCH + " isInterrupting",
        "intermediateCatchEvent": _CATCH,
        "boundaryEvent": _CATCH + " cancelActivity attachedToRef",
        "intermediateThrowEvent": _NAMED,
        "endEvent": _NAMED,
        "messageEventDefinition": "id messageRef",
        "timerEventDefinition": "id",
        "timeDate": "id language evaluatesToTypeRef",
        "timeDuration": "id language evaluatesToTypeRef",
        "timeCycle": "id language evaluatesToTypeRef",
        "signalEventDefinition": "id signalRef",
        "errorEventDefinition": "id errorRef",
        "escalationEventDefinition": "id escalationRef",
        "conditionalEventDefinition": "id",
        "condition": "id language evaluatesToTypeRef",
        "terminateEventDefinition": "id",
        "cancelEventDefinition": "id",
        "linkEventDefinition": _NAMED,
        "compensateEventDefinition": "id activityRef waitForCompletion",
    }.items()
}
"""BPMN element → the attributes it may carry."""

NOT_EXECUTED: dict[str, tuple[str, str, str, str]] = {
    "loopDataInputRef": (
        "多实例的数据引用(§10.3.8)",
        "multi-instance data references (§10.3.8)",
        "用基数 loopCardinality。",
        "Use a loopCardinality.",
    ),
    **dict.fromkeys(
        ["potentialOwner", "humanPerformer", "performer"],
        (
            "资源分配(§10.3.1)",
            "resource roles (§10.3.1)",
            "用 camunda:candidateGroups。",
            "Use camunda:candidateGroups.",
        ),
    ),
    "choreography": ("编舞图(§11)", "choreographies (§11)", "另存为单独的文件。", "Keep it in a file of its own."),
    **dict.fromkeys(
        REFUSED_NODES,
        ("编舞活动(§11)", "choreography activities (§11)", "流程中只用活动。", "Use activities in a process."),
    ),
    "conversation": ("会话图(§9.5)", "conversations (§9.5)", "另存为单独的文件。", "Keep it in a file of its own."),
    "correlationKey": (
        "消息相关性(§8.4.2)",
        "correlation (§8.4.2)",
        "消息按名称和业务对象送达。",
        "Messages are delivered by name and case.",
    ),
    "correlationSubscription": (
        "消息相关性(§8.4.2)",
        "correlation (§8.4.2)",
        "消息按名称和业务对象送达。",
        "Messages are delivered by name and case.",
    ),
}
"""Elements people do draw that are refused: what they are called, and what to draw instead."""

_FALSE = ("false",)
_BOOLEAN = ("true", "false")
VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("process", "processType"): ("None", "Private"),
    ("*", "isForCompensation"): _BOOLEAN,
    ("*", "waitForCompletion"): _BOOLEAN,
    ("eventBasedGateway", "instantiate"): _FALSE,
    ("receiveTask", "instantiate"): _BOOLEAN,
    ("eventBasedGateway", "eventGatewayType"): ("Exclusive",),
    ("multiInstanceLoopCharacteristics", "behavior"): ("All", "One", "None", "Complex"),
    ("adHocSubProcess", "ordering"): ("Parallel", "Sequential"),
    ("adHocSubProcess", "triggeredByEvent"): _FALSE,
    ("*", "cancelRemainingInstances"): _BOOLEAN,
    ("sequenceFlow", "isImmediate"): ("true",),
    ("*", "isExecutable"): _BOOLEAN,
    ("*", "isSequential"): _BOOLEAN,
    ("*", "testBefore"): _BOOLEAN,
    ("*", "parallelMultiple"): _BOOLEAN,
    ("*", "isInterrupting"): _BOOLEAN,
    ("*", "cancelActivity"): _BOOLEAN,
    ("*", "triggeredByEvent"): _BOOLEAN,
    ("transaction", "triggeredByEvent"): _FALSE,
    ("transaction", "method"): ("##Compensate",),
    ("serviceTask", "operationRef"): (),
    ("participantMultiplicity", "minimum"): ("0", "1"),
    ("participantMultiplicity", "maximum"): ("1",),
}
"""(element or ``*``, attribute) → the values with which it executes rightly; none: the attribute may not be there."""

CONDITIONS = ("conditionExpression", "loopCondition", "completionCondition", "activationCondition", "condition")
EXPRESSIONS = (*CONDITIONS, "loopCardinality")
"""Elements that hold a condition, and all that hold an expression."""

LANGUAGES = ("", "starlark", "python", "text/python", "text/x-python", "text/x-starlark", "application/x-starlark")
"""scriptFormat and language, in lower case. Python is read as Starlark, and refused where it is not."""

MIME = r"[\w.+-]+/[\w.+-]+(\s*;.*)?"

ENGINES: dict[str, str] = {
    "http://camunda.org/schema/1.0/bpmn": "camunda",
    "http://operaton.org/schema/1.0/bpmn": "operaton",
    "http://activiti.org/bpmn": "activiti",
    "http://flowable.org/bpmn": "flowable",
    "http://camunda.org/schema/zeebe/1.0": "zeebe",
    "http://spiffworkflow.org/bpmn/schema/1.0/core": "spiffworkflow",
    "http://www.jboss.org/drools": "drools",
    "http://www.bonitasoft.org/studio/connector/definition/6.0": "bonita",
    "http://www.omg.org/bpmn20": "jbpm",
}
"""Namespaces of executing engines.

Extensions of all others (modelling tools) may be ignored, as BPMN 2.0 §8.3.3 says.
"""

NEUTRAL = frozenset(
    [
        "historyTimeToLive",
        "versionTag",
        "isStartableInTasklist",
        "diagramRelationId",
        "modelerTemplate",
        "modelerTemplateVersion",
        "modelerTemplateIcon",
        "exclusive",
        "executionPlatform",
        "executionPlatformVersion",
    ]
)
"""Attributes of engines' namespaces that do not change how a case runs."""

_ASYNC = "asyncBefore asyncAfter"
CAMUNDA_ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "process": "candidateStarterGroups",
        "startEvent": f"formKey {_ASYNC}",
        "multiInstanceLoopCharacteristics": "collection elementVariable",
        "userTask": f"candidateGroups assignee formKey dueDate followUpDate priority {_ASYNC}",
        "serviceTask": f"type topic {_ASYNC}",
        "sendTask": f"type topic {_ASYNC}",
        "businessRuleTask": f"decisionRef resultVariable mapDecisionResult decisionRefBinding {_ASYNC}",
        "callActivity": f"calledElementBinding {_ASYNC}",
        **dict.fromkeys(["task", "manualTask", "scriptTask", *SUBPROCESSES], _ASYNC),
        "intermediateThrowEvent": _ASYNC,
        "exclusiveGateway": "asyncBefore",
        "endEvent": _ASYNC,  # nothing follows an end: there is nothing to wait for behind it
    }.items()
}
"""BPMN element → attributes of the Camunda namespace the engine understands."""

CAMUNDA_VALUES: dict[str, tuple[str, ...]] = {
    "type": ("external",),
    "calledElementBinding": ("deployment",),
    "decisionRefBinding": ("deployment",),
    "mapDecisionResult": ("singleEntry", "singleResult", "collectEntries", "resultList"),
    "asyncBefore": ("true", "false"),
    "asyncAfter": ("true", "false"),
}

CAMUNDA_CHILDREN: dict[str, tuple[str, ...]] = {
    "properties": ("*",),
    "inputOutput": ("userTask", "serviceTask", "businessRuleTask", "callActivity", "scriptTask"),
}
"""Camunda extension element → the BPMN elements it may stand in (``*``: any)."""

EXPRESSION_PROPERTIES = ("scope", "summary", "batch")
"""Names of camunda:property whose value is an expression, bare or in ``${…}``."""

_STATED = frozenset(FLOW_NODES) - frozenset(REFUSED_NODES)
PROPERTIES: dict[str, frozenset[str]] = {
    **dict.fromkeys(EXPRESSION_PROPERTIES, frozenset(["userTask"])),
    **dict.fromkeys(["state", "state_name", "state_name_en"], _STATED),
    "name_en": _STATED | {"process"},
}
"""Name of a camunda:property with a meaning → BPMN elements where something reads it; a deployment has no others, so
that a slip of the pen is seen."""

PROPERTY_NEEDS = {"state_name": "state", "state_name_en": "state_name"}
"""Property → the property that has to stand beside it."""
