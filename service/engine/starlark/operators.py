"""The operators of small expressions, with Starlark's meaning, on the kinds of values that JSON has."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

Value = Any

LARGEST = 1 << 200  # larger integers are left to the sandbox


class ExpressionError(Exception):
    """The expression is well-formed but has no value for this data."""


class Beyond(Exception):
    """The value is too large to compute here: ask the sandbox."""


def integer(value: Value, sign: str) -> int:
    if type(value) is not int:
        raise ExpressionError(f"{sign} 只能用于整数，不能用于 {kind(value)}")
    return value


def _add(a: Value, b: Value) -> Value:
    if type(a) is type(b) and type(a) in (int, str, list):
        return _bounded(a + b)
    raise ExpressionError(f"{kind(a)} 与 {kind(b)} 不能相加")


def _subtract(a: Value, b: Value) -> Value:
    return _bounded(integer(a, "-") - integer(b, "-"))


def _multiply(a: Value, b: Value) -> Value:
    if type(a) is int and type(b) is int:
        return _bounded(a * b)
    raise Beyond


def _floor(a: Value, b: Value) -> Value:
    if integer(b, "//") == 0:
        raise ExpressionError("除数为 0")
    return integer(a, "//") // b


def _bounded(value: Value) -> Value:
    if type(value) is int and not -LARGEST < value < LARGEST:
        raise Beyond
    return value


def equal(a: Value, b: Value) -> bool:
    """Equality as Starlark and JSON see it: values of different kinds never equal, ``1`` is not ``True``."""
    if type(a) is not type(b):
        return False
    if type(a) is list:
        return len(a) == len(b) and all(equal(x, y) for x, y in zip(a, b, strict=True))
    if type(a) is dict:
        return a.keys() == b.keys() and all(equal(x, b[key]) for key, x in a.items())
    return bool(a == b)


def _ordered(compare: Callable[[Value, Value], bool]) -> Callable[[Value, Value], bool]:
    def test(a: Value, b: Value) -> bool:
        if type(a) is type(b) and type(a) in (int, str):
            return compare(a, b)
        if type(a) is type(b) and type(a) in (bool, list):
            raise Beyond
        raise ExpressionError(f"{kind(a)} 与 {kind(b)} 不能比较大小")

    return test


def _contains(a: Value, b: Value) -> bool:
    if type(b) is list:
        return any(equal(a, item) for item in b)
    if type(b) is dict:
        if type(a) in (list, dict):
            raise ExpressionError(f"{kind(a)} 不能作为键")
        return type(a) is str and a in b
    if type(b) is str and type(a) is str:
        return a in b
    raise ExpressionError(f"不能在 {kind(b)} 中查找 {kind(a)}")


def kind(value: Value) -> str:
    return {int: "整数", str: "文字", list: "列表", dict: "对象", bool: "真假值"}.get(type(value), "空值")


OPERATORS: dict[type[ast.operator], Callable[[Value, Value], Value]] = {
    ast.Add: _add,
    ast.Sub: _subtract,
    ast.Mult: _multiply,
    ast.FloorDiv: _floor,
}
TESTS: dict[type[ast.cmpop], Callable[[Value, Value], bool]] = {
    ast.Eq: equal,
    ast.NotEq: lambda a, b: not equal(a, b),
    ast.Lt: _ordered(lambda a, b: bool(a < b)),
    ast.LtE: _ordered(lambda a, b: bool(a <= b)),
    ast.Gt: _ordered(lambda a, b: bool(a > b)),
    ast.GtE: _ordered(lambda a, b: bool(a >= b)),
    ast.In: _contains,
    ast.NotIn: lambda a, b: not _contains(a, b),
}
