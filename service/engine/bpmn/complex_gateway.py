"""The complex gateway: an activation condition lets some of the incoming tokens start it, the rest reset it."""

from __future__ import annotations

import re
from typing import Any

from SpiffWorkflow.bpmn.specs import defaults

from service.engine.bpmn.case_scopes import SPENT, follow, in_order, is_spent
from service.engine.bpmn.case_task import CaseTask
from service.engine.bpmn.expressions_eval import evaluate_condition
from service.engine.bpmn.gateways import NO_FLOW, Expects, Join
from service.engine.bpmn.step_context import WAITING, path_of
from service.engine.kernel.types import StepError

_ASKS_PHASE = re.compile(r"\bwaitingForStart\b")


class ComplexGateway(Expects, Join, defaults.InclusiveGateway):
    """Activates when a token comes and the condition holds over ``activationCount``, the tokens that wait; takes one of
    each incoming flow. Then it waits, as an inclusive join would, for the flows that gave none, and is reset (BPMN 2.0
    §13.4.5). A flow gets its token upon activation; upon reset only if its condition asks ``waitingForStart``.
    """

    polled = True
    activation: str | None = None
    otherwise: str | None = None

    @property
    def at_reset(self) -> set[str]:
        """The outputs that may get a token upon reset."""
        asked = ((c, name) for c, name in self.cond_task_specs if c is not None)
        return {name for condition, name in asked if _ASKS_PHASE.search(condition.args[0])}

    def _passes(self) -> bool:
        return len(self._inputs) == 1 and not self.at_reset

    def _update_hook(self, task: CaseTask) -> bool:
        if self._passes():
            return True
        arrives = task._state != WAITING
        if arrives:
            task.internal_data["from"] = task.parent.task_spec.name
            task._set_state(WAITING)
            self.wait(task)
        lead = self._lead(task, arrives)
        if lead is not None and lead is not task:
            lead._ready()
        return lead is task

    def _lead(self, task: CaseTask, arrives: bool) -> CaseTask | None:
        """The token that goes on, by activation or reset, if one does."""
        workflow = task.workflow
        waiting = in_order(t for t in workflow.tasks.values() if t.task_spec is self and t._state == WAITING)
        tokens = [one for one in waiting if not is_spent(one)]
        spent = next((one for one in waiting if is_spent(one)), None)
        if spent is None:
            return self._activated(tokens) if arrives else None
        received = set(spent.internal_data["from"].removesuffix(SPENT).split())
        late = {name: one for name, one in _by_flow(tokens).items() if name not in received}
        filled = received | set(late)
        if self.expects(workflow, filled, set(self._inputs) - filled):
            return None
        for one in late.values():
            one.cancel()
        if self.at_reset:
            spent.internal_data = {"reset": True}
            return spent
        spent.cancel()
        return self._activated([one for one in tokens if one._state == WAITING])

    def _activated(self, tokens: list[CaseTask]) -> CaseTask | None:
        """Take one token of each flow when the condition holds; they go on as the last of them."""
        if not tokens:
            return None
        task = tokens[-1]
        names = {**task.data, "activationCount": len(tokens)}
        if self.activation is not None and not evaluate_condition(task, self.activation, names):
            return None
        taken = _by_flow(tokens)
        *others, lead = taken.values()
        for other in others:
            other.cancel()
        del lead.internal_data["from"]
        if set(self._inputs) - set(taken) or self.at_reset:
            self._remember(lead.workflow, sorted(taken))
        return lead

    def _remember(self, workflow: Any, flows: list[str]) -> None:
        """Keep the flows that gave a token, as an arrival from all of them that holds none."""
        workflow.context.tick += 1
        mark = CaseTask(workflow, self, workflow.task_tree, state=WAITING)
        mark.internal_data["from"] = " ".join(flows) + SPENT
        self.wait(mark)

    def _run_hook(self, task: CaseTask) -> bool:
        resets = task.internal_data.pop("reset", False)
        names = {**task.data, "waitingForStart": not resets}
        chosen = [
            name
            for condition, name in self.cond_task_specs
            if (not resets or name in self.at_reset)
            and (name != self.otherwise if condition is None else evaluate_condition(task, condition.args[0], names))
        ]
        if not chosen and not resets:
            if self.otherwise is None:
                raise StepError(NO_FLOW, path_of(task))
            chosen = [self.otherwise]
        follow(task, [self._wf_spec.task_specs[name] for name in chosen])
        return True


def _by_flow(tokens: list[CaseTask]) -> dict[str, CaseTask]:
    """The oldest token of each incoming flow."""
    found: dict[str, CaseTask] = {}
    for task in tokens:
        found.setdefault(task.internal_data["from"], task)
    return found
