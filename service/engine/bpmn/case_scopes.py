"""A running case and the scopes inside it (subprocesses, called processes), on SpiffWorkflow's workflow classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.step_context import (
    COMPLETED,
    OPEN,
    WAITING,
    StepContext,
)
from service.engine.kernel.types import Data, StepError

MAX_DEPTH = 20  # scopes within scopes; a process that calls itself ends here

FUTURE = TaskState.FUTURE


class _Silent:
    """Stands in place of SpiffWorkflow's event manager: what waits is found in the scopes, in order of ticks."""

    def add_task(self, task: Task) -> None: ...

    def remove_task(self, task: Task) -> None: ...


class _Shared:
    """Behaviour that a case and its inner scopes share, and that differs from SpiffWorkflow's."""

    spec: Any
    context: StepContext
    data_scope: DataScope
    task_tree: CaseTask
    tasks: dict[int, Task]
    completed: bool
    success: bool
    polled: Sequence[Task] = ()

    def begin(self) -> None:
        """Make the start ready, everything behind it predicted as the specifications say."""
        self.task_tree = CaseTask(self, self.spec.start, state=FUTURE)
        self.spec.start._predict(self.task_tree, mask=TaskState.NOT_FINISHED_MASK)
        self.task_tree._ready()

    def resume(self) -> None:
        """Make the start a completed one, below which a stored state is hung."""
        self.task_tree = CaseTask(self, self.spec.start, state=COMPLETED)

    def update_waiting_tasks(self) -> None:
        """Ask again those that wait for what others do: inclusive joins and the end of the scope."""
        if self.polled:
            self.polled = in_order(task for task in self.polled if task._state == WAITING)
            for task in self.polled:
                if task._state == WAITING:
                    task.task_spec._update(task)

    def _task_completed_notify(self, task: Task) -> None:
        self.last_task = task
        if task.task_spec is self.spec.finish:
            self.completed = True
        if self.completed:
            self.completed_event(self)  # type: ignore[attr-defined]
        else:
            self.update_waiting_tasks()

    def cancel(self, *_ignored: Any) -> None:
        """End this scope with everything open in it."""
        self.success, self.completed = False, True
        for task in in_order(t for t in list(self.tasks.values()) if t._state & OPEN):
            task.cancel()

    def _predict(self, *_ignored: Any) -> None: ...


class Scope(_Shared, BpmnSubWorkflow):
    """One run of a subprocess or a called process, hung below the task that started it, in whose scope its data are."""

    def __init__(self, case: Case, host: CaseTask, name: str) -> None:
        self.context, self.data_scope = case.context, host.scope
        super().__init__(case.subprocess_specs[name], host.id, case, deserializing=True)
        case.subprocesses[host.id] = self


class Case(_Shared, BpmnWorkflow):
    """The whole case; ``data`` are the variables of its process, ``watched`` the tokens that wait for conditions."""

    watched: Sequence[CaseTask] = ()

    def __init__(self, spec: Any, specs: Any, engine: Any, context: StepContext, data: Data) -> None:
        self.context, self.data_scope = context, DataScope(data, of_process=True)
        super().__init__(spec, specs, script_engine=engine, deserializing=True)
        self.data = data
        self.event_manager = _Silent()

    def create_subprocess(self, task: CaseTask, name: str) -> Scope:
        if task.workflow.depth >= MAX_DEPTH:
            raise StepError(f"子流程嵌套超过 {MAX_DEPTH} 层。", task.task_spec.name)
        scope = Scope(self, task, name)
        scope.begin()
        return scope

    def get_task_from_id(self, task_id: int) -> Task:
        found = self.tasks.get(task_id)
        if found is None:
            found = next((scope.tasks[task_id] for scope in self.subprocesses.values() if task_id in scope.tasks), None)
        return found

    def alive(self, scope: Any) -> bool:
        """Tell whether tasks of this scope still count: it and all around it are open."""
        while scope.parent_task_id is not None:
            host = self.get_task_from_id(scope.parent_task_id)
            if scope.completed or host is None or not host._state & OPEN:
                return False
            scope = host.workflow
        return not scope.completed

    def live(self) -> Iterator[Any]:
        """The open scopes, the case itself first."""
        yield self
        for scope in list(self.subprocesses.values()):
            if self.alive(scope):
                yield scope


def in_order(tasks: Iterable[Task]) -> list[Task]:
    """Tasks by the tick at which they entered their state."""
    return sorted(tasks, key=lambda task: task.last_state_change)


def is_listener(task: Task) -> bool:
    """Tell whether this is an event subprocess, waiting or running."""
    return bool(getattr(task.task_spec, "listens", False))


SPENT = " [spent]"  # behind the flows that an arrival at a complex gateway stands for; no id has a blank


def is_spent(task: Task) -> bool:
    """Tell whether an arrival only remembers which flows of a complex gateway have given their token."""
    return str(task.internal_data.get("from", "")).endswith(SPENT)


def is_memory(task: Task) -> bool:
    """Tell whether this remembers an activity that has ended and may be undone."""
    return bool(task._state == WAITING and "undo" in task.internal_data)


def holds_token(task: Task) -> bool:
    """Tell whether a token is at this task: it is open and does not merely listen or remember,
    or is entered from a completed one.
    """
    if task._state & OPEN:
        return not (task._state == WAITING and (is_listener(task) or is_spent(task) or is_memory(task)))
    if task._state != FUTURE or task._parent is None:
        return False
    return bool(task.workflow.tasks[task._parent]._state == COMPLETED)


def follow(task: Task, chosen: list[Any]) -> None:
    """Let a gateway's token go on along the chosen outputs and no other."""
    task._sync_children(chosen, FUTURE)
    for child in task.children:
        child.task_spec._predict(child, mask=FUTURE | TaskState.PREDICTED_MASK)
