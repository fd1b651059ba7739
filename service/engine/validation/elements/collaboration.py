"""Pools and message flows: drawings of who talks to whom, which must be true of the processes behind them (§9)."""

from __future__ import annotations

from typing import Any

from service.engine.validation.allow_list import ACTIVITIES
from service.engine.validation.diagram import (
    Diagram,
    children,
    kind,
    process_of,
)


def pools_have_their_own_process(d: Diagram) -> None:
    """Each process belongs to at most one pool."""
    seen: set[str] = set()
    for participant in d.all("participant"):
        process = (participant.get("processRef") or "").rpartition(":")[2]
        if process and process in seen:
            d.refuse(
                participant,
                f"流程 {process} 属于两个泳池。",
                f"The process {process} belongs to two pools.",
                "一个流程只画一个泳池。",
                "Draw one pool for a process.",
            )
        seen.add(process)


def pool_of(d: Diagram, end: Any) -> str:
    """The id of the process behind an end of a message flow, or of the pool without process."""
    if kind(end) == "participant":
        return (end.get("processRef") or "").rpartition(":")[2] or f"pool {end.get('id')}"
    process = process_of(end)
    return str(process.get("id")) if process is not None else ""


def message_flows_join_pools(d: Diagram) -> None:
    """A message flow joins two pools, out of what can send and into what can receive."""
    for flow in d.all("messageFlow"):
        source, target = d.resolve(flow.get("sourceRef")), d.resolve(flow.get("targetRef"))
        if source is None or target is None:
            continue
        if pool_of(d, source) == pool_of(d, target):
            d.refuse(
                flow,
                "消息流的两端在同一个泳池内。",
                "Both ends of the message flow are in one pool.",
                "池内用顺序流。",
                "Use a sequence flow inside a pool.",
            )
        if not may_send(source) or not may_receive(target):
            d.refuse(
                flow,
                f"消息流不能从 {kind(source)} 到 {kind(target)}：一端不能发送，或另一端不能接收。",
                f"A message flow may not lead from this {kind(source)} to this {kind(target)}: "
                "one cannot send or the other cannot receive.",
                "从消息抛出事件或任务，连到消息捕获事件或任务。",
                "Lead it from a throwing message event or task to a catching one.",
            )


def may_send(node: Any) -> bool:
    """Pools and activities, and events that throw a message; a receive task only receives."""
    if kind(node) in ("participant", *ACTIVITIES):
        return kind(node) != "receiveTask"
    return kind(node) in ("intermediateThrowEvent", "endEvent") and bool(children(node, "messageEventDefinition"))


def may_receive(node: Any) -> bool:
    """Pools and activities, and events that catch a message; a send task only sends."""
    if kind(node) in ("participant", *ACTIVITIES):
        return kind(node) != "sendTask"
    catching = kind(node) in ("startEvent", "intermediateCatchEvent", "boundaryEvent")
    return catching and bool(children(node, "messageEventDefinition"))


def multiplicities_are_sane(d: Diagram) -> None:
    """The minimum of a pool's multiplicity does not exceed its maximum."""
    for element in d.all("participantMultiplicity"):
        low, high = element.get("minimum", "0"), element.get("maximum", "1")
        if low.lstrip("-").isdigit() and high.lstrip("-").isdigit() and int(low) > int(high):
            d.refuse(
                element,
                "泳池的最小个数大于最大个数。",
                "The pool's minimum exceeds its maximum.",
                "改正个数。",
                "Correct them.",
            )


RULES = (pools_have_their_own_process, message_flows_join_pools, multiplicities_are_sane)
