"""Tokens: what is open in a case, how it is numbered, and what the inbox and the job table need to know of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.event_types import CatchingEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import Case, in_order
from service.engine.bpmn.events import awaits
from service.engine.bpmn.expressions_eval import attribute_of, value_of
from service.engine.bpmn.gateways import Join
from service.engine.bpmn.step_context import (
    EMPTY,
    OPEN,
    READY,
    STARTED,
    WAITING,
    element_of,
    path_of,
)
from service.engine.bpmn.subprocesses import EventSubProcess
from service.engine.bpmn.token_data import carries
from service.engine.definition import Definition
from service.engine.kernel.camunda_extensions import Attributes
from service.engine.kernel.timers import due_after, from_text, to_text
from service.engine.kernel.types import (
    Data,
    Job,
    StepError,
    UserTask,
)


def kind_of(task: Task) -> str | None:
    """user, wait, sub, loop, external or async; None when no token rests at this task."""
    state, spec = task._state, task.task_spec
    if state == READY:
        return "user" if spec.manual else None
    if state == WAITING and not isinstance(spec, Join):
        if isinstance(spec, CatchingEvent | EventSubProcess):
            return "wait"
        return "async" if spec.attributes and spec.attributes.async_before else None
    if state == STARTED:
        return "sub" if isinstance(spec, SubWorkflowTask) else "loop" if isinstance(spec, LoopTask) else "external"
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


def forget_stamps(tokens: list[Task], arrivals: list[Task]) -> None:
    """With a single token in the whole case there is nobody to compete with: who wrote what no longer matters."""
    if arrivals or any(kind_of(task) == "loop" for task in tokens) or sum(map(carries, tokens)) != 1:
        return
    for task in tokens:
        task.stamps = EMPTY


def instance_of(task: Task) -> Any:
    """Index or key of an instance of a loop or of multiple instances, else None."""
    return place_in(task.internal_data)


def place_in(marks: Data) -> Any:
    """Where a token is in what repeats: index or key of an instance, [done, of how many] of a loop, firings left of a cycle."""
    if "done" in marks:
        return [marks["done"], marks["total"] if "total" in marks else len(marks.get("rest", ()))]
    return marks.get("key", marks.get("iteration", marks.get("times")))


def user_task(task: Task, definition: Definition) -> UserTask:
    """The inbox row of an open user task, its expressions evaluated over the token's data. Raises StepError."""
    found: Attributes = task.task_spec.attributes
    due, follow_up = _instants(task, found)
    properties = found.properties
    return UserTask(
        token=task.token,
        element=path_of(task),
        name=definition.elements[element_of(task)].name,
        role=_text(task, attribute_of(task, found.role)),
        scope=_text(task, _property(task, properties.get("scope"))),
        form_key=_text(task, attribute_of(task, found.form_key)),
        assignee=_text(task, attribute_of(task, found.assignee)),
        due=due,
        follow_up=follow_up,
        priority=_priority(task, attribute_of(task, found.priority)),
        summary=_text(task, _property(task, properties.get("summary"))) or "",
        batch=_text(task, _property(task, properties.get("batch"))),
        instance=instance_of(task),
    )


def _instants(task: Task, found: Attributes) -> tuple[datetime | None, datetime | None]:
    """Due and follow-up; durations count from the instant at which the task opened, whenever this is asked."""
    if not found.due and not found.follow_up:
        return None, None
    opened = from_text(task.internal_data.setdefault("at", to_text(task.workflow.context.at)))
    return _instant(task, found.due, opened), _instant(task, found.follow_up, opened)


def _instant(task: Task, text: str | None, opened: datetime) -> datetime | None:
    value = attribute_of(task, text)
    if value is None or value == "":
        return None
    try:
        return due_after(str(value), opened)
    except ValueError as error:
        raise StepError(str(error), path_of(task)) from error


def _property(task: Task, expression: str | None) -> Any:
    return value_of(task, expression) if expression else None


def _text(task: Task, value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    if type(value) is int:
        return str(value)
    raise StepError(f"{value!r} 应是文字。", path_of(task))


def _priority(task: Task, value: Any) -> int:
    try:
        return 50 if value is None or value == "" else int(value)
    except (TypeError, ValueError) as error:
        raise StepError(f"优先级 {value!r} 不是整数。", path_of(task)) from error


def job_of(task: Task) -> Job | None:
    """What must happen later to a token: a timer, a worker, a continuation; None when only people or messages move it."""
    kind = kind_of(task)
    due = task.internal_data.get("due")
    if kind == "wait" and due is not None:
        return Job(task.token, path_of(task), "timer", from_text(due))
    if kind == "external":
        return Job(task.token, path_of(task), "external", topic=task.task_spec.topic)
    if kind == "async":
        return Job(task.token, path_of(task), "async")
    return None


def awaited_by(tokens: list[Task]) -> tuple[str, ...]:
    """Messages and signals that somebody waits for, ``message:name``, sorted."""
    return tuple(sorted({f"{kind}:{name}" for task in tokens for kind, name in awaits(task)}))
