"""The values of FEEL in Python, their equality and order with three-valued logic, their text, and scopes with a budget.

null is None, numbers are Decimal with 34 digits, texts, booleans, lists and contexts Python's own; see ``temporal``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import Any

from service.engine.feel.temporal import (
    SECOND,
    Date,
    DateTime,
    DaysDuration,
    Time,
    YearsDuration,
)

Value = Any
Truth = bool | None

DIGITS = Context(prec=34, rounding=ROUND_HALF_EVEN, Emin=-6143, Emax=6144, traps=[])
MOST_STEPS = 200_000  # calls, iterations, and items or hundreds of characters made, in one evaluation
DEEPEST = 40  # calls in calls
LONGEST = 100_000  # characters of a text, items of a list


class FeelError(Exception):
    """An expression cannot be evaluated: out of its budget, or on data that is not there; Chinese, with the place."""


@dataclass(slots=True)
class Budget:
    """The work that one evaluation may still do, counted and not timed."""

    steps: int = MOST_STEPS
    depth: int = 0

    def spend(self, steps: int) -> None:
        """Do so much work. Raises FeelError when there is none left."""
        self.steps -= steps
        if self.steps < 0 or steps > LONGEST:
            raise FeelError(f"表达式的计算量超过上限({MOST_STEPS} 步)")

    def charge(self, *values: Value) -> None:
        """Count the size of texts, lists and contexts that are made or looked through."""
        for value in values:
            if isinstance(value, str):
                self.spend(len(value) // 100 + 1)
            elif isinstance(value, list | dict):
                self.spend(_weight(value) // 10 + 1)


def _weight(value: Value) -> int:
    """The number of values in a list or context, whatever stands in what, counted up to LONGEST."""
    count, open_ = 0, [value]
    while open_:
        each = open_.pop()
        items = each.values() if isinstance(each, dict) else each
        count += len(items)
        if count > LONGEST:
            raise FeelError(f"列表超过 {LONGEST} 项")
        open_ += [item for item in items if isinstance(item, list | dict)]
    return count


@dataclass(slots=True)
class Scope:
    """Names of one level, then those around it."""

    names: Mapping[str, Value]
    budget: Budget
    around: Scope | None = None

    def inner(self, names: Mapping[str, Value]) -> Scope:
        """A scope inside this one."""
        return Scope(names, self.budget, self)

    def find(self, name: str) -> Value:
        """The nearest value of a name; a name that nobody has is KeyError."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.around
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Range:
    """An interval; an end that is None is open for ever."""

    start: Value
    end: Value
    start_included: bool = True
    end_included: bool = True
    sign: str = ""

    def __str__(self) -> str:
        left, right = "[" if self.start_included else "(", "]" if self.end_included else ")"
        return f"{left}{text_of(self.start, inside=True)}..{text_of(self.end, inside=True)}{right}"


@dataclass(frozen=True, eq=False, slots=True)
class Function:
    """A function: of the standard, of a model, or written in an expression."""

    name: str
    parameters: tuple[str, ...]
    call: Callable[[list[Value], Scope], Value]
    call_named: Callable[[dict[str, Value], Scope], Value] | None = None
    types: tuple[Any, ...] = field(default=())
    gives: Any = None


def kind(value: Value) -> str:
    """The FEEL type of a value."""
    return KINDS.get(type(value), "function")


KINDS: dict[type, str] = {
    type(None): "null",
    bool: "boolean",
    Decimal: "number",
    str: "string",
    list: "list",
    dict: "context",
    Date: "date",
    Time: "time",
    DateTime: "date and time",
    DaysDuration: "days and time duration",
    YearsDuration: "years and months duration",
    Range: "range",
}
ORDERED = frozenset(KINDS.values()) - {"null", "boolean", "list", "context", "range"}


def number(value: Decimal) -> Decimal | None:
    """A number of 34 digits; null where it is none (beyond all bounds, or no number at all)."""
    value = DIGITS.plus(value)
    return value if value.is_finite() else None


def equal(a: Value, b: Value) -> Truth:
    """``=``: null equals null alone; values of different kinds are neither equal nor unequal but null."""
    if a is None or b is None:
        return a is b
    if type(a) is not type(b):
        return None
    test = _EQUAL.get(type(a))
    return test(a, b) if test else bool(a == b)


def _equal_lists(a: list[Value], b: list[Value]) -> Truth:
    return len(a) == len(b) and every(equal(x, y) for x, y in zip(a, b, strict=True))


def _equal_contexts(a: dict[str, Value], b: dict[str, Value]) -> Truth:
    return a.keys() == b.keys() and every(equal(x, b[key]) for key, x in a.items())


def _equal_ranges(a: Range, b: Range) -> Truth:
    ends = (a.start_included, a.end_included, a.sign) == (b.start_included, b.end_included, b.sign)
    return ends and every((equal(a.start, b.start), equal(a.end, b.end)))


def _equal_times(a: Value, b: Value) -> Truth:
    pair = comparable(a, b)
    return None if pair is None else pair[0] == pair[1]


_EQUAL: dict[type, Callable[[Any, Any], Truth]] = {
    list: _equal_lists,
    dict: _equal_contexts,
    Range: _equal_ranges,
    Time: _equal_times,
    DateTime: _equal_times,
    Function: lambda a, b: a is b,
}


def comparable(a: Value, b: Value) -> tuple[Any, Any] | None:
    """Two keys that have the order of the two values; None where the values have none.

    Times count in whole seconds, as the value functions of clause 10.3.2.3 do.
    """
    if type(a) is not type(b) or kind(a) not in ORDERED:
        return None
    if isinstance(a, Date):
        return a.ordinal, b.ordinal
    if isinstance(a, DateTime):
        return _instants(a, b)
    if isinstance(a, Time):
        return _times(a, b)
    return (a, b) if type(a) is not Function else None


def _instants(a: DateTime, b: DateTime) -> tuple[int, int] | None:
    if (a.time.zone is None) != (b.time.zone is None):
        return None
    return a.instant // SECOND, b.instant // SECOND


def _times(a: Time, b: Time) -> tuple[int, int] | None:
    """Times in the same zone, or in two offsets; a region without a date has no offset."""
    if a.zone == b.zone:
        return a.nanos // SECOND, b.nanos // SECOND
    if a.zone is None or b.zone is None or a.zone.region or b.zone.region:
        return None
    return a.nanos // SECOND - a.zone.offset, b.nanos // SECOND - b.zone.offset


def compare(sign: str, a: Value, b: Value) -> Truth:
    """``<``, ``<=``, ``>``, ``>=``: null for values without a common order."""
    pair = comparable(a, b)
    if pair is None:
        return None
    left, right = pair
    if sign == "<":
        return bool(left < right)
    if sign == "<=":
        return bool(left <= right)
    return bool(left > right) if sign == ">" else bool(left >= right)


def contains(range_: Range, value: Value) -> Truth:
    """A value lies in an interval."""
    if range_.sign == "!=":
        return negate(equal(value, range_.start))
    if range_.start is None and range_.end is None:
        return None
    low = range_.start is None or compare(">=" if range_.start_included else ">", value, range_.start)
    high = range_.end is None or compare("<=" if range_.end_included else "<", value, range_.end)
    return every((low, high))


def includes(tested: Value, value: Value) -> Truth:
    """``value in tested``: an interval, a list of values or intervals, or a value to be equal to."""
    if isinstance(tested, Range):
        return equal(tested, value) if isinstance(value, Range) else contains(tested, value)
    if isinstance(tested, list):
        if isinstance(value, list) and equal(tested, value):
            return True
        return some(includes(item, value) if isinstance(item, Range) else equal(value, item) for item in tested)
    return equal(value, tested)


def every(truths: Iterable[Truth]) -> Truth:
    """Conjunction: false beats null beats true."""
    result: Truth = True
    for truth in truths:
        if truth is False:
            return False
        if truth is not True:
            result = None
    return result


def some(truths: Iterable[Truth]) -> Truth:
    """Disjunction: true beats null beats false."""
    result: Truth = False
    for truth in truths:
        if truth is True:
            return True
        if truth is not False:
            result = None
    return result


def negate(truth: Value) -> Truth:
    """``not``: null of anything that is no boolean."""
    return not truth if isinstance(truth, bool) else None


def text_of(value: Value, *, inside: bool = False) -> str:
    """The text that ``string`` gives; inside lists, contexts and ranges texts stand in quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if inside else value
    if isinstance(value, Decimal):
        return number_text(value)
    if isinstance(value, list):
        return "[" + ", ".join(text_of(item, inside=True) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {text_of(item, inside=True)}" for key, item in value.items()) + "}"
    if isinstance(value, Function):
        return f"function {value.name}".rstrip()
    return f'@"{value}"' if inside and not isinstance(value, Range) else str(value)


def number_text(value: Decimal) -> str:
    """A number in plain digits without useless zeros."""
    plain = f"{value:f}"
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain
