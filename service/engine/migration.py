"""Migration: a case goes on by another version of its diagram, where it stands.

A pure function of both versions, the stored state and a plan: tokens, dues, instances, variables and arrivals at joins
stay; events that the new version has on the border of an open activity begin to wait, those that it lacks are dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from SpiffWorkflow.bpmn.specs.event_definitions import NoneEventDefinition
from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.util.task import TaskState

from service.engine import state
from service.engine.bpmn.case_scopes import SPENT, Case, is_memory
from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.event_definitions import Alternatives
from service.engine.bpmn.events import EventBasedGateway
from service.engine.bpmn.gateways import ExclusiveGateway, ParallelGateway
from service.engine.bpmn.parser import split_name
from service.engine.bpmn.spec_builder import ExecutableSpecs
from service.engine.bpmn.step_context import WAITING, StepContext
from service.engine.definition import Definition
from service.engine.kernel.timers import parse_cycle
from service.engine.kernel.types import Data, Element, MigrationRefused
from service.engine.tokens import arrivals_in, kind_of, number, order_of, tokens_in
from service.errors import N_, Message

GONE = N_("案卷停在“%(name)s”，新版本里没有对应的环节。")
OTHER_KIND = N_("案卷停在“%(name)s”，新版本里对应的环节“%(to)s”是另一种环节。")
NOT_ATTACHED = N_("“%(name)s”对应的边界事件“%(to)s”不在同一个环节上。")
NO_ENTRY = N_("令牌经“%(name)s”到了汇合“%(to)s”，新版本里看不出它该算哪一条进线。")
WAITS_FOR_EVER = N_("汇合“%(to)s”会一直等不到其他令牌：案卷已经过了那条分支的起点。")
NO_EVENT = N_("新版本里没有等待定时或事件的环节“%(name)s”，不能重新计时。")
PREVIEW = 1 << 30  # beyond the rows of every journal: tokens that a preview makes are no others'
DROPPED = ""  # the target of an event that nobody is to wait for any more


@dataclass(frozen=True, slots=True)
class Plan:
    """Elements of the old version and where their tokens go; what is not named goes to the element of the same id.

    elements: by id, DROPPED for an event that is not waited for any more. recompute: timers of the new version whose
    due is counted anew from the migration.
    """

    elements: Mapping[str, str] = field(default_factory=dict)
    recompute: frozenset[str] = frozenset()

    def target(self, element: str) -> str:
        return self.elements.get(element, element)

    def to_data(self) -> Data:
        return {"elements": dict(sorted(self.elements.items())), "recompute": sorted(self.recompute)}

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Plan:
        """The inverse of ``to_data``; an input that records none is a plan by ids alone."""
        return cls(dict(data.get("elements", {})), frozenset(data.get("recompute", ())))

    def reversed(self, old: Definition) -> Plan:
        """The way back, of a plan that leads from there. What several elements went to goes nowhere until somebody says
        what it comes from.
        """
        sources: dict[str, list[str]] = {}
        for element in old.elements.keys() | self.elements.keys():
            sources.setdefault(self.target(element), []).append(element)
        back = {to: found[0] if len(found) == 1 else DROPPED for to, found in sources.items() if to != DROPPED}
        return Plan({target: element for target, element in back.items() if target != element})


def propose(old: Definition, new: Definition) -> Plan:
    """Propose where each element goes: to the same id and type, else to the only new one of the same name and type."""
    found = {}
    added = [one for one in new.elements.values() if not _is_same(old.elements.get(one.id), one)]
    for one in old.elements.values():
        if one.type == "process" or _is_same(one, new.elements.get(one.id)):
            continue
        alike = [other.id for other in added if (other.name, other.type) == (one.name, one.type)]
        if len(alike) == 1 and one.name != one.id:
            found[one.id] = alike[0]
    taken = Counter(found.values())
    return Plan({element: target for element, target in found.items() if taken[target] == 1})


def _is_same(one: Element | None, other: Element | None) -> bool:
    return one is not None and other is not None and (one.id, one.type) == (other.id, other.type)


def problems_of_plan(old: Definition, new: Definition, plan: Plan) -> dict[str, str]:
    """Elements of a plan that cannot go where it says, each with the reason."""
    found = {}
    for element, target in plan.elements.items():
        here, there = old.elements.get(element), new.elements.get(target)
        if here is None or (target != DROPPED and there is None):
            found[element] = GONE
        elif there is not None and here.type != there.type:
            found[element] = OTHER_KIND
    awaited = {name for spec in _specs(new) for name in _waits_at(spec)} if plan.recompute else set()
    return found | dict.fromkeys(sorted(plan.recompute - awaited), NO_EVENT)


def migrate(
    old: Definition, new: Definition, specs: ExecutableSpecs, case: Case, plan: Plan, context: StepContext
) -> Case:
    """The case on the new version, its joins asked again; nothing automatic has run. Raises MigrationRefused."""
    moved = _moved(old, new, specs, case, plan, context)
    topics = {task.token: task.task_spec.topic for task in tokens_in(case) if kind_of(task) == "external"}
    for task in list(tokens_in(moved)):
        if task.token in topics and task.task_spec.topic != topics[task.token]:
            task._ready()  # work for another topic begins anew
    return moved


def _moved(
    old: Definition, new: Definition, specs: ExecutableSpecs, case: Case, plan: Plan, context: StepContext
) -> Case:
    tokens = sorted(tokens_in(case), key=lambda task: order_of(task.token))
    stored = state.save(case, old, tokens, arrivals_in(case))
    stuck = set(_starved(case))
    moved = state.load(_Mapper(old, new, plan).mapped(stored), new, specs, context)
    _arm(moved, _listeners(old, plan))
    for task in [*tokens_in(moved), *arrivals_in(moved)]:
        if not is_memory(task):
            task.task_spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
        if task._state == WAITING and not plan.recompute.isdisjoint(_waits_at(task.task_spec)):
            task.task_spec.event_definition.update_task(task)
    for scope, join in _starved(moved):
        if (scope, join) not in {(one, plan.target(name)) for one, name in stuck}:
            raise MigrationRefused(WAITS_FOR_EVER, element=join, to=name_of(new, join))
    for task in arrivals_in(moved):
        if task._state == WAITING:
            task.task_spec._update(task)
    for scope in list(moved.live()):
        scope.update_waiting_tasks()
    return moved


def migrated(old: Definition, new: Definition, stored: bytes, plan: Plan, at: datetime) -> bytes:
    """The stored state of a case on the new version, before anything automatic runs. Raises MigrationRefused."""
    context = StepContext(at, lambda _request: None)
    with context.guard():
        case = state.load(stored, old, old.compact_specs, context)
        case = _moved(old, new, new.compact_specs, case, plan, context)
        return state.save(case, new, number(case, PREVIEW), arrivals_in(case))


def places(stored: bytes) -> list[str]:
    """The elements at which tokens of a stored state rest, and the joins at which they wait."""
    rests = [path.rpartition("/")[2] for _, path, kind in state.paths(stored) if kind != "undo"]
    return [*rests, *(name for _, name, _ in orjson.loads(stored)[4] if not name.startswith("["))]


def name_of(definition: Definition, element: str) -> Message | str:
    """The name of an element for a message, in the reader's language; its id where it has none."""
    name = found.name if (found := definition.elements.get(element)) else element
    return Message(name) if name else ""


class _Mapper:
    """Writes the rows of a stored state anew, in terms of another version."""

    def __init__(self, old: Definition, new: Definition, plan: Plan) -> None:
        self.old, self.new, self.plan = old, new, plan
        self.levels: dict[str, tuple[Any, Any]] = {"": (old.compact_specs.main, new.compact_specs.main)}
        self.hosts: dict[str, str] = {}  # names in the new version of the rows so far, by token

    def mapped(self, stored: bytes) -> bytes:
        version, _, data, rows, waiting = orjson.loads(stored)
        for token, scope, name, kind, *_ in rows:
            self._enter(token, scope, name, kind)
        moved = [found for row in rows if (found := self._row(*row))]
        arrived = [self._arrival(*one) for one in waiting]
        return orjson.dumps([version, self.new.digest, data, moved, arrived])

    def _enter(self, token: str, scope: str, name: str, kind: str) -> None:
        """Note where a token goes; what is below or beside it may stand before it."""
        before, after = self.levels[scope]
        spec, target = before.task_specs[name], self._target(name)
        self.hosts[token] = target
        other = after.task_specs.get(target)
        if other is None and kind != "wait":
            raise self._refusal(GONE, name)
        if kind in ("sub", "undo") and hasattr(spec, "spec"):
            if type(spec) is not type(other):
                raise self._refusal(OTHER_KIND, name, target)
            self.levels[token] = (self.old.compact_specs.inner[spec.spec], self.new.compact_specs.inner[other.spec])

    def _row(self, token: str, scope: str, name: str, kind: str, host: str | None, marks: Any, own: Any) -> Any:
        before, after = self.levels[scope]
        spec, target = before.task_specs[name], self.hosts[token]
        other = after.task_specs.get(target)
        if other is None:
            if isinstance(spec, BoundaryEvent) or getattr(spec, "listens", False):
                return None
            raise self._refusal(GONE, name)
        if not (self._is_fork_alike if _is_fork(spec) and _is_fork(other) else _is_alike)(spec, other):
            raise self._refusal(OTHER_KIND, name, target)
        if isinstance(other, BoundaryEvent) and kind == "wait" and host is not None:
            split = after.task_specs.get(split_name(self.hosts[host]))
            if split is None or other not in split.outputs:
                raise self._refusal(NOT_ATTACHED, name, target)
        return [token, scope, target, kind, host, self._marks(marks or {}, spec, other) or 0, own]

    def _is_fork_alike(self, spec: Any, other: Any) -> bool:
        """Tell whether two event-based gateways wait for the same, in whatever order."""
        before = {self._target(one.name): _kinds(one) for one in spec.outputs}
        return len(before) == len(spec.outputs) and before == {one.name: _kinds(one) for one in other.outputs}

    def _target(self, name: str) -> str:
        element, blank, rest = name.partition(" [")
        return self.plan.target(element) + blank + rest

    def _marks(self, marks: Data, spec: Any, other: Any) -> Data:
        """The marks of a token; a timer counted anew loses its due, one that is no cycle any more how often."""
        if _is_fork(other):
            marks = self._replaced(marks, spec, other)
        if not self.plan.recompute.isdisjoint(_waits_at(other)):
            return {name: mark for name, mark in marks.items() if name not in ("due", "times", "timer", "dues")}
        expressions = [getattr(one.event_definition, "expression", None) for one in (spec, other) if "times" in marks]
        if expressions[:1] != expressions[1:] and parse_cycle(str(expressions[1]).strip()) is None:
            return {name: mark for name, mark in marks.items() if name != "times"}
        return marks

    def _replaced(self, marks: Data, spec: Any, other: Any) -> Data:
        """The marks of a token at an event-based gateway, whose events may be drawn in another order."""
        order = [one.name for one in other.outputs]
        goes = [order.index(self._target(one.name)) for one in spec.outputs]
        found = dict(marks)
        for name in {"timer", "chosen"} & marks.keys():
            found[name] = goes[marks[name]]
        for name in {"held", "seen"} & marks.keys():
            found[name] = [goes[place] for place in marks[name]]
        if "dues" in marks:
            found["dues"] = [[due, goes[place]] for due, place in marks["dues"]]
        return found

    def _arrival(self, scope: str, name: str, source: str) -> list[str]:
        before, after = self.levels[scope]
        target = name if name.startswith("[") else self._target(name)
        join = after.task_specs.get(target)
        if join is None or type(join) is not type(before.task_specs[name]):
            raise self._refusal(GONE, name)
        if source.endswith(SPENT):
            flows = [self._entry(name, one, join, after) for one in source.removesuffix(SPENT).split()]
            return [scope, target, " ".join(flows) + SPENT]
        return [scope, target, source if name.startswith("[") else self._entry(name, source, join, after)]

    def _entry(self, name: str, source: str, join: Any, level: Any) -> str:
        """The incoming flow of a join, by its source, for a token that came by another version's."""
        target = self._target(source)
        if target in join._inputs:
            return target
        element = target.partition(" [")[0]
        for start in (target, element, split_name(element)):
            if start in level.task_specs:
                found = _reach(level, start, but=join.name) & set(join._inputs)
                if len(found) == 1:
                    return str(found.pop())
        raise self._refusal(NO_ENTRY, source, name)

    def _refusal(self, why: str, name: str, to: str = "") -> MigrationRefused:
        element, target = name.partition(" [")[0], to.partition(" [")[0]
        return MigrationRefused(why, element=element, name=name_of(self.old, element), to=name_of(self.new, target))


def _is_alike(one: Any, other: Any) -> bool:
    """Tell whether a token may rest at either in the same way: the same construct, waiting for the same kinds."""
    if type(one) is not type(other):
        return False
    return _kinds(one) == _kinds(other)


def _is_fork(spec: Any) -> bool:
    return isinstance(getattr(spec, "event_definition", None), Alternatives)


def _kinds(spec: Any) -> tuple[type, ...]:
    return tuple(map(type, _events(spec)))


def _events(spec: Any) -> list[Any]:
    event = getattr(spec, "event_definition", None)
    return list(getattr(event, "event_definitions", [] if event is None else [event]))


Listener = tuple[str, str, tuple[type, ...]]  # the activity, '' for a whole scope, the event, what it waits for


def _listeners(old: Definition, plan: Plan) -> set[Listener]:
    """All that has waited beside an activity, or for a scope, where the plan leads it."""
    found = set()
    for spec in _specs(old):
        for event in spec.outputs:
            if isinstance(event, BoundaryEvent) or getattr(event, "listens", False):
                host = plan.target(_host(spec)) if isinstance(event, BoundaryEvent) else ""
                found.add((host, plan.target(event.name), _kinds(event)))
    return found


def _specs(definition: Definition) -> Iterator[Any]:
    for level in (definition.compact_specs.main, *definition.compact_specs.inner.values()):
        yield from level.task_specs.values()


def _waits_at(spec: Any) -> list[str]:
    """The elements whose events a token waits for at one: itself, behind an event-based gateway those that follow."""
    if all(isinstance(one, NoneEventDefinition) for one in _events(spec)):
        return []
    followers = [one.name for one in spec.outputs] if _is_fork(spec) else []
    return [spec.name.partition(" [")[0], *followers]


def _host(split: Any) -> str:
    """The activity of which a specification splits off the events on its border."""
    return next((one.name for one in split.outputs if split_name(one.name) == split.name), "").partition(" [")[0]


def _arm(case: Case, known: set[Listener]) -> None:
    """Let what the new version has beside an open activity, or for a whole scope, begin to wait: not what was there
    before, for that has come already.
    """
    for task in list(tokens_in(case)):
        if kind_of(task) == "undo" or isinstance(task.task_spec, BoundaryEvent):
            continue
        split = task.workflow.spec.task_specs.get(split_name(task.task_spec.name))
        for spec in split.outputs if split and task.task_spec in split.outputs else ():
            if isinstance(spec, BoundaryEvent) and (_host(split), spec.name, _kinds(spec)) not in known:
                _begin(task.parent, spec)
    for scope in list(case.live()):
        host = scope.parent_task_id
        if host is not None and is_memory(case.get_task_from_id(host)):
            continue
        for spec in scope.spec.start.outputs:
            if getattr(spec, "listens", False) and ("", spec.name, _kinds(spec)) not in known:
                _begin(scope.task_tree, spec)


def _begin(parent: CaseTask, spec: Any) -> None:
    task = parent._add_child(spec, TaskState.FUTURE)
    spec._predict(task, mask=TaskState.NOT_FINISHED_MASK)
    spec._update(task)


def _starved(case: Case) -> Iterator[tuple[str, str]]:
    """Parallel joins at which tokens have arrived, or to which some lead, that will not get as many by every flow as by
    the fullest, with the path of their scope.
    """
    for scope in case.live():
        places = [t.task_spec.name for t in tokens_in(case) if t.workflow is scope and kind_of(t) != "undo"]
        arrived = [t for t in arrivals_in(case) if t.workflow is scope]
        for join in scope.spec.task_specs.values():
            if type(join) is not ParallelGateway or join._passes():
                continue
            filled = Counter(t.internal_data["from"] for t in arrived if t.task_spec is join)
            starts = places + [t.task_spec.name for t in arrived if t.task_spec is not join]
            most = max(filled.values(), default=1)
            coming = Counter[str]()
            for start in starts:
                coming += _bring(scope.spec, start, join, most)
            if (filled or coming) and any(filled[flow] + coming[flow] < most for flow in join._inputs):
                yield _path(case, scope), join.name


def _bring(level: Any, start: str, join: Any, most: int) -> Counter[str]:
    """The incoming flows of a join to which a token can come, and as how many, which need not be told beyond most."""
    reached = _reach(level, start, but=join.name)
    is_one = most == 1 or all(_stays_one(level, name) for name in reached)
    return Counter(dict.fromkeys(reached & set(join._inputs), 1 if is_one else most))


def _stays_one(level: Any, name: str) -> bool:
    """Tell whether of one token one goes on at most, and none comes there again."""
    following = list(_following(level, name))
    chooses = isinstance(level.task_specs[name], ExclusiveGateway | EventBasedGateway)
    comes_again = any(name in _reach(level, one, but="") for one in following)
    return (len(following) < 2 or chooses) and not comes_again


def _path(case: Case, scope: Any) -> str:
    return "" if scope.parent_task_id is None else str(case.get_task_from_id(scope.parent_task_id).token)


def _reach(level: Any, start: str, but: str) -> set[str]:
    """The elements to which a token can come without passing one."""
    seen, stack = {start}, [start]
    while stack:
        for following in _following(level, stack.pop()):
            if following != but and following not in seen:
                seen.add(following)
                stack.append(following)
    return seen


def _following(level: Any, name: str) -> Iterable[str]:
    """The elements behind one, with the events on its border."""
    split = level.task_specs.get(split_name(name))
    return [*level.task_specs[name]._outputs, *(split._outputs if split is not None else ())]
