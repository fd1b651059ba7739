"""Fields and values for random walks through any definition, read off its own conditions, attributes and decisions."""

from __future__ import annotations

import ast
import re
from typing import Any

from lxml import etree

from service.engine import Definition

_TEXTS = ("conditionExpression", "loopCondition", "completionCondition", "loopCardinality", "timeDate", "timeDuration")
_MOMENTS = ("2026-01-06T09:00:00", "2026-02-01", "2027-01-01")


def domain(definition: Definition) -> dict[str, list[Any]]:
    """Name → values worth trying: what it is compared with, and something of the kind its use asks for."""
    found: dict[str, set[Any]] = {}
    for source, asked in _expressions(definition):
        tree = ast.parse(source.strip(), mode="eval").body
        for name, values in _uses(tree, asked):
            found.setdefault(name, set()).update(values)
    return {name: sorted(values, key=repr) or ["u-1", "u-2"] for name, values in sorted(found.items())}


def _expressions(definition: Definition) -> list[tuple[str, bool]]:
    found: list[tuple[str, bool]] = []
    for file, data in definition.files.items():
        if file.endswith(".form"):
            continue
        for node in etree.fromstring(data).iter(etree.Element):
            name = etree.QName(node).localname
            texts = (
                [node.text or ""] if name in _TEXTS else [value for key, value in node.attrib.items() if "${" in value]
            )
            if name == "property":
                texts = [node.get("value", "")]
            if name == "inputExpression":
                texts = [child.text or "" for child in node]
            asked = name in ("conditionExpression", "loopCondition", "completionCondition", "inputExpression")
            found += [(re.sub(r"^\$\{(.*)\}$", r"\1", text.strip()), asked) for text in texts if text.strip()]
    return [pair for pair in found if not re.match(r"[PR]?\d|P|R/", pair[0])]


def _uses(node: ast.expr, asked: bool) -> list[tuple[str, set[Any]]]:
    """Names of an expression with candidate values; ``asked`` says that a truth value is wanted here."""
    match node:
        case ast.Name(id=name) if name.endswith(("_at", "_by", "_from")):
            return [(name, set(_MOMENTS))]
        case ast.Name(id=name):
            return [(name, {True, False} if asked else set())]
        case ast.Compare(left=ast.Name(id=name), comparators=[ast.Constant(value=value)]):
            others: set[Any] = (
                {"other"} if isinstance(value, str) else {value - 1, value + 1} if isinstance(value, int) else set()
            )
            return [(name, {value} | others)]
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _uses(inner, asked=True)
        case ast.BinOp(left=ast.Name(id=name), right=ast.Constant(value=int())):
            return [(name, {1, 2})]
        case ast.BoolOp(values=parts):
            return [use for part in parts for use in _uses(part, asked)]
    return [
        use for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr) for use in _uses(part, asked=False)
    ]
