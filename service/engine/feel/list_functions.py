"""Standard functions on lists (clause 10.3.4.4) and ``sort``."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cmp_to_key, partial, reduce
from typing import Any

from service.engine.feel import operators
from service.engine.feel.signatures import Overload, builtin
from service.engine.feel.values import DIGITS, Function, Scope, Value, compare, equal, every, number, some

FORMS: dict[str, list[Overload]] = {}
_builtin = partial(builtin, FORMS)


def _aggregate(name: str) -> Callable[[Callable[[list[Value]], Value]], Callable[[list[Value]], Value]]:
    """Declare ``name(list)`` and ``name(a, b, …)``."""

    def declare(compute: Callable[[list[Value]], Value]) -> Callable[[list[Value]], Value]:
        builtin(FORMS, f"{name}(list: list)")(compute)
        several = lambda first, rest: compute([first, *rest])  # noqa: E731
        builtin(FORMS, f"{name}(first: any, rest: any)", repeats=True)(several)
        return compute

    return declare


def _numbers(items: list[Value]) -> bool:
    return bool(items) and all(isinstance(item, Decimal) for item in items)


def _best(sign: str, items: list[Value]) -> Value:
    best: Value = None
    for place, item in enumerate(items):
        if compare("<=", item, item) is None:
            return None
        if place == 0:
            best = item
            continue
        is_better = compare(sign, item, best)
        if is_better is None:
            return None
        best = item if is_better else best
    return best


@_aggregate("min")
def least(items: list[Value]) -> Value:
    """The least; null where the values have no order."""
    return _best("<", items)


@_aggregate("max")
def greatest(items: list[Value]) -> Value:
    """The greatest; null where the values have no order."""
    return _best(">", items)


@_aggregate("sum")
def total(items: list[Value]) -> Value:
    """The sum; null where one is no number, or there is none."""
    return number(reduce(DIGITS.add, items)) if _numbers(items) else None


@_aggregate("product")
def _product(items: list[Value]) -> Value:
    return number(reduce(DIGITS.multiply, items)) if _numbers(items) else None


@_aggregate("mean")
def _mean(items: list[Value]) -> Value:
    return operators.divide(total(items), Decimal(len(items))) if _numbers(items) else None


@_aggregate("median")
def _median(items: list[Value]) -> Value:
    if not _numbers(items):
        return None
    ordered, middle = sorted(items), len(items) // 2
    if len(items) % 2:
        return ordered[middle]
    return operators.divide(operators.plus(ordered[middle - 1], ordered[middle]), Decimal(2))


@_aggregate("stddev")
def _deviation(items: list[Value]) -> Value:
    if not _numbers(items) or len(items) < 2:
        return None
    mean = _mean(items)
    squares = [DIGITS.power(DIGITS.subtract(item, mean), 2) for item in items]
    return number(DIGITS.sqrt(DIGITS.divide(reduce(DIGITS.add, squares), Decimal(len(items) - 1))))


@_aggregate("mode")
def _mode(items: list[Value]) -> Value:
    if not items:
        return []
    if not _numbers(items):
        return None
    counts: dict[Decimal, int] = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    most = max(counts.values())
    return sorted(item for item, count in counts.items() if count == most)


@_aggregate("all")
def _all(items: list[Value]) -> Value:
    return every(item if isinstance(item, bool) else None for item in items)


@_aggregate("any")
def _any(items: list[Value]) -> Value:
    return some(item if isinstance(item, bool) else None for item in items)


@_builtin("count(list: list)")
def _count(items: list[Value]) -> Value:
    return Decimal(len(items))


@_builtin("list contains(list: list, element: any)")
def _has(items: list[Value], element: Value) -> Value:
    return any(equal(item, element) is True for item in items)


@_builtin("sublist(list: list, start position: number, length?: number)")
def _sublist(items: list[Value], start: Decimal, length: Decimal | None = None) -> Value:
    place = _place(start, len(items))
    if place is None or (length is not None and (length < 1 or place + int(length) > len(items))):
        return None
    return items[place:] if length is None else items[place : place + int(length)]


def _place(position: Decimal, count: int) -> int | None:
    """From 1, or backwards from -1, to Python's counting."""
    if position != position.to_integral_value() or not 1 <= abs(position) <= count:
        return None
    return int(position) - 1 if position > 0 else count + int(position)


@_builtin("append(list: list, items: any)", repeats=True)
def _append(items: list[Value], more: list[Value]) -> Value:
    return [*items, *more]


@_builtin("concatenate(lists: any)", repeats=True)
def concatenate(lists: list[Value]) -> Value:
    """One list of all; null where one is null."""
    if any(each is None for each in lists):
        return None
    return [item for each in lists for item in (each if isinstance(each, list) else [each])]


@_builtin("union(lists: any)", repeats=True, takes_scope=True)
def _union(scope: Scope, lists: list[Value]) -> Value:
    joined = concatenate(lists)
    return None if joined is None else distinct(scope, joined)


@_builtin("distinct values(list: list)", takes_scope=True)
def distinct(scope: Scope, items: list[Value]) -> list[Value]:
    """Every value once, in the order of its first place."""
    kept: list[Value] = []
    for item in items:
        scope.budget.spend(len(kept) // 10 + 1)
        if not any(equal(item, other) is True for other in kept):
            kept.append(item)
    return kept


@_builtin("insert before(list: list, position: number, newItem: any)")
def _insert(items: list[Value], position: Decimal, item: Value) -> Value:
    place = _place(position, len(items))
    return None if place is None else [*items[:place], item, *items[place:]]


@_builtin("remove(list: list, position: number)")
def _remove(items: list[Value], position: Decimal) -> Value:
    place = _place(position, len(items))
    return None if place is None else [*items[:place], *items[place + 1 :]]


@_builtin("list replace(list: list, position: number, newItem: any)")
def _replace(items: list[Value], position: Decimal, item: Value) -> Value:
    place = _place(position, len(items))
    return None if place is None else [*items[:place], item, *items[place + 1 :]]


@_builtin("list replace(list: list, match: function, newItem: any)", takes_scope=True)
def _replace_matching(scope: Scope, items: list[Value], match: Function, item: Value) -> Value:
    truths = [_called(scope, match, [old, item]) for old in items]
    if not all(isinstance(truth, bool) for truth in truths):
        return None
    return [item if truth else old for truth, old in zip(truths, items, strict=True)]


@_builtin("reverse(list: list)")
def _reverse(items: list[Value]) -> Value:
    return items[::-1]


@_builtin("index of(list: list, match: any)")
def _index_of(items: list[Value], match: Value) -> Value:
    return [Decimal(place) for place, item in enumerate(items, 1) if equal(item, match) is True]


@_builtin("flatten(list: list)", takes_scope=True)
def _flatten(scope: Scope, items: list[Value]) -> Value:
    flat: list[Value] = []
    open_ = items[::-1]
    while open_:
        scope.budget.spend(1)
        item = open_.pop()
        if isinstance(item, list):
            open_ += item[::-1]
        else:
            flat.append(item)
    return flat


class _NoOrder(Exception):
    pass


@_builtin("sort(list: list, precedes: function)", takes_scope=True)
def _sort(scope: Scope, items: list[Value], precedes: Function) -> Value:
    def order(a: Any, b: Any) -> int:
        before = _called(scope, precedes, [a, b])
        if before is True:
            return -1
        after = _called(scope, precedes, [b, a])
        if not isinstance(before, bool) or not isinstance(after, bool):
            raise _NoOrder
        return 1 if after else 0

    if len(precedes.parameters) != 2:
        return None
    try:
        return sorted(items, key=cmp_to_key(order))
    except _NoOrder:
        return None


def _called(scope: Scope, function: Function, arguments: list[Value]) -> Value:
    scope.budget.spend(1)
    return function.call(arguments, scope)
