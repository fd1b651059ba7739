"""The data of tokens: each has its own, and remembers when it wrote what;
where tokens meet, the latest write of a field wins.

Events on the border of an activity, and event subprocesses that listen, have none of their own: when they fire they
take what the tokens of their activity or scope hold then, so nothing written inside is lost by an interruption.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import in_order
from service.engine.bpmn.step_context import (
    OPEN,
    STARTED,
    WAITING,
)
from service.engine.kernel.types import Data


def write(*tasks: Task, values: Data) -> None:
    """Set fields of tokens, all at the same tick, and remember when: at a join, the value written last wins."""
    if values and tasks:
        context = tasks[0].workflow.context
        context.tick += 1
        for task in tasks:
            task.data = {**task.data, **values}
            task.stamps = {**task.stamps, **dict.fromkeys(values, context.tick)}


def merge(task: Task, others: list[Task]) -> None:
    """Bring the data of ``others`` (in order of arrival) into ``task``, field by field, the latest write winning.

    A branch that never wrote a field cannot overwrite it, whatever the order of arrival.
    """
    data, stamps = dict(task.data), dict(task.stamps)
    for other in others:
        combine(data, stamps, other.data, other.stamps)
    task.data, task.stamps = data, stamps


def combine(data: Data, stamps: dict[str, int], theirs: Data, their_stamps: Mapping[str, int]) -> None:
    """Take over what is new or was written later."""
    for name, value in theirs.items():
        if name not in data or their_stamps.get(name, 0) > stamps.get(name, 0):
            data[name] = value
            if name in their_stamps:
                stamps[name] = their_stamps[name]


def carries(task: Task) -> bool:
    """Tell whether an open task has data of its own: not events that wait beside a token,
    nor scopes whose tokens have it all.
    """
    spec = task.task_spec
    if task._state == WAITING and (isinstance(spec, BoundaryEvent) or getattr(spec, "listens", False)):
        return False
    if task._state == STARTED and isinstance(spec, SubWorkflowTask):
        return bool(spec.attributes.inputs or spec.attributes.outputs)
    return True


def gather(scope: Any) -> tuple[Data, dict[str, int]]:
    """Data and stamps of all tokens in a scope and the scopes in it; what instances have not handed in is theirs."""
    data: Data = {}
    stamps: dict[str, int] = {}
    for task in in_order(task for task in scope.tasks.values() if task._state & OPEN):
        if loop_around(task) is not None:
            continue
        if carries(task):
            combine(data, stamps, task.data, task.stamps)
        elif task._state == STARTED:
            combine(data, stamps, *gather(task.workflow.top_workflow.subprocesses[task.id]))
    return data, stamps


def take_over(event: Task) -> None:
    """Give an event that fires beside a token the data it goes on with."""
    if isinstance(event.task_spec, BoundaryEvent):
        activity = activity_of(event)
        if carries(activity):
            event.data, event.stamps = activity.data, activity.stamps
        else:
            event.data, event.stamps = gather(event.workflow.top_workflow.subprocesses[activity.id])
    else:
        event.data, event.stamps = gather(event.workflow)


def activity_of(event: Task) -> Task:
    """The activity that a boundary event is attached to."""
    return next(child for child in event.parent.children if not isinstance(child.task_spec, BoundaryEvent))


def loop_around(task: Task) -> Task | None:
    """The loop or multi-instance activity that this task is an instance of."""
    parent: Task | None = task.parent
    if parent is None or not isinstance(parent.task_spec, LoopTask):
        return None
    return parent if parent.task_spec.task_spec == task.task_spec.name else None
