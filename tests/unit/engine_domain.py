"""Fields and values for random walks through any definition, read off its own conditions, attributes and decisions."""

from __future__ import annotations

import ast
import re
from typing import Any

from lxml import etree

from service.engine import Definition

_TRUTHS = ("conditionExpression", "loopCondition", "completionCondition", "inputExpression")
_TIMES = ("timeDate", "timeDuration", "dueDate", "followUpDate")
_VALUES: dict[str, list[Any]] = {
    "truth": [False, True],
    "time": ["2026-01-06T09:00:00", "2027-01-01", "P3D"],
    "": ["u-1", "u-2"],
}


def domain(definition: Definition) -> dict[str, list[Any]]:
    """Name → values worth trying: what it is compared with, and something of the kind its use asks for."""
    found: dict[str, set[Any]] = {}
    for source, wanted in _expressions(definition):
        for name, values in _uses(ast.parse(source, mode="eval").body, wanted):
            found.setdefault(name, set()).update(values)
    return {name: sorted(values, key=repr) or _VALUES[""] for name, values in sorted(found.items())}


def _expressions(definition: Definition) -> list[tuple[str, str]]:
    """Every expression of the bundle and what it is to give: a truth, a time, or anything."""
    found: list[tuple[str, str]] = []
    for file, data in definition.files.items():
        if file.endswith(".form"):
            continue
        for node in etree.fromstring(data).iter(etree.Element):
            name = etree.QName(node).localname
            if name == "property":
                found.append((node.get("value", ""), ""))
            elif name in _TRUTHS:
                found.append(("".join(node.itertext()), "truth"))
            elif name in _TIMES:
                found += [(node.text, "time")] if "${" in (node.text or "") else []
            for key, value in node.attrib.items():
                if "${" in value and name != "property":
                    found.append((value, "time" if key.rpartition("}")[2] in _TIMES else ""))
    return [(re.sub(r"^\$\{(.*)\}$", r"\1", text.strip()), wanted) for text, wanted in found if text.strip()]


def _uses(node: ast.expr, wanted: str) -> list[tuple[str, set[Any]]]:
    """Names of an expression with candidate values."""
    match node:
        case ast.Name(id=name):
            return [(name, set(_VALUES[wanted]) if wanted else set())]
        case ast.Compare(left=ast.Name(id=name), comparators=[ast.Constant(value=value)]):
            near = {value - 1, value + 1} if type(value) is int else {"other"} if isinstance(value, str) else set()
            return [(name, {value} | near)]
        case ast.UnaryOp(op=ast.Not(), operand=inner):
            return _uses(inner, "truth")
        case ast.BinOp(left=ast.Name(id=name), right=ast.Constant(value=int())):
            return [(name, {1, 2})]
        case ast.BoolOp(values=parts):
            return [use for part in parts for use in _uses(part, wanted)]
    return [use for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr) for use in _uses(part, "")]
