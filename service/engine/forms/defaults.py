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
from service.engine.forms.fields import Field

_NAME = re.compile(r"\"(?:\\.|[^\"\\])*\"|([A-Za-z_]\w*)(?!\w|\s*\()")
_KEYWORDS = """
if then else and or not true false null for in return some every satisfies between instance of
"""
_WORDS = frozenset(_KEYWORDS.split())


STEPS_OF_A_VALUE = 10_000  # the work that a first value may do: a page has many


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


def first_value(field: Field, data: Mapping[str, Any]) -> str | tuple[str, ...]:
    """The value that a field begins with, as a page sends it: of several choices a tuple; empty where there is none."""
    if not field.is_computed:
        return field.default
    value = _computed(str(field.default), data)
    is_several = field.type == "checklist"
    if isinstance(value, list):
        return tuple(map(text_of, value)) if is_several else ""
    text = "" if value is None else text_of(value)
    return (text,) if is_several and text else text


def _computed(text: str, data: Mapping[str, Any]) -> Value:
    try:
        names = {name: _feel(data.get(name)) for name in variables_in(text)}
        return _compiled(text)(Scope(names, Budget(STEPS_OF_A_VALUE)))
    except (FeelError, KeyError):
        return None


def _compiled(text: str) -> Evaluate:
    return compile_expression(text.removeprefix("="), Words(variables_in(text)))


def _feel(value: Any) -> Value:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return Decimal(value)
    return [_feel(item) for item in value] if isinstance(value, list) else None
