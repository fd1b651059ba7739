"""Data and messages that are declared: drawings and types,
which must be right though nothing is executed by them (§10.3).
"""

from __future__ import annotations

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
        if store.get("isUnlimited") in ("false", "0") and not store.get("capacity"):
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
                "消息带有数据定义(itemRef)或指明了操作,但没有操作收发这条消息。",
                "The message has a data definition (itemRef) or an operation is named,"
                " but no operation carries this message.",
                "写上收发它的 operationRef,或删去消息的 itemRef。",
                "Name the operationRef that carries it, or remove the message's itemRef.",
            )


RULES = (
    data_objects_are_named_by_state,
    stores_have_a_capacity,
    subprocesses_have_no_inputs,
    operations_carry_their_message,
)
