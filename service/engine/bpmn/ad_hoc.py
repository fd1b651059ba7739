"""Ad-hoc subprocesses: activities that nothing leads to are enabled at once or in order, until it is enough."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from service.engine.bpmn.case_scopes import holds_token, in_order, is_listener, is_memory
from service.engine.bpmn.expressions_eval import evaluate_condition
from service.engine.bpmn.gateways import EndJoin, ProcessSpec
from service.engine.bpmn.step_context import OPEN
from service.engine.kernel.types import Data


class AdHocEnd(EndJoin):
    """Enables more when nothing is left to do and it is not enough."""

    def _complete(self, workflow: Any, arrived: list[Task]) -> list[Task]:
        others = (task for task in workflow.tasks.values() if task not in arrived)
        if not any(holds_token(task) and not is_listener(task) for task in others) and workflow.spec.enable(workflow):
            for task in arrived[:-1]:
                task.cancel()
            return []
        return super()._complete(workflow, arrived)


class AdHocSpec(ProcessSpec):
    """The inside of an ad-hoc subprocess (BPMN 2.0 §13.3.5): each activity is done once, in parallel or in the order
    drawn. A completion condition is asked whenever an activity has ended; until it holds, all are enabled again.
    """

    END = AdHocEnd
    enabled: list[str]
    one_by_one = False
    condition: str | None = None
    cancels_rest = True

    def first(self) -> list[str]:
        """List the elements that are enabled together: all, or the first."""
        return self.enabled[:1] if self.one_by_one else self.enabled

    def enable(self, workflow: Any) -> bool:
        """Enable the next, in order; all again when the condition wants more; False when it is enough."""
        marks = _marks(workflow)
        if "enough" in marks:
            return False
        place = marks.pop("begun", 0) + 1
        if self.one_by_one and place < len(self.enabled):
            marks["begun"] = place
            chosen = [self.enabled[place]]
        elif self.condition is None:
            return False
        else:
            chosen = self.first()
        for name in chosen:
            child = workflow.task_tree._add_child(self.task_specs[name], TaskState.FUTURE)
            child.task_spec._predict(child, mask=TaskState.NOT_FINISHED_MASK)
            child.task_spec._update(child)
        return True

    def ask(self, workflow: Any, task: Task) -> None:
        """An activity has ended: when the condition holds, end the rest, or let it end and enable no more."""
        marks = _marks(workflow)
        if self.condition is None or "enough" in marks or workflow.completed:
            return
        if evaluate_condition(task, self.condition, workflow.data_scope.variables(with_attributes=True)):
            marks["enough"] = True
            if self.cancels_rest:
                for other in in_order(t for t in list(workflow.tasks.values()) if t._state & OPEN and t is not task):
                    if not is_memory(other):
                        other.cancel()
                workflow.completed = True


def _marks(workflow: Any) -> Data:
    """The marks of the subprocess's token."""
    marks: Data = workflow.top_workflow.get_task_from_id(workflow.parent_task_id).internal_data
    return marks
