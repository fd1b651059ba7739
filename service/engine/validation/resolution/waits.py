"""Steps that make a case deaf: they wait, and do not hear what the steps behind them hear."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.engine.validation.diagram import Diagram, children, is_true, kind, process_of
from service.engine.validation.resolution.names import caught
from service.engine.validation.resolution.vocabulary import Vocabulary

WAITING = ("userTask", "receiveTask", "intermediateCatchEvent", "callActivity")


def waiting_steps_hear(d: Diagram, known: Vocabulary) -> None:
    """A message that cases must always hear (a withdrawal, a cancellation) is heard at each step before others that
    hear it."""
    heard: dict[str, set[str]] = {}
    for element, name in caught(d):
        heard.setdefault(name, set()).add(_hearer(element).get("id", ""))
    for task in d.all(*WAITING):
        process = process_of(task)
        described = known.processes.get(process.get("id", "")) if process is not None else None
        for name, message in described.messages.items() if described else ():
            hearers = heard.get(name, set())
            if not message.awaited_throughout or not hearers or _hears(task, hearers):
                continue
            if behind := sorted(hearers & _reached(d, task)):
                d.warn(
                    task,
                    f"这一步等待时收不到消息“{name}”，而后面的 {behind[0]} 收得到。",
                    f'While this step waits, the message "{name}" is not heard; {behind[0]} behind it hears it.',
                    "加上接收该消息的边界事件。",
                    "Add a boundary event that catches it.",
                )


def _hearer(element: Any) -> Any:
    """The element during which an event is waited for: the activity at its border, or the scope around it."""
    if kind(element) == "boundaryEvent":
        return next((e for e in element.getparent() if e.get("id") == element.get("attachedToRef")), element)
    scope = element.getparent()
    if kind(element) == "startEvent" and kind(scope) == "subProcess" and is_true(scope.get("triggeredByEvent")):
        return scope.getparent()
    return element


def _hears(task: Any, hearers: set[str]) -> bool:
    return bool(hearers & {element.get("id", "") for element in (task, *task.iterancestors())})


def _reached(d: Diagram, task: Any) -> set[str]:
    """The ids of what a token reaches from a step, boundary events aside; at the end of a scope it goes on behind."""
    seen: set[str] = set()
    todo = list(_onward(d, task))
    while todo:
        name = todo.pop()
        node = d.ids.get(name)
        if name not in seen and node is not None:
            seen.add(name)
            todo += _onward(d, node)
            todo += [start.get("id", "") for start in children(node, "startEvent")]
    return seen


def _onward(d: Diagram, node: Any) -> Iterator[str]:
    yield from d.onward(node)
    scope = node.getparent()
    if kind(node) == "endEvent" and kind(scope) != "process":
        yield from d.onward(scope)


RULES = (waiting_steps_hear,)
