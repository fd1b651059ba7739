"""Drawn in: whatever BPMN 2.0 lets a diagram leave out. Implicit starts and ends (§10.5.2, §10.5.4), splits without a
gateway (§13.3.1), quantities of tokens (§13.3.2), waits before and after. SpiffWorkflow's parser is given the whole.

Each element put in bears the name of the one it stands for, with a blank and a word in brackets behind it, which no id
in a diagram can have; the trace does not tell it.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from service.engine.kernel.camunda_extensions import WAIT_AT_THE_DOOR, local_name
from service.engine.kernel.data_associations import ITEM_AWARE
from service.engine.kernel.diagram_reader import made
from service.engine.kernel.xml_reader import BPMN, CAMUNDA

QUANTITY = "{urn:anpei:reading}quantity"  # an element of ours: as many tokens as ``count`` says become one
BEFORE, AFTER, QUANTITY_NAME = "[before]", "[after]", "[quantity]"
FLOW = f"{{{BPMN}}}sequenceFlow"
CONDITION = f"{{{BPMN}}}conditionExpression"

ACTIVITIES = frozenset(
    [
        "task",
        "userTask",
        "manualTask",
        "scriptTask",
        "serviceTask",
        "businessRuleTask",
        "sendTask",
        "receiveTask",
        "subProcess",
        "transaction",
        "adHocSubProcess",
        "callActivity",
    ]
)
GATEWAYS = frozenset(["exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"])
_EVENTS = frozenset(["startEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent", "endEvent"])
_LEVELS = ("process", "subProcess", "transaction", "adHocSubProcess")
_DRAWN_ONLY = [
    "ioSpecification",
    "dataInputAssociation",
    "dataOutputAssociation",
    *ITEM_AWARE,
    "inputSet",
    "outputSet",
    "correlationProperty",
    "correlationSubscription",
]


def expanded(root: Any, processes: Container[str], decisions: Container[str]) -> Any:
    """A diagram as read, with all that it leaves out; changed in place.

    processes, decisions: those of the bundle; a task that names none of them waits for an external worker.
    """
    for element in list(root.iter(*(f"{{{BPMN}}}{name}" for name in ACTIVITIES))):
        if _is_external(element, processes, decisions):
            element.tag = f"{{{BPMN}}}serviceTask"
    for element in list(root.iter(*(f"{{{BPMN}}}{name}" for name in _DRAWN_ONLY))):
        if element.getparent() is not None:  # what is executed of them stands in the attributes of their activities
            element.getparent().remove(element)
    for level in list(root.iter(*(f"{{{BPMN}}}{name}" for name in _LEVELS))):
        _Level(level).expand()
    return root


def _is_external(node: Any, processes: Container[str], decisions: Container[str]) -> bool:
    """Tell whether somebody outside does an activity, whatever its kind."""
    kind = local_name(node)
    if kind == "callActivity":
        return node.get("calledElement") not in processes
    if kind == "businessRuleTask":
        return node.get(f"{{{CAMUNDA}}}decisionRef") not in decisions
    return kind == "sendTask" and node.get(f"{{{CAMUNDA}}}type") == "external"


class _Level:
    """One process or subprocess: its nodes, and flows by their ends."""

    def __init__(self, level: Any) -> None:
        self.level = level
        self.is_free = local_name(level) == "adHocSubProcess"  # knows by itself what begins and what ends
        self.nodes = [node for node in level if local_name(node) in ACTIVITIES | GATEWAYS | _EVENTS and node.get("id")]
        self.flows = list(level.findall(FLOW))

    def expand(self) -> None:
        """Draw in, from the flows' ends towards the nodes."""
        if not self.is_free:
            self._start_by_receiving()
            self._begin()
            self._end()
        self._part_equal_flows()
        for node in list(self.nodes):
            if local_name(node) in ("exclusiveGateway", "inclusiveGateway"):
                self._complete_conditions(node)
            elif local_name(node) not in GATEWAYS:
                self._split(node)
        for node in list(self.nodes):
            if local_name(node) in ACTIVITIES:
                self._quantities(node)
            self._waits(node)

    def out(self, node: Any) -> list[Any]:
        return [flow for flow in self.flows if flow.get("sourceRef") == node.get("id")]

    def into(self, node: Any) -> list[Any]:
        return [flow for flow in self.flows if flow.get("targetRef") == node.get("id")]

    def add(self, kind: str, like: Any, what: str) -> Any:
        """A node drawn in for another."""
        node = made(self.level, kind, like, "implicit", id=f"{like.get('id')} {what}")
        self.level.append(node)
        return node

    def join(self, source: Any, target: Any) -> Any:
        """A flow drawn in."""
        ends = {"sourceRef": source.get("id"), "targetRef": target.get("id")}
        flow = made(
            self.level, "sequenceFlow", source, "implicit", id=f"{ends['sourceRef']} > {ends['targetRef']}", **ends
        )
        self.level.append(flow)
        self.flows.append(flow)
        return flow

    def put_behind(self, node: Any, first: Any, last: Any) -> None:
        """Let a node's flows begin at ``last``, and lead it to ``first``."""
        for flow in self.out(node):
            flow.set("sourceRef", last.get("id"))
        self.join(node, first)

    def put_before(self, node: Any, new: Any) -> None:
        """Let the flows into a node end at another that leads to it; ad-hoc subprocesses go by the order drawn."""
        node.addprevious(new)
        for flow in self.into(node):
            flow.set("targetRef", new.get("id"))
        self.join(new, node)

    def _start_by_receiving(self) -> None:
        """A receive task that instantiates the process is its start by that message (§10.3.3)."""
        for node in self.nodes:
            if local_name(node) == "receiveTask" and node.get("instantiate") == "true":
                message = node.get("messageRef")
                node.tag = f"{{{BPMN}}}startEvent"
                del node[:]
                node.append(made(node, "messageEventDefinition", node, "implicit", messageRef=message))

    def _begin(self) -> None:
        """Without a start event a token goes to every activity and gateway that no flow leads to."""
        if any(local_name(node) == "startEvent" for node in self.level):
            return
        begins = [n for n in self.nodes if not self.into(n) and _may_begin(n)]
        start = self.add("startEvent", self.level, "[begins]")
        if not any(map(_takes_part, self.nodes)):
            self.join(start, self.add("endEvent", self.level, "[ends]"))
        elif len(begins) == 1:
            self.join(start, begins[0])
        elif begins:
            split = self.add("parallelGateway", self.level, "[parallel]")
            self.join(start, split)
            for node in begins:
                self.join(split, node)

    def _end(self) -> None:
        """A token ends where no flow leads on."""
        for node in self.nodes:
            if local_name(node) in ACTIVITIES | GATEWAYS and _takes_part(node) and not self.out(node):
                self.join(node, self.add("endEvent", node, "[ends]"))

    def _part_equal_flows(self) -> None:
        """Joins tell tokens apart by the node they come from: of two flows between the same nodes one gets its own."""
        seen = set()
        for flow in list(self.flows):
            ends = (flow.get("sourceRef"), flow.get("targetRef"))
            if ends in seen:
                between = self.add("intermediateThrowEvent", flow, "[flow]")
                flow.set("targetRef", between.get("id"))
                target = next(node for node in self.level if node.get("id") == ends[1])
                self.join(between, target)
            seen.add(ends)

    def _split(self, node: Any) -> None:
        """Flows without condition are all taken, of the others those that hold, the default when none of these does."""
        flows = self.out(node)
        if len(flows) < 2:
            return
        asked = [flow for flow in flows if flow.find(CONDITION) is not None]
        default = next((f for f in flows if f.get("id") == node.get("default")), None) if asked else None
        node.attrib.pop("default", None)
        if not asked:
            split = self.add("parallelGateway", node, "[parallel]")
            return self.put_behind(node, split, split)
        choice = self.add("inclusiveGateway", node, "[choice]")
        always = [flow for flow in flows if flow not in asked and flow is not default]
        if always:
            split = self.add("parallelGateway", node, "[parallel]")
            self.put_behind(node, split, split)
            self.join(split, choice)
            default = default if default is not None else self.join(choice, self.add("endEvent", node, "[none]"))
        else:
            self.put_behind(node, choice, choice)
        for flow in [*asked, *([] if default is None else [default])]:
            flow.set("sourceRef", choice.get("id"))
        if default is not None:
            choice.set("default", default.get("id"))
        return None

    def _complete_conditions(self, gateway: Any) -> None:
        """Of the flows out of a choosing gateway one without condition is the default, several hold always.

        A flow's condition is optional (§8.4.13): without one nothing restricts it. An exclusive gateway asks its
        flows in their order and takes the first that holds (§13.4.2): so it takes the first of several without
        condition that it comes to, and never those behind. Camunda refuses such a gateway; real diagrams have it,
        it runs as the standard says, and each of these flows is warned of.
        """
        flows = self.out(gateway)
        bare = [flow for flow in flows if flow.get("id") != gateway.get("default") and flow.find(CONDITION) is None]
        if len(flows) < 2 or not bare:
            return
        if len(bare) == 1 and gateway.get("default") is None:
            gateway.set("default", bare[0].get("id"))
            return
        for flow in bare:
            condition = made(flow, "conditionExpression", flow, "implicit")
            condition.text = "True"
            flow.append(condition)

    def _quantities(self, node: Any) -> None:
        """``completionQuantity`` tokens leave by each flow; ``startQuantity`` arrivals make one token."""
        leave, arrive = (int(node.get(name) or 1) for name in ("completionQuantity", "startQuantity"))
        if leave > 1:
            split, merge = self.add("parallelGateway", node, "[tokens]"), self.add("exclusiveGateway", node, "[token]")
            self.put_behind(node, split, merge)
            for place in range(leave):
                one = self.add("intermediateThrowEvent", node, f"[token {place + 1}]")
                self.join(split, one)
                self.join(one, merge)
        if arrive > 1:
            quantity = self.add("task", node, QUANTITY_NAME)
            quantity.tag = QUANTITY
            quantity.set("count", str(arrive))
            self.put_before(node, quantity)

    def _waits(self, node: Any) -> None:
        """``asyncBefore`` and ``asyncAfter``: a place where the token waits for a job."""
        if node.get(f"{{{CAMUNDA}}}asyncBefore") == "true" and local_name(node) not in WAIT_AT_THE_DOOR:
            if local_name(node) == "startEvent":
                self._wait_behind(node, BEFORE)
            else:
                self.put_before(node, self.add("intermediateThrowEvent", node, BEFORE))
        if node.get(f"{{{CAMUNDA}}}asyncAfter") == "true":
            self._wait_behind(node, AFTER)

    def _wait_behind(self, node: Any, what: str) -> None:
        if self.out(node) or (self.is_free and local_name(node) in ACTIVITIES):
            wait = self.add("intermediateThrowEvent", node, what)
            self.put_behind(node, wait, wait)


def _takes_part(node: Any) -> bool:
    """Tell whether the flow of tokens is meant to lead through this node."""
    return "true" not in (node.get("triggeredByEvent"), node.get("isForCompensation"))


def _may_begin(node: Any) -> bool:
    return local_name(node) in ACTIVITIES | GATEWAYS and _takes_part(node)
