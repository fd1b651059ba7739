"""Compensation (BPMN 2.0 §10.7, §13.5.5): activities that have ended are remembered and undone, the last one first.

A memory is a task that waits and holds no token: of an activity with a compensation boundary event at that event, of a
subprocess with memories inside it at the subprocess, whose scope it keeps. In its marks ``undo`` is its place among
those of its scope; ``group`` the run of compensation that it belongs to and its place in it; ``undoing`` the group that
a token waits for; ``round`` tells the instances of one run of a repeated activity from those of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from SpiffWorkflow.bpmn.specs.event_definitions import CancelEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import in_order, is_memory
from service.engine.bpmn.case_task import CaseTask, loop_around
from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.event_definitions import Compensation
from service.engine.bpmn.step_context import COMPLETED, OPEN, STARTED, WAITING, element_of


def remember(workflow: Any, task: CaseTask) -> None:
    """An activity with a compensation boundary event has ended."""
    memory = _memory(workflow, workflow.spec.task_specs[task.task_spec.undone_by])
    memory.instance = _copy(task.instance)


def remember_scope(task: CaseTask, scope: Any) -> None:
    """A subprocess has ended: when something in it can be undone its scope is kept, below a task that takes its place
    and its token.
    """
    if not memories_in(scope) or hasattr(task.task_spec, "undone_by"):
        return
    memory = _memory(task.workflow, task.task_spec)
    memory.token, memory.last_state_change = task.token, task.last_state_change
    memory.instance = _copy(task.instance)
    loop = loop_around(task)
    if loop is not None:
        memory.internal_data["round"] = _round_of(loop)
    if task.own is not None:
        memory.own = task.task_spec.own_scope(task.own.values, memory.around)
    before, scope.data_scope = scope.data_scope, memory.scope
    for inner in memories_in(scope):
        held = inner.instance or inner.own
        if held is not None and held.outer is before:
            held.outer = scope.data_scope
    scope.parent_task_id, scope.completed = memory.id, False
    task.workflow.top_workflow.subprocesses[memory.id] = scope


def memories_in(scope: Any) -> list[CaseTask]:
    """List what can be undone in a scope, the last first."""
    found = (task for task in scope.tasks.values() if is_memory(task))
    return sorted(found, key=lambda task: -int(task.internal_data["undo"]))


def _memory(workflow: Any, spec: Any) -> CaseTask:
    workflow.context.tick += 1
    memory = CaseTask(workflow, spec, workflow.task_tree, state=WAITING)
    memory.internal_data["undo"] = 1 + max((t.internal_data.get("undo", 0) for t in workflow.tasks.values()), default=0)
    return memory


def _round_of(loop: CaseTask) -> int:
    rounds = (t.internal_data.get("round", 0) for t in loop.workflow.tasks.values())
    return int(loop.internal_data.setdefault("round", 1 + max(rounds, default=0)))


def _copy(instance: DataScope | None) -> DataScope | None:
    """The variables and attributes of an instance as they were when it ended."""
    return None if instance is None else DataScope({**instance.attributes(), **instance.values}, instance.outer)


def begin(task: CaseTask, definition: EventDefinition) -> bool:
    """Compensate what an event says, the scope of a transaction when it is cancelled; True when its token must wait."""
    if isinstance(definition, CancelEventDefinition):
        chosen = _left_by_transaction(task)
    elif isinstance(definition, Compensation):
        chosen = [one for one in _within_reach(task) if definition.activity in (None, _activity_of(one))]
    else:
        return False
    waits = isinstance(definition, CancelEventDefinition) or definition.waits
    if chosen:
        _undo(chosen, task if waits else None)
    return bool(chosen) and waits


def _left_by_transaction(task: CaseTask) -> list[CaseTask]:
    """End all else in a transaction that is cancelled, with all its instances; list what is left to undo: memories, and
    before them the activities that undo something already.
    """
    case = task.workflow.top_workflow
    host = case.get_task_from_id(task.workflow.parent_task_id)
    loop = loop_around(host)
    hosts = [host] if loop is None else [one for one in loop.children if one._state & OPEN]
    opened = [one for host in hosts for one in list(case.subprocesses[host.id].tasks.values()) if one._state & OPEN]
    undo = [one for one in in_order(opened) if "group" in one.internal_data and not is_memory(one)]
    for other in in_order(opened):
        if other is not task and other not in undo and not is_memory(other):
            other.cancel()
    for host in reversed(hosts):
        undo += memories_in(case.subprocesses[host.id])
    if loop is not None and "round" in loop.internal_data:
        ended = memories_in(loop.workflow)
        undo += [one for one in ended if one.internal_data.get("round") == loop.internal_data["round"]]
    return undo


def _within_reach(task: CaseTask) -> list[CaseTask]:
    """Memories of the event's own scope and, in an event subprocess, of the scope around it."""
    workflow, found = task.workflow, memories_in(task.workflow)
    while workflow.parent_task_id is not None:
        host = workflow.top_workflow.get_task_from_id(workflow.parent_task_id)
        if not getattr(host.task_spec, "listens", False):
            break
        workflow = host.workflow
        found += memories_in(workflow)
    return found


def _activity_of(memory: CaseTask) -> str:
    found: str = getattr(memory.task_spec, "undoes", None) or element_of(memory)
    return found


def _undo(chosen: list[CaseTask], owner: CaseTask | None) -> None:
    """Let these be undone one after the other, and the owner go on when all are."""
    case = chosen[0].workflow.top_workflow
    groups = [marks["group"][0] for marks in _marks(case) if "group" in marks]
    groups += [marks["undoing"] for marks in _marks(case) if "undoing" in marks]
    group = 1 + max(groups, default=0)
    for place, memory in enumerate(chosen):
        memory.internal_data["group"] = [group, place]
    if owner is not None:
        owner.internal_data["undoing"] = group
    _proceed(case, group)


def _tasks(case: Any) -> Iterator[CaseTask]:
    for scope in case.live():
        yield from list(scope.tasks.values())


def _marks(case: Any) -> list[dict[str, Any]]:
    return [task.internal_data for task in _tasks(case) if task._state & OPEN]


def _proceed(case: Any, group: int) -> None:
    """Undo the next of a group when nothing of it is being undone, or let go on who waits for it."""
    left = [t for t in _tasks(case) if t._state & OPEN and t.internal_data.get("group", (0,))[0] == group]
    if left:
        if all(map(is_memory, left)):
            _undo_one(min(left, key=lambda task: int(task.internal_data["group"][1])))
        return
    for owner in _tasks(case):
        if owner._state & OPEN and owner.internal_data.get("undoing") == group:
            del owner.internal_data["undoing"]
            owner.task_spec.undone(owner)
            return


def _undo_one(memory: CaseTask) -> None:
    """Run the activity that undoes, in the variables of then; or undo what is in a subprocess."""
    if not isinstance(memory.task_spec, BoundaryEvent):
        memory._set_state(STARTED)
        inner = memory.workflow.top_workflow.subprocesses[memory.id]
        _undo(memories_in(inner), memory)
        return
    memory._set_state(COMPLETED)
    (spec,) = memory.task_spec.outputs
    task = memory._add_child(spec, TaskState.FUTURE)
    task.internal_data["group"] = memory.internal_data["group"]
    task.instance = memory.instance
    spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    spec._update(task)


def handled(workflow: Any, task: CaseTask) -> None:
    """An activity that undoes another has ended."""
    if "group" in task.internal_data:
        _proceed(workflow.top_workflow, task.internal_data["group"][0])


def scope_undone(memory: CaseTask) -> None:
    """All that was remembered in a subprocess is undone."""
    case, group = memory.workflow.top_workflow, memory.internal_data["group"][0]
    memory.cancel()
    _proceed(case, group)
