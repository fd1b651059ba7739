"""The open work of a case: rows of the inbox, jobs, and the events that tokens wait for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from SpiffWorkflow.task import Task

from service.engine.bpmn.events import awaits
from service.engine.bpmn.expressions_eval import attribute_of, value_of
from service.engine.bpmn.step_context import element_of, path_of
from service.engine.definition import Definition
from service.engine.kernel.camunda_extensions import Attributes
from service.engine.kernel.timers import due_after, from_text, to_text
from service.engine.kernel.types import Job, StepError, UserTask
from service.engine.tokens import kind_of, place_in


@dataclass(frozen=True, slots=True)
class OpenWork:
    """User tasks and jobs that are open, by token."""

    users: dict[str, Task]
    jobs: dict[str, Job]


def open_work(tokens: Iterable[Task]) -> OpenWork:
    """Sort tokens into user tasks and jobs."""
    users, jobs = {}, {}
    for task in tokens:
        if kind_of(task) == "user":
            users[task.token] = task
        elif job := job_of(task):
            jobs[task.token] = job
    return OpenWork(users, jobs)


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
        instance=place_in(task.internal_data),
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
    """The job of a token: a timer, a worker, a continuation; None when only people or messages move it."""
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
