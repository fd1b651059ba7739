"""Small Starlark expressions, evaluated in process: names, literals, comparison, logic, integer arithmetic, indexing.

The grammar is checked token by token and node by node over Python's own parser, then compiled to closures: nothing
is ever handed to ``eval``. What is outside the grammar gives None and goes to the sandbox; within it the result
equals Starlark's (``1 != True``, no mixed comparison, no floats).
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from service.engine.starlark.operators import (
    OPERATORS,
    TESTS,
    Beyond,
    ExpressionError,
    Value,
    integer,
    kind,
)

Names = Mapping[str, Value]
Evaluate = Callable[[Names], Value]

MAX_SOURCE = 2_000  # characters; what is longer goes to the sandbox, which has a time limit
MAX_NODES = 300  # of the syntax tree: evaluated without a clock, so that the size bounds the time

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,30}")
_OTHER_TOKENS = {tokenize.OP, tokenize.NEWLINE, tokenize.NL, tokenize.ENDMARKER}
_CONSTANTS = {"True": True, "False": False, "None": None}
_RESERVED = frozenset(
    [
        "as",
        "assert",
        "async",
        "await",
        "break",
        "class",
        "continue",
        "def",
        "del",
        "except",
        "finally",
        "for",
        "from",
        "global",
        "if",
        "import",
        "is",
        "lambda",
        "load",
        "nonlocal",
        "pass",
        "raise",
        "return",
        "try",
        "while",
        "with",
        "yield",
        "else",
        "elif",
    ]
)


@lru_cache(maxsize=4096)
def compile_small(source: str) -> Evaluate | None:
    """The evaluator of an expression of the small grammar, or None when the sandbox must do it."""
    source = source.strip()
    if _NAME.fullmatch(source) and source not in _RESERVED and source not in _CONSTANTS:
        return _name(source)
    if len(source) > MAX_SOURCE or not _tokens_are_small(source):
        return None
    try:
        tree = ast.parse(source, mode="eval").body
        if sum(1 for _ in ast.walk(tree)) > MAX_NODES:
            return None
        return _build(tree)
    except (SyntaxError, ValueError, _Unsupported, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=1024)
def compile_script(source: str) -> tuple[tuple[str, Evaluate], ...] | None:
    """The assignments of a script that is nothing but ``name = expression`` lines of the small grammar, else None."""
    if len(source) > MAX_SOURCE or not _tokens_are_small(source):
        return None
    try:
        steps = []
        for line in ast.parse(source).body:
            target = line.targets[0] if isinstance(line, ast.Assign) and len(line.targets) == 1 else None
            if not isinstance(line, ast.Assign) or not isinstance(target, ast.Name) or target.id.startswith("_"):
                return None
            steps.append((target.id, _build(line.value)))
        return tuple(steps)
    except (SyntaxError, ValueError, _Unsupported, RecursionError, MemoryError):
        return None


class _Unsupported(Exception):
    pass


def _tokens_are_small(source: str) -> bool:
    """Refuse escapes, prefixes, adjacent strings, odd numbers: spellings where Python and Starlark could differ."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return False
    kinds = [token.type for token in tokens if token.type not in (tokenize.NL, tokenize.NEWLINE)]
    return all(map(_is_small, tokens)) and (tokenize.STRING, tokenize.STRING) not in pairwise(kinds)


def _is_small(token: tokenize.TokenInfo) -> bool:
    text = token.string
    if token.type == tokenize.STRING:
        return "\\" not in text and text[0] in "'\"" and text[:3] not in ('"""', "'''")
    if token.type == tokenize.NUMBER:
        return _NUMBER.fullmatch(text) is not None
    if token.type == tokenize.NAME:
        return text.isascii() and text not in _RESERVED
    return text.isascii() and token.type in _OTHER_TOKENS


def _build(node: ast.expr) -> Evaluate:
    builder = _BUILDERS.get(type(node))
    if builder is None:
        raise _Unsupported
    return builder(node)


def _name(name: str) -> Evaluate:
    def look(names: Names) -> Value:
        try:
            return names[name]
        except KeyError:
            raise ExpressionError(f"没有名为 {name} 的数据") from None

    return look


def _constant(node: ast.Constant) -> Evaluate:
    value = node.value
    if value is not None and type(value) not in (bool, int, str):
        raise _Unsupported
    return lambda names: value


def _list(node: ast.List) -> Evaluate:
    parts = [_build(part) for part in node.elts]
    return lambda names: [part(names) for part in parts]


def _dict(node: ast.Dict) -> Evaluate:
    if any(not isinstance(key, ast.Constant) or type(key.value) is not str for key in node.keys):
        raise _Unsupported
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    if len(set(keys)) < len(keys):
        raise _Unsupported  # Starlark refuses a key given twice
    values = [_build(value) for value in node.values]
    return lambda names: {key: value(names) for key, value in zip(keys, values, strict=True)}


def _logic(node: ast.BoolOp) -> Evaluate:
    parts = [_build(part) for part in node.values]
    stop_at = isinstance(node.op, ast.Or)

    def decide(names: Names) -> Value:
        value = None
        for part in parts:
            value = part(names)
            if bool(value) is stop_at:
                break
        return value

    return decide


def _unary(node: ast.UnaryOp) -> Evaluate:
    part = _build(node.operand)
    if isinstance(node.op, ast.Not):
        return lambda names: not part(names)
    if not isinstance(node.op, ast.USub):
        raise _Unsupported
    return lambda names: -integer(part(names), "-")


def _arithmetic(node: ast.BinOp) -> Evaluate:
    operate = OPERATORS.get(type(node.op))
    if operate is None:
        raise _Unsupported
    left, right = _build(node.left), _build(node.right)
    return lambda names: operate(left(names), right(names))


def _compare(node: ast.Compare) -> Evaluate:
    if len(node.ops) != 1 or isinstance(node.left, ast.Compare) or isinstance(node.comparators[0], ast.Compare):
        raise _Unsupported  # Starlark has no 1 < x < 5, and (a == b) == c goes to it as well
    test = TESTS.get(type(node.ops[0]))
    if test is None:
        raise _Unsupported
    left, right = _build(node.left), _build(node.comparators[0])
    return lambda names: test(left(names), right(names))


def _index(node: ast.Subscript) -> Evaluate:
    if isinstance(node.slice, ast.Slice | ast.Tuple):
        raise _Unsupported
    whole, key = _build(node.value), _build(node.slice)

    def pick(names: Names) -> Value:
        values, at = whole(names), key(names)
        if type(values) is dict and type(at) is str and at in values:
            return values[at]
        if type(values) in (list, str) and type(at) is int and -len(values) <= at < len(values):
            return values[at]
        raise ExpressionError(f"{kind(values)} 中没有 {at!r}")

    return pick


def _call(node: ast.Call) -> Evaluate:
    """``data.get("key")``, ``data.get("key", default)``, ``str(x)`` and ``len(x)``: the calls of the small grammar."""
    function = node.func
    if node.keywords:
        raise _Unsupported
    if isinstance(function, ast.Attribute) and function.attr == "get" and len(node.args) in (1, 2):
        return _get([_build(part) for part in (function.value, *node.args)])
    if isinstance(function, ast.Name) and function.id in _FUNCTIONS and len(node.args) == 1:
        return _apply(function.id, _build(node.args[0]))
    raise _Unsupported


def _get(parts: list[Evaluate]) -> Evaluate:
    def get(names: Names) -> Value:
        values, key, *default = [part(names) for part in parts]
        if type(values) is not dict or type(key) in (list, dict):
            raise ExpressionError(f"{kind(values)} 没有 get")
        if type(key) is str and key in values:
            return values[key]
        return default[0] if default else None

    return get


def _apply(name: str, part: Evaluate) -> Evaluate:
    kinds, function = _FUNCTIONS[name]

    def apply(names: Names) -> Value:
        value = part(names)
        if name in names or type(value) not in kinds:
            raise Beyond  # hidden by data of that name, or a kind that Starlark must write out or refuse
        return function(value)

    return apply


_FUNCTIONS: dict[str, tuple[tuple[type, ...], Callable[[Value], Value]]] = {
    "str": ((int, str), str),
    "len": ((str, list, dict), len),
}


_BUILDERS: dict[type[ast.expr], Callable[[Any], Evaluate]] = {
    ast.Name: lambda node: _name(node.id),
    ast.Constant: _constant,
    ast.List: _list,
    ast.Dict: _dict,
    ast.BoolOp: _logic,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.Compare: _compare,
    ast.Subscript: _index,
    ast.Call: _call,
}
