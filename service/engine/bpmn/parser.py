"""BPMN files → SpiffWorkflow's specifications, built of the engine's elements. The drawn layout never reaches them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from SpiffWorkflow.bpmn.parser import event_parsers, task_parsers
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnParser
from SpiffWorkflow.bpmn.parser.ProcessParser import ProcessParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit, StartEventJoin
from SpiffWorkflow.bpmn.specs.data_spec import TaskDataReference
from SpiffWorkflow.bpmn.specs.event_definitions import CancelEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask

from service.engine.bpmn import (
    activities,
    ad_hoc,
    compensation,
    complex_gateway,
    events,
    gateways,
    multi_instance,
    subprocesses,
    throw_events,
)
from service.engine.bpmn.event_definitions import Alternatives
from service.engine.bpmn.event_parsers import (
    EventDefinitions,
    UnsupportedDefinition,
    compensates,
    definition_nodes,
    link_flows,
    referred,
)
from service.engine.bpmn.expansion import ACTIVITIES, QUANTITY, expanded
from service.engine.bpmn.step_context import deep_recursion
from service.engine.kernel.camunda_extensions import is_diagram, is_executable, local_name, script_in
from service.engine.kernel.diagram_reader import read_diagram
from service.engine.kernel.xml_reader import CAMUNDA


def split_name(activity: str) -> str:
    """The name of the split in front of an activity with boundary events: like all names of specifications that are
    formed here it has a blank, so that no id in a diagram can be the same.
    """
    return f"{activity} [split]"


class _Process(ProcessParser):
    """A process whose drawing does not matter."""

    def _index_process_nodes(self) -> None:
        """Links are sequence flows without a line."""
        super()._index_process_nodes()
        for flow in link_flows(self.node):
            self.outgoing_sequence_flows.setdefault(flow.get("sourceRef"), []).append(flow)

    def parse_node(self, node: Any) -> Any:
        """An activity with boundary events stands for its split, whose name SpiffWorkflow would look for in vain."""
        split = self.spec.task_specs.get(split_name(node.get("id")))
        return super().parse_node(node) if split is None else split

    def add_tasks(self) -> None:
        """As SpiffWorkflow does, but that what it puts around several starts has names that no element can have."""
        if isinstance(self.spec, ad_hoc.AdHocSpec):
            return self._add_enabled(self.spec)
        starts = self.xpath("./bpmn:startEvent")
        for node in starts:
            self.parse_node(node)
        if len(starts) > 1:
            self._choose_start()
        for node in self.xpath("./bpmn:subProcess[@triggeredByEvent='true']"):
            listener = self.parse_node(node)
            self.spec.start.connect_or_add_trigger(listener, self.parser.process_parsers[listener.spec].get_spec())
        self._add_compensation()

    def _add_enabled(self, spec: ad_hoc.AdHocSpec) -> None:
        """An ad-hoc subprocess begins with what nothing leads to, and ends with what leads nowhere."""
        entered = {flow.get("targetRef") for flows in self.outgoing_sequence_flows.values() for flow in flows}
        nodes = [node for node in self.node if node.tag in self.parser.PARSER_CLASSES]
        nodes = [n for n in nodes if n.tag != full_tag("boundaryEvent") and n.get("isForCompensation") != "true"]
        first = [self.parse_node(node) for node in nodes if node.get("id") not in entered]
        spec.enabled = [one.name for one in first]
        for one in first:
            if one.name in spec.first():
                spec.start.connect(one)
            else:
                one._connect_notify(spec.start)
        for node in nodes:
            found = spec.task_specs[node.get("id")]
            if local_name(node) in ACTIVITIES:
                found.completed_event.connect(spec.ask)
            if not self.get_outgoing_sequence_flows(node.get("id")):
                found.connect(spec.end)
        self._add_compensation()

    def get_boundary_events(self, attached_to_ref: str) -> list[Any]:
        """Those that wait while the activity runs."""
        return [node for node in super().get_boundary_events(attached_to_ref) if not compensates(node)]

    def _add_compensation(self) -> None:
        """Lead from each compensation boundary event, by its association, to what undoes the activity."""
        for node in filter(compensates, self.xpath("./bpmn:boundaryEvent")):
            event, identity = self.parse_node(node), node.get("id")
            (target,) = (a.get("targetRef") for a in self.xpath("./bpmn:association") if a.get("sourceRef") == identity)
            handler, event.undoes = self.parse_node(self.get_node_by_id(target)), node.get("attachedToRef")
            event._connect_notify(self.spec.start)
            event.connect(handler)
            handler.completed_event.connect(compensation.handled)
            host = self.spec.task_specs[event.undoes]
            activity = self.spec.task_specs[host.task_spec] if isinstance(host, LoopTask) else host
            activity.undone_by = event.name
            activity.completed_event.connect(compensation.remember)

    def _choose_start(self) -> None:
        split = gateways.Starts(self.spec, "[starts]")
        join = StartEventJoin(self.spec, "[started]", split_task=split.name, threshold=1, cancel=True)
        for spec in self.spec.start.outputs:
            spec.inputs = [split]
            spec.connect(join)
        split.outputs, split.inputs = self.spec.start.outputs, [self.spec.start]
        self.spec.start.outputs = [split]

    def get_position(self, node_id: str) -> dict[str, float]:
        """The same for every shape: moving one must not change the order of execution."""
        return {"x": 0.0, "y": 0.0}

    def create_spec(self) -> gateways.ProcessSpec:
        if self.node.tag == full_tag("adHocSubProcess"):
            spec = ad_hoc.AdHocSpec(name=self.bpmn_id, description=self.get_name(), filename=self.filename)
            spec.one_by_one = self.node.get("ordering") == "Sequential"
            spec.condition = _text(self.node, "completionCondition")
            spec.cancels_rest = self.node.get("cancelRemainingInstances", "true") == "true"
            return spec
        return gateways.ProcessSpec(name=self.bpmn_id, description=self.get_name(), filename=self.filename)


class _Node(EventDefinitions):
    """Mixed into every parser of SpiffWorkflow: the engine's events, loops and multiple instances."""

    spec: Any
    task: Any
    bpmn_id: str
    process_parser: Any

    def parse_extensions(self, node: Any = None) -> dict[str, str]:
        return {}

    def _add_loop_task(self, loop: Any) -> None:
        maximum, condition = loop.get("loopMaximum"), _text(loop, "loopCondition")
        original = self.spec.task_specs.pop(self.task.name)
        self.task = multi_instance.StandardLoop(
            self.spec,
            original.name,
            "",
            None if maximum is None else int(maximum),
            condition,
            loop.get("testBefore") == "true",
        )
        self._copy_task_attrs(original, loop)  # type: ignore[attr-defined]

    def _add_boundary_event(self, children: list[Any]) -> Any:
        """Build the specification as SpiffWorkflow does, with a ``BoundaryJoin`` at the end."""
        split = BoundaryEventSplit(self.spec, split_name(self.bpmn_id), lane=self.task.lane)
        join = events.BoundaryJoin(
            self.spec, f"{self.bpmn_id} [join]", lane=self.task.lane, split_task=split.name, cancel=True
        )
        split.connect(self.task)
        self.task.connect(join)
        for node in children:
            event = self.process_parser.parse_node(node)
            cancels = isinstance(event.event_definition, CancelEventDefinition)
            if cancels and self.node.tag != full_tag("transaction"):  # repeated, its specification is that of a loop
                raise UnsupportedDefinition("cancelEventDefinition", node)
            split.connect(event)
            event.connect(join)
        return split

    def _add_multiinstance_task(self, loop: Any) -> None:
        collection = loop.get(f"{{{CAMUNDA}}}collection") or _text(loop, "loopDataInputRef")
        item = loop.get(f"{{{CAMUNDA}}}elementVariable") or _item(loop, "inputDataItem")
        kind = (
            multi_instance.SequentialInstances
            if loop.get("isSequential") == "true"
            else multi_instance.ParallelInstances
        )
        original = self.spec.task_specs.pop(self.task.name)
        self.task = kind(
            self.spec,
            original.name,
            task_spec="",
            cardinality=_text(loop, "loopCardinality"),
            data_input=_reference(collection),
            input_item=_reference(item),
            data_output=_reference(_text(loop, "loopDataOutputRef")),
            output_item=_reference(_item(loop, "outputDataItem")),
            condition=_text(loop, "completionCondition"),
        )
        self.task.behavior = self._behavior(loop)
        self._copy_task_attrs(original, loop)  # type: ignore[attr-defined]

    def _behavior(self, loop: Any) -> list[multi_instance.Thrown]:
        """Events that instances throw as they end (BPMN 2.0 table 10.29)."""
        behavior, reader = loop.get("behavior", "All"), _Definitions(self.process_parser, None, loop)
        if behavior in ("One", "None"):
            event = referred(loop, loop.get(f"{behavior.lower()}BehaviorEventRef"))
            return [multi_instance.Thrown(reader.definition(event), first_only=behavior == "One")]
        found = loop.findall(full_tag("complexBehaviorDefinition")) if behavior == "Complex" else []
        return [
            multi_instance.Thrown(reader.definition(node), _text(one, "condition"))
            for one in found
            for event in one.findall(full_tag("event"))
            for node in definition_nodes(event)
        ]


class _Definitions(_Node, event_parsers.EventDefinitionParser):
    """Reads event definitions that stand in no event."""


class _ComplexGateway(task_parsers.GatewayParser):
    """Flows without a condition are taken; the default one when no other is."""

    def create_task(self) -> Any:
        task = super().create_task()
        task.activation = _text(self.node, "activationCondition")
        return task

    def connect_outgoing(self, target: Any, flow: Any, is_default: bool) -> None:
        condition = self.parse_condition(flow)
        if is_default:
            self.task.otherwise = target.name
        if is_default or condition is None:
            self.task.connect(target)
        else:
            self.task.connect_outgoing_if(condition, target)


class _Script(TaskParser):
    """A script task may be empty."""

    def create_task(self) -> Any:
        found = self.node.find(full_tag("script"))
        script = "" if found is None else script_in(found)
        return self.spec_class(self.spec, self.bpmn_id, script=script, **self.bpmn_attributes)


class _Quantity(TaskParser):
    """Stands in front of an activity with a ``startQuantity``."""

    def create_task(self) -> Any:
        return self.spec_class(self.spec, self.bpmn_id, count=int(self.node.get("count")), **self.bpmn_attributes)


class _EventGateway(event_parsers.EventBasedGatewayParser):
    """The gateway waits for the engine's ``Alternatives``."""

    def create_task(self) -> Any:
        return self._create_task(Alternatives())


class _SubProcess(TaskParser):
    """SpiffWorkflow demands start and end events of a subprocess, looks for ``triggeredByEvent`` in the BPMN namespace,
    where no tool writes it, and asks another class of processes for what is ad hoc.
    """

    def create_task(self) -> Any:
        owner = self.process_parser.parser
        owner.create_parser(self.node, filename=self.filename, lane=self.lane)
        owner.process_parsers[self.bpmn_id].parent = self.process_parser
        listens = self.node.get("triggeredByEvent") == "true"
        kind = subprocesses.EventSubProcess if listens else self.spec_class
        return kind(self.spec, self.bpmn_id, subworkflow_spec=self.bpmn_id, **self.bpmn_attributes)


def _text(node: Any, name: str) -> str | None:
    found = node.find(full_tag(name))
    return None if found is None else (found.text or "").strip()


def _item(node: Any, name: str) -> str | None:
    found = node.find(full_tag(name))
    return None if found is None else found.get("id")


def _reference(name: str | None) -> TaskDataReference | None:
    return TaskDataReference(name) if name else None


_REPLACED: dict[str, tuple[Any, Any]] = {
    "scriptTask": (_Script, activities.ScriptTask),
    "serviceTask": (TaskParser, activities.ServiceTask),
    "businessRuleTask": (TaskParser, activities.BusinessRuleTask),
    "userTask": (TaskParser, activities.UserTask),
    "manualTask": (TaskParser, activities.ManualTask),
    "task": (TaskParser, activities.NoneTask),
    "subProcess": (_SubProcess, subprocesses.SubProcess),
    "transaction": (_SubProcess, subprocesses.Transaction),
    "callActivity": (None, subprocesses.CallActivity),
    "exclusiveGateway": (None, gateways.ExclusiveGateway),
    "inclusiveGateway": (None, gateways.InclusiveGateway),
    "complexGateway": (_ComplexGateway, complex_gateway.ComplexGateway),
    "adHocSubProcess": (_SubProcess, subprocesses.AdHocSubProcess),
    "parallelGateway": (None, gateways.ParallelGateway),
    "eventBasedGateway": (_EventGateway, events.EventBasedGateway),
    "startEvent": (None, defaults.StartEvent),
    "endEvent": (None, throw_events.EndEvent),
    "intermediateThrowEvent": (None, throw_events.IntermediateThrowEvent),
    "sendTask": (None, throw_events.SendTask),
}


def _classes() -> dict[str, tuple[Any, Any]]:
    known = {tag: found for tag, found in BpmnParser.PARSER_CLASSES.items() if tag != full_tag("adHocSubProcess")}
    for name, (parser, spec) in _REPLACED.items():
        known[full_tag(name)] = (parser or known[full_tag(name)][0], spec)
    known[QUANTITY] = (_Quantity, gateways.Quantity)
    return {tag: (type(parser.__name__, (_Node, parser), {}), spec) for tag, (parser, spec) in known.items()}


class Parser(BpmnParser):
    """SpiffWorkflow's parser with the engine's elements in it."""

    PARSER_CLASSES = _classes()
    PROCESS_PARSER_CLASS = _Process


def specifications(files: Mapping[str, bytes], process: str, decisions: Container[str]) -> tuple[Any, dict[str, Any]]:
    """The specification of a process and those of all it calls, from the diagrams of a bundle."""
    roots = {name: read_diagram(files[name], name) for name in sorted(files) if is_diagram(name)}
    processes = {p.get("id") for root in roots.values() for p in root.iter(full_tag("process")) if is_executable(p)}
    parser = Parser(namespaces={**Parser().namespaces, "camunda": CAMUNDA})
    for name, root in roots.items():
        parser.add_bpmn_xml(expanded(root, processes, decisions), filename=name)
    with deep_recursion():
        return parser.get_spec(process), parser.get_subprocess_specs(process)
