"""The engine as a function: one input applied to one state of a case gives one step, the same for ever."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.start_event import StartEvent
from SpiffWorkflow.task import Task

from service.engine import mending, migration, state
from service.engine.bpmn import events, throw_events
from service.engine.bpmn.case_scopes import Case
from service.engine.bpmn.expressions_eval import reached_by
from service.engine.bpmn.spec_builder import ExecutableSpecs
from service.engine.bpmn.step_context import (
    READY,
    WAITING,
    StepContext,
    path_of,
)
from service.engine.definition import Definition
from service.engine.kernel.timers import to_text
from service.engine.kernel.types import (
    Data,
    Input,
    Job,
    Reached,
    Request,
    StaleToken,
    Step,
    StepError,
    TopicHandler,
    UserTask,
)
from service.engine.open_work import OpenWork, awaited_by, open_work, user_task
from service.engine.starlark.sandbox import ScriptError, clean
from service.engine.tokens import arrivals_in, kind_of, number, order_of, tokens_in


@dataclass(frozen=True, slots=True)
class AppliedInput:
    """A case after an input, and the work that was open before; ``build_step`` makes the Step of it."""

    definition: Definition
    given: Input
    case: Case
    before: OpenWork
    readdressed: tuple[UserTask, ...]


def step(
    definition: Definition,
    state_bytes: bytes | None,
    given: Input,
    serve: TopicHandler,
    salt: bytes,
    source: Definition | None = None,
) -> Step:
    """Apply one input to a stored state, None before the start. Pure: clock, ids and results of topics come with it.

    source: the version that a case is migrated from. Raises StaleToken when the input has no place in this state,
    StepError when the diagram or a script fails, MigrationRefused, and what a topic's handler raises, unchanged.
    """
    if given.at.tzinfo is None:
        raise ValueError("the instant of an input must be in UTC")
    context, specs = StepContext(given.at, serve), definition.compact_specs
    with context.guard():
        before = source or definition
        case = None if state_bytes is None else state.load(state_bytes, before, before.compact_specs, context)
        return build_step(apply_input(definition, specs, case, given, context, source), salt, keep=True)


def apply_input(
    definition: Definition,
    specs: ExecutableSpecs,
    case: Case | None,
    given: Input,
    context: StepContext,
    source: Definition | None = None,
) -> AppliedInput:
    """Apply an input to a case in memory, None before the start; source: the version that a migration leaves.

    Raises StaleToken, StepError, MigrationRefused, and what a handler raises.
    """
    before = open_work(tokens_in(case) if case else ())
    data = _checked(given.data)
    readdressed: tuple[UserTask, ...] = ()
    if given.kind == "start":
        case = _start(specs, given, data, context)
    elif case is None or case.completed:
        raise StaleToken(f"{given.kind} {given.element or ''}：案件未开始或已结束")
    elif source is not None:
        case = migration.migrate(source, definition, specs, case, migration.Plan.of(data), context)
    elif given.kind in ("readdress", "variables"):
        readdressed = _readdress(case, definition, data if given.kind == "readdress" else data.get("values", {}))
    elif given.kind in ("move", "skip", "cancel"):
        mending.mend(case, given, data)
    elif given.kind in ("message", "signal"):
        events.receive(case, given.kind, given.element or "", data, given.token)
    elif given.kind in _MOVES:
        _MOVES[given.kind](find_token(case, given), given, data)
    else:
        raise StaleToken(f"不支持的输入 {given.kind}")
    events.drain(case)
    if source is not None:
        readdressed = _in_new_version(case, definition, before)
    return AppliedInput(definition, given, case, before, readdressed)


def _checked(data: Data) -> Data:
    try:
        cleaned: Data = clean(data)
        return cleaned
    except ScriptError as error:
        raise StepError(f"提交的数据不合规则：{error}") from error


def _start(specs: ExecutableSpecs, given: Input, data: Data, context: StepContext) -> Case:
    context.start = given.element
    case = state.new_case(specs, context, data)
    events.drain(case)
    waiting = [t for t in case.tasks.values() if isinstance(t.task_spec, StartEvent) and t._state == WAITING]
    named = [t for t in waiting if given.element in (t.task_spec.name, *(name for _, name in events.awaits(t)))]
    chosen = named or (waiting if len(waiting) == 1 else [])
    if waiting and not chosen:
        raise StaleToken(f"不知从哪个开始事件起：{given.element}")
    for task in chosen[:1]:
        events.fire(task, {})
    return case


def find_token(case: Case, given: Input) -> Task:
    """The token that an input names. Raises StaleToken when it is gone."""
    for task in tokens_in(case):
        if task.token == given.token:
            case.context.running = task
            return task
    raise StaleToken(f"{given.kind} {given.element or ''} {given.token}")


def _complete(task: Task, given: Input, data: Data) -> None:
    if task._state != READY:
        raise StaleToken(f"{path_of(task)} 不是打开的任务")
    task.task_spec.accept(task, data)
    task.run()


def _timer(task: Task, given: Input, data: Data) -> None:
    due = task.internal_data.get("due")
    if kind_of(task) != "wait" or due is None or (given.due is not None and to_text(given.due) != due):
        raise StaleToken(f"{path_of(task)} 没有这个时刻的定时器")
    events.fire_timer(task)


def _external(task: Task, given: Input, data: Data) -> None:
    if kind_of(task) != "external":
        raise StaleToken(f"{path_of(task)} 不在等待外部处理")
    task.task_spec.accept(task, data)
    if not task._children:
        task.task_spec._predict_hook(task)
    task.complete()


def _error(task: Task, given: Input, data: Data) -> None:
    payload = {name: value for name, value in data.items() if name != "code"}
    throw_events.raise_error(task, str(data.get("code", "")), payload)
    task.error()


def _job(task: Task, given: Input, data: Data) -> None:
    if kind_of(task) != "async":
        raise StaleToken(f"{path_of(task)} 不在等待继续")
    task.internal_data["released"] = True
    task.token = None  # what is let in is another token than what waited at the door
    task.task_spec._update(task)
    task.internal_data.pop("released", None)


_MOVES: dict[str, Callable[[Task, Input, Data], None]] = {
    "complete": _complete,
    "timer": _timer,
    "external": _external,
    "error": _error,
    "job": _job,
}


def _readdress(case: Case, definition: Definition, data: Data) -> tuple[UserTask, ...]:
    tokens = sorted(tokens_in(case), key=lambda task: order_of(task.token))
    old = {task.token: user_task(task, definition) for task in tokens if kind_of(task) == "user"}
    for scope in {task.around for task in tokens} | {task.scope for task in tokens}:
        scope.values.update({name: value for name, value in data.items() if name in scope.values})
    case.data_scope.write(data)
    new = [user_task(task, definition) for task in tokens if kind_of(task) == "user"]
    return tuple(found for found in new if found != old[found.token])


def _in_new_version(case: Case, definition: Definition, before: OpenWork) -> tuple[UserTask, ...]:
    """Each task that stays open: address, form and name are those of the version that the case has now."""
    users = [task for task in tokens_in(case) if task.token in before.users and kind_of(task) == "user"]
    return tuple(user_task(task, definition) for task in sorted(users, key=lambda task: order_of(task.token)))


def build_step(applied: AppliedInput, salt: bytes, keep: bool) -> Step:
    """Tell what a move did; ``keep`` also makes the bytes to store. Raises StepError for a case that stands nowhere."""
    case, definition, before, given = applied.case, applied.definition, applied.before, applied.given
    tokens = [] if case.completed else number(case, given.seq)
    arrivals = [] if case.completed else arrivals_in(case)
    if not case.completed and not tokens and not arrivals:
        raise StepError("案件既没有结束，也没有停留在任何元素上。")
    after = open_work(tokens)
    begun = [task for token, task in after.users.items() if token not in before.users]
    opened = tuple(user_task(task, definition) for task in begun)
    shape, data_digest = state.digests(case, definition, tokens, arrivals, salt)
    context = case.context
    return Step(
        state=state.save(case, definition, tokens, arrivals) if keep else b"",
        ended=case.completed,
        opened=opened,
        closed=_gone(before.users, after.users),
        readdressed=applied.readdressed,
        jobs_set=tuple(job for token, job in after.jobs.items() if before.jobs.get(token) != job),
        jobs_cleared=_gone(before.jobs, _kept(before.jobs, after.jobs) if given.kind == "migrate" else after.jobs),
        awaited=awaited_by(tokens),
        sent=tuple(context.sent),
        trace=tuple(context.trace),
        calls=tuple(context.calls),
        decisions="".join(context.decisions),
        shape=shape,
        data_digest=data_digest,
        data=dict(case.data),
        reached=_reached(begun, case.context),
        moves=tuple(context.moves),
    )


def undo(definition: Definition, state_bytes: bytes, former: bytes, given: Input, salt: bytes) -> Step:
    """Take a completion back: the case stands again as ``former``, its state before. Nothing of the diagram runs."""
    known = StepContext(given.at, _serve_nothing)
    left = state.load(state_bytes, definition, definition.compact_specs, known)
    case = state.load(former, definition, definition.compact_specs, StepContext(given.at, _serve_nothing))
    return restored(definition, left, case, given, salt, keep=True)


def restored(definition: Definition, left: Case, case: Case, given: Input, salt: bytes, keep: bool) -> Step:
    """Tell what it did that a case in memory took the place of another; tasks that are open again keep their times."""
    found = build_step(AppliedInput(definition, given, case, open_work(tokens_in(left)), ()), salt, keep)
    return replace(found, opened=tuple(replace(task, due=None, follow_up=None) for task in found.opened))


def _serve_nothing(_request: Request) -> None:
    return None


def _reached(begun: list[Task], context: StepContext) -> Reached | None:
    """The state that the diagram says its subject is in: of the last user task that opened, else of what was done."""
    stated = [task for task in begun if "state" in task.task_spec.attributes.properties]
    return reached_by(stated[-1]) if stated else context.reached


def standing(definition: Definition, state_bytes: bytes, at: datetime) -> tuple[mending.Standing, ...]:
    """The places where a stored case stands, with what mends may do there, by path."""
    context = StepContext(at, lambda _request: None)
    case = state.load(state_bytes, definition, definition.compact_specs, context)
    return tuple(sorted(mending.standing(case), key=lambda one: (one.element, one.token)))


def _kept(before: Mapping[str, Job], after: Mapping[str, Job]) -> Mapping[str, Job]:
    """The jobs that a migration leaves as they were."""
    return {token: job for token, job in after.items() if before.get(token) == job}


def _gone(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(sorted((token for token in before if token not in after), key=order_of))


def evaluate_decision(definition: Definition, decision: str, facts: Data) -> Data:
    """One decision of the bundle over facts, in the sandbox. Raises StepError when it does not decide."""
    try:
        return definition.decide(decision, _checked(facts))
    except ValueError as error:
        raise StepError(f"决策 {decision}:{error}") from error
