"""A case played without a database: who does what, invented results of topics, and the path that it takes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from service.engine.bpmn.taken_flows import taken_flows
from service.engine.definition import Definition
from service.engine.engine import step
from service.engine.forms.reader import read_form
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.kernel.types import Data, Input, Job, Request, StaleToken, Step, StepError, UserTask
from service.engine.validation.model_tests import ScriptRefused

BEGIN = datetime(2026, 1, 5, 1, 30, tzinfo=UTC)
MOST_STEPS = 60  # of a script
MOST_JOBS = 200  # that go on by themselves after one step
MOST_SECONDS = 5.0  # of CPU time for all that one meter measures
KINDS = ("complete", "message", "signal", "timer")
Invent = Callable[[str], Data]
"""Makes up what a topic gives where the script does not say."""


@dataclass(frozen=True, slots=True)
class RehearsalFrame:
    """The outcome of an input. act: the input in the script's words; passed: elements completed, in order; flows: those
    that tokens took, in order; waiting: open user tasks, as element, role and form; listening: messages, signals and
    timers that would be heard.
    """

    act: str
    passed: tuple[str, ...]
    flows: tuple[str, ...]
    waiting: tuple[tuple[str, str, str], ...]
    listening: tuple[str, ...]
    data: Data
    ended: bool


@dataclass(slots=True)
class Rehearsal:
    """A played case. problem: why it went no further, in Chinese and English, or empty."""

    moments: list[RehearsalFrame] = field(default_factory=list)
    problem: tuple[str, str] = ("", "")

    @property
    def path(self) -> tuple[str, ...]:
        """The elements that were completed, in order."""
        return tuple(element for moment in self.moments for element in moment.passed)

    @property
    def ended(self) -> bool:
        """Tell whether the case came to its end."""
        return bool(self.moments) and self.moments[-1].ended

    @property
    def waiting(self) -> tuple[str, ...]:
        """The user tasks at which it stands."""
        return tuple(element for element, *_ in self.moments[-1].waiting) if self.moments else ()


def rehearse(
    definition: Definition, script: Mapping[str, Any], invent: Invent, meter: CpuMeter | None = None
) -> Rehearsal:
    """Play a script: ``start`` (data), ``topics`` (what each gives), ``steps`` of ``complete``, ``message``, ``signal``
    or ``timer`` with ``with`` (data) and ``as`` (the role). Nothing is written and no handler runs. meter: one for
    several that are played together, each as far as time is left.
    """
    play, outcome = _Play(definition, script, invent, meter or CpuMeter(MOST_SECONDS)), Rehearsal()
    try:
        outcome.moments.append(play.put("start", Input("start", 0, BEGIN, data=_data(script.get("start")))))
        for number, one in enumerate(_list(script.get("steps")), 1):
            if number > MOST_STEPS:
                raise ScriptRefused(f"一次最多走 {MOST_STEPS} 步。", f"At most {MOST_STEPS} steps are played.")
            outcome.moments.append(play.act(one))
    except ScriptRefused as misfit:
        outcome.problem = misfit.args[0], misfit.args[1]
    except (StepError, StaleToken) as failed:
        outcome.problem = f"走不下去：{failed}", f"It cannot go on: {failed}"
    return outcome


def verdict(played: Rehearsal, script: Mapping[str, Any]) -> tuple[str, str]:
    """Compare a played case with what its script expects: ``path``, ``waits``, ``ends``. Empty texts: as expected."""
    if played.problem[0]:
        return played.problem
    path = tuple(map(str, _list(script.get("path"))))
    if "path" in script and path != played.path:
        at = next(
            (n for n, pair in enumerate(zip(path, played.path, strict=False)) if pair[0] != pair[1]),
            min(len(path), len(played.path)),
        )
        want, got = (found[at] if at < len(found) else "—" for found in (path, played.path))
        return f"第 {at + 1} 步应经过 {want}，实际经过 {got}。", f"Step {at + 1} should pass {want}, and passes {got}."
    waits = tuple(sorted(map(str, _list(script.get("waits")))))
    if "waits" in script and waits != tuple(sorted(played.waiting)):
        found = ", ".join(played.waiting) or "—"
        return (
            f"应停在 {', '.join(waits)}，实际停在 {found}。",
            f"It should wait at {', '.join(waits)}, and waits at {found}.",
        )
    if "ends" in script and bool(script["ends"]) != played.ended:
        return (
            ("应已结束，实际未结束。", "It should have ended.")
            if script["ends"]
            else ("不应结束。", "It should not have ended.")
        )
    return "", ""


class _Play:
    """A case under way."""

    def __init__(self, definition: Definition, script: Mapping[str, Any], invent: Invent, meter: CpuMeter) -> None:
        self.definition, self.invent, self.meter = definition, invent, meter
        self.results = _data(script.get("topics"))
        self.state: bytes | None = None
        self.at, self.seq = BEGIN, 0
        self.users: dict[str, UserTask] = {}
        self.jobs: dict[str, Job] = {}
        self.awaited: tuple[str, ...] = ()
        self.flows: list[str] = []

    def act(self, one: Any) -> RehearsalFrame:
        """Do one step of the script. Raises ScriptRefused."""
        kinds = [kind for kind in KINDS if isinstance(one, Mapping) and kind in one]
        if len(kinds) != 1:
            raise ScriptRefused(
                "每一步写 complete、message、signal 或 timer 之一。",
                "A step is one of complete, message, signal, timer.",
            )
        kind, name = kinds[0], str(one[kinds[0]])
        self.at += timedelta(minutes=1)
        told = f"{kind} {name}"
        if kind == "complete":
            task = self._task(name, one.get("as"))
            return self.put(
                told, self._input(kind, token=task.token, element=task.element, data=self._filled(task, one))
            )
        if kind == "timer":
            job = self._job(name)
            self.at = max(self.at, job.due or self.at)
            return self.put(told, self._input(kind, token=job.token, element=job.element, due=job.due))
        if f"{kind}:{name}" not in self.awaited:
            raise ScriptRefused(f"这时没有环节等待 {name}。", f"Nothing waits for {name} here.")
        return self.put(told, self._input(kind, element=name, data=_data(one.get("with"))))

    def put(self, told: str, given: Input) -> RehearsalFrame:
        """Apply an input, then whatever goes on by itself. Raises ScriptRefused when that does not end."""
        passed: list[str] = []
        self.flows = []
        done, jobs = self._apply(given, passed), 0
        while pending := next((job for job in self.jobs.values() if job.kind == "async"), None):
            if (jobs := jobs + 1) > MOST_JOBS:
                place = _last(pending.element)
                raise ScriptRefused(
                    f"走不完：在 {place} 已自动接续 {MOST_JOBS} 次，流程可能有无出口的循环。",
                    f"It does not end: at {place} it went on {MOST_JOBS} times by itself; perhaps an endless loop.",
                )
            done = self._apply(self._input("job", token=pending.token, element=pending.element), passed)
        return RehearsalFrame(
            told,
            tuple(passed),
            tuple(self.flows),
            tuple((_last(task.element), task.role or "", task.form_key or "") for task in self.users.values()),
            (*self.awaited, *(f"timer:{_last(job.element)}" for job in self.jobs.values() if job.kind == "timer")),
            done.data,
            done.ended,
        )

    def _apply(self, given: Input, passed: list[str]) -> Step:
        if self.meter.left() <= 0:
            raise ScriptRefused(
                f"走不完：计算已用去 {MOST_SECONDS:g} 秒，流程可能有无出口的循环。",
                f"It does not end: it has computed for {MOST_SECONDS:g} seconds; perhaps an endless loop.",
            )
        done = step(self.definition, self.state, given, self._serve, b"rehearsal")
        self.state, self.awaited = done.state, done.awaited
        self.seq += 1
        for token in done.closed:
            self.users.pop(token, None)
        for token in done.jobs_cleared:
            self.jobs.pop(token, None)
        self.users |= {task.token: task for task in (*done.opened, *done.readdressed)}
        self.jobs |= {job.token: job for job in done.jobs_set}
        if done.ended:
            self.users, self.jobs, self.awaited = {}, {}, ()
        self.flows += taken_flows(done.moves, self.definition.flows)
        passed += [_last(one[1:]) for one in done.trace if one.startswith("+")]
        return done

    def _input(self, kind: str, **given: Any) -> Input:
        return Input(kind, self.seq, self.at, **given)

    def _serve(self, request: Request) -> Data:
        result = self.results.get(request.topic)
        return dict(result) if isinstance(result, Mapping) else self.invent(request.topic)

    def _task(self, name: str, role: Any) -> UserTask:
        found = next((task for task in self.users.values() if _last(task.element) == name), None)
        if found is None:
            open_tasks = ", ".join(_last(task.element) for task in self.users.values()) or "—"
            raise ScriptRefused(f"{name} 没有待办；待办是 {open_tasks}。", f"{name} is not open; open: {open_tasks}.")
        if role is not None and role != found.role:
            raise ScriptRefused(
                f"{name} 由 {found.role} 办理，不是 {role}。", f"{name} is done by {found.role}, not {role}."
            )
        return found

    def _job(self, name: str) -> Job:
        for job in self.jobs.values():
            if job.kind == "timer" and _last(job.element) == name:
                return job
        raise ScriptRefused(f"{name} 没有在等的定时器。", f"No timer waits at {name}.")

    def _filled(self, task: UserTask, one: Mapping[str, Any]) -> Data:
        """Take what was typed, and nothing in every other field of the form, as a completed form has it."""
        form = self.definition.files.get(f"{task.form_key}.form")
        keys = {f.key for f in read_form(form).fields if f.key and not f.readonly} if form else set()
        data = _data(one.get("with"))
        if strange := sorted(set(data) - keys):
            raise ScriptRefused(
                f"表单 {task.form_key} 没有 {', '.join(strange)}。",
                f"The form {task.form_key} has no {', '.join(strange)}.",
            )
        return dict.fromkeys(keys) | data


def _last(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _data(given: Any) -> Data:
    return {str(name): value for name, value in given.items()} if isinstance(given, Mapping) else {}


def _list(given: Any) -> list[Any]:
    return list(given) if isinstance(given, list) else []
