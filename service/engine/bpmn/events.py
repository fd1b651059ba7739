"""Events that wait: timers, messages, signals; how one fires, and who receives what comes from outside."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.bpmn.specs.event_definitions import (
    MessageEventDefinition,
    MultipleEventDefinition,
    SignalEventDefinition,
)
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import follow, in_order
from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.expressions_eval import attribute_of, unwrap, value_of
from service.engine.bpmn.step_context import (
    CANCELLED,
    COMPLETED,
    WAITING,
    path_of,
)
from service.engine.kernel.timers import (
    due_after,
    from_text,
    parse_cycle,
    to_text,
)
from service.engine.kernel.types import Data, StaleToken, StepError


class Timer(TimerEventDefinition):
    """Due once, when the token arrives; then only an input fires it."""

    def has_fired(self, task: Task) -> bool:
        return bool(task.internal_data.get("event_fired"))

    def update_task(self, task: Task) -> None:
        if "due" not in task.internal_data:
            due, times = first_due(task, self.expression)
            task.internal_data["due"] = to_text(due)
            if times is not None:
                task.internal_data["times"] = times

    def reset(self, task: Task) -> None:
        task.internal_data.pop("due", None)
        task.internal_data.pop("event_fired", None)


def first_due(task: Task, expression: str) -> tuple[datetime, int | None]:
    """Compute when a timer falls due first, and how often a cycle fires (-1: for ever; None: no cycle).

    Raises StepError.
    """
    text, at = str(attribute_of(task, expression.strip())).strip(), task.workflow.context.at
    try:
        cycle = parse_cycle(text)
        if cycle:
            return cycle.start or cycle.period.after(at), -1 if cycle.times is None else cycle.times
        return due_after(_literal(task, text, expression), at), None
    except (ValueError, OverflowError) as error:
        raise StepError(f"定时器 {text}:{error}", path_of(task)) from error


def _literal(task: Task, text: str, expression: str) -> str:
    """A timer that is neither ISO 8601 nor ``${…}`` is a bare expression, as Spiff's own diagrams have it."""
    if text[:1] in "PR" or text[:1].isdigit() or unwrap(expression):
        return text
    return str(value_of(task, text))


class Alternatives(MultipleEventDefinition):
    """The events after an event-based gateway; the gateway waits for all and remembers which came."""

    def has_fired(self, task: Task) -> bool:
        return "chosen" in task.internal_data

    def update_task(self, task: Task) -> None:
        """Of several timers only the earliest can win, the first drawn among equals."""
        if "due" in task.internal_data:
            return
        timers = [
            (first_due(task, e.expression)[0], n) for n, e in enumerate(self.event_definitions) if isinstance(e, Timer)
        ]
        if timers:
            due, place = min(timers)
            task.internal_data.update(due=to_text(due), timer=place)

    def update_task_data(self, task: Task) -> None: ...

    def reset(self, task: Task) -> None: ...


class EventBasedGateway(defaults.EventBasedGateway):
    """One token that waits for several events; the first to come decides where it goes on."""

    def _run_hook(self, task: Task) -> bool:
        follow(task, [self.outputs[task.internal_data["chosen"]]])
        return True


def fire(task: CaseTask, payload: Data) -> None:
    """The event came: its token goes on; beside an activity that is not interrupted, a new one does."""
    task.scope.write(payload)
    if isinstance(task.task_spec, BoundaryEvent) and not task.task_spec.cancel_activity and not is_last(task):
        _branch(task)
        return
    task.internal_data["event_fired"] = True
    task.task_spec._update(task)


def fire_timer(task: CaseTask) -> None:
    """A timer fell due. A cycle falls due again until its last time."""
    data = task.internal_data
    if "timer" in data:
        data["chosen"] = data["timer"]
    fire(task, {})
    if task._state == WAITING and "times" in data:
        cycle = parse_cycle(task.task_spec.event_definition.expression)
        assert cycle is not None
        data["due"] = to_text(cycle.period.after(from_text(data["due"])))
        data["times"] = max(data["times"] - 1, -1)


def is_last(task: Task) -> bool:
    """Tell whether an event that interrupts nothing cannot come again: a timer that is no cycle,
    or a cycle's last time.
    """
    return "due" in task.internal_data and task.internal_data.get("times", 1) == 1


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
    return [(kind, definition.name) for kind, definition in _waited(task)]


def _waited(task: Task) -> list[tuple[str, Any]]:
    definition = getattr(task.task_spec, "event_definition", None)
    if task._state != WAITING or definition is None:
        return []
    several = isinstance(definition, MultipleEventDefinition)
    found = []
    for one in definition.event_definitions if several else [definition]:
        if isinstance(one, MessageEventDefinition):
            found.append(("message", one))
        elif isinstance(one, SignalEventDefinition):
            found.append(("signal", one))
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
        if task._state == WAITING and case.alive(task.workflow):  # a token before it may have ended this one
            _choose(task, kind, name)
            fire(task, payload)


def _choose(task: Task, kind: str, name: str) -> None:
    """Remember at an event-based gateway the place of the event that came."""
    definition = task.task_spec.event_definition
    if isinstance(definition, Alternatives):
        names = [(type(e), getattr(e, "name", None)) for e in definition.event_definitions]
        wanted = MessageEventDefinition if kind == "message" else SignalEventDefinition
        task.internal_data["chosen"] = names.index((wanted, name))


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
