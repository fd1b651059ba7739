"""Events that are thrown,
and who catches them inside the case: errors and escalations up through it, signals all round.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.control import BoundaryEventSplit
from SpiffWorkflow.bpmn.specs.event_definitions import (
    CancelEventDefinition,
    ErrorEventDefinition,
    EscalationEventDefinition,
    MessageEventDefinition,
    MultipleEventDefinition,
    SignalEventDefinition,
    TerminateEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import in_order, is_listener
from service.engine.bpmn.case_task import CaseTask, loop_around
from service.engine.bpmn.compensation import begin
from service.engine.bpmn.event_definitions import parts_of
from service.engine.bpmn.events import come, receive
from service.engine.bpmn.step_context import (
    OPEN,
    WAITING,
    path_of,
)
from service.engine.kernel.camunda_extensions import Attributes
from service.engine.kernel.data_associations import carried_in
from service.engine.kernel.types import (
    Data,
    StaleToken,
    StepError,
    ThrownEvent,
)


class Throwing:
    """Throws through ``throw``, never through SpiffWorkflow's event manager."""

    event_definition: EventDefinition
    attributes: Attributes | None

    def _run_hook(self, task: CaseTask) -> bool | None:
        if begin(task, self.event_definition):
            return None
        throw(task, self.event_definition)
        return True

    def undone(self, task: CaseTask) -> None:
        """Go on: all that this event compensates is undone."""
        if isinstance(self.event_definition, CancelEventDefinition):
            throw(task, self.event_definition)
            return
        if not task._children:
            self._predict_hook(task)  # type: ignore[attr-defined]
        task.complete()


class IntermediateThrowEvent(Throwing, defaults.IntermediateThrowEvent):
    """Throws and goes on."""


class SendTask(Throwing, defaults.SendTask):
    """Sends its message and goes on."""


class EndEvent(Throwing, defaults.EndEvent):
    """Ends its token; a terminating one its scope, an error that nobody catches the whole case."""

    def _on_complete_hook(self, task: Task) -> None:
        context = task.workflow.context
        if isinstance(self.event_definition, TerminateEventDefinition) or context.failed is not None:
            task.workflow.completed = True
        if context.failed is not None:
            context.trace.append("!" + path_of(task))
            task.workflow.top_workflow.completed = True


def _signal(task: CaseTask, definition: SignalEventDefinition) -> None:
    if not definition.stays_within:
        task.workflow.context.sent.append(ThrownEvent("signal", definition.name, path_of(task), _carried(task)))
    with suppress(StaleToken):  # nobody in the case waits for it
        receive(task.workflow.top_workflow, "signal", definition.name, _inputs(task))


def _inputs(task: CaseTask) -> Data:
    """The data inputs of an event or task that throws, by their associations (BPMN 2.0 §10.4.2)."""
    attributes = task.task_spec.attributes if isinstance(task.task_spec, Throwing) else None
    return carried_in(attributes.copied_in, task.data) if attributes else {}


def _carried(task: CaseTask) -> Data:
    """The data that leave the case with a message or signal: its data inputs, all variables where none are drawn."""
    attributes = task.task_spec.attributes if isinstance(task.task_spec, Throwing) else None
    return _inputs(task) if attributes and attributes.copied_in else dict(task.scope.variables())


def throw(task: CaseTask, definition: EventDefinition) -> None:
    """Throw an event. Messages leave the case; signals also reach tokens inside it, errors go up through its scopes."""
    context, path = task.workflow.context, path_of(task)
    if isinstance(definition, MultipleEventDefinition):
        for one in definition.event_definitions:
            throw(task, one)
    elif isinstance(definition, MessageEventDefinition):
        context.sent.append(ThrownEvent("message", definition.name, path, _carried(task)))
    elif isinstance(definition, SignalEventDefinition):
        _signal(task, definition)
    elif isinstance(definition, TerminateEventDefinition):
        _end_scope_but(task)
    elif isinstance(definition, ErrorEventDefinition):
        if not raise_to_boundary(task.workflow, ErrorEventDefinition, definition.code, _inputs(task)):
            context.failed = definition.code or definition.name
            _end_all_but(task)
    elif isinstance(definition, EscalationEventDefinition):
        raise_to_boundary(task.workflow, EscalationEventDefinition, definition.code, _inputs(task))
    elif isinstance(definition, CancelEventDefinition):
        raise_to_boundary(task.workflow, CancelEventDefinition, None, {})


def throw_from_instance(activity: CaseTask, definition: EventDefinition) -> None:
    """Throw what a multi-instance activity throws when an instance ends; its own boundary events catch it first."""
    context = activity.workflow.context
    context.spared = activity
    kind = EscalationEventDefinition
    if not (isinstance(definition, kind) and _catch(activity, kind, definition.code, {})):
        throw(activity, definition)
    context.spared = None


def _end_scope_but(task: Task) -> None:
    """End all else in a scope; of what repeats the other instances, but not the activity that this one belongs to."""
    spared = (task, loop_around(task))
    for other in in_order(t for t in list(task.workflow.tasks.values()) if t._state & OPEN and t not in spared):
        other.cancel()


def _end_all_but(task: Task) -> None:
    """End everything in the case but this task and the activities around it."""
    _end_scope_but(task)
    while task.workflow.parent_task_id is not None:
        task = task.workflow.top_workflow.get_task_from_id(task.workflow.parent_task_id)
        _end_scope_but(task)


def raise_error(task: Task, code: str, payload: Data) -> None:
    """An error inside an activity: to its own boundary event, or one around it. Raises StepError if nobody catches."""
    caught = _catch(task, ErrorEventDefinition, code, payload)
    if not caught and not raise_to_boundary(task.workflow, ErrorEventDefinition, code, payload):
        raise StepError(f"没有边界事件捕获 BPMN 错误 {code}。", path_of(task))


def raise_to_boundary(scope: Any, kind: type, code: str | None, payload: Data) -> bool:
    """Offer an error, escalation or cancellation from inside out; True when something catches it.

    In each scope its event subprocesses come first, then the boundary events of the activity around it.
    """
    while True:
        if _first(kind, code, payload, scope.tasks.values(), listening=True):
            return True
        if scope.parent_task_id is None:
            return False
        host = scope.top_workflow.get_task_from_id(scope.parent_task_id)
        if _catch(host, kind, code, payload):
            return True
        scope = host.workflow


def _catch(host: Task, kind: type, code: str | None, payload: Data) -> bool:
    """Fire a boundary event of this very activity that catches the code; False when there is none."""
    host = loop_around(host) or host
    split = host.parent
    return isinstance(split.task_spec, BoundaryEventSplit) and _first(
        kind, code, payload, split.children, listening=False
    )


def _first(kind: type, code: str | None, payload: Data, tasks: Iterable[Task], listening: bool) -> bool:
    """Fire the first waiting event with this code, failing that the first for any code."""
    waiting = [
        (task, place, getattr(one, "code", None))
        for task in in_order(t for t in tasks if t._state == WAITING and is_listener(t) is listening)
        for place, one in parts_of(task)
        if isinstance(one, kind)
    ]
    for wanted in (code, None):
        for task, place, own in waiting:
            if own == wanted:
                come(task, place, payload)
                return True
    return False
