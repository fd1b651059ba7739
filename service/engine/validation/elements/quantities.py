"""Tokens that can never be as many as an activity or a complex gateway waits for: a case would stop there unseen."""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf
from typing import Any

from service.engine.validation.allow_list import FLOW_NODES
from service.engine.validation.diagram import Diagram, children, is_true, kind, words
from service.engine.validation.elements.flows import is_event_subprocess, levels, undoes

Bound = Fraction | float
_COUNTED = re.compile(r"(?:\$\{)?\s*activationCount\s*(>=|>|==)\s*(\d{1,4})\s*\}?")
_CHOOSING = ("exclusiveGateway", "eventBasedGateway")


def waiting_can_end(d: Diagram) -> None:
    """As many tokens can come as ``startQuantity`` (§10.3) or ``activationCount`` (§10.6.5) asks for."""
    for level in levels(d):
        if kind(level) == "adHocSubProcess":
            continue  # its activities begin again and again
        for node in children(level, *FLOW_NODES):
            what, wanted = _wanted(node)
            most = _Tokens(d, level, node).most() if wanted > 1 and not undoes(node) else inf
            if most < wanted:
                d.warn(
                    node,
                    f"{what} 要 {wanted} 个令牌，而这里最多来 {int(most)} 个：案件会永远停在这里。",
                    f"{what} asks for {wanted} tokens, and only {int(most)} can come: a case stops here for ever.",
                    "减小这个数，或让更多令牌到这里。",
                    "Ask for fewer, or lead more tokens here.",
                )


def _wanted(node: Any) -> tuple[str, int]:
    """The attribute that asks, and the number of tokens that it asks for."""
    if kind(node) != "complexGateway":
        return "startQuantity", _number(node, "startQuantity")
    for condition in children(node, "activationCondition"):
        if found := _COUNTED.fullmatch(words(condition)):
            return "activationCount", int(found[2]) + (found[1] == ">")
    return "activationCount", 1


def _number(node: Any, name: str) -> int:
    value = (node.get(name) or "1").strip()
    return int(value) if re.fullmatch(r"\d{1,3}", value) and int(value) else 1


class _Tokens:
    """Counts the tokens that one run of a level can bring to a node, at the most."""

    def __init__(self, d: Diagram, level: Any, wanted: Any) -> None:
        self.d, self.level, self.wanted = d, level, wanted.get("id")
        self.nodes = {node.get("id"): node for node in children(level, *FLOW_NODES)}
        self.known: dict[str, Bound] = {}
        self.path: set[str] = set()

    def most(self) -> Bound:
        """Of several start events a case takes one; without any all begin that nothing leads to."""
        try:
            return self._from_the_start()
        except RecursionError:  # too long a way to be counted
            return inf

    def _from_the_start(self) -> Bound:
        starts = children(self.level, "startEvent")
        if starts:
            return max(self.behind(start.get("id")) for start in starts)
        inside = (n for n in self.nodes.values() if kind(n) != "boundaryEvent")
        first = [n for n in inside if not (self.d.into(n) or is_event_subprocess(n) or undoes(n))]
        return sum((self.behind(n.get("id")) for n in first if not children(n, "linkEventDefinition")), Fraction(0))

    def behind(self, name: str) -> Bound:
        """The tokens that one token here can bring to the node; without bound where it can come round to here again."""
        if name == self.wanted:
            return Fraction(1)
        if name in self.path:
            return inf if self._leads_on(name) else Fraction(0)
        if name not in self.known:
            self.path.add(name)
            self.known[name] = self._through(self.nodes[name])
            self.path.discard(name)
        return self.known[name]

    def _through(self, node: Any) -> Bound:
        onward = [self.behind(name) for name in self.d.onward(node) if name in self.nodes]
        if kind(node) in _CHOOSING:
            leaves: Bound = max(onward, default=Fraction(0))
        else:
            leaves = sum(onward, Fraction(0)) * _number(node, "completionQuantity")
        joined = len(self.d.into(node)) if kind(node) == "parallelGateway" else _number(node, "startQuantity")
        found = leaves / max(joined, 1)
        for event in self.d.boundaries.get(node.get("id", ""), ()):
            if not undoes(event):
                other = self.behind(event.get("id"))
                found = max(found, other) if is_true(event.get("cancelActivity", "true")) else inf if other else found
        return found

    def _leads_on(self, name: str) -> bool:
        """Tell whether the node wanted can be reached from here."""
        seen, todo = set[str](), [name]
        while todo:
            here = todo.pop()
            if here in seen or here not in self.nodes:
                continue
            seen.add(here)
            todo += self.d.onward(self.nodes[here])
            todo += [event.get("id") for event in self.d.boundaries.get(here, ())]
        return self.wanted in seen


RULES = (waiting_can_end,)
