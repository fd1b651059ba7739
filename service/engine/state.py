"""The state of a case as bytes: its canonical view (tokens, arrivals at joins, data), and the way back to a workflow.

Nothing of SpiffWorkflow is stored: no finished task, no prediction, no specification. Digests go over the same view,
so a better codec or engine keeps old digests true.
"""

from __future__ import annotations

from typing import Any

import orjson
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import Case, Scope
from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.expressions_eval import ConditionEngine
from service.engine.bpmn.spec_builder import ExecutableSpecs
from service.engine.bpmn.step_context import (
    COMPLETED,
    EMPTY,
    READY,
    STARTED,
    WAITING,
    StepContext,
)
from service.engine.bpmn.token_data import activity_of, carries, loop_around
from service.engine.definition import Definition
from service.engine.kernel.canonical_json import digest, salted
from service.engine.kernel.types import StepError
from service.engine.tokens import kind_of, place_in

VERSION = 1  # of the stored form; another form is another version
_STATES = {"user": READY, "wait": WAITING, "async": WAITING, "sub": STARTED, "loop": STARTED, "external": STARTED}
_ENGINE = ConditionEngine()
_LONG_AGO = 1 << 40  # stored tokens come before every tick of the step, in the order of their rows


def new_case(specs: ExecutableSpecs, context: StepContext) -> Case:
    """Make a case that stands before its start event."""
    case = Case(specs.main, specs.inner, _ENGINE, context)
    case.begin()
    return case


def save(case: Case, definition: Definition, tokens: list[Task], arrivals: list[Task]) -> bytes:
    """The stored state: version, definition, tick, final data, tokens, arrivals."""
    if case.completed:
        return orjson.dumps([VERSION, definition.digest, case.context.tick, case.data, [], []])
    hosts = {task.id: task.token for task in tokens}
    rows = [
        [
            task.token,
            scope_of(task, hosts),
            task.task_spec.name,
            kind_of(task),
            host_of(task),
            task.internal_data or 0,
            *((task.data, task.stamps or 0) if carries(task) else (0, 0)),
        ]
        for task in tokens
    ]
    waiting = [
        [scope_of(task, hosts), task.task_spec.name, task.internal_data["from"], task.data, task.stamps or 0]
        for task in arrivals
    ]
    return orjson.dumps([VERSION, definition.digest, case.context.tick, None, rows, waiting])


def scope_of(task: Task, hosts: dict[int, str]) -> str:
    """Token of the subprocess or call around a task, '' at the top."""
    parent = task.workflow.parent_task_id
    return "" if parent is None else hosts[parent]


def host_of(task: Task) -> str | None:
    """Token of the activity that a boundary event is attached to, or of the loop that an instance belongs to."""
    if isinstance(task.task_spec, BoundaryEvent):
        token: str | None = activity_of(task).token
        return token
    loop = loop_around(task)
    return None if loop is None else loop.token


def load(state: bytes, definition: Definition, specs: ExecutableSpecs, context: StepContext) -> Case:
    """The workflow of a stored state, its tokens hung flat below each scope's start.
    Raises StepError for foreign bytes.
    """
    version, key, tick, data, rows, waiting = orjson.loads(state)
    if version != VERSION or key != definition.digest:
        raise StepError("案件的状态属于流程的另一个版本。")
    context.tick = tick
    case = Case(specs.main, specs.inner, _ENGINE, context)
    case.resume()
    if data is not None:
        case.completed, case.data = True, data
        return case
    scopes: dict[str, Any] = {"": case}
    tasks: dict[str, Task] = {}
    events = []
    for place, (token, scope, name, kind, host, marks, own, stamps) in enumerate(rows):
        workflow = scopes[scope]
        spec = workflow.spec.task_specs[name]
        if isinstance(spec, BoundaryEvent):
            events.append((place, token, workflow, spec, host, marks, own, stamps))
            continue
        parent = tasks[host] if host else _parent(workflow, name)
        task = _task(workflow, spec, parent, _STATES[kind], place, (token, marks, own, stamps))
        task.triggered = host is not None
        tasks[token] = task
        if kind == "sub":
            scopes[token] = _inner(case, task)
    for place, token, workflow, spec, host, marks, own, stamps in events:
        _task(workflow, spec, tasks[host].parent, WAITING, place, (token, marks, own, stamps))
    for place, (scope, name, source, own, stamps) in enumerate(waiting):
        workflow = scopes[scope]
        spec = workflow.spec.task_specs[name]
        spec.wait(_task(workflow, spec, workflow.task_tree, WAITING, place, (None, {"from": source}, own, stamps)))
    return case


def _parent(workflow: Any, name: str) -> Task:
    """The start of the scope, or a split for an activity with boundary events."""
    split = workflow.spec.task_specs.get(f"{name}.BoundaryEventSplit")
    return workflow.task_tree if split is None else CaseTask(workflow, split, workflow.task_tree, state=COMPLETED)


def _task(workflow: Any, spec: Any, parent: Task, state: int, place: int, held: tuple[Any, ...]) -> Task:
    task = CaseTask(workflow, spec, parent, state=state)
    task.last_state_change = place - _LONG_AGO
    task.entered = True
    task.token = held[0]
    task.internal_data, task.data, task.stamps = held[1] or {}, held[2] or {}, held[3] or EMPTY
    return task


def _inner(case: Case, host: Task) -> Scope:
    scope = Scope(case, host, host.task_spec.spec)
    scope.resume()
    scope.completed_event.connect(host.task_spec._on_subworkflow_completed, host)
    return scope


def digests(
    case: Case, definition: Definition, tokens: list[Task], arrivals: list[Task], salt: bytes
) -> tuple[str, str]:
    """Digest of the shape (what is open, without data) and of the data, salted."""
    if case.completed:
        return digest([definition.digest, True, [], []]), salted(salt, [case.data, [], []])
    hosts = {task.id: task.token for task in tokens}
    shape = [
        [
            task.token,
            scope_of(task, hosts),
            task.task_spec.name,
            kind_of(task),
            host_of(task),
            task.internal_data.get("due"),
            place_in(task.internal_data),
        ]
        for task in tokens
    ]
    joins = [[scope_of(task, hosts), task.task_spec.name, task.internal_data["from"]] for task in arrivals]
    data = [task.data if carries(task) else None for task in tokens]
    return (
        digest([definition.digest, False, shape, joins]),
        salted(salt, [None, data, [task.data for task in arrivals]]),
    )


def paths(stored: bytes) -> list[tuple[str, str, str]]:
    """(token, path of its element, kind) of every token in a stored state, without rebuilding it."""
    known: dict[str, str] = {"": ""}
    found = []
    for token, scope, name, kind, *_ in orjson.loads(stored)[4]:
        path = known[scope] + name.removesuffix(" [child]")
        known[token] = path + "/"
        found.append((token, path, kind))
    return found


def shape(definition: Definition, stored: bytes) -> str:
    """The shape digest of a stored state."""
    _, _, _, data, rows, waiting = orjson.loads(stored)
    if data is not None:
        return digest([definition.digest, True, [], []])
    tokens = [[*row[:5], (row[5] or {}).get("due"), place_in(row[5] or {})] for row in rows]
    return digest([definition.digest, False, tokens, [row[:3] for row in waiting]])
