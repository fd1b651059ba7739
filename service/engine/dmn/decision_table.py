"""DMN decision tables: read from XML, their cells compiled to closures, decided over facts. No FEEL beyond unary tests.

Cells hold ``-``, literals (text, integers, true, false, null, date("…") as ISO text), comparisons, ranges, lists of
these and ``not(…)``. Everything else is refused when the table is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from service.engine.kernel.types import Data, ValidationIssue
from service.engine.kernel.xml_reader import parse
from service.engine.starlark.expressions import Evaluate, compile_small
from service.engine.starlark.operators import Beyond, ExpressionError, equal
from service.errors import DefinitionRefused

Test = Callable[[Any, Mapping[str, Any]], bool]

POLICIES = {"UNIQUE", "FIRST", "ANY", "COLLECT", "RULE ORDER"}
_SEVERAL = {"COLLECT", "RULE ORDER"}
_WORDS = {"true": True, "false": False, "null": None}
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_RANGE = re.compile(r"([\[\](])\s*(.+?)\s*\.\.\s*(.+?)\s*([\[\])])", re.DOTALL)
_SIMPLE_NAME = re.compile(r"[A-Za-z]\w*")
_DATE = re.compile(r'date(?:\s+and\s+time)?\s*\(\s*("(?:[^"\\]|\\.)*")\s*\)')


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: tests by input, values by output."""

    line: int
    tests: tuple[Test | None, ...]
    values: tuple[Evaluate, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One decision: what it looks at, what it gives, its rows and how several hits count."""

    id: str
    policy: str
    inputs: tuple[Evaluate, ...]
    outputs: tuple[str, ...]
    rules: tuple[Rule, ...]

    @property
    def gives_several(self) -> bool:
        """True where the result is a list of hits."""
        return self.policy in _SEVERAL


class _Refused(Exception):
    """A cell is refused: the reason in Chinese and English, and the XML element."""

    def __init__(self, node: Any, zh: str, en: str) -> None:
        super().__init__(zh)
        self.node, self.zh, self.en = node, zh, en


def read_tables(data: bytes, file: str) -> dict[str, Table]:
    """Decision id → table. Raises DefinitionRefused with every problem."""
    found: dict[str, Table] = {}
    problems: list[ValidationIssue] = []
    root = parse(data, file)
    for node in _all(root, "decision"):
        try:
            found[node.get("id") or ""] = _table(node)
        except _Refused as refused:
            problems.append(
                ValidationIssue(
                    file,
                    refused.node.sourceline or 0,
                    node.get("id") or "",
                    refused.zh,
                    refused.en,
                    "按支持的写法修改决策表。",
                    "Write the table in the supported form.",
                )
            )
    if problems:
        raise DefinitionRefused(problems)
    return found


def problems(data: bytes, file: str) -> list[ValidationIssue]:
    """List what the validation refuses in a DMN file."""
    try:
        read_tables(data, file)
    except DefinitionRefused as refused:
        return list(refused.problems)
    return []


def evaluate(table: Table, facts: Mapping[str, Any]) -> Data:
    """Output name → value (for COLLECT: list of values); None where no rule hits.

    Raises ValueError when a fact is missing or the hits break the table's policy.
    """
    found = hits(table, facts)
    if table.gives_several:
        return {name: [hit[name] for hit in found] for name in table.outputs}
    return found[0] if found else dict.fromkeys(table.outputs)


def hits(table: Table, facts: Mapping[str, Any]) -> list[Data]:
    """The outputs of the rules that hit, one object each, as the hit policy allows. Raises ValueError."""
    try:
        found = _outputs_of_hits(table, facts)
    except (ExpressionError, Beyond) as error:
        raise ValueError(str(error) or "值过大") from error
    if table.policy == "UNIQUE" and len(found) > 1:
        raise ValueError("命中了不止一条规则")
    if table.policy == "ANY" and any(not equal(hit, found[0]) for hit in found):
        raise ValueError("命中的规则结果不一致")
    return found if table.gives_several else found[:1]


def _outputs_of_hits(table: Table, facts: Mapping[str, Any]) -> list[Data]:
    seen = [look(facts) for look in table.inputs]
    return [
        {name: value(facts) for name, value in zip(table.outputs, rule.values, strict=True)}
        for rule in table.rules
        if all(test is None or test(fact, facts) for test, fact in zip(rule.tests, seen, strict=True))
    ]


def _all(node: Any, name: str) -> list[Any]:
    return [child for child in node.iter() if _local(child) == name]


def _children(node: Any, name: str) -> list[Any]:
    return [child for child in node if _local(child) == name]


def _local(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _cell(node: Any) -> str:
    found = _children(node, "text")
    return (found[0].text or "").strip() if found else ""


def _table(node: Any) -> Table:
    tables = _children(node, "decisionTable")
    if len(tables) != 1 or _all(node, "requiredDecision"):
        raise _Refused(
            node, "每个决策应有且只有一张独立的决策表。", "A decision needs exactly one table and no other decision."
        )
    table = tables[0]
    policy, outputs = _policy(table), _outputs(table)
    inputs = tuple(_input(child) for child in _children(table, "input"))
    rules = tuple(_rule(child, len(inputs), len(outputs)) for child in _children(table, "rule"))
    return Table(node.get("id") or "", policy, inputs, outputs, rules)


def _policy(table: Any) -> str:
    policy: str = (table.get("hitPolicy") or "UNIQUE").upper()
    if policy not in POLICIES or table.get("aggregation"):
        raise _Refused(
            table, f"不支持命中策略 {policy} 或聚合。", f"The hit policy {policy}, or an aggregation, is not supported."
        )
    return policy


def _outputs(table: Any) -> tuple[str, ...]:
    names = tuple(output.get("name") or "" for output in _children(table, "output"))
    if not names or not all(map(_SIMPLE_NAME.fullmatch, names)) or len(set(names)) < len(names):
        raise _Refused(table, "每个输出应有不同的简单名称。", "Every output needs a plain name of its own.")
    return names


def _input(node: Any) -> Evaluate:
    expression = next((_cell(child) for child in _children(node, "inputExpression")), "")
    found = compile_small(expression)
    if found is None:
        raise _Refused(
            node, f"输入表达式 {expression!r} 不被支持。", f"The input expression {expression!r} is not supported."
        )
    return found


def _rule(node: Any, inputs: int, outputs: int) -> Rule:
    tests, values = _children(node, "inputEntry"), _children(node, "outputEntry")
    if (len(tests), len(values)) != (inputs, outputs):
        raise _Refused(node, "规则的格数与输入输出不符。", "The rule has another number of cells than the table.")
    return Rule(node.sourceline or 0, tuple(_tests(cell) for cell in tests), tuple(_output(cell) for cell in values))


def _tests(cell: Any) -> Test | None:
    """A cell of unary tests; None for one that asks nothing."""
    text = _cell(cell)
    if text in ("", "-"):
        return None
    return _any_of(cell, text)


def _any_of(cell: Any, text: str) -> Test:
    negated = re.fullmatch(r"not\s*\((.*)\)", text, re.DOTALL)
    if negated:
        inner = _any_of(cell, negated.group(1).strip())
        return lambda value, facts: not inner(value, facts)
    tests = [_test(cell, part) for part in _split(text)]
    return lambda value, facts: any(test(value, facts) for test in tests)


def _split(text: str) -> list[str]:
    """Parts between commas that stand outside quotes and brackets."""
    parts, depth, quoted, start = [], 0, False, 0
    for place, letter in enumerate(text):
        if letter == '"' and text[place - 1 : place] != "\\":
            quoted = not quoted
        elif not quoted:
            depth += (letter == "(") - (letter == ")")
            if letter == "," and depth <= 0:
                parts.append(text[start:place])
                start = place + 1
    return [part.strip() for part in (*parts, text[start:])]


def _test(cell: Any, text: str) -> Test:
    between = _RANGE.fullmatch(text)
    if between:
        left, low, high, right = between.groups()
        above, below = _operand(cell, low), _operand(cell, high)
        lower, upper = (">=" if left == "[" else ">"), ("<=" if right == "]" else "<")
        return lambda value, facts: _holds(lower, value, above(facts)) and _holds(upper, value, below(facts))
    compared = re.fullmatch(r"(<=|>=|!=|<|>|=)\s*(.+)", text, re.DOTALL)
    sign, rest = compared.groups() if compared else ("=", text)
    operand = _operand(cell, rest)
    return lambda value, facts: _holds(sign, value, operand(facts))


def _holds(sign: str, a: Any, b: Any) -> bool:
    """FEEL: values of different kinds are unequal and have no order."""
    if sign in ("=", "!="):
        return equal(a, b) is (sign == "=")
    if type(a) is not type(b) or type(a) not in (int, str):
        return False
    return bool({"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign])


def _operand(cell: Any, text: str) -> Evaluate:
    """A literal, or the name of another fact."""
    text = text.strip()
    date = _DATE.fullmatch(text)
    text = date.group(1) if date else text
    quoted = _TEXT.fullmatch(text)
    if quoted:
        literal = re.sub(r"\\(.)", r"\1", quoted.group(1))
        return lambda facts: literal
    if text in _WORDS:
        word = _WORDS[text]
        return lambda facts: word
    found = compile_small(text) if re.fullmatch(r"-?\d{1,15}|[A-Za-z_]\w*", text) else None
    if found is None:
        raise _Refused(cell, f"单元格 {text!r} 不被支持。", f"The cell {text!r} is not supported.")
    return found


def _output(cell: Any) -> Evaluate:
    """A literal or name, else an expression of the small grammar."""
    text = _cell(cell)
    if text in ("", "-"):
        return lambda facts: None
    try:
        return _operand(cell, text)
    except _Refused:
        found = compile_small(text)
        if found is None:
            raise
        return found
