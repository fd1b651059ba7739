"""Build executable specifications: attach to each what the diagram says, and for production cut prediction short."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions import (
    CancelEventDefinition,
    ErrorEventDefinition,
    EscalationEventDefinition,
    MessageEventDefinition,
    NoneEventDefinition,
    SignalEventDefinition,
    TerminateEventDefinition,
)
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.specs.MultiChoice import MultiChoice
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn import activities, parser, subprocesses
from service.engine.bpmn.event_definitions import Alternatives, Compensation, Condition, Timer, has_conditions
from service.engine.bpmn.event_parsers import UnsupportedDefinition
from service.engine.bpmn.events import EventBasedGateway
from service.engine.bpmn.expansion import AFTER, BEFORE
from service.engine.dmn.model import Decision
from service.engine.kernel.camunda_extensions import Attributes


class ExecutableSpecs:
    """The specifications of a definition: ``main`` process and ``inner`` ones by name.

    compact: predict one level when a task runs, as production does; else everything ahead, as SpiffWorkflow does.
    """

    def __init__(
        self,
        files: Mapping[str, bytes],
        process: str,
        attributes: Mapping[str, Attributes],
        decisions: Mapping[str, Decision],
        functions: tuple[str, ...],
        compact: bool,
    ) -> None:
        self.main, self.inner = parser.specifications(files, process, decisions)
        self.has_conditions = False
        for spec in (self.main, *self.inner.values()):
            for task_spec in spec.task_specs.values():
                _require_known(task_spec)
                self.has_conditions |= has_conditions(task_spec)
                _attach(task_spec, attributes, decisions, functions)
                if compact:
                    _shorten(task_spec)


_KNOWN_EVENTS = (
    Alternatives,
    CancelEventDefinition,
    Compensation,
    Condition,
    ErrorEventDefinition,
    EscalationEventDefinition,
    MessageEventDefinition,
    NoneEventDefinition,
    SignalEventDefinition,
    TerminateEventDefinition,
    Timer,
)


def _require_known(spec: Any) -> None:
    """The compact state holds what these need. What it does not cover is refused when it is read, never run wrongly."""
    event = getattr(spec, "event_definition", None)
    for one in getattr(event, "event_definitions", [event]):
        if one is not None and not isinstance(one, _KNOWN_EVENTS):
            raise UnsupportedDefinition(f"{spec.name} {type(one).__name__}")
    for name in ("io_specification", "data_input_associations", "data_output_associations"):
        if getattr(spec, name, None):
            raise UnsupportedDefinition(f"{spec.name} {name}")


def _attach(
    spec: Any, attributes: Mapping[str, Attributes], decisions: Mapping[str, Decision], functions: tuple[str, ...]
) -> None:
    """Give a task specification what the diagram says about it."""
    identity = spec.name.removesuffix(" [child]")
    found = attributes.get(identity) if getattr(spec, "bpmn_id", None) else None
    spec.traced = found is not None and not isinstance(spec, LoopTask)
    spec.attributes = found
    spec.states = not spec.manual and found is not None and spec.traced and "state" in found.properties
    if spec.name.endswith((BEFORE, AFTER)):
        spec.attributes = Attributes(async_before=True)
        spec._update = types.MethodType(activities.hold, spec)
    if isinstance(spec, LoopTask):
        inner = spec._wf_spec.task_specs[spec.task_spec]
        inner.completed_event.connect(spec.merge_child)
    if found is None:
        return
    if isinstance(spec, activities.ServiceTask):
        spec.topic = found.topic or identity
    elif isinstance(spec, activities.ScriptTask):
        spec.functions = functions
    elif isinstance(spec, activities.BusinessRuleTask):
        spec.decision, spec.shape = decisions[found.decision or ""], found.result_shape
    elif isinstance(spec, subprocesses.EventSubProcess):
        spec.interrupting = found.interrupting
    if found.async_before and not spec.name.endswith(" [child]"):
        spec._update = types.MethodType(activities.hold, spec)


def _shorten(spec: Any) -> None:
    """Predict one level, and only when a task runs: the tree holds what is live and nothing that may be."""
    spec.test()
    spec.test = types.MethodType(_tested, spec)
    spec._predict = types.MethodType(_predict_nothing, spec)
    if not isinstance(spec, MultiChoice | EventBasedGateway):  # those choose their outputs when they run
        spec._run = types.MethodType(_predict_and_run, spec)


def _tested(spec: Any) -> None:
    """SpiffWorkflow checks a specification each time a task becomes ready; once, when it is read, is enough."""


def _predict_nothing(
    spec: Any, task: Task, seen: Any = None, ahead: int = 0, mask: int = TaskState.PREDICTED_MASK
) -> None:
    return


def _predict_and_run(spec: Any, task: Task) -> Any:
    if not task._children or all(child.triggered for child in task.children):
        spec._predict_hook(task)
    return type(spec)._run(spec, task)
