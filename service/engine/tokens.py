"""Tokens: where a case stands, of which kind, and under which ids."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent, ThrowingEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import Case, in_order
from service.engine.bpmn.gateways import Join
from service.engine.bpmn.step_context import (
    OPEN,
    READY,
    STARTED,
    WAITING,
)
from service.engine.bpmn.subprocesses import EventSubProcess
from service.engine.kernel.types import Data


def kind_of(task: Task) -> str | None:
    """user, wait, sub, loop, throw, external or async, undo for what remembers an activity that has ended;
    None when no token rests at this task.
    """
    state, spec = task._state, task.task_spec
    if state == READY:
        return "user" if spec.manual else None
    if state == WAITING and not isinstance(spec, Join):
        if "undo" in task.internal_data:
            return "undo"
        if isinstance(spec, CatchingEvent | EventSubProcess):
            return "wait"
        return "async" if spec.attributes and spec.attributes.async_before else None
    if state == STARTED:
        kinds = ((SubWorkflowTask, "sub"), (LoopTask, "loop"), (ThrowingEvent, "throw"))
        return next((kind for found, kind in kinds if isinstance(spec, found)), "external")
    return None


def tokens_in(case: Case) -> Iterator[Task]:
    """Every task at which a token rests, in no particular order."""
    for scope in case.live():
        for task in scope.tasks.values():
            if task._state & OPEN and kind_of(task):
                yield task


def arrivals_in(case: Case) -> list[Task]:
    """Tokens that wait at joins, in order of arrival, scope by scope."""
    waiting = []
    for scope in case.live():
        waiting += in_order(t for t in scope.tasks.values() if t._state == WAITING and isinstance(t.task_spec, Join))
    return waiting


def number(case: Case, seq: int) -> list[Task]:
    """Give new tokens their ids ``seq.n`` in order of state changes; returns all tokens in order of their ids."""
    known: list[Task] = []
    fresh: list[Task] = []
    for task in tokens_in(case):
        (fresh if task.token is None else known).append(task)
    known.sort(key=lambda task: order_of(task.token))
    for place, task in enumerate(in_order(fresh)):
        task.token = f"{seq}.{place}"
        known.append(task)
    return known


def order_of(token: str) -> tuple[int, int]:
    """The sorting key of a token id."""
    seq, _, place = token.partition(".")
    return int(seq), int(place)


def place_in(marks: Data) -> Any:
    """The place of a token in what repeats: index or key of an instance,
    [done, of how many] of a loop, firings left of a cycle, which of several events in parallel have come.
    """
    if "done" in marks:
        return [marks["done"], marks["total"] if "total" in marks else len(marks.get("rest", ()))]
    return marks.get("key", marks.get("iteration", marks.get("times", marks.get("seen"))))
