"""Texts of FEEL → what evaluates them: expressions, and the unary tests of decision tables."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Any

from lark import Lark, Tree
from lark.exceptions import UnexpectedToken

from service.engine.feel import temporal
from service.engine.feel.calls import Evaluate
from service.engine.feel.compiler import LONG_TYPES, Compiler, Test, Words
from service.engine.feel.functions import FUNCTIONS, NAMES_OF_PARAMETERS
from service.engine.feel.grammar import GRAMMAR
from service.engine.feel.lexer import NameLexer, Source, problem, unquoted
from service.engine.feel.properties import PROPERTIES


@cache
def _parser() -> Lark:
    return Lark(GRAMMAR, parser="lalr", lexer=NameLexer, start=["expression", "tests"])


@lru_cache(maxsize=2048)
def _tree(text: str, names: frozenset[str], start: str) -> Any:
    known = names | FUNCTIONS.keys() | NAMES_OF_PARAMETERS | PROPERTIES | LONG_TYPES
    try:
        return _parser().parse(Source(text, known, start == "tests"), start=start)
    except UnexpectedToken as error:
        token = error.token
        if token.type == "$END":
            raise problem(token, "表达式不完整", "the expression is not complete") from error
        raise problem(token, f"此处不应是“{token.value}”", f"“{token.value}” is not expected here") from error


def compile_expression(text: str, words: Words) -> Evaluate:
    """An expression. Raises SyntaxProblem."""
    return Compiler(words).build(_tree(text, words.names | words.spellings, "expression"))


def compile_tests(text: str, words: Words) -> Test | None:
    """Unary tests, which compare with an input; None where nothing is asked (``-``). Raises SyntaxProblem."""
    if text.strip() in ("", "-"):
        return None
    return Compiler(words).tests(_tree(text, words.names | words.spellings, "tests"))


def speaks_of(text: str, words: Words) -> str | None:
    """The one kind of dates, times or durations that all literals of unary tests have, else None."""
    tree = _tree(text, words.names | words.spellings, "tests")
    tests = [test for test in tree.children if isinstance(test, Tree)]
    kinds = {_literal_kind(leaf) for test in tests for leaf in _leaves(test)}
    return kinds.pop() if len(kinds) == 1 else None


def _leaves(tree: Any) -> Iterable[Any]:
    if tree.data in ("sign_test", "sign_range", "range"):
        return [child for child in tree.children if isinstance(child, Tree) and child.data not in ("sign", "closing")]
    return [tree]


def _literal_kind(tree: Any) -> str | None:
    if tree.data == "call" and tree.children[0].data == "name":
        name = str(tree.children[0].children[0])
        return name if name in ("date", "time", "date and time", "duration") else None
    if tree.data == "at":
        value = temporal.read_any(unquoted(tree.children[0]))
        kinds = {temporal.Date: "date", temporal.Time: "time", temporal.DateTime: "date and time"}
        return kinds.get(type(value), "duration") if value is not None else None
    return None
