"""The engine as a function: one input applied to one state of a case gives one step, the same for ever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from SpiffWorkflow.bpmn.specs.mixins.events.start_event import StartEvent
from SpiffWorkflow.exceptions import SpiffWorkflowException
from SpiffWorkflow.task import Task

from service.engine import state
from service.engine.bpmn import events, throw_events
from service.engine.bpmn.case_scopes import Case, drain
from service.engine.bpmn.spec_builder import Model
from service.engine.bpmn.step_context import (
    READY,
    WAITING,
    path_of,
    step_context,
)
from service.engine.bpmn.token_data import carries, gather, write
from service.engine.definition import Definition
from service.engine.kernel.timers import to_text
from service.engine.kernel.types import (
    Data,
    Input,
    Job,
    Request,
    StaleToken,
    Step,
    StepError,
    TopicHandler,
    UserTask,
)
from service.engine.starlark.sandbox import ScriptError, clean
from service.engine.tokens import (
    arrivals_in,
    awaited_by,
    forget_stamps,
    job_of,
    kind_of,
    number,
    order_of,
    tokens_in,
    user_task,
)


@dataclass(slots=True)
class OpenWork:
    """What was open before the input: user tasks and jobs by token."""

    users: dict[str, str]
    jobs: dict[str, Job]


def step(
    definition: Definition,
    state_bytes: bytes | None,
    given: Input,
    serve: TopicHandler,
    salt: bytes,
    definitions: Callable[[str], Definition] | None = None,
) -> Step:
    """Apply one input. Pure: clock, ids and results of topics come in with it; nothing else is looked at.

    Raises StaleToken when the input has no place in this state, StepError when the diagram or a script fails, and what
    a topic's handler raises, unchanged. ``definitions`` gives other versions (migration).
    """
    if step_context.ready is not None:
        raise RuntimeError("a step inside a step: handlers may not move cases")
    if given.at.tzinfo is None:
        raise ValueError("the instant of an input must be in UTC")
    try:
        case = None if state_bytes is None else _loaded(state_bytes, definition)
        open_before = before(case)
        step_context.begin(given.at, serve, step_context.tick if case else 0, step_context.ids)
        case, readdressed = apply_input(case, definition.lean, definition, given)
        return build_step(case, definition, given, open_before, salt, readdressed, keep=True)
    except (SpiffWorkflowException, RecursionError) as error:
        raise StepError(f"流程引擎出错:{error}") from error
    finally:
        step_context.close()


def _loaded(state_bytes: bytes, definition: Definition) -> Case:
    step_context.ids = 0
    return state.load(state_bytes, definition, definition.lean)


def before(case: Case | None) -> OpenWork:
    """What is open in a case, None for one that is to start."""
    tokens = list(tokens_in(case)) if case else []
    jobs = {task.token: job for task in tokens if (job := job_of(task))}
    return OpenWork({task.token: path_of(task) for task in tokens if kind_of(task) == "user"}, jobs)


def apply_input(
    case: Case | None, model: Model, definition: Definition, given: Input
) -> tuple[Case, tuple[UserTask, ...]]:
    """The input on a live workflow (None before the start); returns it and the user tasks whose address changed."""
    data = _checked(given.data)
    readdressed: tuple[UserTask, ...] = ()
    if given.kind == "start":
        case = _start(model, given, data)
    elif case is None or case.completed:
        raise StaleToken(f"{given.kind} {given.element or ''}: 案件未开始或已结束")
    elif given.kind == "readdress":
        readdressed = _readdress(case, definition, data)
    elif given.kind in ("message", "signal"):
        events.receive(case, given.kind, given.element or "", data, given.token)
    elif given.kind in _MOVES:
        _MOVES[given.kind](find_token(case, given), given, data)
    else:
        raise StaleToken(f"不支持的输入 {given.kind}")
    drain(case)
    return case, readdressed


def _checked(data: Data) -> Data:
    try:
        cleaned: Data = clean(data)
        return cleaned
    except ScriptError as error:
        raise StepError(f"提交的数据不合规则:{error}") from error


def _start(model: Model, given: Input, data: Data) -> Case:
    case = state.new_case(model)
    write(case.task_tree, values=data)
    drain(case)
    waiting = [t for t in case.tasks.values() if isinstance(t.task_spec, StartEvent) and t._state == WAITING]
    named = [t for t in waiting if given.element in (t.task_spec.name, t.task_spec.event_definition.name)]
    chosen = named or (waiting if len(waiting) == 1 else [])
    if waiting and not chosen:
        raise StaleToken(f"不知从哪个开始事件起:{given.element}")
    for task in chosen[:1]:
        events.fire(task, {})
    return case


def find_token(case: Case, given: Input) -> Task:
    """The token that an input names. Raises StaleToken when it is gone."""
    for task in tokens_in(case):
        if task.token == given.token:
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
    write(*filter(carries, tokens), *arrivals_in(case), values=data)
    new = [user_task(task, definition) for task in tokens if kind_of(task) == "user"]
    return tuple(found for found in new if found != old[found.token])


def build_step(
    case: Case,
    definition: Definition,
    given: Input,
    was: OpenWork,
    salt: bytes,
    readdressed: tuple[UserTask, ...],
    keep: bool,
) -> Step:
    """What an input did to a case, told as a step; ``keep`` also makes the bytes to store."""
    tokens = [] if case.completed else number(case, given.seq)
    arrivals = [] if case.completed else arrivals_in(case)
    if not case.completed and not tokens and not arrivals:
        raise StepError("案件既没有结束,也没有停留在任何元素上。")
    forget_stamps(tokens, arrivals)
    opened = tuple(user_task(t, definition) for t in tokens if kind_of(t) == "user" and t.token not in was.users)
    users = {task.token for task in tokens if kind_of(task) == "user"}
    jobs = {task.token: job for task in tokens if (job := job_of(task))}
    shape, data_digest = state.digests(case, definition, tokens, arrivals, salt)
    return Step(
        state=state.save(case, definition, tokens, arrivals) if keep else b"",
        ended=case.completed,
        opened=opened,
        closed=tuple(token for token in sorted(was.users, key=order_of) if token not in users),
        readdressed=readdressed,
        jobs_set=tuple(job for token, job in jobs.items() if was.jobs.get(token) != job),
        jobs_cleared=tuple(token for token in sorted(was.jobs, key=order_of) if token not in jobs),
        awaited=awaited_by(tokens),
        sent=tuple(step_context.sent),
        trace=tuple(step_context.trace),
        calls=tuple(step_context.calls),
        decisions="".join(step_context.decisions),
        shape=shape,
        data_digest=data_digest,
        data=dict(case.data) if case.completed else gather(case)[0],
    )


def digests_of(case: Case, definition: Definition, salt: bytes) -> tuple[str, str]:
    """Shape and data digest of a case between two steps."""
    tokens = [] if case.completed else sorted(tokens_in(case), key=lambda task: order_of(task.token))
    return state.digests(case, definition, tokens, [] if case.completed else arrivals_in(case), salt)


def restore(definition: Definition, earlier: bytes, later: bytes, given: Input, salt: bytes) -> Step:
    """The step from a later state back to an earlier one; nothing is executed."""
    gone = before(_loaded(later, definition))
    case = _loaded(earlier, definition)
    step_context.begin(given.at, _serve_nothing, step_context.tick, step_context.ids)
    try:
        return build_step(case, definition, given, gone, salt, (), keep=True)
    finally:
        step_context.close()


def _serve_nothing(request: Request) -> None:
    return None


def evaluate_decision(definition: Definition, decision: str, facts: Data) -> Data:
    """One decision of the bundle over facts, in the sandbox. Raises StepError when it does not decide."""
    try:
        return definition.decide(decision, _checked(facts))
    except ValueError as error:
        raise StepError(f"决策 {decision}:{error}") from error
