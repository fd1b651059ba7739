"""Processes that call themselves: behind a decision they may end, without one they never do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.engine.validation.allow_list import SUBPROCESSES
from service.engine.validation.diagram import Diagram, children, is_true, kind
from service.engine.validation.elements.flows import begins_here

CHOOSING = ("exclusiveGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway")
LOOPS = ("multiInstanceLoopCharacteristics", "standardLoopCharacteristics")
Call = tuple[Diagram, Any, str]


def certain_calls(d: Diagram, level: Any) -> Iterator[Call]:
    """The call activities of a process that every one of its runs enters, with the ids of what they call."""
    for call in level.iter(f"{{{level.nsmap[level.prefix]}}}callActivity"):
        if call.get("calledElement") and _enters(d, level, call):
            yield d, call, call.get("calledElement")


def _enters(d: Diagram, level: Any, call: Any) -> bool:
    """Tell whether a token at the start of a process or subprocess comes to a call whatever is decided."""
    nodes = [node for node in children(level) if node.get("id")]
    sure = {node.get("id") for node in nodes if _is_it(d, node, call)}
    found = True
    while found:
        found = False
        for node in nodes:
            if node.get("id") not in sure and _leads_on(d, node, sure):
                sure.add(node.get("id"))
                found = True
    starts = children(level, "startEvent")
    if starts:
        return all(start.get("id") in sure for start in starts)
    return any(node.get("id") in sure for node in nodes if begins_here(d, node) and not d.into(node))


def _is_it(d: Diagram, node: Any, call: Any) -> bool:
    """Tell whether to be at this node is to come to the call: it is the call, or a subprocess that comes to it."""
    if children(node, *LOOPS) and not _runs_once(node):
        return False
    if kind(node) in SUBPROCESSES and not is_true(node.get("triggeredByEvent")):
        return node in call.iterancestors() and _enters(d, node, call)
    return node is call


def _runs_once(node: Any) -> bool:
    """Tell whether a repeated activity runs at least once."""
    loops = children(node, "standardLoopCharacteristics")
    return bool(loops) and not is_true(loops[0].get("testBefore"))


def _leads_on(d: Diagram, node: Any, sure: set[str]) -> bool:
    """Tell whether a token that leaves a node comes to the call: by one of the flows that it takes all, by each of
    those of which it takes some.
    """
    flows = d.out(node)
    targets = [target in sure for target in d.onward(node)]
    chooses = len(flows) > 1 and (
        kind(node) in CHOOSING or any(children(flow, "conditionExpression") for flow in flows)
    )
    leaving = [event for event in d.boundaries.get(node.get("id", ""), ()) if event.get("cancelActivity") != "false"]
    onward = all(targets) if chooses else any(targets)
    return bool(targets) and onward and all(event.get("id") in sure for event in leaving)
