"""The form of a standard function: ``name(parameter: type, optional?: type)``; arguments that do not fit give null."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.engine.feel.types import ANY, NAMES, Type
from service.engine.feel.values import Function, Scope, Value

_FORM = re.compile(r"([a-z ]+)\((.*)\)")
_SPECIAL = {name: Type(name) for name in ("duration", "moment", "scalar")}


@dataclass(frozen=True, slots=True)
class Overload:
    """One list of parameters with what it does; with ``repeats`` the last parameter takes all that follow."""

    names: tuple[str, ...]
    types: tuple[Type, ...]
    required: int
    repeats: bool
    takes_scope: bool
    compute: Callable[..., Value]

    def bind(self, arguments: list[Value]) -> list[Value] | None:
        """The arguments in the order of the parameters; None where their number is wrong."""
        if self.repeats and len(arguments) >= len(self.names):
            fixed = len(self.names) - 1
            return [*arguments[:fixed], arguments[fixed:]]
        return arguments if self.required <= len(arguments) <= len(self.names) and not self.repeats else None

    def bind_named(self, arguments: dict[str, Value]) -> list[Value] | None:
        """The arguments by name; None where one is missing or unknown."""
        if not set(self.names[: self.required]) <= arguments.keys() <= set(self.names):
            return None
        last = max(self.names.index(name) for name in arguments) + 1 if arguments else 0
        if set(self.names[:last]) > arguments.keys():
            return None
        return [arguments[name] for name in self.names[:last]]

    def run(self, arguments: list[Value], scope: Scope) -> tuple[bool, Value]:
        """Compute, once every argument is of its type."""
        fitted = []
        for type_, argument in zip(self.types, arguments, strict=False):
            value = type_.converted(argument)
            if value is None and type_ is not ANY:
                return False, None
            fitted.append(value)
        scope.budget.charge(*fitted)
        result = self.compute(scope, *fitted) if self.takes_scope else self.compute(*fitted)
        scope.budget.charge(result)
        return True, result


def builtin(
    forms: dict[str, list[Overload]], *texts: str, repeats: bool = False, takes_scope: bool = False
) -> Callable[[Callable[..., Value]], Callable[..., Value]]:
    """Declare a standard function in ``forms`` by the texts of its forms."""

    def declare(compute: Callable[..., Value]) -> Callable[..., Value]:
        for text in texts:
            found = _FORM.fullmatch(text)
            assert found is not None, text
            name, listed = found.groups()
            parts = [part.partition(": ") for part in listed.split(", ")] if listed else []
            names = tuple(part[0].rstrip("?") for part in parts)
            types = tuple(_type(part[2]) for part in parts)
            required = sum(not part[0].endswith("?") for part in parts)
            forms.setdefault(name, []).append(Overload(names, types, required, repeats, takes_scope, compute))
        return compute

    return declare


def _type(name: str) -> Type:
    if name == "any":
        return ANY
    return _SPECIAL.get(name) or Type(NAMES[name])


def function(name: str, overloads: list[Overload]) -> Function:
    """The function of all its forms: the first that the arguments fit."""

    def choose(bound: list[tuple[Overload, list[Any] | None]], scope: Scope) -> Value:
        for overload, arguments in bound:
            if arguments is not None:
                fits, value = overload.run(arguments, scope)
                if fits:
                    return value
        return None

    def call(arguments: list[Value], scope: Scope) -> Value:
        return choose([(overload, overload.bind(arguments)) for overload in overloads], scope)

    def call_named(arguments: dict[str, Value], scope: Scope) -> Value:
        return choose([(overload, overload.bind_named(arguments)) for overload in overloads], scope)

    return Function(name, overloads[0].names, call, call_named, overloads[0].types)
