"""The surroundings of one step: its instant, its topics, its counters, and the record of it. Each case has its own.

Ids come from a counter, time from a logical tick, and what becomes ready is queued in order of state changes:
nothing here draws a random number, depends on the order of a dict, or decides by a clock.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.kernel.cpu_meter import PATIENCE, CpuMeter
from service.engine.kernel.types import (
    MendRefused,
    MigrationRefused,
    Reached,
    ServiceCall,
    StaleToken,
    StepError,
    ThrownEvent,
    TopicHandler,
)

MAX_AUTOMATIC = 10_000  # elements that one step may run without a person
MAX_SECONDS = 2.0  # of CPU time for one step, its scripts included; a guard, never an input

READY, WAITING, STARTED = TaskState.READY, TaskState.WAITING, TaskState.STARTED
COMPLETED, CANCELLED, ERROR = TaskState.COMPLETED, TaskState.CANCELLED, TaskState.ERROR
OPEN = READY | WAITING | STARTED
REACHED = OPEN | COMPLETED
PREDICTED = TaskState.PREDICTED_MASK | TaskState.FUTURE
FINISHED = TaskState.FINISHED_MASK


class StepContext:
    """Hang on a case as ``case.context``; ``begin`` starts a step, ticks and ids go on from step to step."""

    __slots__ = (
        "at",
        "calls",
        "decisions",
        "failed",
        "ids",
        "meter",
        "moves",
        "raised",
        "ran",
        "reached",
        "ready",
        "running",
        "sent",
        "serve",
        "spared",
        "start",
        "tick",
        "trace",
    )

    at: datetime
    serve: TopicHandler
    trace: list[str]
    calls: list[ServiceCall]
    sent: list[ThrownEvent]
    decisions: list[str]
    moves: list[tuple[str, str]]
    ready: deque[Task]
    failed: str | None
    start: str | None
    reached: Reached | None
    raised: Exception | None
    running: Task | None
    spared: Task | None
    ran: int
    meter: CpuMeter

    def __init__(self, at: datetime, serve: TopicHandler, bounded: bool = True) -> None:
        self.tick = self.ids = 0
        self.begin(at, serve, bounded)

    def begin(self, at: datetime, serve: TopicHandler, bounded: bool = True) -> None:
        """Begin a step; ``bounded`` limits its CPU time."""
        self.at, self.serve = at, serve
        self.ready, self.trace, self.calls, self.sent, self.decisions = deque(), [], [], [], []
        self.moves = []  # of tokens from one specification to the next
        self.failed = self.raised = self.running = self.spared = self.start = self.reached = None
        self.ran = 0
        self.meter = CpuMeter(MAX_SECONDS if bounded else None)

    def next_id(self) -> int:
        self.ids += 1
        return self.ids

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Call a handler: its time, in which it may wait for locks, and its errors are not the diagram's."""
        with self.meter.pause():
            try:
                yield
            except Exception as error:
                self.raised = error
                raise

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Raise StepError, with the element, for all that is not foreseen; what a handler raises passes unchanged."""
        try:
            yield
        except (StepError, StaleToken, MendRefused, MigrationRefused):
            raise
        except Exception as error:
            if error is self.raised:
                raise
            raise StepError(f"流程引擎出错：{type(error).__name__} {error}", self._where()) from error

    def _where(self) -> str:
        """The path of the element that runs; its id alone when what is around it is gone."""
        task = self.running
        if task is None:
            return ""
        return path_of(task) if task.workflow.top_workflow.alive(task.workflow) else element_of(task)

    def count(self, task: Task) -> None:
        """Count one automatic element. Raises StepError beyond the bounds of a step."""
        self.ran += 1
        self.running = task
        element = task.task_spec.name
        if self.ran > MAX_AUTOMATIC:
            raise StepError(f"一步之内自动执行超过 {MAX_AUTOMATIC} 个元素，流程可能有无出口的循环。", element)
        self.check_time(element)

    def check_time(self, element: str) -> None:
        """Raise StepError when the step has used up its CPU time, or when nothing moves any more."""
        if self.meter.left() <= 0:
            raise StepError(f"一步之内自动执行用去 {MAX_SECONDS:g} 秒以上的 CPU 时间。", element)
        if self.meter.is_stuck():
            raise StepError(
                f"这一步过了 {2 * PATIENCE * MAX_SECONDS:g} 秒仍未完成，而计算很少："
                "机器太忙或停顿，与流程图无关，请重试。",
                element,
            )


_DEEP = 20_000  # SpiffWorkflow recurses along the flows when it parses and predicts: two frames and more an element
_depth_lock = threading.Lock()
_deep_users = 0
_usual_limit = 0


@contextmanager
def deep_recursion() -> Iterator[None]:
    """Make room for long diagrams while SpiffWorkflow parses or predicts; the last user restores the usual limit."""
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
    """Return the id of the element in the diagram; instances of a multi-instance activity have the activity's id,
    and what is drawn in that of the element it stands for.
    """
    name: str = task.task_spec.name
    return name.partition(" [")[0]


def path_of(task: Task) -> str:
    """Return the element with the subprocesses and call activities around it: ``call/sub/element``."""
    workflow = task.workflow
    if workflow.parent_task_id is None:
        return element_of(task)
    host = workflow.top_workflow.get_task_from_id(workflow.parent_task_id)
    return f"{path_of(host)}/{element_of(task)}"
