"""References: each names something that exists in the file and is of the right kind (BPMN 2.0, per attribute)."""

from __future__ import annotations

from typing import Any

from service.engine.kernel.data_associations import ITEM_AWARE
from service.engine.kernel.diagram_reader import MADE
from service.engine.validation.allow_list import (
    ACTIVITIES,
    EVENT_DEFINITIONS,
    EVENTS,
    FLOW_NODES,
)
from service.engine.validation.diagram import Diagram, an, kind

ANY = ("*",)
_ITEM = ("itemDefinition",)

# structureRef of a signal or item definition names a type outside the file, so it is not followed.
ATTRIBUTES: dict[tuple[str, str], tuple[str, ...]] = {
    ("association", "sourceRef"): ANY,
    ("association", "targetRef"): ANY,
    ("group", "categoryValueRef"): ("categoryValue",),
    ("error", "structureRef"): _ITEM,
    ("escalation", "structureRef"): _ITEM,
    ("message", "itemRef"): _ITEM,
    ("*", "evaluatesToTypeRef"): _ITEM,
    ("*", "itemSubjectRef"): _ITEM,
    ("*", "default"): ("sequenceFlow",),
    ("dataObjectReference", "dataObjectRef"): ("dataObject",),
    ("dataStoreReference", "dataStoreRef"): ("dataStore",),
    ("sequenceFlow", "sourceRef"): tuple(FLOW_NODES),
    ("sequenceFlow", "targetRef"): tuple(FLOW_NODES),
    ("participant", "processRef"): ("process",),
    ("process", "definitionalCollaborationRef"): ("collaboration",),
    ("messageFlow", "sourceRef"): ("participant", *ACTIVITIES, *EVENTS),
    ("messageFlow", "targetRef"): ("participant", *ACTIVITIES, *EVENTS),
    ("messageFlow", "messageRef"): ("message",),
    ("sendTask", "messageRef"): ("message",),
    ("receiveTask", "messageRef"): ("message",),
    ("sendTask", "operationRef"): ("operation",),
    ("receiveTask", "operationRef"): ("operation",),
    ("serviceTask", "operationRef"): ("operation",),
    ("boundaryEvent", "attachedToRef"): tuple(ACTIVITIES),
    ("messageEventDefinition", "messageRef"): ("message",),
    ("signalEventDefinition", "signalRef"): ("signal",),
    ("errorEventDefinition", "errorRef"): ("error",),
    ("escalationEventDefinition", "escalationRef"): ("escalation",),
    ("compensateEventDefinition", "activityRef"): tuple(ACTIVITIES),
    ("lane", "partitionElementRef"): ANY,
    ("multiInstanceLoopCharacteristics", "oneBehaviorEventRef"): tuple(EVENT_DEFINITIONS),
    ("multiInstanceLoopCharacteristics", "noneBehaviorEventRef"): tuple(EVENT_DEFINITIONS),
}
CHILDREN: dict[str, tuple[str, ...]] = {
    "incoming": ("sequenceFlow",),
    "outgoing": ("sequenceFlow",),
    "flowNodeRef": tuple(FLOW_NODES),
    "inMessageRef": ("message",),
    "outMessageRef": ("message",),
    "errorRef": ("error",),
    "eventDefinitionRef": tuple(EVENT_DEFINITIONS),
    "operationRef": ("operation",),
    "sourceRef": ANY,
    "targetRef": ANY,
    "interfaceRef": ("interface",),
    "endPointRef": ("endPoint",),
    "categoryValueRef": ("categoryValue",),
    "dataInputRefs": ("dataInput",),
    "optionalInputRefs": ("dataInput",),
    "whileExecutingInputRefs": ("dataInput",),
    "outputSetRefs": ("outputSet",),
    "dataOutputRefs": ("dataOutput",),
    "optionalOutputRefs": ("dataOutput",),
    "whileExecutingOutputRefs": ("dataOutput",),
    "inputSetRefs": ("inputSet",),
    "loopDataInputRef": tuple(ITEM_AWARE),
    "loopDataOutputRef": tuple(ITEM_AWARE),
}
"""Elements whose text is a reference; ``source`` and ``target`` of a relationship may lead out of the file."""


def references_resolve(d: Diagram) -> None:
    """Every reference leads to an element of a kind that BPMN 2.0 allows there."""
    for (name, attribute), kinds in ATTRIBUTES.items():
        elements = d.all(name) if name != "*" else [e for group in list(d.by_kind.values()) for e in group]
        for element in elements:
            if element.get(attribute) is not None:
                _check(d, element, attribute, element.get(attribute), kinds)
    for name, kinds in CHILDREN.items():
        for element in d.all(name):
            _check(d, element, name, (element.text or "").strip(), kinds)


FOLLOWED = ("messageRef", "signalRef", "errorRef", "escalationRef")
"""References the engine itself follows, by plain id only."""


def _check(d: Diagram, element: Any, what: str, value: str, kinds: tuple[str, ...]) -> None:
    found = d.resolve(value)
    if found is None and kinds == _ITEM and _is_foreign(d, element, value):
        return  # a type of another namespace, which no variable has
    if found is None:
        d.refuse(
            element,
            f"{kind(element)} 的 {what} 引用“{value}”，文件中没有它。",
            f'{what} of {kind(element)} refers to "{value}", which is not in the file.',
            "改为已有元素的 id,或删去引用。",
            "Write the id of an element of the file, or remove the reference.",
        )
    elif what in FOLLOWED and value not in d.ids:
        d.refuse(
            element,
            f"{what} 引用“{value}”带有命名空间前缀。",
            f'{what} refers to "{value}" with a namespace prefix.',
            "只写 id,不写前缀。",
            "Write the id without the prefix.",
        )
    elif kinds != ANY and kind(found) not in kinds:
        d.refuse(
            element,
            f"{kind(element)} 的 {what} 引用了“{value}”({kind(found)}),此处不能引用这类元素。",
            f'{what} of {kind(element)} refers to "{value}", {an(kind(found))}, which is not allowed here.',
            "改为正确类型的元素。",
            "Refer to an element of the right kind.",
        )


def _is_foreign(d: Diagram, element: Any, value: str) -> bool:
    prefix, colon, _ = value.partition(":")
    return bool(colon) and element.nsmap.get(prefix) not in (None, d.root.get("targetNamespace"))


def listed_flows_agree(d: Diagram) -> None:
    """``incoming`` and ``outgoing`` agree with the flows' ends; a file lists them everywhere or nowhere."""
    nodes = d.nodes()
    if not d.all("incoming", "outgoing"):
        return
    for node in nodes:
        for name, flows, meet in (("incoming", d.into(node), "end"), ("outgoing", d.out(node), "begin")):
            listed = sorted(
                str(d.resolve((e.text or "").strip()) is not None and (e.text or "").strip().rpartition(":")[2])
                for e in node
                if kind(e) == name
            )
            if listed != sorted(flow.get("id", "") for flow in flows if flow.get(MADE) != "id"):
                d.refuse(
                    node,
                    f"{name} 列出的顺序流与顺序流两端不一致。",
                    f"The listed {name} flows do not agree with the sequence flows.",
                    f"让 {name} 列出以它为{'终点' if meet == 'end' else '起点'}的全部顺序流。",
                    f"Let {name} name exactly the flows that {meet} here.",
                )


RULES = (references_resolve, listed_flows_agree)
