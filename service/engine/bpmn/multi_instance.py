"""Loops and multiple instances: one token stays at the activity and counts, its instances are children."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.task import Task

from service.engine.bpmn.expressions_eval import evaluate_condition, value_of
from service.engine.bpmn.step_context import (
    MAX_AUTOMATIC,
    READY,
    STARTED,
    WAITING,
    path_of,
)
from service.engine.bpmn.token_data import write
from service.engine.kernel.types import Data, StepError


class _Repeated:
    """One token stays at the activity and counts; its instances are children, forgotten once they are done."""

    task_spec: str
    condition: str | None

    def start_child(self, outer: Task, marks: Data, item: Data) -> None:
        child = outer._add_child(outer.workflow.spec.task_specs[self.task_spec], WAITING)
        child.triggered = True
        child.internal_data.update(marks)
        child.data = item
        child.task_spec._update(child)

    def count(self, outer: Task) -> int:
        outer.internal_data["done"] += 1
        return int(outer.internal_data["done"])

    def finish(self, outer: Task) -> None:
        """Enough instances are done: cancel the rest and let the token go on."""
        for child in list(outer.children):
            if child._state & (READY | WAITING | STARTED):
                child.cancel()
        outer._set_state(READY)


class StandardLoop(_Repeated, defaults.StandardLoopTask):
    def _update_hook(self, outer: Task) -> bool:
        BpmnTaskSpec._update_hook(self, outer)
        outer.internal_data["done"] = 0
        if self.test_before and self.loop_complete(outer):
            return True
        outer._set_state(STARTED)
        self.start_child(outer, {"iteration": 0}, {})
        return False

    def merge_child(self, workflow: Any, child: Task) -> None:
        outer = child.parent
        outer.data, outer.stamps = child.data, child.stamps
        done = self.count(outer)
        if self.loop_complete(outer):
            outer._set_state(READY)
        else:
            self.start_child(outer, {"iteration": done}, {})

    def loop_complete(self, outer: Task) -> bool:
        if self.maximum is not None and outer.internal_data["done"] >= self.maximum:
            return True
        return self.condition is not None and not evaluate_condition(outer, self.condition)


class _Instances(_Repeated):
    """Multiple instances over a number or a collection (a list by index, an object by key)."""

    cardinality: str | None
    data_input: Any
    data_output: Any
    input_item: Any
    output_item: Any

    def _update_hook(self, outer: Task) -> bool:
        BpmnTaskSpec._update_hook(self, outer)
        keys = self.keys(outer)
        if self.data_output is not None and self.output_item is not None:
            write(outer, values={self.data_output.bpmn_id: {} if self._by_key(outer) else []})
        outer.internal_data["done"] = 0
        if not keys:
            return True
        outer._set_state(STARTED)
        self.begin(outer, self.items(outer, keys))
        return False

    def keys(self, outer: Task) -> list[Any]:
        """Indexes or keys of the instances. Raises StepError for no collection, or too many instances."""
        if self.data_input is not None:
            values = outer.data.get(self.data_input.bpmn_id)
            if not isinstance(values, list | dict):
                raise StepError(f"多实例的集合 {self.data_input.bpmn_id} 不是列表。", path_of(outer))
            size = len(values)
            keys = list(values) if isinstance(values, dict) else range(size)
        else:
            size = value_of(outer, self.cardinality or "")
            if type(size) is not int or size < 0:
                raise StepError("多实例的个数不是自然数。", path_of(outer))
            keys = range(size)
        if size > MAX_AUTOMATIC:
            raise StepError(f"多实例超过 {MAX_AUTOMATIC} 个。", path_of(outer))
        return list(keys)

    def _by_key(self, outer: Task) -> bool:
        return self.data_input is not None and isinstance(outer.data[self.data_input.bpmn_id], dict)

    def begin(self, outer: Task, items: list[list[Any]]) -> None:
        """Start the instances: all at once or the first, as the kind of repetition says."""
        raise NotImplementedError

    def items(self, outer: Task, keys: list[Any]) -> list[list[Any]]:
        """Key and item of each instance, as they are when the activity begins."""
        values = None if self.data_input is None else outer.data[self.data_input.bpmn_id]
        return [[key, key if values is None else values[key]] for key in keys]

    def start_instance(self, outer: Task, key: Any, item: Any) -> None:
        self.start_child(outer, {"key": key}, {} if self.input_item is None else {self.input_item.bpmn_id: item})

    def merge_child(self, workflow: Any, child: Task) -> None:
        outer = child.parent
        self.collect(outer, child)
        done = self.count(outer)
        enough = self.condition is not None and evaluate_condition(child, self.condition)
        self.proceed(outer, done, enough)

    def proceed(self, outer: Task, done: int, enough: bool) -> None:
        """Go on after an instance has ended: wait, start the next, or end; each kind of repetition for itself."""
        raise NotImplementedError

    def collect(self, outer: Task, child: Task) -> None:
        """An instance's output item, or the fields that it wrote."""
        if self.data_output is not None and self.output_item is not None:
            if self.output_item.bpmn_id not in child.data:
                raise StepError(f"多实例没有输出 {self.output_item.bpmn_id}。", path_of(child))
            item, name = child.data[self.output_item.bpmn_id], self.data_output.bpmn_id
            values = outer.data[name]
            key = child.internal_data["key"]
            write(outer, values={name: {**values, key: item} if isinstance(values, dict) else [*values, item]})
            return
        hidden = None if self.input_item is None else self.input_item.bpmn_id
        newer = [k for k, at in child.stamps.items() if k != hidden and at > outer.stamps.get(k, 0)]
        outer.data = {**outer.data, **{k: child.data[k] for k in newer}}
        outer.stamps = {**outer.stamps, **{k: child.stamps[k] for k in newer}}


class ParallelInstances(_Instances, defaults.ParallelMultiInstanceTask):
    def begin(self, outer: Task, items: list[list[Any]]) -> None:
        outer.internal_data["total"] = len(items)
        for key, item in items:
            self.start_instance(outer, key, item)

    def proceed(self, outer: Task, done: int, enough: bool) -> None:
        if enough or done == outer.internal_data["total"]:
            self.finish(outer)


class SequentialInstances(_Instances, defaults.SequentialMultiInstanceTask):
    def begin(self, outer: Task, items: list[list[Any]]) -> None:
        outer.internal_data["rest"] = items[1:]
        self.start_instance(outer, *items[0])

    def proceed(self, outer: Task, done: int, enough: bool) -> None:
        rest = outer.internal_data["rest"]
        if enough or not rest:
            self.finish(outer)
        else:
            outer.internal_data["rest"] = rest[1:]
            self.start_instance(outer, *rest[0])
