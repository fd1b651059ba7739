"""Decision tables: which rules hit, and what the hit policy makes of them (DMN 1.5, clause 8)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from service.engine.dmn.item_types import ItemTypes, constraint, holds, read_text
from service.engine.dmn.refusal import Refused, Several, child, children, compiled, refuse, text_in
from service.engine.feel.calls import Evaluate
from service.engine.feel.compiler import Test, Words
from service.engine.feel.expressions import compile_expression, compile_tests, speaks_of
from service.engine.feel.list_functions import greatest, least, total
from service.engine.feel.types import TEMPORAL, Type
from service.engine.feel.values import Budget, FeelError, Scope, Value, equal

SEVERAL = frozenset(["COLLECT", "RULE ORDER", "OUTPUT ORDER"])
POLICIES = frozenset(["UNIQUE", "ANY", "FIRST", "PRIORITY", *SEVERAL])
AGGREGATIONS: dict[str, Callable[[list[Value]], Value]] = {
    "SUM": total,
    "MIN": least,
    "MAX": greatest,
    "COUNT": lambda values: Decimal(len(values)),
}

Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class InputColumn:
    """A column that is looked at: its expression, the kind its texts are read as, and the values it may have."""

    label: str
    look: Evaluate
    kind: str = ""
    allowed: Test | None = None

    def value(self, scope: Scope) -> Value:
        """The value looked at. Raises FeelError for one that the column may not have."""
        value = self.look(scope)
        if isinstance(value, str) and self.kind:
            try:
                value = read_text(value, self.kind)
            except FeelError as error:
                raise FeelError(f"输入 {self.label} 的{error}") from error
        if value is not None and not holds(self.allowed, value):
            raise FeelError(f"输入 {self.label} 的值不在允许的值之中")
        return value


@dataclass(frozen=True, slots=True)
class OutputColumn:
    """A column that is given: its name, type, allowed values in their order, and the value without a hit."""

    name: str
    type: Type | None = None
    order: tuple[Value, ...] = ()
    default: Evaluate | None = None

    def value(self, entry: Evaluate, scope: Scope) -> Value:
        """The value of an entry as the column's type. Raises FeelError for one that is not among those allowed."""
        value = entry(scope)
        if self.type is not None:
            value = self.type.converted(value)
        if value is not None and self.order and self.rank(value) == len(self.order):
            raise FeelError(f"输出 {self.name} 的值不在允许的值之中")
        return value

    def rank(self, value: Value) -> int:
        """The place among the allowed values; after all of them for another."""
        ranks = (place for place, allowed in enumerate(self.order) if equal(value, allowed) is True)
        return next(ranks, len(self.order))


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: tests by input, values by output."""

    tests: tuple[Test | None, ...]
    values: tuple[Evaluate, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """The columns looked at and given, the rows, and the way in which several hits count."""

    policy: str
    aggregation: str
    inputs: tuple[InputColumn, ...]
    outputs: tuple[OutputColumn, ...]
    rules: tuple[Rule, ...] = field(repr=False)

    @property
    def gives_several(self) -> bool:
        """True where the result is a list of hits."""
        return self.policy in SEVERAL and not self.aggregation

    def rows(self, scope: Scope) -> list[Row]:
        """The outputs of the hits, as the hit policy allows. Raises FeelError."""
        hits = self._hits(scope)
        if not hits and any(column.default for column in self.outputs):
            return [self._row([column.default or _nothing for column in self.outputs], scope)]
        if self.aggregation:
            return self._aggregated([self._row(list(rule.values), scope) for rule in hits])
        return self._chosen([self._row(list(rule.values), scope) for rule in hits])

    def value(self, scope: Scope) -> Value:
        """The result as a FEEL value: one output plain, several as a context; a list of them where several may hit."""
        rows = [self._plain(row) for row in self.rows(scope)]
        if self.gives_several:
            return rows
        return rows[0] if rows else None

    def _plain(self, row: Row) -> Value:
        return row[self.outputs[0].name] if len(self.outputs) == 1 else row

    def _hits(self, scope: Scope) -> list[Rule]:
        seen: list[Any] = [column.value(scope) for column in self.inputs]
        hits = []
        for rule in self.rules:
            for test, value in zip(rule.tests, seen, strict=True):
                if test is not None and test(value, scope) is not True:
                    break
            else:
                hits.append(rule)
                if self.policy == "FIRST":
                    break
        if self.policy == "UNIQUE" and len(hits) > 1:
            raise FeelError("命中了不止一条规则")
        return hits

    def _row(self, entries: list[Evaluate], scope: Scope) -> Row:
        pairs = zip(self.outputs, entries, strict=True)
        return {column.name: column.value(entry, scope) for column, entry in pairs}

    def _chosen(self, rows: list[Row]) -> list[Row]:
        if self.policy == "ANY" and any(equal(row, rows[0]) is not True for row in rows):
            raise FeelError("命中的规则结果不一致")
        if self.policy in ("PRIORITY", "OUTPUT ORDER"):
            rows = sorted(rows, key=lambda row: [column.rank(row[column.name]) for column in self.outputs])
        return rows if self.policy in SEVERAL else rows[:1]

    def _aggregated(self, rows: list[Row]) -> list[Row]:
        name = self.outputs[0].name
        return [{name: AGGREGATIONS[self.aggregation]([row[name] for row in rows])}]


def _nothing(scope: Scope) -> Value:
    return None


def read_table(node: Any, words: Words, types: ItemTypes) -> Table:
    """A decision table from its XML. Raises Refused, or Several with every cell that is refused."""
    policy, aggregation = _policy(node)
    tested = [_tested(clause) for clause in children(node, "input")]
    outputs = [_output(clause, words, types) for clause in children(node, "output")]
    _check_outputs(node, outputs, policy, aggregation)
    rules = children(node, "rule")
    for rule in rules:
        cells = len(children(rule, "inputEntry")), len(children(rule, "outputEntry"))
        if cells != (len(tested), len(outputs)):
            raise refuse(rule, "规则的格数与输入输出不符。", "The rule has another number of cells than the table.")
    refusals: list[Refused] = []
    made = [_rule(rule, words, refusals) for rule in rules]
    columns = [children(rule, "inputEntry") for rule in rules]
    inputs = []
    for place, clause in enumerate(children(node, "input")):
        inputs.append(_input(clause, [cells[place] for cells in columns], words, types, refusals))
    if refusals:
        raise Several(refusals)
    return Table(policy, aggregation, tuple(i for i in inputs if i), tuple(outputs), tuple(made))


def _policy(node: Any) -> tuple[str, str]:
    policy = (node.get("hitPolicy") or "UNIQUE").upper()
    aggregation = (node.get("aggregation") or "").upper()
    if policy not in POLICIES or (aggregation and aggregation not in AGGREGATIONS):
        raise refuse(
            node,
            f"没有命中策略 {policy} 或聚合 {aggregation}。",
            f"There is no hit policy {policy}, or no aggregation {aggregation}.",
        )
    if aggregation and policy != "COLLECT":
        raise refuse(
            node, f"命中策略 {policy} 不能聚合。", f"Only the hit policy COLLECT aggregates, {policy} does not."
        )
    return policy, aggregation


def _tested(clause: Any) -> str:
    expression = child(clause, "inputExpression")
    text = text_in(expression) if expression is not None else ""
    if not text:
        raise refuse(clause, "输入没有表达式。", "The input has no expression.")
    return text


def _input(
    clause: Any, cells: list[Any], words: Words, types: ItemTypes, refusals: list[Refused]
) -> InputColumn | None:
    expression = child(clause, "inputExpression")
    text = text_in(expression)
    try:
        look = compiled(expression, text, words, compile_expression, strict=True)
        type_ = types.of(expression)
        values = child(clause, "inputValues")
        allowed = constraint(values, words) if values is not None else None
    except Refused as refused:
        refusals.append(refused)
        return None
    kind = type_.name if type_ else _kind_of(cells, words, refusals)
    return InputColumn(text, look, kind if kind in TEMPORAL or kind == "number" else "", allowed)


def _kind_of(cells: list[Any], words: Words, refusals: list[Refused]) -> str:
    """The kind of dates or times that all cells of a column speak of, when it declares none."""
    if refusals:
        return ""
    texts = [text for cell in cells if (text := text_in(cell)) not in ("", "-")]
    kinds = {speaks_of(text, words) for text in texts}
    return (kinds.pop() or "") if len(kinds) == 1 else ""


def _output(clause: Any, words: Words, types: ItemTypes) -> OutputColumn:
    values, default = child(clause, "outputValues"), child(clause, "defaultOutputEntry")
    order: tuple[Value, ...] = ()
    if values is not None and (text := text_in(values)) not in ("", "-"):
        listed = compiled(values, f"[{text}]", words, compile_expression, strict=True)
        order = tuple(_constants(values, listed))
    entry = None
    if default is not None and (text := text_in(default)):
        entry = compiled(default, text, words, compile_expression, strict=True)
    return OutputColumn(clause.get("name") or "", types.of(clause), order, entry)


def _constants(node: Any, listed: Evaluate) -> list[Value]:
    try:
        found = listed(Scope({}, Budget()))
    except FeelError as error:
        raise refuse(node, f"允许的值须是字面值：{error}。", "Allowed output values must be literals.") from error
    if not isinstance(found, list):
        raise refuse(node, "允许的输出值须逐个列出。", "Allowed output values are to be listed one by one.")
    return found


def _check_outputs(node: Any, outputs: list[OutputColumn], policy: str, aggregation: str) -> None:
    names = [column.name for column in outputs]
    if not names or len(set(names)) < len(names) or (len(names) > 1 and not all(names)):
        raise refuse(node, "每个输出应有自己的名称。", "Every output needs a name of its own.")
    if aggregation and len(outputs) > 1:
        raise refuse(node, "聚合只用于一个输出。", "An aggregation is for a table with one output.")
    if policy in ("PRIORITY", "OUTPUT ORDER") and not any(column.order for column in outputs):
        raise refuse(
            node,
            f"命中策略 {policy} 须写明输出值的次序。",
            f"The hit policy {policy} needs output values, in their order.",
        )


def _rule(node: Any, words: Words, refusals: list[Refused]) -> Rule:
    tests: list[Test | None] = []
    values: list[Evaluate] = []
    for cell in children(node, "inputEntry", "outputEntry"):
        try:
            text = text_in(cell)
            if cell.tag.endswith("inputEntry"):
                tests.append(compiled(cell, text, words, compile_tests, strict=True))
            elif text in ("", "-"):
                values.append(_nothing)
            else:
                values.append(compiled(cell, text, words, compile_expression, strict=True))
        except Refused as refused:
            refusals.append(refused)
    return Rule(tuple(tests), tuple(values))
