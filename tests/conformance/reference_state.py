"""What the reference game keeps: variables by scope, tokens, scopes and activities that run."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.conformance.process_model import Event, Level, Node, Sum, Test

COMPARE: dict[str, Callable[[int, int], bool]] = {"==": operator.eq, "<": operator.lt, ">=": operator.ge}


class TooMuch(Exception):
    """The process does more than a test needs, or two things at one instant: draw another."""


@dataclass
class Names:
    """Variables of one scope; ``facts`` are attributes that the standard gives an instance."""

    outer: Names | None
    values: dict[str, int] = field(default_factory=dict)
    facts: Callable[[], dict[str, int]] = dict
    is_process: bool = False
    is_closed: bool = False

    def read(self, name: str) -> int:
        here: Names | None = self
        while here is not None:
            for held in (here.values, here.facts()):
                if name in held:
                    return held[name]
            here = None if here.is_closed else here.outer
        raise KeyError(name)

    def write(self, name: str, value: int) -> None:
        here = self
        while name not in here.values and name not in here.facts() and not here.is_process and here.outer:
            here = here.outer
        here.values[name] = value

    def holds(self, test: Test) -> bool:
        value = self.read(test.variable)
        return COMPARE[test.comparison](value % test.modulo if test.modulo else value, test.number)

    def sum(self, value: Sum) -> int:
        return value.number + (self.read(value.variable) if value.variable else 0)


@dataclass(eq=False)
class Token:
    """A token that rests at a node, or has arrived at a join by a flow."""

    at: str
    by: str = ""


@dataclass(eq=False)
class Scope:
    """One run of a process, subprocess or handler."""

    level: Level
    names: Names
    activity: Activity | None = None
    of_handler: Scope | None = None
    tokens: list[Token] = field(default_factory=list)
    activities: list[Activity] = field(default_factory=list)
    handlers: list[Scope] = field(default_factory=list)
    listens: list[tuple[Event, Level]] = field(default_factory=list)
    received: dict[str, set[str]] = field(default_factory=dict)  # by complex gateway: the flows that gave their token
    memories: list[Node | Scope] = field(default_factory=list)  # what has ended and can be undone, in that order
    place: int = 0  # in order, of an ad-hoc subprocess
    is_enough: bool = False
    then: dict[str, int] = field(default_factory=dict)  # the instance's own variables when it ended
    alive: bool = True

    @property
    def around(self) -> Scope | None:
        if self.of_handler is not None:
            return self.of_handler
        return self.activity.scope if self.activity else None


@dataclass(eq=False)
class Activity:
    """A subprocess or call that runs, with all its instances."""

    node: Node
    scope: Scope
    runs: list[Scope] = field(default_factory=list)
    done: int = 0
    total: int = 1
    alive: bool = True
