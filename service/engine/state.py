"""The state of a case as bytes: its canonical view (variables, tokens, arrivals at joins), and the way back.

Nothing of SpiffWorkflow is stored: no finished task, no prediction, no specification. Digests go over the same view,
so a better codec or engine keeps old digests true.
"""

from __future__ import annotations

from typing import Any

import orjson
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.subworkflow_task import SubWorkflowTask

from service.engine.bpmn.case_scopes import Case, Scope, is_memory
from service.engine.bpmn.case_task import CaseTask, activity_of, loop_around
from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.event_definitions import has_conditions
from service.engine.bpmn.expressions_eval import ConditionEngine
from service.engine.bpmn.parser import split_name
from service.engine.bpmn.spec_builder import ExecutableSpecs
from service.engine.bpmn.step_context import (
    COMPLETED,
    READY,
    STARTED,
    WAITING,
    StepContext,
)
from service.engine.definition import Definition
from service.engine.kernel.canonical_json import digest, salted
from service.engine.kernel.types import Data, StepError
from service.engine.tokens import kind_of, place_in, tokens_in

VERSION = 2  # of the stored form; another form is another version
OLDER = "案件由旧版引擎写下(状态版本 {found}，本版为 {own}):请用写下它的版本办结，或换一个空数据库。"
_STATES = {"user": READY, "wait": WAITING, "async": WAITING, "sub": STARTED, "loop": STARTED, "external": STARTED}
_STATES |= {"throw": STARTED, "undo": WAITING}
_ENGINE = ConditionEngine()
_LONG_AGO = 1 << 40  # stored tokens come before every tick of the step, in the order of their rows


def new_case(specs: ExecutableSpecs, context: StepContext, data: Data) -> Case:
    """Make a case that stands before its start event."""
    case = Case(specs.main, specs.inner, _ENGINE, context, dict(data))
    case.begin()
    return case


def save(case: Case, definition: Definition, tokens: list[CaseTask], arrivals: list[CaseTask]) -> bytes:
    """The stored state: version, definition, variables of the process, tokens, arrivals; an ended case has neither."""
    hosts = {task.id: task.token for task in tokens}
    rows = [
        [
            task.token,
            scope_of(task, hosts),
            task.task_spec.name,
            kind_of(task),
            host_of(task),
            task.internal_data or 0,
            own_values(task) or 0,
        ]
        for task in tokens
    ]
    waiting = [[scope_of(task, hosts), task.task_spec.name, task.internal_data["from"]] for task in arrivals]
    return orjson.dumps([VERSION, definition.digest, case.data, rows, waiting])


def own_values(task: CaseTask) -> list[Data]:
    """The variables that live at a token: of its instance, of its parameters."""
    return [scope.values for scope in (task.instance, task.own) if scope is not None]


def scope_of(task: CaseTask, hosts: dict[int, str | None]) -> str | None:
    """Token of the subprocess or call around a task, '' at the top."""
    parent = task.workflow.parent_task_id
    return "" if parent is None else hosts[parent]


def host_of(task: CaseTask) -> str | None:
    """Token of the activity that a boundary event is attached to, or of the loop that an instance belongs to."""
    if isinstance(task.task_spec, BoundaryEvent) and not is_memory(task):
        token: str | None = activity_of(task).token
        return token
    loop = loop_around(task)
    return None if loop is None else loop.token


def load(state: bytes, definition: Definition, specs: ExecutableSpecs, context: StepContext) -> Case:
    """The workflow of a stored state, its tokens hung flat below each scope's start.
    Raises StepError for foreign bytes.
    """
    version, *rest = orjson.loads(state)
    if version != VERSION:
        raise StepError(OLDER.format(found=version, own=VERSION))
    key, data, rows, waiting = rest
    if key != definition.digest:
        raise StepError("案件的状态属于流程的另一个版本。")
    case = Case(specs.main, specs.inner, _ENGINE, context, data)
    case.resume()
    if not rows and not waiting:
        case.completed = True
        return case
    scopes: dict[str, Any] = {"": case}
    tasks: dict[str, CaseTask] = {}
    events = []
    for place, (token, scope, name, kind, host, marks, own) in enumerate(rows):
        workflow = scopes[scope]
        spec = workflow.spec.task_specs[name]
        if isinstance(spec, BoundaryEvent) and kind != "undo":
            events.append((place, token, workflow, spec, host, marks))
            continue
        parent = tasks[host] if host else workflow.task_tree if kind == "undo" else _parent(workflow, name)
        task = _task(workflow, spec, parent, _STATES[kind], place, token, marks)
        task.triggered = host is not None
        tasks[token] = task
        _restore_scopes(task, own or [])
        if kind in ("sub", "undo") and isinstance(spec, SubWorkflowTask):
            scopes[token] = _inner(case, task)
    for place, token, workflow, spec, host, marks in events:
        _task(workflow, spec, tasks[host].parent, WAITING, place, token, marks)
    for place, (scope, name, source) in enumerate(waiting):
        workflow = scopes[scope]
        spec = workflow.spec.task_specs[name]
        spec.wait(_task(workflow, spec, workflow.task_tree, WAITING, place, None, {"from": source}))
    if specs.has_conditions:
        case.watched = [task for task in tokens_in(case) if task._state == WAITING and has_conditions(task.task_spec)]
    return case


def _parent(workflow: Any, name: str) -> CaseTask:
    """The start of the scope, or a split for an activity with boundary events."""
    split = workflow.spec.task_specs.get(split_name(name))
    return workflow.task_tree if split is None else CaseTask(workflow, split, workflow.task_tree, state=COMPLETED)


def _task(
    workflow: Any, spec: Any, parent: CaseTask, state: int, place: int, token: str | None, marks: Data
) -> CaseTask:
    task = CaseTask(workflow, spec, parent, state=state)
    task.last_state_change = place - _LONG_AGO
    task.token = token
    task.internal_data = marks or {}
    return task


def _restore_scopes(task: CaseTask, own: list[Data]) -> None:
    """Give a token back what ``own_values`` told."""
    loop = loop_around(task)
    if loop is not None:
        task.instance = loop.task_spec.instance_scope(loop, task, own[0])
        own = own[1:]
    elif own and not {"undo", "group"}.isdisjoint(task.internal_data) and len(own) > _has_own_scope(task):
        task.instance = DataScope(own[0], task.workflow.data_scope)  # of an instance that has ended
        own = own[1:]
    if own:
        task.own = task.task_spec.own_scope(own[0], task.around)


def _has_own_scope(task: CaseTask) -> bool:
    make = getattr(task.task_spec, "own_scope", None)
    return make is not None and make({}, task.around) is not None


def _inner(case: Case, host: CaseTask) -> Scope:
    scope = Scope(case, host, host.task_spec.spec)
    scope.resume()
    scope.completed_event.connect(host.task_spec._on_subworkflow_completed, host)
    return scope


def digests(
    case: Case, definition: Definition, tokens: list[CaseTask], arrivals: list[CaseTask], salt: bytes
) -> tuple[str, str]:
    """Digest of the shape (what is open, without data) and of the data of all scopes, salted."""
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
    return (
        digest([definition.digest, case.completed, shape, joins]),
        salted(salt, [case.data, [own_values(task) for task in tokens]]),
    )


def paths(stored: bytes) -> list[tuple[str, str, str]]:
    """(token, path of its element, kind) of every token in a stored state, without rebuilding it."""
    known: dict[str, str] = {"": ""}
    found = []
    for token, scope, name, kind, *_ in orjson.loads(stored)[3]:
        path = known[scope] + name.partition(" [")[0]
        known[token] = path + "/"
        found.append((token, path, kind))
    return found


def shape(definition: Definition, stored: bytes) -> str:
    """The shape digest of a stored state."""
    _, _, _, rows, waiting = orjson.loads(stored)
    tokens = [[*row[:5], (row[5] or {}).get("due"), place_in(row[5] or {})] for row in rows]
    return digest([definition.digest, not rows and not waiting, tokens, waiting])
