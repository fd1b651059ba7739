"""Loops and multiple instances: one token stays at the activity and counts, its instances are children, each with a
scope of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition

from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.data_scopes import InstanceScope
from service.engine.bpmn.expressions_eval import evaluate_condition, unwrap, value_of
from service.engine.bpmn.step_context import (
    MAX_AUTOMATIC,
    READY,
    STARTED,
    WAITING,
    path_of,
)
from service.engine.bpmn.throw_events import throw_from_instance
from service.engine.kernel.types import Data, StepError


class _Repeated:
    """One token stays at the activity and counts; its instances are children, forgotten once they are done."""

    task_spec: str
    condition: str | None
    output: str | None = None

    def start_child(self, outer: CaseTask, marks: Data, item: Data) -> None:
        child = outer._add_child(outer.workflow.spec.task_specs[self.task_spec], WAITING)
        child.triggered = True
        child.internal_data.update(marks)
        child.instance = self.instance_scope(outer, child, item)
        child.task_spec._update(child)

    def instance_scope(self, outer: CaseTask, child: CaseTask, values: Data) -> InstanceScope:
        """The scope of an instance: what is its own, and the attributes of the loop as they are when asked."""
        attributes = partial(self.attributes_of, outer.internal_data, child.internal_data)
        return InstanceScope(values, outer.around, attributes, self.output)

    def attributes_of(self, loop: Data, instance: Data) -> Data:
        """The attributes of an instance, from the marks of the loop and its own."""
        raise NotImplementedError

    def count(self, outer: CaseTask) -> int:
        outer.internal_data["done"] += 1
        return int(outer.internal_data["done"])

    def finish(self, outer: CaseTask) -> None:
        """Enough instances are done: cancel the rest and let the token go on."""
        for child in list(outer.children):
            if child._state & (READY | WAITING | STARTED):
                child.cancel()
        outer._set_state(READY)


class StandardLoop(_Repeated, defaults.StandardLoopTask):
    def attributes_of(self, loop: Data, instance: Data) -> Data:
        """``loopCounter``: the turns that are done (BPMN 2.0 table 10.28)."""
        return {"loopCounter": loop["done"]}

    def _update_hook(self, outer: CaseTask) -> bool:
        BpmnTaskSpec._update_hook(self, outer)
        outer.internal_data["done"] = 0
        if self.test_before and self.loop_complete(outer):
            return True
        outer._set_state(STARTED)
        self.start_child(outer, {"iteration": 0}, {})
        return False

    def merge_child(self, workflow: Any, child: CaseTask) -> None:
        outer = child.parent
        done = self.count(outer)
        if self.loop_complete(outer):
            outer._set_state(READY)
        else:
            self.start_child(outer, {"iteration": done}, {})

    def loop_complete(self, outer: CaseTask) -> bool:
        if self.maximum is not None and outer.internal_data["done"] >= self.maximum:
            return True
        names = {**outer.data, **self.attributes_of(outer.internal_data, {})}
        return self.condition is not None and not evaluate_condition(outer, self.condition, names)


@dataclass(frozen=True, slots=True)
class Thrown:
    """An event that an ending instance throws: always, the first only, or when a condition holds."""

    definition: EventDefinition
    condition: str | None = None
    first_only: bool = False


class _Instances(_Repeated):
    """Multiple instances over a number or a collection (a list by index, an object by key)."""

    cardinality: str | None
    behavior: Sequence[Thrown] = ()
    data_input: Any
    data_output: Any
    input_item: Any
    output_item: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.output = None if self.output_item is None else self.output_item.bpmn_id

    def attributes_of(self, loop: Data, instance: Data) -> Data:
        """BPMN 2.0 table 10.31 and Camunda's names of the same; ``loopCounter`` counts from 0, as Camunda does."""
        total, done = loop["total"], loop["done"]
        active = total - done - len(loop.get("rest", ()))
        return {
            "loopCounter": instance.get("index", instance["key"]),
            "numberOfInstances": total,
            "numberOfActiveInstances": active,
            "numberOfCompletedInstances": done,
            "numberOfTerminatedInstances": 0,  # whoever terminates them ends the activity
            "nrOfInstances": total,
            "nrOfActiveInstances": active,
            "nrOfCompletedInstances": done,
        }

    def _update_hook(self, outer: CaseTask) -> bool:
        BpmnTaskSpec._update_hook(self, outer)
        items = self.items(outer)
        if self.data_output is not None and self.output is not None:
            outer.around.write({self.data_output.bpmn_id: {} if isinstance(items, dict) else []})
        pairs = [[key, item] for key, item in (items.items() if isinstance(items, dict) else enumerate(items))]
        outer.internal_data.update(done=0, total=len(pairs))
        if not pairs:
            return True
        outer._set_state(STARTED)
        self.begin(outer, pairs)
        return False

    def items(self, outer: CaseTask) -> list[Any] | dict[str, Any]:
        """The items with an instance each, as they are when the activity begins (BPMN 2.0 §13.3.7).

        Raises StepError for no collection, no number, or too many instances.
        """
        if self.data_input is not None:
            collection = self.data_input.bpmn_id
            values = value_of(outer, collection) if unwrap(collection) else outer.data.get(collection)
            if not isinstance(values, list | dict):
                raise StepError(f"多实例的集合 {collection} 不是列表。", path_of(outer))
            size = len(values)
        else:
            size = value_of(outer, self.cardinality or "")
            if type(size) is not int or size < 0:
                raise StepError("多实例的个数不是自然数。", path_of(outer))
            values = range(min(size, MAX_AUTOMATIC))
        if size > MAX_AUTOMATIC:
            raise StepError(f"多实例超过 {MAX_AUTOMATIC} 个。", path_of(outer))
        return values if isinstance(values, dict) else list(values)

    def begin(self, outer: CaseTask, pairs: list[list[Any]]) -> None:
        """Start the instances: all at once or the first, as the kind of repetition says."""
        raise NotImplementedError

    def start_instance(self, outer: CaseTask, index: int, key: Any, item: Any) -> None:
        marks = {"key": key} if key == index else {"key": key, "index": index}
        self.start_child(outer, marks, {} if self.input_item is None else {self.input_item.bpmn_id: item})

    def merge_child(self, workflow: Any, child: CaseTask) -> None:
        outer = child.parent
        self.collect(outer, child)
        done = self.count(outer)
        if self.behavior and not self._throw(outer, child, done):
            return
        enough = self.condition is not None and evaluate_condition(
            child, self.condition, child.around.variables(with_attributes=True)
        )
        self.proceed(outer, done, enough)

    def _throw(self, outer: CaseTask, child: CaseTask, done: int) -> bool:
        """Throw what the behavior says; False when somebody who caught it has ended the activity."""
        for thrown in self.behavior:
            if thrown.first_only and done > 1:
                continue
            names = child.around.variables(with_attributes=True)
            if outer._state == STARTED and (
                thrown.condition is None or evaluate_condition(child, thrown.condition, names)
            ):
                throw_from_instance(outer, thrown.definition)
        return bool(outer._state == STARTED)

    def proceed(self, outer: CaseTask, done: int, enough: bool) -> None:
        """Go on after an instance has ended: wait, start the next, or end; each kind of repetition for itself."""
        raise NotImplementedError

    def collect(self, outer: CaseTask, child: CaseTask) -> None:
        """Put an instance's output item into the output collection."""
        if self.data_output is None or self.output is None:
            return
        seen, name = child.around.variables(), self.data_output.bpmn_id
        if self.output not in seen:
            raise StepError(f"多实例没有输出 {self.output}。", path_of(child))
        values, item = outer.data[name], seen[self.output]
        key = child.internal_data["key"]
        outer.around.write({name: {**values, key: item} if isinstance(values, dict) else [*values, item]})


class ParallelInstances(_Instances, defaults.ParallelMultiInstanceTask):
    def begin(self, outer: CaseTask, pairs: list[list[Any]]) -> None:
        for index, (key, item) in enumerate(pairs):
            self.start_instance(outer, index, key, item)

    def proceed(self, outer: CaseTask, done: int, enough: bool) -> None:
        if enough or done == outer.internal_data["total"]:
            self.finish(outer)


class SequentialInstances(_Instances, defaults.SequentialMultiInstanceTask):
    def begin(self, outer: CaseTask, pairs: list[list[Any]]) -> None:
        outer.internal_data["rest"] = pairs[1:]
        self.start_instance(outer, 0, *pairs[0])

    def proceed(self, outer: CaseTask, done: int, enough: bool) -> None:
        rest = outer.internal_data["rest"]
        if enough or not rest:
            self.finish(outer)
        else:
            outer.internal_data["rest"] = rest[1:]
            self.start_instance(outer, done, *rest[0])
