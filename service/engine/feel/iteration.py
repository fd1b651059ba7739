"""Loops, quantifiers, filters and intervals of FEEL, each step of them counted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from service.engine.feel.temporal import Date, date_of
from service.engine.feel.types import Type
from service.engine.feel.values import (
    DEEPEST,
    LONGEST,
    ORDERED,
    Budget,
    FeelError,
    Range,
    Scope,
    Value,
    compare,
    kind,
)

Evaluate = Callable[[Scope], Value]


@dataclass(frozen=True, slots=True)
class Domain:
    """The domain of one name of a loop: a list, an interval, or from one value to another."""

    start: Evaluate
    end: Evaluate | None
    of: Type | None

    def items(self, scope: Scope) -> list[Value] | None:
        """The values in their order; None where there is nothing to run over."""
        start = self.start(scope)
        found = _steps(start, self.end(scope)) if self.end else _members(start)
        if found is None or self.of is None:
            return found
        return [self.of.converted(item) for item in found]


def _members(value: Value) -> list[Value] | None:
    if isinstance(value, Range):
        return _steps(value.start, value.end, value.start_included, value.end_included)
    return value if isinstance(value, list) else None if value is None else [value]


def _steps(start: Value, end: Value, with_start: bool = True, with_end: bool = True) -> list[Value] | None:
    if isinstance(start, Decimal) and isinstance(end, Decimal):
        if start != start.to_integral_value() or end != end.to_integral_value() or abs(end - start) > LONGEST:
            return None if abs(end - start) <= LONGEST else _too_long()
        return [Decimal(n) for n in _numbers(int(start), int(end), with_start, with_end)]
    if isinstance(start, Date) and isinstance(end, Date):
        if abs(end.ordinal - start.ordinal) > LONGEST:
            return _too_long()
        return [date_of(n) for n in _numbers(start.ordinal, end.ordinal, with_start, with_end)]
    return None


def _numbers(start: int, end: int, with_start: bool, with_end: bool) -> range:
    step = 1 if end >= start else -1
    return range(start if with_start else start + step, end + step if with_end else end, step)


def _too_long() -> list[Value] | None:
    raise FeelError(f"循环超过 {LONGEST} 项")


def iterate(
    names: list[str], domains: list[Domain], body: Evaluate, scope: Scope, partial: list[Value] | None
) -> Iterator[Value]:
    """The values of the body for all combinations, the last name running fastest; one null without anything to run."""
    if not domains:
        more = {"partial": list(partial)} if partial is not None else {}
        yield body(scope.inner(more) if more else scope)
        return
    items = domains[0].items(scope)
    if items is None:
        yield None
        return
    for item in items:
        scope.budget.spend(1)
        yield from iterate(names[1:], domains[1:], body, scope.inner({names[0]: item}), partial)


def loop(names: list[str], domains: list[Domain], body: Evaluate, scope: Scope) -> Value:
    """``for``: the list of the values; null where a domain is nothing to run over."""
    if not all(isinstance(domain, Domain) for domain in domains) or domains[0].items(scope) is None:
        return None
    done: list[Value] = []
    for value in iterate(names, domains, body, scope, done):
        scope.budget.spend(len(done) // 1000 + 1)
        done.append(value)
    return done


def filtered(value: Value, condition: Evaluate, scope: Scope, is_index: bool) -> Value:
    """``list[number]`` is one item, counted from 1 or back from -1; ``list[condition]`` those for which it holds."""
    items = value if isinstance(value, list) else [] if value is None else [value]
    if not items:
        return None if is_index else []
    kept: list[Value] = []
    for place, item in enumerate(items):
        scope.budget.spend(1)
        found = condition(_of_item(item, scope))
        if place == 0 and isinstance(found, Decimal):
            return _at(items, found)
        if found is True:
            kept.append(item)
    return kept


def _of_item(item: Value, scope: Scope) -> Scope:
    inner = scope.inner({"item": item})
    return inner.inner(item) if isinstance(item, dict) else inner


def _at(items: list[Value], index: Decimal) -> Value:
    if index != index.to_integral_value() or not 1 <= abs(index) <= len(items):
        return None
    place = int(index)
    return items[place - 1 if place > 0 else place]


def range_between(start: Value, end: Value, with_start: bool, with_end: bool) -> Value:
    """An interval between two values of a kind that has an order; null with anything else."""
    if start is None and end is None:
        return None
    for one, other in ((start, end), (end, start)):
        if one is not None and (kind(one) not in ORDERED or (other is not None and compare("<", one, other) is None)):
            return None
    return Range(start, end, with_start and start is not None, with_end and end is not None)


def range_of(sign: str, value: Value) -> Value:
    """``(< 5)`` as the interval it is."""
    if sign in ("=", "!="):
        return Range(value, value, sign=sign)
    if kind(value) not in ORDERED:
        return None
    if sign in ("<", "<="):
        return Range(None, value, False, sign == "<=", sign)
    return Range(value, None, sign == ">=", False, sign)


@contextmanager
def deeper(budget: Budget) -> Iterator[None]:
    """One call deeper. Raises FeelError where calls stand too deep in calls."""
    budget.depth += 1
    if budget.depth > DEEPEST:
        raise FeelError(f"函数调用嵌套超过 {DEEPEST} 层")
    try:
        yield
    finally:
        budget.depth -= 1
