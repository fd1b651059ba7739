"""Events that wait: timers, messages, signals; how one fires, and who receives what comes from outside."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions import MessageEventDefinition, SignalEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import Case, follow, in_order
from service.engine.bpmn.case_task import CaseTask, activity_of
from service.engine.bpmn.event_definitions import Condition, Several, parts_of
from service.engine.bpmn.step_context import (
    CANCELLED,
    COMPLETED,
    WAITING,
    path_of,
)
from service.engine.kernel.data_associations import carried_out
from service.engine.kernel.timers import from_text, parse_cycle, to_text
from service.engine.kernel.types import Data, StaleToken


class EventBasedGateway(defaults.EventBasedGateway):
    """One token that waits for several events; the first to come decides where it goes on."""

    def _run_hook(self, task: Task) -> bool:
        follow(task, [self.outputs[task.internal_data["chosen"]]])
        return True


def drain(case: Case) -> None:
    """Run what is automatic, in the order it became ready, until people or time are needed.

    Whenever an element has run, the conditions that tokens wait for are asked.
    """
    context = case.context
    ready = context.ready
    if case.watched:
        _ask_conditions(case)
    while ready:
        task = ready.popleft()
        if task._state == TaskState.READY and task.workflow.tasks.get(task.id) is task and case.alive(task.workflow):
            context.count(task)
            task.run()
            if case.watched:
                _ask_conditions(case)


def _ask_conditions(case: Case) -> None:
    for task in in_order(case.watched):
        for place, one in parts_of(task):
            waits = task._state == WAITING and case.alive(task.workflow)  # what came before may have ended it
            if waits and isinstance(one, Condition) and one.becomes_true(task, place):
                come(task, place, {})
    case.watched = [task for task in case.watched if task._state == WAITING and case.alive(task.workflow)]


def come(task: CaseTask, place: int, payload: Data) -> None:
    """One of the events that a token waits for came; of several in parallel all must come."""
    definition = task.task_spec.event_definition
    if isinstance(definition, Several) and not definition.takes(task, place):
        _take(task, payload)
    else:
        fire(task, payload)


def fire(task: CaseTask, payload: Data) -> None:
    """The event came: its token goes on; beside an activity that is not interrupted, a new one does."""
    _take(task, payload)
    if isinstance(task.task_spec, BoundaryEvent) and not _interrupts(task) and not is_last(task):
        _branch(task)
        return
    task.internal_data["event_fired"] = True
    task.task_spec._update(task)


def _take(task: CaseTask, payload: Data) -> None:
    """Write what an event brings; associations lead its data outputs to where they belong (BPMN 2.0 §10.4.2)."""
    copied = task.task_spec.attributes.copied_out if task.task_spec.attributes else {}
    found, left = carried_out(copied, task.data, payload) if copied else ({}, payload)
    task.scope.write({**left, **found})


def _interrupts(event: CaseTask) -> bool:
    """Tell whether a boundary event ends its activity: not what an instance of this activity throws as it ends
    (BPMN 2.0 table 10.29), for the others go on.
    """
    spared = event.workflow.context.spared
    return bool(event.task_spec.cancel_activity) and not (spared is not None and activity_of(event) is spared)


def fire_timer(task: CaseTask) -> None:
    """A timer fell due. A cycle falls due again until its last time."""
    data = task.internal_data
    come(task, data.get("timer", 0), {})
    if task._state == WAITING and "times" in data:
        cycle = parse_cycle(task.task_spec.event_definition.expression)
        assert cycle is not None
        data["due"] = to_text(cycle.period.after(from_text(data["due"])))
        data["times"] = max(data["times"] - 1, -1)


def is_last(task: Task) -> bool:
    """Tell whether an event that interrupts nothing cannot come again: a timer that is no cycle,
    or a cycle's last time.
    """
    marks = task.internal_data
    return "due" in marks and "timer" not in marks and marks.get("times", 1) == 1


def _branch(task: CaseTask) -> None:
    """A token beside the activity, which keeps its event: hung below a firing of its own, so that it outlives both."""
    spec = task.task_spec
    firing = CaseTask(task.workflow, spec, task.parent, state=COMPLETED)
    firing.triggered = True
    task.workflow.context.trace.append("+" + path_of(task))
    for output in spec.outputs:
        if not isinstance(output, BoundaryEventJoin):
            child = firing._add_child(output, TaskState.FUTURE)
            output._predict(child, mask=TaskState.NOT_FINISHED_MASK)
            output._update(child)


def awaits(task: Task) -> list[tuple[str, str]]:
    """List the events a waiting token waits for as (``message`` or ``signal``, name);
    timers and errors are left out.
    """
    return [(kind, name) for kind, name, _ in _waited(task)]


def _waited(task: Task) -> list[tuple[str, str, int]]:
    if task._state != WAITING:
        return []
    found = []
    for place, one in parts_of(task):
        if isinstance(one, MessageEventDefinition):
            found.append(("message", one.name, place))
        elif isinstance(one, SignalEventDefinition):
            found.append(("signal", one.name, place))
    return found


def receive(case: Any, kind: str, name: str, payload: Data, token: str | None = None) -> None:
    """Give a message to the token that waits longest, a signal to all that wait. Raises StaleToken when none does.

    Args:
        case: in which tokens wait.
        kind: message or signal.
        name: of the message or signal.
        payload: variables that it brings, written where each receiver stands.
        token: of the only token that may have it; None for any.
    """
    waiting = [t for scope in case.live() for t in scope.tasks.values() if (kind, name) in awaits(t)]
    waiting = in_order(t for t in waiting if token is None or t.token == token)
    if not waiting:
        raise StaleToken(f"{kind}:{name}")
    for task in waiting[:1] if kind == "message" else waiting:
        places = [place for one, called, place in _waited(task) if (one, called) == (kind, name)]
        if places and case.alive(task.workflow):  # a token before it may have ended this one
            come(task, places[0], payload)


class BoundaryJoin(BoundaryEventJoin):
    """Meeting point of an activity and its boundary events.

    When the activity ends its boundary events go; when one interrupts, the activity and the others go. SpiffWorkflow
    lets the token that arrives run on, so a boundary event that does not interrupt would end the scope.
    """

    def _update_hook(self, task: Task) -> bool:
        split = task.parent.parent
        finished, leaving = self._check_threshold_structured(task) if split is not None else (False, [])
        task._set_state(CANCELLED)
        if finished:
            for other in leaving:
                other.cancel()
        return False
