"""Java's unified expression language (JUEL), in which Camunda 7 and its forks write ``${…}``, read as Starlark where
both mean the same; what is left as it is, validation refuses.
"""

from __future__ import annotations

import ast
import re
from decimal import Decimal
from typing import Any

from service.engine.kernel.xml_reader import BPMN, CAMUNDA

_EXPRESSIONS = ("conditionExpression", "loopCondition", "completionCondition", "activationCondition", "condition")
_TIMES = ("timeDate", "timeDuration", "timeCycle")
_VALUES = ("property", "inputParameter", "outputParameter")
_WRAPPED = re.compile(r"[$#]\{(.*)\}", re.DOTALL)
_LITERAL = re.compile(r"=?\s*(?:\"([^\"'\\]+)\"|'([^\"'\\]+)')\s*")
_TOKEN = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|&&|\|\||[!=<>]=|\d+(?:\.\d+)?|\w+|\s+|.", re.DOTALL)
_ENDS = tuple(")]}\"'")
_WORDS = {"&&": " and ", "||": " or ", "true": "True", "false": "False", "null": "None"}
INSTANCES = ("nrOfInstances", "numberOfInstances")
"""Numbers that are never 0, so that a share of them may be compared without dividing."""


def read_expressions(root: Any) -> None:
    """Conditions in JUEL, and times written as a text in quotation marks, throughout a diagram."""
    _spell_alike(root)
    for element in list(root.iter(*(f"{{{BPMN}}}{name}" for name in _EXPRESSIONS))):
        wrapped = _WRAPPED.fullmatch((element.text or "").strip()) if not len(element) else None
        read = as_starlark(wrapped[1]) if wrapped else None
        if read is not None:
            element.text = f"${{{read}}}"
    for element in list(root.iter(*(f"{{{BPMN}}}{name}" for name in _TIMES))):
        text = (element.text or "").strip()
        wrapped = _WRAPPED.fullmatch(text)
        literal = _LITERAL.fullmatch(wrapped[1] if wrapped else text)
        if literal and not len(element):
            element.text = literal[1] or literal[2]


def _spell_alike(root: Any) -> None:
    """``#{…}`` means what ``${…}`` means, wherever an expression may stand."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        space, _, name = element.tag[1:].partition("}")
        is_value = name in _VALUES if space == CAMUNDA else name in (*_EXPRESSIONS, *_TIMES, "loopCardinality")
        for key, value in element.attrib.items():
            if _is_deferred(value) and (key.startswith(f"{{{CAMUNDA}}}") or (is_value and key == "value")):
                element.set(key, f"${value.strip()[1:]}")
        if is_value and _is_deferred(element.text):
            element.text = f"${element.text.strip()[1:]}"


def _is_deferred(text: str | None) -> bool:
    return text is not None and text.strip().startswith("#{") and text.strip().endswith("}")


def as_starlark(text: str) -> str | None:
    """The same condition in Starlark; None when it is no JUEL, or does not mean the same in every case."""
    tokens = _TOKEN.findall(text)
    if not any(found in _WORDS or found in "!/" or re.fullmatch(r"\d+\.\d+", found) for found in tokens):
        return None
    try:
        written = "".join(_WORDS.get(found, found) for found in _negated(tokens)).strip()
        tree = ast.parse(written, mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return None
    if any(isinstance(node, ast.Compare) and len(node.ops) > 1 for node in ast.walk(tree)):
        return None  # Python compares in a chain, Java what came of the first comparison
    read = _Shares().visit(tree)
    return ast.unparse(read) if _is_whole(read) else None


def _negated(tokens: list[str]) -> list[str]:
    """``!x`` binds tighter than ``==``: it becomes ``(not x)``, with the operand's calls, indices and attributes."""
    found = list(tokens)
    for place in reversed(range(len(found))):
        if found[place] == "!":
            before = "".join(found[:place]).rstrip()
            if before[-1:] in _ENDS or (re.search(r"\w$", before) and not re.search(r"\b(and|or|not)$", before)):
                raise ValueError("an operand stands before !")  # in Python it would be called
            end = _operand(found, place + 1)
            found[place : end + 1] = ["(", "not ", *found[place + 1 : end + 1], ")"]
    return found


def _operand(tokens: list[str], place: int) -> int:
    """The last token of the operand that begins at ``place``."""
    while place < len(tokens) - 1 and tokens[place].isspace():
        place += 1
    depth, last = 0, place
    for last in range(place, len(tokens)):
        depth += (tokens[last] in ("(", "[")) - (tokens[last] in (")", "]"))
        follows = tokens[last + 1] if last + 1 < len(tokens) else ""
        if depth <= 0 and follows not in ("(", "[", ".") and tokens[last] != ".":
            break
    return last


class _Shares(ast.NodeTransformer):
    """``a / nrOfInstances >= 0.5`` compares whole numbers: both sides times what divides them."""

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        match node.left, node.comparators[0]:
            case ast.BinOp(left=part, op=ast.Div(), right=ast.Name(id=whole)), ast.Constant(value=share):
                if whole in INSTANCES and type(share) in (int, float) and _is_whole(part):
                    top, bottom = Decimal(repr(share)).as_integer_ratio()
                    left = ast.BinOp(part, ast.Mult(), ast.Constant(bottom))
                    right = ast.BinOp(ast.Constant(top), ast.Mult(), ast.Name(whole, ast.Load()))
                    return ast.Compare(left, node.ops, [right])
        return node


def _is_whole(tree: ast.AST) -> bool:
    """Tell whether it computes without a division or a decimal."""
    return not any(
        isinstance(node, ast.Div) or (isinstance(node, ast.Constant) and isinstance(node.value, float))
        for node in ast.walk(tree)
    )
