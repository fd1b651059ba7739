"""Gateways and ends of scopes.

Joins count tokens per incoming flow, as BPMN 2.0 says; SpiffWorkflow counts finished tasks.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_process_spec import BpmnProcessSpec
from SpiffWorkflow.bpmn.specs.control import BpmnStartTask, SimpleBpmnTask, StartEventSplit, _EndJoin
from SpiffWorkflow.bpmn.specs.event_definitions import NoneEventDefinition
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_scopes import follow, holds_token, in_order, is_listener
from service.engine.bpmn.step_context import WAITING, path_of
from service.engine.kernel.types import StepError

NO_FLOW = "没有一个条件成立，又没有默认流向。"


class Join:
    """Tokens wait here, one task each, until ``_complete`` names those that go on as one."""

    _inputs: list[str]
    polled = False
    merges = True  # of its tasks only the one that goes on is told in the trace

    def _update_hook(self, task: Task) -> bool:
        if self._passes():
            return True
        if task._state != WAITING:
            task.internal_data["from"] = task.parent.task_spec.name
            task._set_state(WAITING)
            self.wait(task)
        arrived = in_order(t for t in task.workflow.tasks.values() if t.task_spec is self and t._state == WAITING)
        chosen = self._complete(task.workflow, arrived)
        if not chosen:
            return False
        *others, lead = chosen
        for other in others:
            other.cancel()
        del lead.internal_data["from"]
        if lead is not task:
            lead._ready()
        return lead is task

    def wait(self, task: Task) -> None:
        """A token waits here; where that depends on tokens elsewhere,
        its scope asks again when one of them has moved.
        """
        if self.polled:
            task.workflow.polled = [*task.workflow.polled, task]

    def _passes(self) -> bool:
        """Nothing to join: a token goes straight through."""
        return len(self._inputs) == 1

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        """The arrivals that go on together, none while somebody is missing:
        what each kind of join answers for itself.
        """
        raise NotImplementedError


class ParallelGateway(Join, defaults.ParallelGateway):
    """Goes on with the oldest token of every incoming flow; what is over stays and waits for the next round."""

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        missing = Counter(self._inputs)
        chosen = []
        for task in arrived:
            if missing[task.internal_data["from"]]:
                missing[task.internal_data["from"]] -= 1
                chosen.append(task)
        return [] if +missing else chosen

    def _run_hook(self, task: Task) -> bool:
        return True


class Quantity(ParallelGateway):
    """As many tokens as the ``startQuantity`` of an activity says, by whatever flow, become one (§13.3.2)."""

    def __init__(self, *args: Any, count: int = 1, **options: Any) -> None:
        super().__init__(*args, **options)
        self.count = count

    def _passes(self) -> bool:
        return False

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        return arrived[: self.count] if len(arrived) >= self.count else []


class Expects:
    """Tells whether a token elsewhere can still come, as an inclusive join does (BPMN 2.0 §13.4.3)."""

    name: str
    _inputs: list[str]

    def expects(self, workflow: Any, filled: set[str], empty: set[str]) -> bool:
        """Tell whether a token elsewhere can reach an incoming flow that has none, and cannot reach one that has."""
        for task in workflow.tasks.values():
            if task.task_spec is self or not holds_token(task):
                continue
            reached = self._reached_from(workflow.spec, task.task_spec.name)
            if reached & empty and not reached & filled:
                return True
        return False

    def _reached_from(self, spec: Any, name: str) -> set[str]:
        """Find the incoming flows that a token at ``name`` can still reach without passing this gateway."""
        cache = self.__dict__.setdefault("_reach", {})
        if name not in cache:
            seen, stack = {name}, [name]
            while stack:
                for following in spec.task_specs[stack.pop()]._outputs:
                    if following != self.name and following not in seen:
                        seen.add(following)
                        stack.append(following)
            cache[name] = seen & set(self._inputs)
        found: set[str] = cache[name]
        return found


class InclusiveGateway(Expects, Join, defaults.InclusiveGateway):
    """Waits while a token elsewhere can reach an incoming flow that has none, and cannot reach one that has."""

    polled = True

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        chosen: dict[str, Task] = {}
        for task in arrived:
            chosen.setdefault(task.internal_data["from"], task)
        filled = set(chosen)
        return [] if self.expects(workflow, filled, set(self._inputs) - filled) else list(chosen.values())

    def _run_hook(self, task: Task) -> bool:
        matches, otherwise = self._get_matching_outputs(task)
        if not matches and not otherwise:
            raise StepError(NO_FLOW, path_of(task))
        follow(task, matches or otherwise)
        return True


class ExclusiveGateway(defaults.ExclusiveGateway):
    """Takes the first flow, in document order, whose condition holds, else the default."""

    def _run_hook(self, task: Task) -> bool:
        chosen = self.default_task_spec
        for condition, name in self.cond_task_specs:
            if condition is not None and condition._matches(task):
                chosen = name
                break
        if chosen is None:
            raise StepError(NO_FLOW, path_of(task))
        follow(task, [self._wf_spec.task_specs[chosen]])
        return True


class EndJoin(Join, _EndJoin):
    """The end of a scope: the last token that ended waits here until none is left elsewhere.

    Once only event subprocesses are left the scope is completing, and none can begin any more (BPMN 2.0 §13.5.4).
    """

    polled = True

    def test(self) -> None:
        """SpiffWorkflow demands that something leads here; a process may go round until an event ends it."""

    def _passes(self) -> bool:
        return False

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        *others, last = arrived
        for other in others:
            other.cancel()
        left = [task for task in workflow.tasks.values() if task is not last and holds_token(task)]
        if all(is_listener(task) for task in left):
            for task in in_order(t for t in workflow.tasks.values() if t._state == WAITING and is_listener(t)):
                task.cancel()
        return [] if left else [last]

    def _run_hook(self, task: Task) -> bool:
        return True


class Starts(StartEventSplit):
    """Several start events: the one that the input names, else the first that waits for nothing, else all wait."""

    def _run_hook(self, task: Task) -> bool:
        wanted = task.workflow.context.start if task.workflow is task.workflow.top_workflow else None
        named = [s for s in self.outputs if wanted and wanted in _names(s)]
        plain = [s for s in self.outputs if isinstance(s.event_definition, NoneEventDefinition)]
        follow(task, named[:1] or plain[:1] or self.outputs)
        return True


def _names(start: Any) -> list[str]:
    """The id of a start event, and the names of what it waits for."""
    definition = start.event_definition
    return [start.name, *(one.name for one in getattr(definition, "event_definitions", [definition]))]


class Start(BpmnStartTask):
    def connect_or_add_trigger(self, listener: Any, inner: Any) -> None:
        """An event subprocess listens from the start of its scope, for what its own start event names."""
        (start,) = inner.bpmn_start_events
        listener.event_definition, start.event_definition = start.event_definition, NoneEventDefinition()
        self.connect(listener)
        listener.connect(self._wf_spec.end)


class ProcessSpec(BpmnProcessSpec):
    """A process whose inner start and end bear names that no BPMN id can have,
    so that ``Start`` and ``End`` may be ids.
    """

    START, JOIN, FINISH = "[start]", "[join]", "[end]"
    END: type[EndJoin] = EndJoin

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.task_specs.clear()
        self.start = Start(self, self.START)
        self.end = self.END(self, self.JOIN)
        self.finish = SimpleBpmnTask(self, self.FINISH)
        self.end.connect(self.finish)
