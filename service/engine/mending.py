"""Mends: what is done to a case that its diagram does not bring on: move or skip a token, end it.

Each is an input like all others, so a journal with mends gives the same case again. A token that is moved is cancelled
where it stands and enters an element of the same scope; one that is skipped goes on by its flows, with nothing done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.events.start_event import StartEvent
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn import complex_gateway, events, subprocesses
from service.engine.bpmn.case_scopes import Case, is_listener
from service.engine.bpmn.case_task import CaseTask, loop_around
from service.engine.bpmn.expansion import BEFORE
from service.engine.bpmn.gateways import Join
from service.engine.bpmn.parser import split_name
from service.engine.bpmn.step_context import COMPLETED, OPEN, READY, WAITING, path_of
from service.engine.kernel.types import Data, Input, MendRefused, StaleToken
from service.engine.tokens import arrivals_in, kind_of, tokens_in
from service.errors import N_

NOT_HERE = N_("这个环节不能移动或跳过：它在循环、补偿或事件子流程之中，或只是在监听。")
NO_TARGET = N_("不能移到“%(name)s”：它不在同一层，或是开始事件、边界事件、汇合。")
SEVERAL_FLOWS = N_("这个环节之后有几条去向，请用“移动”指明去向。")


@dataclass(frozen=True, slots=True)
class Standing:
    """A place where a case stands. token: '' for an arrival at a join; targets: elements to which it may move."""

    token: str
    element: str
    kind: str
    can_skip: bool
    targets: tuple[str, ...]


def mend(case: Case, given: Input, data: Data) -> None:
    """Apply a mend to a case in memory. Raises StaleToken when nothing stands there, MendRefused when it cannot be."""
    if given.kind == "cancel":
        case.cancel()
        return
    task = _find(case, given)
    case.context.running = task
    workflow = task.workflow
    if given.kind == "move":
        target = workflow.spec.task_specs.get(str(data.get("to")))
        if not _can_move(task):
            raise MendRefused(NOT_HERE)
        if target is None or not _is_target(target):
            raise MendRefused(NO_TARGET, name=str(data.get("to")))
        _leave(task)
        _enter(workflow, target, None)
    else:
        _skip(task)
    for scope in list(case.live()):
        scope.update_waiting_tasks()


def _find(case: Case, given: Input) -> CaseTask:
    """The token that a mend names, or the oldest arrival at a join that it names by its element."""
    if given.token:
        return next((one for one in tokens_in(case) if one.token == given.token), None) or _stale(given)
    return next((one for one in _arrivals(case) if path_of(one) == given.element), None) or _stale(given)


def _stale(given: Input) -> CaseTask:
    raise StaleToken(f"{given.kind} {given.element or ''} {given.token or ''}")


def _arrivals(case: Case) -> Iterator[CaseTask]:
    return (one for one in arrivals_in(case) if one.task_spec.traced and not _is_phased(one.task_spec))


def _is_phased(spec: Any) -> bool:
    return isinstance(spec, complex_gateway.ComplexGateway)


def standing(case: Case) -> list[Standing]:
    """The places where a case stands and what may be done there, in no particular order."""
    return [
        Standing(
            task.token or "",
            path_of(task),
            kind_of(task) or "join",
            _skipper(task) is not None,
            _targets(task) if _can_move(task) else (),
        )
        for task in (*tokens_in(case), *_arrivals(case))
        if _rests(task)
    ]


def _targets(task: CaseTask) -> tuple[str, ...]:
    specs = task.workflow.spec.task_specs
    return tuple(sorted(name for name, spec in specs.items() if _is_target(spec)))


def _rests(task: CaseTask) -> bool:
    """Tell whether a token is here to go on: not what listens, remembers, or waits for what is undone."""
    if {"undo", "undoing"} & task.internal_data.keys() or is_listener(task):
        return False
    return not isinstance(task.task_spec, BoundaryEvent | StartEvent)


def _can_move(task: CaseTask) -> bool:
    return _rests(task) and loop_around(task) is None and "group" not in task.internal_data


def _is_target(spec: Any) -> bool:
    """Tell whether a token may be put before an element: one of the flow that joins nothing."""
    if not getattr(spec, "bpmn_id", None) or " " in spec.name or not spec.inputs:
        return False
    if isinstance(spec, StartEvent | BoundaryEvent) or getattr(spec, "listens", False):
        return False
    return not (isinstance(spec, Join) and not spec._passes())


def _leave(task: CaseTask) -> None:
    """Take a token away, with what is open in its activity and the events on its border."""
    border = [other for other in task.parent.children if isinstance(other.task_spec, BoundaryEvent)]
    task.cancel()
    for event in border:
        if event._state & OPEN and "undo" not in event.internal_data:
            event.cancel()


def _enter(workflow: Any, spec: Any, source: Any) -> None:
    """Put a token before an element; source: the element that it comes from, where a join asks."""
    spec = workflow.spec.task_specs.get(split_name(spec.name), spec)
    workflow.context.tick += 1
    parent = workflow.task_tree if source is None else CaseTask(workflow, source, workflow.task_tree, COMPLETED)
    task = parent._add_child(spec, TaskState.FUTURE)
    task.triggered = True
    spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    spec._update(task)


def _skip(task: CaseTask) -> None:
    skip = _skipper(task)
    if skip is None:
        raise MendRefused(SEVERAL_FLOWS if _rests(task) else NOT_HERE)
    trace, path = task.workflow.context.trace, path_of(task)
    before = len(trace)
    skip(task)
    done = "+" + path
    if kind_of(task) is None and done in trace[before:]:
        trace[trace.index(done, before)] = "-" + path  # it went on, but nothing was done here


def _skipper(task: CaseTask) -> Callable[[CaseTask], None] | None:
    """Find the function that lets the token at a task go on, None where it cannot be skipped."""
    if not _rests(task):
        return None
    if isinstance(task.task_spec, Join) and task._state == WAITING:
        return _open_join
    kind = kind_of(task)
    if kind == "async":
        return _pass_by if _behind(task) else None
    if kind == "wait":
        return None if isinstance(task.task_spec, events.EventBasedGateway) else _catch
    return {"user": CaseTask.run, "external": _complete, "sub": _end_scope, "loop": _end_loop}.get(kind or "")


def _catch(task: CaseTask) -> None:
    events.fire(task, {})
    task.workflow.context.ready.remove(task)
    task.run()


def _complete(task: CaseTask) -> None:
    if not task._children:
        task.task_spec._predict_hook(task)
    task.complete()


def _end_scope(task: CaseTask) -> None:
    """End what is inside, and let the activity go on without its outputs."""
    scopes = task.workflow.top_workflow.subprocesses
    assert isinstance(task.task_spec, subprocesses._Scoped)
    scopes[task.id].cancel()
    del scopes[task.id]
    task._set_state(READY)
    task.workflow.context.ready.remove(task)
    task.run()


def _end_loop(task: CaseTask) -> None:
    task.task_spec.finish(task)


def _pass_by(task: CaseTask) -> None:
    """Go on behind an element at whose door the token waits."""
    (follower,) = _behind(task)
    workflow, source = task.workflow, _source(task)
    _leave(task)
    _enter(workflow, follower, source)


def _source(task: CaseTask) -> Any:
    """The element at whose door a token waits, or the last that is drawn in for it: where its flows begin."""
    specs = task.workflow.spec.task_specs
    spec = specs.get(task.task_spec.name.removesuffix(BEFORE).rstrip(), task.task_spec)
    while len(spec.outputs) == 1 and isinstance(spec.outputs[0], events.BoundaryJoin):
        spec = spec.outputs[0]
    return spec


def _behind(task: CaseTask) -> list[Any]:
    """The element behind one at whose door a token waits; empty where there are several, or that repeats."""
    outputs = list(_source(task).outputs)
    return outputs if len(outputs) == 1 and _can_move(task) else []


def _open_join(task: CaseTask) -> None:
    """Let a join go on with what has come; more that comes waits for the next round."""
    arrived: dict[str, CaseTask] = {}
    for other in arrivals_in(task.workflow.top_workflow):
        if other.task_spec is task.task_spec and other.workflow is task.workflow:
            arrived.setdefault(other.internal_data["from"], other)
    *others, lead = arrived.values()
    for other in others:
        other.cancel()
    del lead.internal_data["from"]
    lead._ready()
