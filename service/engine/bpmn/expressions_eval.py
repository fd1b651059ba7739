"""Conditions, scripts, mappings and the values of attributes, evaluated in the sandbox over what a scope sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from SpiffWorkflow.task import Task

from service.engine.bpmn.step_context import StepContext, path_of
from service.engine.kernel.cpu_meter import CpuMeter
from service.engine.kernel.types import (
    BpmnError,
    Data,
    Reached,
    Request,
    ServiceCall,
    StepError,
)
from service.engine.starlark import sandbox
from service.engine.starlark.linter import names_read
from service.engine.starlark.sandbox import NoAnswer, OutOfTime, ScriptError


class ConditionEngine:
    """Serve as SpiffWorkflow's script engine, which is asked for the conditions of sequence flows only."""

    def evaluate(self, task: Task, condition: str, external_context: Any = None) -> bool:
        return evaluate_condition(task, condition)


def unwrap(text: str) -> str | None:
    """The expression inside ``${…}``, or None when the text is not one."""
    text = text.strip()
    return text[2:-1].strip() if text.startswith("${") and text.endswith("}") else None


def value_of(task: Task, expression: str, names: Mapping[str, Any] | None = None) -> Any:
    """The value of an expression, bare or as ``${…}``, over what the token's scope sees. Raises StepError."""
    try:
        return sandbox.evaluate(unwrap(expression) or expression, task.data if names is None else names, _meter(task))
    except ScriptError as error:
        raise _failed(task, f"表达式 {expression.strip()} 不能求值", error) from error


def evaluate_condition(task: Task, condition: str, names: Mapping[str, Any] | None = None) -> bool:
    """The value of a condition, which must be true or false; recorded. Raises StepError."""
    value = truth_of(task, condition, names)
    task.workflow.context.decisions.append("1" if value else "0")
    return value


def truth_of(task: Task, condition: str, names: Mapping[str, Any] | None = None) -> bool:
    """The value of a condition, not recorded. Raises StepError when it is neither true nor false."""
    value = value_of(task, condition, names)
    if type(value) is not bool:
        raise StepError(f"条件 {condition.strip()} 的结果不是真假值。", path_of(task))
    return value


def is_fulfilled(task: Task, condition: str) -> bool:
    """The value of a condition that is waited for: not fulfilled while something it reads has no value yet."""
    try:
        return truth_of(task, condition)
    except StepError:
        if names_read(unwrap(condition) or condition.strip()) <= task.data.keys():
            raise
        return False


def attribute_of(task: Task, text: str | None) -> Any:
    """The value of an attribute: the text itself, or what its ``${…}`` gives."""
    expression = unwrap(text) if text else None
    return text if expression is None else value_of(task, expression)


def reached_by(task: Task) -> Reached:
    """The state that an element sets, and what it is called there; its expression sees what the element has given.

    Raises StepError when it is no text.
    """
    said = task.task_spec.attributes.properties
    expression = unwrap(said["state"])
    seen = {**task.data, **task.given} if task.given else None
    state = said["state"] if expression is None else value_of(task, expression, seen)
    if not isinstance(state, str):
        raise StepError(f"状态 {state!r} 应是文字。", path_of(task))
    return Reached(state, said.get("state_name") or None)


def mapped(task: Task, mapping: Mapping[str, str], names: Data) -> Data:
    """Input or output parameters, each evaluated over ``names``."""
    values: Data = {}
    for name, text in mapping.items():
        expression = unwrap(text)
        values[name] = text if expression is None else value_of(task, expression, names)
    return values


def run_script(task: Task, script: str, names: Data, functions: tuple[str, ...]) -> Data:
    """Run a script over ``names``; returns what it sets.

    A host function is served as topic ``script.<name>``. Raises StepError.
    """

    def host(name: str, arguments: list[Any]) -> Any:
        answer = call(task, f"script.{name}", {"arguments": arguments})
        return None if answer is None else answer.get("result")

    try:
        return sandbox.execute(script, names, functions, host, _meter(task))
    except ScriptError as error:
        raise _failed(task, "脚本出错", error) from error


def call(task: Task, topic: str, data: Data) -> Data | None:
    """Serve a topic and record what came of it; None when nobody here serves it.

    A BPMN error is recorded like a result and raised; any other error of the handler passes unchanged.
    """
    context: StepContext = task.workflow.context
    element = path_of(task)
    error: BpmnError | None = None
    try:
        with context.serving():
            result = context.serve(Request(topic, element, data))
    except BpmnError as raised:
        error = raised
        result = error_record(raised)
    if result is None:
        return None
    try:
        result = sandbox.clean(result)
    except ScriptError as refused:
        raise StepError(f"{topic} 返回的数据不合规则：{refused}", element) from refused
    context.calls.append(ServiceCall(element, topic, len(context.calls), result))
    if error is not None:
        raise error
    return result


_ERROR = "!error"  # no name of a field, so that it cannot be taken for one


def error_record(error: BpmnError) -> Data:
    """The entry of a BPMN error in a journal, in place of a result."""
    return {_ERROR: error.code, "message": str(error), "data": error.data}


def error_in(result: Data) -> BpmnError | None:
    """The BPMN error that a recorded result stands for, if it does."""
    if _ERROR not in result:
        return None
    return BpmnError(str(result[_ERROR]), str(result["message"]), result["data"])


def _meter(task: Task) -> CpuMeter:
    """The meter of the step in which a token runs."""
    meter: CpuMeter = task.workflow.context.meter
    return meter


def _failed(task: Task, said: str, error: ScriptError) -> StepError:
    """The failure of a step by a script; who is to blame, the script, the step as a whole, or the machine, is told."""
    if isinstance(error, OutOfTime):
        task.workflow.context.check_time(path_of(task))
    return StepError(str(error) if isinstance(error, NoAnswer) else f"{said}:{error}", path_of(task))
