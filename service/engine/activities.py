"""Activities: scripts, topics, decisions, subprocesses, called processes, loops and multiple instances."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.decision import hits
from service.engine.events import raise_error
from service.engine.expressions import equal
from service.engine.scopes import in_order
from service.engine.scripts import call, decide, mapped, run_script, value_of
from service.engine.values import BpmnError, Data, Request, StepFailed
from service.engine.world import MAX_AUTOMATIC, OPEN, READY, STARTED, WAITING, path_of, write


class ManualTask(defaults.ManualTask):
    """Done outside any system, says BPMN: the engine passes through."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.manual = False


class NoneTask(defaults.NoneTask):
    """A task of no kind: nothing for anybody to do, says BPMN."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.manual = False


class Mapped:
    """Input parameters are visible to the activity only; with output parameters only these are written, else the result."""

    attributes: Any

    def names(self, task: Task) -> Data:
        """What the activity sees: the token's data and its input parameters."""
        inputs = self.attributes.inputs
        return {**task.data, **mapped(task, inputs, task.data)} if inputs else task.data

    def accept(self, task: Task, result: Data) -> None:
        """Write what the activity gave."""
        outputs = self.attributes.outputs
        write(task, mapped(task, outputs, {**self.names(task), **result}) if outputs else result)


class UserTask(Mapped, defaults.UserTask): ...


class ScriptTask(Mapped, defaults.ScriptTask):
    functions: tuple[str, ...] = ()

    def _run_hook(self, task: Task) -> bool:
        try:
            self.accept(task, run_script(task, self.script or "", self.names(task), self.functions))
        except BpmnError as error:
            raise_error(task, error.code, error.data)
            return False
        return True


class ServiceTask(Mapped, defaults.ServiceTask):
    """Serves its topic in the step, or waits for an external worker when nobody here does."""

    topic = ""

    def _run_hook(self, task: Task) -> bool | None:
        try:
            result = call(Request(self.topic, path_of(task), _copy(self.names(task))))
        except BpmnError as error:
            raise_error(task, error.code, error.data)
            return False
        if result is None:
            return None
        self.accept(task, result)
        return True


class BusinessRuleTask(Mapped, defaults.ServiceTask):
    """Evaluates one decision of the bundle into its result variable."""

    table: Any
    shape: str | None = None

    def _run_hook(self, task: Task) -> bool:
        try:
            found = hits(self.table, self.names(task))
        except ValueError as error:
            raise StepFailed(f"决策 {self.table.id}:{error}", path_of(task)) from error
        self.accept(task, {self.attributes.result: self._shaped(found)})
        return True

    def _shaped(self, found: list[Data]) -> Any:
        """As ``mapDecisionResult`` says; unsaid: one output gives plain values, several objects, COLLECT a list of them."""
        table = self.table
        rows: list[Any] = found
        if self.shape in ("singleEntry", "collectEntries") or (self.shape is None and len(table.outputs) == 1):
            rows = [hit[table.outputs[0]] for hit in found]
        if self.shape in ("collectEntries", "resultList") or (self.shape is None and table.gives_several):
            return rows
        return rows[0] if rows else None


class _Scoped:
    """Runs a scope of its own and takes its data back when that ends."""

    spec: str
    attributes: Any

    def _update_hook(self, task: Task) -> bool:
        case = task.workflow.top_workflow
        scope = case.subprocesses.get(task.id)
        if scope is not None:
            return bool(scope.completed)
        BpmnTaskSpec._update_hook(self, task)
        self.enter(task)
        return False

    def enter(self, task: Task) -> None:
        """Start the scope. A call with input parameters hands over these only."""
        case = task.workflow.top_workflow
        scope = case.create_subprocess(task, self.spec)
        scope.completed_event.connect(self._on_subworkflow_completed, task)
        root = scope.task_tree
        root.entered = True
        if self.attributes.inputs:
            write(root, mapped(task, self.attributes.inputs, task.data))
        else:
            root.data, root.stamps = task.data, task.stamps
        task._set_state(STARTED)
        root.run()

    def _on_subworkflow_completed(self, scope: Any, task: Task) -> None:
        if not task._state & (STARTED | WAITING):
            return
        last = scope.last_task
        if self.attributes.outputs:
            write(task, mapped(task, self.attributes.outputs, {**task.data, **last.data}))
        elif self.attributes.inputs:
            write(task, {k: v for k, v in last.data.items() if k not in task.data or not equal(v, task.data[k])})
        else:
            task.data, task.stamps = last.data, last.stamps
        task._set_state(READY)
        task.workflow.top_workflow.subprocesses.pop(task.id, None)

    def _on_cancel(self, task: Task) -> None:
        scope = task.workflow.top_workflow.subprocesses.pop(task.id, None)
        if scope is not None:
            task.workflow.top_workflow.subprocesses[task.id] = (
                scope  # paths of what is cancelled inside lead through it
            )
            scope.cancel()
            del task.workflow.top_workflow.subprocesses[task.id]


class SubProcess(_Scoped, defaults.SubWorkflowTask): ...


class EventSubProcess(_Scoped, defaults.EventSubprocess):
    """Listens while its scope runs. Interrupting, it ends all else in the scope; else it runs beside it, each time anew."""

    event_definition: Any
    interrupting = True
    listens = True

    def _update_hook(self, task: Task) -> bool:
        if task._state == WAITING and "event_fired" in task.internal_data:
            self._begin(task)
        elif task._state != WAITING:
            BpmnTaskSpec._update_hook(self, task)
            task._set_state(WAITING)
            self.event_definition.update_task(task)
        return False

    def _begin(self, listener: Task) -> None:
        if self.interrupting:
            others = [t for t in listener.workflow.tasks.values() if t._state & OPEN and t is not listener]
            for other in in_order(iter(others)):
                other.cancel()
        elif "due" not in listener.internal_data or "times" in listener.internal_data:
            self._begin_beside(listener)
            return
        listener.internal_data.clear()
        self.enter(listener)

    def _begin_beside(self, listener: Task) -> None:
        """A run of its own; the listener stays for the next."""
        del listener.internal_data["event_fired"]
        task = listener.parent._add_child(self, TaskState.FUTURE)
        task.triggered = task.entered = True
        task.data, task.stamps = listener.data, listener.stamps
        self._predict(task, mask=TaskState.NOT_FINISHED_MASK)
        self.enter(task)
        if listener.internal_data.get("times") == 1:
            listener.cancel()


class Transaction(_Scoped, defaults.TransactionSubprocess): ...


class CallActivity(_Scoped, defaults.CallActivity): ...


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
        return self.condition is not None and not decide(outer, self.condition)


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
            write(outer, {self.data_output.bpmn_id: {} if self._by_key(outer) else []})
        outer.internal_data["done"] = 0
        if not keys:
            return True
        outer._set_state(STARTED)
        self.begin(outer, self.items(outer, keys))
        return False

    def keys(self, outer: Task) -> list[Any]:
        """Indexes or keys of the instances. Raises StepFailed for no collection, or too many instances."""
        if self.data_input is not None:
            values = outer.data.get(self.data_input.bpmn_id)
            if not isinstance(values, list | dict):
                raise StepFailed(f"多实例的集合 {self.data_input.bpmn_id} 不是列表。", path_of(outer))
            size = len(values)
            keys = list(values) if isinstance(values, dict) else range(size)
        else:
            size = value_of(outer, self.cardinality or "")
            if type(size) is not int or size < 0:
                raise StepFailed("多实例的个数不是自然数。", path_of(outer))
            keys = range(size)
        if size > MAX_AUTOMATIC:
            raise StepFailed(f"多实例超过 {MAX_AUTOMATIC} 个。", path_of(outer))
        return list(keys)

    def _by_key(self, outer: Task) -> bool:
        return self.data_input is not None and isinstance(outer.data[self.data_input.bpmn_id], dict)

    def begin(self, outer: Task, items: list[list[Any]]) -> None:
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
        enough = self.condition is not None and decide(child, self.condition)
        self.proceed(outer, done, enough)

    def proceed(self, outer: Task, done: int, enough: bool) -> None:
        raise NotImplementedError

    def collect(self, outer: Task, child: Task) -> None:
        """An instance's output item, or the fields that it wrote."""
        if self.data_output is not None and self.output_item is not None:
            if self.output_item.bpmn_id not in child.data:
                raise StepFailed(f"多实例没有输出 {self.output_item.bpmn_id}。", path_of(child))
            item, name = child.data[self.output_item.bpmn_id], self.data_output.bpmn_id
            values = outer.data[name]
            key = child.internal_data["key"]
            write(outer, {name: {**values, key: item} if isinstance(values, dict) else [*values, item]})
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


def hold(spec: Any, task: Task) -> None:
    """``asyncBefore``: the token waits in front of the activity until a job lets it in."""
    if task.internal_data.get("released") or task._state & (READY | STARTED):
        type(spec)._update(spec, task)
    elif task._state != WAITING:
        task._inherit_data()
        task._set_state(WAITING)


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value


def is_loop(spec: Any) -> bool:
    """Whether a specification is the outer one of a loop or of multiple instances."""
    return isinstance(spec, LoopTask)
