"""Relations of points and intervals (clause 10.3.4.9), and ``range`` that reads one."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

from lark import Token

from service.engine.feel import temporal
from service.engine.feel.iteration import range_between
from service.engine.feel.lexer import SyntaxProblem, unquoted
from service.engine.feel.signatures import Overload, builtin
from service.engine.feel.values import DIGITS, Range, Value, compare, equal, every, some

FORMS: dict[str, list[Overload]] = {}
_builtin = partial(builtin, FORMS)
Relation = Callable[[Any, Any], Value]


def _less(a: Value, b: Value, tie: bool) -> Value:
    """Less, or the same where the tie counts."""
    return some((compare("<", a, b), every((equal(a, b), tie))))


def _same(a: Value, b: Value) -> Value:
    return compare("<=", a, b) and compare(">=", a, b)


def _relation(name: str, points: bool = False, inverse: str = "") -> Callable[[Relation], Relation]:
    """Declare a relation of two intervals or points, and the relation that reads it backwards."""

    def declare(compute: Relation) -> Relation:
        def checked(a: Value, b: Value) -> Value:
            is_fit = points or (isinstance(a, Range) and isinstance(b, Range))
            return compute(a, b) if is_fit and a is not None and b is not None else None

        _register(name, checked)
        if inverse:
            _register(inverse, lambda a, b: checked(b, a))
        return compute

    return declare


def _register(name: str, compute: Relation) -> None:
    for form in ("point1: any, point2: any", "range1: any, range2: any", "point: any, range: any"):
        builtin(FORMS, f"{name}({form})")(compute)
    builtin(FORMS, f"{name}(range: any, point: any)")(compute)


def _start(value: Value) -> tuple[Value, bool]:
    return (value.start, value.start_included) if isinstance(value, Range) else (value, True)


def _end(value: Value) -> tuple[Value, bool]:
    return (value.end, value.end_included) if isinstance(value, Range) else (value, True)


@_relation("before", points=True, inverse="after")
def _before(a: Value, b: Value) -> Value:
    (end, closed), (start, open_) = _end(a), _start(b)
    return _less(end, start, not (closed and open_))


@_relation("meets", inverse="met by")
def _meets(a: Range, b: Range) -> Value:
    return every((a.end_included, b.start_included, _same(a.end, b.start)))


@_relation("overlaps")
def _overlaps(a: Range, b: Range) -> Value:
    return every(
        (
            _less(b.start, a.end, a.end_included and b.start_included),
            _less(a.start, b.end, a.start_included and b.end_included),
        )
    )


@_relation("overlaps before", inverse="overlaps after")
def _overlaps_before(a: Range, b: Range) -> Value:
    return every(
        (
            _less(a.start, b.start, a.start_included and not b.start_included),
            _less(b.start, a.end, a.end_included and b.start_included),
            _less(a.end, b.end, not a.end_included or b.end_included),
        )
    )


def _ends(a: Value, b: Value) -> Value:
    """``finishes``: a point or interval ends an interval."""
    if not isinstance(b, Range):
        return None
    if not isinstance(a, Range):
        return every((b.end_included, _same(b.end, a)))
    return every(
        (
            a.end_included == b.end_included,
            _same(a.end, b.end),
            _less(b.start, a.start, not a.start_included or b.start_included),
        )
    )


def _begins(a: Value, b: Value) -> Value:
    """``starts``: a point or interval begins an interval."""
    if not isinstance(b, Range):
        return None
    if not isinstance(a, Range):
        return every((b.start_included, _same(b.start, a)))
    return every(
        (
            a.start_included == b.start_included,
            _same(a.start, b.start),
            _less(a.end, b.end, not a.end_included or b.end_included),
        )
    )


_relation("finishes", points=True, inverse="finished by")(_ends)
_relation("starts", points=True, inverse="started by")(_begins)


@_relation("includes", points=True, inverse="during")
def _includes(a: Value, b: Value) -> Value:
    if not isinstance(a, Range):
        return None
    (start, starts), (end, ends) = _start(b), _end(b)
    return every((_less(a.start, start, a.start_included or not starts), _less(end, a.end, a.end_included or not ends)))


@_relation("coincides", points=True)
def _coincides(a: Value, b: Value) -> Value:
    if not (isinstance(a, Range) and isinstance(b, Range)):
        return _same(a, b)
    ends = (a.start_included, a.end_included) == (b.start_included, b.end_included)
    return every((ends, _same(a.start, b.start), _same(a.end, b.end)))


_RANGE = re.compile(r"\s*([\[(\]])(.*?)\.\.(?!\.)(.*?)([\])\[])\s*", re.DOTALL)
_NUMBER = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_LITERAL = re.compile(r'(@|date and time\(|date\(|time\(|duration\()?\s*("(?:[^"\\]|\\.)*")\s*(\))?', re.DOTALL)
_READERS: dict[str, Callable[[str], Value]] = {
    "": lambda text: text,
    "@": temporal.read_any,
    "date(": temporal.read_date,
    "time(": temporal.read_time,
    "date and time(": temporal.read_date_time,
    "duration(": temporal.read_duration,
}


@_builtin("range(from: string)")
def _read_range(text: str) -> Value:
    """The interval that a text of literals writes; null of anything else, and where the end lies before the start."""
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    start, end = _literal(found[2].strip()), _literal(found[3].strip())
    if start is None or end is None or compare("<=", start, end) is not True:
        return None
    return range_between(start, end, found[1] == "[", found[4] == "]")


def _literal(text: str) -> Value:
    if _NUMBER.fullmatch(text):
        return DIGITS.create_decimal(Decimal(text))
    found = _LITERAL.fullmatch(text)
    if not found or bool(found[3]) != bool((found[1] or "").endswith("(")):
        return None
    try:
        return _READERS[found[1] or ""](unquoted(Token("STRING", found[2])))
    except SyntaxProblem:
        return None
