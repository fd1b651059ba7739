"""Sizes beyond which the engine, or the full prediction that verifies it, would fail or run for ever."""

from __future__ import annotations

from typing import Any

from service.engine.validation.allow_list import FLOW_NODES
from service.engine.validation.diagram import Diagram, children, kind
from service.engine.validation.elements.flows import levels

MAX_NODES = 500  # on one level: SpiffWorkflow recurses along the flows
MAX_TOKENS = 4096  # that parallel splits on one path may make: SpiffWorkflow predicts every one of them


def levels_are_moderate(d: Diagram) -> None:
    """A process or subprocess has at most MAX_NODES elements, on one path splits into at most MAX_TOKENS branches."""
    for level in levels(d):
        nodes = children(level, *FLOW_NODES)
        if len(nodes) > MAX_NODES:
            d.refuse(
                level,
                f"{kind(level)} 有 {len(nodes)} 个元素，超过 {MAX_NODES} 个。",
                f"The {kind(level)} has {len(nodes)} elements, more than {MAX_NODES}.",
                "用子流程或调用活动分开。",
                "Divide it into subprocesses or called processes.",
            )
        elif (widest := _branches(d, nodes)) is not None:
            d.refuse(
                widest,
                f"到这里为止的并行分支相乘超过 {MAX_TOKENS} 条。",
                f"The parallel branches on the way here multiply to more than {MAX_TOKENS}.",
                "减少连续的并行分支，或放进子流程。",
                "Use fewer splits in a row, or put them into subprocesses.",
            )


def _branches(d: Diagram, nodes: list[Any]) -> Any | None:
    """The first node that more than MAX_TOKENS branches could reach, loops counted once."""
    by_id = {node.get("id"): node for node in nodes}
    order = _forwards(d, by_id)
    place = {name: n for n, name in enumerate(order)}
    count = dict.fromkeys(order, 1)
    for name in order:
        node = by_id[name]
        if count[name] > MAX_TOKENS:
            return node
        targets = [target for target in d.onward(node) if target in place]
        fan = 1 if kind(node) in ("exclusiveGateway", "eventBasedGateway") else len(targets) * _tokens(node)
        for target in targets:
            if place[target] > place[name]:
                count[target] = max(count[target], count[name] * fan)
    return None


def _tokens(node: Any) -> int:
    """Count the tokens that leave by each flow."""
    quantity = node.get("completionQuantity") or "1"
    return int(quantity) if quantity.isdigit() and len(quantity) < 4 else 1


def _forwards(d: Diagram, by_id: dict[str, Any]) -> list[str]:
    """Node ids so that every flow but those that close a loop leads onwards."""
    done: list[str] = []
    seen: set[str] = set()
    for first in by_id:
        stack = [(first, False)]
        while stack:
            name, left = stack.pop()
            if left:
                done.append(name)
            elif name not in seen:
                seen.add(name)
                stack.append((name, True))
                stack += [(target, False) for target in d.onward(by_id[name]) if target in by_id]
    return done[::-1]


RULES = (levels_are_moderate,)
