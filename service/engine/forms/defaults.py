"""Values that fields start with, written in FEEL, ``=attendants * 2``: computed from the variables of the case."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from service.engine.feel.calls import Evaluate
from service.engine.feel.compiler import Words
from service.engine.feel.expressions import compile_expression
from service.engine.feel.lexer import SyntaxProblem
from service.engine.feel.values import Budget, FeelError, Scope, Value, text_of

_NAME = re.compile(r"\"(?:\\\\.|[^\"\\\\])*\"|([A-Za-z_]\w*)(?!\w|\s*\()")
_KEYWORDS = """
if then else and or not true false null for in return some every satisfies between instance of
"""
_WORDS = frozenset(_KEYWORDS.split())


def problem_of(text: str) -> tuple[str, str] | None:
    """The reason, in both languages, why a default cannot be computed; None where it can."""
    try:
        _compiled(text)
    except SyntaxProblem as problem:
        return problem.zh, problem.en
    return None


def variables_in(text: str) -> frozenset[str]:
    """The variables that a default reads."""
    names = {found[1] for found in _NAME.finditer(text) if found[1]}
    return frozenset(name for name in names if name not in _WORDS)


def computed(text: Any, data: Mapping[str, Any]) -> str:
    """The value of a default in FEEL as a page sends it; empty where it gives none."""
    try:
        names = {name: _feel(data.get(name)) for name in variables_in(str(text))}
        value = _compiled(str(text))(Scope(names, Budget()))
    except (FeelError, KeyError):
        return ""
    return "" if value is None else text_of(value)


def _compiled(text: str) -> Evaluate:
    return compile_expression(text.removeprefix("="), Words(variables_in(text)))


def _feel(value: Any) -> Value:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return Decimal(value)
    return [_feel(item) for item in value] if isinstance(value, list) else None
