"""Events of a diagram → their definitions; links → the flows that they stand for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.parser.ValidationException import ValidationException
from SpiffWorkflow.bpmn.specs.event_definitions import NoneEventDefinition, SignalEventDefinition

from service.engine.bpmn.event_definitions import Compensation, Condition, Several, Timer
from service.engine.kernel.camunda_extensions import local_name
from service.engine.kernel.synonyms import WITHIN


class UnsupportedDefinition(ValidationException):
    """A part of a diagram that nothing here executes; ``what`` names it."""

    def __init__(self, what: str, node: Any = None) -> None:
        super().__init__(what, node=node)
        self.what = what


_READ_AS_NONE = ("linkEventDefinition",)  # a pair of links is a sequence flow (BPMN 2.0 §10.5.5)


def definition_nodes(event: Any) -> list[Any]:
    """The definitions of an event, in the order drawn; those that it refers to stand beside the processes."""
    found = []
    for child in event:
        if local_name(child) == "eventDefinitionRef":
            found.append(referred(event, child.text or ""))
        elif local_name(child).endswith("EventDefinition"):
            found.append(child)
    return found


def referred(node: Any, reference: str) -> Any:
    """The event definition beside the processes that a reference names. Raises KeyError."""
    identity = reference.strip().rpartition(":")[2]
    for child in node.getroottree().getroot():
        if child.get("id") == identity:
            return child
    raise KeyError(reference)


class EventDefinitions:
    """Mixed into SpiffWorkflow's parsers, which look for some kinds of definitions at each place and know no other
    order than their own list of kinds.
    """

    node: Any

    def get_event_definition(self, xpaths: list[str]) -> Any:
        """All definitions of the event, whatever the list says: validation knows what may stand where."""
        found = [self.definition(node) for node in definition_nodes(self.node)]
        if len(found) > 1:
            return Several(found, self.node.get("parallelMultiple") == "true")
        return found[0] if found else NoneEventDefinition()

    def definition(self, node: Any) -> Any:
        """One definition; ``parse_…`` of those that are not here is SpiffWorkflow's."""
        kind = local_name(node).removesuffix("EventDefinition")
        if local_name(node) in _READ_AS_NONE:
            return NoneEventDefinition()
        read = getattr(self, f"parse_{kind}_event", None)
        if read is None:
            raise UnsupportedDefinition(local_name(node), self.node)
        return read(node)

    def parse_timer_event(self, event: Any) -> Timer:
        text = next((child.text or "" for child in event if child.tag.startswith(full_tag("time"))), "")
        return Timer(self.node.get("id"), text.strip())

    def parse_signal_event(self, event: Any) -> SignalEventDefinition:
        signal = referred(event, event.get("signalRef"))
        definition = SignalEventDefinition(signal.get("name"))
        definition.stays_within = signal.get(WITHIN) == "true"
        return definition

    def parse_compensate_event(self, event: Any) -> Compensation:
        activity = (event.get("activityRef") or "").rpartition(":")[2] or None
        return Compensation(activity, event.get("waitForCompletion", "true") == "true")

    def parse_conditional_event(self, event: Any) -> Condition:
        return Condition((event.find(full_tag("condition")).text or "").strip())


def compensates(event: Any) -> bool:
    """Tell whether a boundary event stands for what undoes its activity."""
    return any(local_name(node) == "compensateEventDefinition" for node in definition_nodes(event))


def link_flows(process: Any) -> Iterator[Any]:
    """A sequence flow for each link that is thrown, to the catching one of that name on the same level."""
    for throw in process.iter(full_tag("intermediateThrowEvent")):
        for name in _links(throw):
            for catch in throw.getparent().findall(full_tag("intermediateCatchEvent")):
                if name in _links(catch):
                    ends = {"sourceRef": throw.get("id"), "targetRef": catch.get("id")}
                    yield etree.Element(full_tag("sequenceFlow"), {"id": f"[link {name}]", **ends})


def _links(event: Any) -> list[str]:
    return [link.get("name") for link in event.findall(full_tag("linkEventDefinition"))]
