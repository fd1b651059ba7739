"""Activities that run a scope of their own: subprocesses, called processes, transactions, event subprocesses."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.bpmn.specs.bpmn_task_spec import BpmnTaskSpec
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import in_order
from service.engine.bpmn.events import is_last
from service.engine.bpmn.expressions_eval import mapped
from service.engine.bpmn.step_context import (
    OPEN,
    READY,
    STARTED,
    WAITING,
)
from service.engine.bpmn.token_data import write
from service.engine.starlark.operators import equal


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
            write(root, values=mapped(task, self.attributes.inputs, task.data))
        else:
            root.data, root.stamps = task.data, task.stamps
        task._set_state(STARTED)
        root.run()

    def _on_subworkflow_completed(self, scope: Any, task: Task) -> None:
        if not task._state & (STARTED | WAITING):
            return
        last = scope.last_task
        if self.attributes.outputs:
            write(task, values=mapped(task, self.attributes.outputs, {**task.data, **last.data}))
        elif self.attributes.inputs:
            write(task, values={k: v for k, v in last.data.items() if k not in task.data or not equal(v, task.data[k])})
        else:
            task.data, task.stamps = last.data, last.stamps
        task._set_state(READY)
        task.workflow.top_workflow.subprocesses.pop(task.id, None)

    def _on_cancel(self, task: Task) -> None:
        scopes = task.workflow.top_workflow.subprocesses
        if task.id in scopes:
            scopes[task.id].cancel()
            del scopes[task.id]


class SubProcess(_Scoped, defaults.SubWorkflowTask):
    """Part of the process, drawn as one activity."""


class EventSubProcess(_Scoped, defaults.EventSubprocess):
    """Listens while its scope runs.

    Interrupting, it ends all else in the scope; else it runs beside it, once for each event.
    """

    event_definition: Any
    interrupting = True
    listens = True

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
                other.cancel()
        task.internal_data.clear()
        task.token = None  # what runs now is another token than what listened
        self.enter(task)
        return None

    def _run_beside(self, listener: Task) -> None:
        """A run of its own; the listener stays for the next."""
        task = listener.parent._add_child(self, TaskState.FUTURE)
        task.triggered = task.entered = True
        task.data, task.stamps = listener.data, listener.stamps
        self._predict(task, mask=TaskState.NOT_FINISHED_MASK)
        self.enter(task)


class Transaction(_Scoped, defaults.TransactionSubprocess):
    """A subprocess that a cancel event can end; nothing is compensated."""


class CallActivity(_Scoped, defaults.CallActivity):
    """Another process of the bundle."""
