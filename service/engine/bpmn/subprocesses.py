"""Activities that run a scope of their own: subprocesses, called processes, transactions, event subprocesses."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import in_order, is_memory
from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.compensation import remember_scope, scope_undone
from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.events import is_last
from service.engine.bpmn.expressions_eval import mapped
from service.engine.bpmn.step_context import (
    OPEN,
    READY,
    STARTED,
    WAITING,
)
from service.engine.kernel.data_associations import carried_in
from service.engine.kernel.types import Data


class _Scoped:
    """Runs a part of the process inside it; input parameters are variables of that part."""

    spec: str
    attributes: Any
    keeps_memories = False
    hands_back = True  # as its data outputs say; an event subprocess has those of its event

    def _update_hook(self, task: Task) -> bool:
        case = task.workflow.top_workflow
        scope = case.subprocesses.get(task.id)
        if scope is not None:
            return bool(scope.completed)
        BpmnTaskSpec._update_hook(self, task)
        self.enter(task)
        return False

    def own_scope(self, values: Data, around: DataScope) -> DataScope | None:
        """The scope that input parameters and associations make, None without any."""
        return DataScope(values, around) if self.attributes.inputs or self.attributes.copied_in else None

    def enter(self, task: CaseTask) -> None:
        """Start what is inside."""
        seen = task.data
        copied = carried_in(self.attributes.copied_in, seen)
        task.own = self.own_scope({**copied, **mapped(task, self.attributes.inputs, seen)}, task.around)
        case = task.workflow.top_workflow
        scope = case.create_subprocess(task, self.spec)
        scope.completed_event.connect(self._on_subworkflow_completed, task)
        task._set_state(STARTED)
        scope.task_tree.run()

    def _on_subworkflow_completed(self, scope: Any, task: CaseTask) -> None:
        if not task._state & (STARTED | WAITING):
            return
        copied = self.attributes.copied_out if self.hands_back else {}
        if (self.attributes.outputs or copied) and task.workflow.context.failed is None:
            names = {**task.around.variables(with_attributes=True), **task.data}
            task.around.write(carried_in(copied, names))
            task.around.write(mapped(task, self.attributes.outputs, names))
        if self.keeps_memories and task.workflow.context.failed is None:
            remember_scope(task, scope)
        task._set_state(READY)
        task.workflow.top_workflow.subprocesses.pop(task.id, None)

    def undone(self, task: CaseTask) -> None:
        """All in it that could be undone is."""
        scope_undone(task)

    def _on_cancel(self, task: Task) -> None:
        scopes = task.workflow.top_workflow.subprocesses
        if task.id in scopes:
            scopes[task.id].cancel()
            del scopes[task.id]


class SubProcess(_Scoped, defaults.SubWorkflowTask):
    """Part of the process, drawn as one activity."""

    keeps_memories = True


class AdHocSubProcess(SubProcess):
    """A subprocess whose activities need not follow each other."""


class EventSubProcess(_Scoped, defaults.EventSubprocess):
    """Listens while its scope runs.

    Interrupting, it ends all else in the scope; else it runs beside it, once for each event.
    """

    event_definition: Any
    interrupting = True
    listens = True
    hands_back = False

    def _update_hook(self, task: Task) -> bool:
        if task._state != WAITING:
            BpmnTaskSpec._update_hook(self, task)
            task._set_state(WAITING)
            self.event_definition.update_task(task)
        elif "event_fired" in task.internal_data:
            if self.interrupting or is_last(task):
                return True
            del task.internal_data["event_fired"]
            self._run_beside(task)
        return False

    def _run_hook(self, task: Task) -> bool | None:
        if task.internal_data.pop("event_fired", False) is False:
            return True  # its scope has ended
        if self.interrupting:
            for other in in_order(t for t in list(task.workflow.tasks.values()) if t._state & OPEN and t is not task):
                if not is_memory(other):  # what has ended may still be undone
                    other.cancel()
        task.internal_data.clear()
        task.token = None  # what runs now is another token than what listened
        self.enter(task)
        return None

    def _run_beside(self, listener: Task) -> None:
        """A run of its own; the listener stays for the next."""
        task = listener.parent._add_child(self, TaskState.FUTURE)
        task.triggered = True
        self._predict(task, mask=TaskState.NOT_FINISHED_MASK)
        self.enter(task)


class Transaction(_Scoped, defaults.TransactionSubprocess):
    """A subprocess that a cancel event can end, which undoes what has ended in it."""

    keeps_memories = True


class CallActivity(_Scoped, defaults.CallActivity):
    """Another process of the bundle: with parameters one with variables of its own, which sees what is handed in and
    hands back what is mapped; without any it works on the variables of the caller.
    """

    def own_scope(self, values: Data, around: DataScope) -> DataScope | None:
        inputs = self.attributes.inputs or self.attributes.copied_in
        outputs = self.attributes.outputs or self.attributes.copied_out
        return DataScope(values, around, of_process=True, closed=bool(inputs)) if inputs or outputs else None
