"""Data and messages that are declared: drawings and types,
which must be right though nothing is executed by them (§10.4).
"""

from __future__ import annotations

from typing import Any

from service.engine.validation.allow_list import SUBPROCESSES
from service.engine.validation.diagram import (
    Diagram,
    children,
    kind,
    words,
)


def data_objects_are_named_by_state(d: Diagram) -> None:
    """A data object reference is named as its object with the state in brackets (BPMN 2.0 table 10.54)."""
    for reference in d.all("dataObjectReference"):
        target = d.resolve(reference.get("dataObjectRef"))
        state = next((s.get("name") for s in children(reference, "dataState") if s.get("name")), None)
        if target is None or not state or not target.get("name") or not reference.get("name"):
            continue
        if reference.get("name") != f"{target.get('name')} [{state}]":
            d.refuse(
                reference,
                "数据对象引用的名称应为“数据对象名 [状态]”。",
                'The name of a data object reference must be "name of the data object [state]".',
                "改正名称。",
                "Correct the name.",
            )


def stores_have_a_capacity(d: Diagram) -> None:
    """A data store that is not unlimited has a capacity."""
    for store in d.all("dataStore"):
        if store.get("isUnlimited") == "false" and not store.get("capacity"):
            d.refuse(
                store,
                "有限的数据存储没有写明容量。",
                "The data store is not unlimited but has no capacity.",
                "写上 capacity。",
                "Write its capacity.",
            )


def subprocesses_have_no_inputs(d: Diagram) -> None:
    """A subprocess has no input-output specification of its own."""
    for specification in d.all("ioSpecification"):
        if kind(specification.getparent()) in SUBPROCESSES:
            d.refuse(
                specification,
                "子流程不能有输入输出说明。",
                "A subprocess must not have an ioSpecification.",
                "删去 ioSpecification。",
                "Remove the ioSpecification.",
            )


def operations_carry_their_message(d: Diagram) -> None:
    """The operation of a message event or task carries its message;
    one with a data definition needs it (table 10.91).
    """
    for element in d.all("messageEventDefinition", "sendTask", "receiveTask"):
        message = d.resolve(element.get("messageRef"))
        if message is None or kind(element.getparent()) == "definitions":
            continue
        name = next((words(o) for o in children(element, "operationRef")), element.get("operationRef"))
        if not name and not message.get("itemRef"):
            continue
        operation = d.resolve(name)
        carried = [] if operation is None else children(operation, "inMessageRef", "outMessageRef")
        if not any(d.resolve(words(reference)) is message for reference in carried):
            d.refuse(
                element,
                "消息带有数据定义(itemRef)或指明了操作，但没有操作收发这条消息。",
                "The message has a data definition (itemRef) or an operation is named,"
                " but no operation carries this message.",
                "写上收发它的 operationRef,或删去消息的 itemRef。",
                "Name the operationRef that carries it, or remove the message's itemRef.",
            )


ASSOCIATIONS = {"dataInputAssociation": "dataOutput", "dataOutputAssociation": "dataInput"}
"""Kind of association → what it may not lead out of, or into, outside the activity (§10.4.1)."""


def associations_lead_from_source_to_target(d: Diagram) -> None:
    """A data association has one source, takes no output of the process and writes none of its inputs (§10.4.1)."""
    for name, wrong in ASSOCIATIONS.items():
        for association in d.all(name):
            sources, targets = children(association, "sourceRef"), children(association, "targetRef")
            ends = [d.resolve(words(end)) for end in (sources if wrong == "dataOutput" else targets)]
            if len(sources) > 1 or any(end is not None and kind(end) == wrong for end in ends):
                d.refuse(
                    association,
                    f"{name} 的来源或目标不合规定：只能有一个来源，且不能读流程的输出、写流程的输入。",
                    f"The {name} has several sources, reads an output of the process or writes an input of it.",
                    "改正 sourceRef 和 targetRef。",
                    "Correct sourceRef and targetRef.",
                )


def carried_data_fit(d: Diagram) -> None:
    """A task that sends or receives has one set of one item, of the type of its message; so has an event that throws an
    error or escalation (§10.3.3, §10.5.1).
    """
    for task in d.all("sendTask", "receiveTask"):
        name, item = ("input", "dataInput") if kind(task) == "sendTask" else ("output", "dataOutput")
        for specification in children(task, "ioSpecification"):
            _check_carried(d, task, children(specification, f"{name}Set"), children(specification, item), "message")
    for event in d.all("endEvent", "intermediateThrowEvent", "boundaryEvent", "startEvent"):
        for thrown in ("error", "escalation"):
            for definition in children(event, f"{thrown}EventDefinition"):
                items = children(event, "dataInput", "dataOutput")
                _check_carried(d, definition, children(event, "inputSet", "outputSet"), items, thrown)


def _check_carried(d: Diagram, carrier: Any, sets: list[Any], items: list[Any], what: str) -> None:
    carried = d.resolve(carrier.get(f"{what}Ref"))
    wanted = None if carried is None else carried.get("itemRef") or carried.get("structureRef")
    fits = all(item.get("itemSubjectRef") == wanted for item in items) if items and wanted else True
    if len(sets) > 1 or len(items) > 1 or not fits:
        d.refuse(
            carrier,
            "收发的数据应只有一组一项，类型与消息、错误或升级的定义相同。",
            "What is carried must be one set of one item, of the type that the message, error or escalation has.",
            "改正 itemSubjectRef,只留一项。",
            "Correct the itemSubjectRef, and keep one item.",
        )


RULES = (
    associations_lead_from_source_to_target,
    carried_data_fit,
    data_objects_are_named_by_state,
    stores_have_a_capacity,
    subprocesses_have_no_inputs,
    operations_carry_their_message,
)
