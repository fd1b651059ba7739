"""Nodes of a case's task tree: SpiffWorkflow's Task with seven methods overridden, the reason beside each.

SpiffWorkflow makes its tasks in two places, the start of a workflow and ``Task._add_child``; cases override both
(``case_scopes``), so SpiffWorkflow itself is never changed.
"""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs.mixins.events.intermediate_event import BoundaryEvent
from SpiffWorkflow.bpmn.specs.mixins.multiinstance_task import LoopTask
from SpiffWorkflow.exceptions import WorkflowException
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.expressions_eval import reached_by
from service.engine.bpmn.step_context import (
    CANCELLED,
    COMPLETED,
    FINISHED,
    OPEN,
    PREDICTED,
    REACHED,
    READY,
    path_of,
)
from service.engine.kernel.types import Data


class CaseTask(Task):
    """A node of the tree.

    ``token``: ``seq.n`` once the token has rested; ``instance``: the scope of an instance of what repeats; ``own``: the
    scope that the parameters of an activity make, while it is open.
    """

    token: str | None = None
    instance: DataScope | None = None
    own: DataScope | None = None
    given: Data | None = None  # by the activity, in the step in which it is done

    def __init__(self, workflow: Any, task_spec: Any, parent: Task | None = None, state: int = TaskState.MAYBE) -> None:
        """SpiffWorkflow draws a random id and reads the clock; a step must give the same result every time."""
        context = workflow.context
        self.id = context.next_id()
        self.workflow = workflow
        workflow.tasks[self.id] = self
        self._children: list[int] = []
        self._state = state
        self.task_spec = task_spec
        self.triggered = False
        self.thread_id = 0
        self.internal_data: dict[str, Any] = {}
        self.last_state_change = context.tick
        if parent is None:
            self._parent = None
        else:
            self._parent = parent.id
            parent._children.append(self.id)

    @property
    def around(self) -> DataScope:
        """The scope in which this element stands."""
        scope: DataScope = self.instance or self.workflow.data_scope
        return scope

    @property
    def scope(self) -> DataScope:
        """The scope in which this element works: with its parameters, when it has some."""
        return self.own or self.around

    @property
    def data(self) -> Data:
        """SpiffWorkflow gives each task data of its own; here they are what its scope sees."""
        return self.scope.variables(with_attributes=True)

    def _inherit_data(self) -> None:
        """SpiffWorkflow merges the parent's data into a task; scopes have nothing to inherit."""

    def _add_child(self, task_spec: Any, state: int = TaskState.MAYBE) -> CaseTask:
        """SpiffWorkflow makes a ``Task``; the children of a CaseTask are of its own class."""
        if self._state & TaskState.PREDICTED_MASK and not state & TaskState.PREDICTED_MASK:
            raise WorkflowException("Attempt to add non-predicted child to predicted task", task_spec=self.task_spec)
        child = type(self)(self.workflow, task_spec, self, state)
        if state == READY:
            child._ready()
        return child

    def _set_state(self, value: int) -> None:
        """SpiffWorkflow reads the clock and searches the tree for what is ready;
        here a tick counts, and a queue fills.
        """
        old = self._state
        if value == old:
            return
        context = self.workflow.context
        context.tick += 1
        self.last_state_change = context.tick
        self._state = value
        spec = self.task_spec
        if old & PREDICTED and value & REACHED and self._parent is not None:
            context.moves.append((self.parent.task_spec.name, spec.name))
        if value == READY:
            if not spec.manual:
                context.ready.append(self)
        elif value & FINISHED and getattr(spec, "traced", False):
            if value == COMPLETED:
                context.trace.append("+" + path_of(self))
                if spec.states:
                    context.reached = reached_by(self)
            elif old & OPEN and not getattr(spec, "merges", False):
                context.trace.append("-" + path_of(self))

    def is_descendant_of(self, ancestor: Task) -> bool:
        """SpiffWorkflow recurses, and a long case would exceed the recursion limit."""
        parent = self.parent
        while parent is not None:
            if parent is ancestor:
                return True
            parent = parent.parent
        return False

    def cancel(self) -> None:
        """SpiffWorkflow cancels below what is finished, and a loop before its instances; BPMN cancels what is open."""
        if self._state & FINISHED:
            return
        for child in self.children:
            if child._state & OPEN:
                child.cancel()
        self._set_state(CANCELLED)
        self._drop_children()
        self.task_spec._on_cancel(self)


def activity_of(event: Task) -> Task:
    """The activity that a boundary event is attached to."""
    return next(child for child in event.parent.children if not isinstance(child.task_spec, BoundaryEvent))


def loop_around(task: Task) -> Task | None:
    """The loop or multi-instance activity that this task is an instance of."""
    parent: Task | None = task.parent
    if parent is None or not isinstance(parent.task_spec, LoopTask):
        return None
    return parent if parent.task_spec.task_spec == task.task_spec.name else None
