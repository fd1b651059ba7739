"""Activities that are one piece of work: user tasks, scripts, topics, decisions; and waiting at the door of any."""

from __future__ import annotations

from typing import Any

from SpiffWorkflow.bpmn.specs import defaults
from SpiffWorkflow.task import Task

from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.data_scopes import DataScope
from service.engine.bpmn.expressions_eval import call, mapped, run_script
from service.engine.bpmn.step_context import (
    READY,
    STARTED,
    WAITING,
    path_of,
)
from service.engine.bpmn.throw_events import raise_error
from service.engine.dmn.model import Decision
from service.engine.kernel.data_associations import carried_in, carried_out
from service.engine.kernel.types import (
    BpmnError,
    Data,
    StepError,
)


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
    """Input parameters and data inputs are variables of the activity only, made when its token arrives;
    with output parameters only these are written, else the result. Data associations copy what is there.
    """

    attributes: Any

    def own_scope(self, values: Data, around: DataScope) -> DataScope | None:
        """The scope that input parameters make, None without any."""
        return DataScope(values, around) if self.attributes.inputs or self.attributes.copied_in else None

    def _update_hook(self, task: CaseTask) -> bool:
        enters: bool = super()._update_hook(task)  # type: ignore[misc]
        if task.own is None and (self.attributes.inputs or self.attributes.copied_in):
            seen = task.data
            copied = carried_in(self.attributes.copied_in, seen)
            task.own = self.own_scope({**copied, **mapped(task, self.attributes.inputs, seen)}, task.around)
        return enters

    def accept(self, task: CaseTask, result: Data) -> None:
        """Write what the activity gave."""
        outputs, copied = self.attributes.outputs, self.attributes.copied_out
        task.given = result
        if copied:
            found, result = carried_out(copied, task.data, result)
            task.around.write(found)
        if outputs:
            task.around.write(mapped(task, outputs, {**task.data, **result}))
        else:
            task.scope.write(result)


class UserTask(Mapped, defaults.UserTask):
    """Waits for a person."""


class ScriptTask(Mapped, defaults.ScriptTask):
    """Runs its script in the sandbox."""

    functions: tuple[str, ...] = ()

    def _run_hook(self, task: CaseTask) -> bool:
        try:
            self.accept(task, run_script(task, self.script or "", task.data, self.functions))
        except BpmnError as error:
            raise_error(task, error.code, error.data)
            return False
        return True


class ServiceTask(Mapped, defaults.ServiceTask):
    """Serves its topic in the step, or waits for an external worker when nobody here does."""

    topic = ""

    def _run_hook(self, task: CaseTask) -> bool | None:
        try:
            result = call(task, self.topic, _copy(task.data))
        except BpmnError as error:
            raise_error(task, error.code, error.data)
            return False
        if result is None:
            return None
        self.accept(task, result)
        return True


class BusinessRuleTask(Mapped, defaults.ServiceTask):
    """Evaluates one decision of the bundle into its result variable."""

    decision: Decision
    shape: str | None = None

    def _run_hook(self, task: CaseTask) -> bool:
        try:
            result = self._shaped(self.decision.rows(task.data))
        except ValueError as error:
            raise StepError(f"决策 {self.decision.id}:{error}", path_of(task)) from error
        self.accept(task, {self.attributes.result: result})
        return True

    def _shaped(self, found: list[Data]) -> Any:
        """As ``mapDecisionResult`` says; unsaid: one output gives plain values,
        several objects, COLLECT a list of them.

        Raises ValueError where several hits or outputs do not fit the shape.
        """
        outputs = self.decision.outputs
        rows: list[Any] = found
        if self.shape in ("singleEntry", "collectEntries") and len(outputs) > 1:
            raise ValueError(f"{self.shape} 只取一个输出，决策给出 {len(outputs)} 个")
        if self.shape in ("singleEntry", "collectEntries") or (self.shape is None and len(outputs) == 1):
            rows = [hit[outputs[0]] for hit in found]
        if self.shape in ("collectEntries", "resultList") or (self.shape is None and self.decision.gives_several):
            return rows
        if len(rows) > 1:
            raise ValueError(f"{self.shape} 只取一个结果，命中了 {len(rows)} 条规则")
        return rows[0] if rows else None


def hold(spec: Any, task: Task) -> None:
    """``asyncBefore``: the token waits in front of the activity until a job lets it in."""
    if task.internal_data.get("released") or task._state & (READY | STARTED):
        type(spec)._update(spec, task)
    elif task._state != WAITING:
        spec._predict(task)  # SpiffWorkflow would where it lets a token in, and what waits is predicted no more
        task._set_state(WAITING)


def _copy(value: Any) -> Any:
    if type(value) is dict:
        return {key: _copy(item) for key, item in value.items()}
    if type(value) is list:
        return [_copy(item) for item in value]
    return value
