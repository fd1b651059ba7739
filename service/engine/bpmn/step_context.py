"""The world of one step, and the five places where SpiffWorkflow would otherwise look outside it.

Ids come from a counter, time from a logical tick, and what becomes ready is queued in order of state changes:
nothing here reads a clock, draws a random number, or depends on the order of a dict. One world per thread.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import SpiffWorkflow.task as library
from SpiffWorkflow.bpmn.util.subworkflow import BpmnBaseWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState
from SpiffWorkflow.workflow import Workflow

from service.engine.kernel.types import (
    ServiceCall,
    StepError,
    ThrownEvent,
    TopicHandler,
)

MAX_AUTOMATIC = 10_000  # elements that one step may run without a person
MAX_SECONDS = 2.0  # of real time for one step; a guard, never an input

READY, WAITING, STARTED = TaskState.READY, TaskState.WAITING, TaskState.STARTED
COMPLETED, CANCELLED, ERROR = TaskState.COMPLETED, TaskState.CANCELLED, TaskState.ERROR
OPEN = READY | WAITING | STARTED
FINISHED = TaskState.FINISHED_MASK
NONE: Mapping[str, int] = {}


class StepContext(threading.local):
    """What a step may see: its instant, its topics, and its own counters."""

    tick = 0
    ids = 0
    at: datetime
    serve: TopicHandler
    ready: deque[Task] | None = None
    trace: list[str]
    calls: list[ServiceCall]
    sent: list[ThrownEvent]
    decisions: list[str]
    failed: str | None = None
    ran = 0
    deadline: float | None = None

    def begin(self, at: datetime, serve: TopicHandler, tick: int, ids: int = 0, bounded: bool = True) -> None:
        """Open the world for one step; ``bounded`` sets the guard on real time."""
        self.at, self.serve, self.tick, self.ids = at, serve, tick, ids
        self.ready, self.trace, self.calls, self.sent, self.decisions = deque(), [], [], [], []
        self.failed, self.ran = None, 0
        self.deadline = time.monotonic() + MAX_SECONDS if bounded else None

    def close(self) -> None:
        """No step is running: state changes are bookkeeping only."""
        self.ready = None

    @contextmanager
    def pause(self) -> Iterator[None]:
        """The time that a handler takes, waiting for locks perhaps, is not the diagram's."""
        began = time.monotonic()
        try:
            yield
        finally:
            if self.deadline is not None:
                self.deadline += time.monotonic() - began

    def count(self, element: str) -> None:
        """One more automatic element; raises StepError beyond the bounds of a step."""
        self.ran += 1
        if self.ran > MAX_AUTOMATIC:
            raise StepError(f"一步之内自动执行超过 {MAX_AUTOMATIC} 个元素,流程可能有无出口的循环。", element)
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise StepError(f"一步之内自动执行超过 {MAX_SECONDS:g} 秒。", element)


step_context = StepContext()

_DEEP = 20_000  # the library recurses along the flows when it parses and predicts: two frames and more an element
_depth_lock = threading.Lock()
_deep_users = 0
_usual_limit = 0


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Room for long diagrams while the library parses or predicts; the usual limit comes back after the last user."""
    global _deep_users, _usual_limit
    with _depth_lock:
        if _deep_users == 0:
            _usual_limit = sys.getrecursionlimit()
            sys.setrecursionlimit(_DEEP)
        _deep_users += 1
    try:
        yield
    finally:
        with _depth_lock:
            _deep_users -= 1
            if _deep_users == 0:
                sys.setrecursionlimit(_usual_limit)


def element_of(task: Task) -> str:
    """Id of the element in the diagram; the instances of a multi-instance activity bear the activity's id."""
    name: str = task.task_spec.name
    return name.removesuffix(" [child]")


def path_of(task: Task) -> str:
    """Element with the subprocesses and call activities around it: ``call/sub/element``."""
    workflow = task.workflow
    if workflow.parent_task_id is None:
        return element_of(task)
    return f"{path_of(workflow.top_workflow.get_task_from_id(workflow.parent_task_id))}/{element_of(task)}"


def _next_id() -> int:
    step_context.ids += 1
    return step_context.ids


class _Tick:
    @staticmethod
    def time() -> int:
        return step_context.tick


def _set_state(task: Task, value: int) -> None:
    old = task._state
    if value == old:
        return
    step_context.tick += 1
    task.last_state_change = step_context.tick
    task._state = value
    if step_context.ready is None:
        return
    spec = task.task_spec
    if value == READY:
        if not spec.manual:
            step_context.ready.append(task)
    elif value & FINISHED and getattr(spec, "traced", False):
        if value == COMPLETED:
            step_context.trace.append("+" + path_of(task))
        elif old & OPEN and not getattr(spec, "merges", False):
            step_context.trace.append("-" + path_of(task))


def _inherit_data(task: Task) -> None:
    """Once, on arrival. Values are never changed in place, so a shallow copy shares nothing that matters."""
    if task.entered:
        return
    task.entered = True
    parent = task.parent
    task.data = {**parent.data, **task.data}
    task.stamps = {**parent.stamps, **task.stamps} if task.stamps else parent.stamps


def _is_descendant_of(task: Task, ancestor: Task) -> bool:
    parent = task.parent
    while parent is not None:
        if parent is ancestor:
            return True
        parent = parent.parent
    return False


def _cancel(task: Task) -> None:
    """Instances before their loop, then the task itself; what is finished stays as it is."""
    if task._state & FINISHED:
        return
    for child in task.children:
        if child._state & OPEN:
            child.cancel()
    task._set_state(CANCELLED)
    task._drop_children()
    task.task_spec._on_cancel(task)


def _no_extras(_subject: Any, _extra: Any = None) -> dict[str, Any]:
    return {}


def _bind() -> None:
    library.uuid4, library.time = _next_id, _Tick
    Task.entered, Task.stamps, Task.token = False, NONE, None
    Task._set_state, Task._inherit_data, Task.is_descendant_of = _set_state, _inherit_data, _is_descendant_of
    Task.cancel = _cancel
    for owner in (Task, Workflow, BpmnBaseWorkflow):
        owner.collect_log_extras = _no_extras  # it walks the tree at every state change, logging on or off


_bind()
