"""Calls of functions, and the functions that expressions and models define."""

from __future__ import annotations

from collections.abc import Callable

from service.engine.feel import iteration
from service.engine.feel.types import Type
from service.engine.feel.values import Function, Scope, Value

Evaluate = Callable[[Scope], Value]


def truth_of(value: Value) -> Value:
    """A boolean, or null for anything else."""
    return value if isinstance(value, bool) else None


def apply(function: Value, arguments: list[Value], scope: Scope) -> Value:
    """Call with arguments in their order; null where it is no function."""
    scope.budget.spend(1)
    return function.call(arguments, scope) if isinstance(function, Function) else None


def apply_named(function: Value, arguments: dict[str, Value], scope: Scope) -> Value:
    """Call with arguments by name; null where it is no function, or has other parameters."""
    scope.budget.spend(1)
    if not isinstance(function, Function):
        return None
    if function.call_named is not None:
        return function.call_named(arguments, scope)
    if set(arguments) != set(function.parameters):
        return None
    return function.call([arguments[name] for name in function.parameters], scope)


def defined(
    name: str,
    parameters: tuple[str, ...],
    types: tuple[Type, ...],
    gives: Type | None,
    body: Evaluate,
    around: Scope,
) -> Function:
    """A function whose body is evaluated in the scope where it was written."""

    def call(arguments: list[Value], scope: Scope) -> Value:
        if len(arguments) != len(parameters):
            return None
        given = {}
        for parameter, type_, argument in zip(parameters, types, arguments, strict=True):
            given[parameter] = type_.converted(argument)
            if given[parameter] is None and argument is not None:
                return None
        with iteration.deeper(scope.budget):
            value = body(Scope(given, scope.budget, around))
        return gives.converted(value) if gives is not None else value

    return Function(name, parameters, call, types=types, gives=gives)
