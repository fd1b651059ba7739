"""Definitions of events that the engine has of its own: a time, a condition, one or all of several.

Those of messages, signals and errors are SpiffWorkflow's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions import MultipleEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.timer import TimerEventDefinition
from SpiffWorkflow.task import Task

from service.engine.bpmn.expressions_eval import attribute_of, is_fulfilled, unwrap, value_of
from service.engine.bpmn.step_context import path_of
from service.engine.kernel.timers import due_after, parse_cycle, to_text
from service.engine.kernel.types import Data, StepError


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


class Condition(EventDefinition):
    """Comes when its condition becomes true, or is true already when the token arrives (BPMN 2.0 table 10.89);
    to come again it must have been false between. Asked whenever an element has run.
    """

    def __init__(self, expression: str) -> None:
        super().__init__(name="")
        self.expression = expression

    def update_task(self, task: Task) -> None:
        watch(task)

    def becomes_true(self, task: Task, place: int) -> bool:
        """Tell whether the condition holds now and did not when it was asked before; only changes are recorded.

        ``held`` in the marks of a token: the places of those of its conditions that held.
        """
        marks = task.internal_data
        value, held = is_fulfilled(task, self.expression), marks.get("held", [])
        if value is (place in held):
            return False
        task.workflow.context.decisions.append("1" if value else "0")
        marks["held"] = [*held, place] if value else [one for one in held if one != place]
        if not marks["held"]:
            del marks["held"]
        return value

    def reset(self, task: Task) -> None:
        task.internal_data.pop("held", None)
        task.internal_data.pop("event_fired", None)


class Compensation(EventDefinition):
    """Undoes an activity that has ended, or all in the scope; ``waits`` until that is done."""

    def __init__(self, activity: str | None, waits: bool) -> None:
        super().__init__(name="")
        self.activity, self.waits = activity, waits


class Several(MultipleEventDefinition):
    """The first of several events to come, or, in parallel, each of them once in any order (BPMN 2.0 §10.5.3)."""

    def has_fired(self, task: Task) -> bool:
        return bool(task.internal_data.get("event_fired"))

    def update_task(self, task: Task) -> None:
        marks = task.internal_data
        if "due" not in marks:
            dues = sorted(
                (first_due(task, one.expression)[0], place)
                for place, one in enumerate(self.event_definitions)
                if isinstance(one, Timer)
            )
            self.await_next(marks, [[to_text(due), place] for due, place in dues])
        if any(isinstance(one, Condition) for one in self.event_definitions):
            watch(task)

    def await_next(self, marks: Data, dues: list[list[Any]]) -> None:
        """Of several timers the earliest falls due first, the first drawn among equals; ``dues`` come after it."""
        for name in ("due", "timer", "dues"):
            marks.pop(name, None)
        if dues:
            marks["due"], marks["timer"] = dues[0]
        if dues[1:]:
            marks["dues"] = dues[1:]

    def takes(self, task: Task, place: int) -> bool:
        """Note that one of them came; True when the token may go on."""
        marks = task.internal_data
        if marks.get("timer") == place:
            self.await_next(marks, marks.get("dues", []))
        if not self.parallel:
            return True
        seen = [*marks.get("seen", []), place]
        if len(seen) < len(self.event_definitions):
            marks["seen"] = seen
            return False
        marks.pop("seen", None)
        return True

    def update_task_data(self, task: Task) -> None: ...

    def reset(self, task: Task) -> None:
        for name in ("due", "timer", "dues", "seen", "held", "event_fired"):
            task.internal_data.pop(name, None)


class Alternatives(Several):
    """The events that an event-based gateway waits for, by their place in the order drawn; it remembers which came."""

    def has_fired(self, task: Task) -> bool:
        return "chosen" in task.internal_data

    def takes(self, task: Task, place: int) -> bool:
        task.internal_data["chosen"] = place
        return True

    def reset(self, task: Task) -> None: ...


def watch(task: Task) -> None:
    """Let the conditions that a token waits for be asked, until it has gone on."""
    case = task.workflow.top_workflow
    if task not in case.watched:
        case.watched = [*case.watched, task]


def parts_of(task: Task) -> list[tuple[int, EventDefinition]]:
    """The events that a waiting token still waits for, each with its place among several."""
    definition = getattr(task.task_spec, "event_definition", None)
    if definition is None:
        return []
    if not isinstance(definition, MultipleEventDefinition):
        return [(0, definition)]
    seen = task.internal_data.get("seen", ())
    return [(place, one) for place, one in enumerate(definition.event_definitions) if place not in seen]


def has_conditions(spec: object) -> bool:
    """Tell whether tokens at an element wait for a condition."""
    definition = getattr(spec, "event_definition", None)
    return any(isinstance(one, Condition) for one in getattr(definition, "event_definitions", [definition]))
