"""Boxed expressions of DMN (clause 7.3 and 10.2): from their XML to closures over a scope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.engine.dmn.decision_table import read_table
from service.engine.dmn.item_types import ItemTypes
from service.engine.dmn.refusal import child, children, compiled, local, refuse, text_in
from service.engine.feel import iteration
from service.engine.feel.calls import Evaluate, apply_named, defined, truth_of
from service.engine.feel.compiler import Words
from service.engine.feel.expressions import compile_expression
from service.engine.feel.lexer import plain_name
from service.engine.feel.types import ANY, Type
from service.engine.feel.values import Scope, Value, every, some


class BoxedExpressions:
    """The reader of boxed expressions of one model."""

    def __init__(self, types: ItemTypes) -> None:
        self.types = types
        self.readers: dict[str, Callable[[Any, Words], Evaluate]] = {
            "literalExpression": self._literal,
            "decisionTable": self._table,
            "invocation": self._invocation,
            "context": self._context,
            "list": self._list,
            "relation": self._relation,
            "functionDefinition": self.function,
            "conditional": self._conditional,
            "for": self._loop,
            "some": self._quantified,
            "every": self._quantified,
            "filter": self._filter,
        }

    def inside(self, node: Any, words: Words) -> Evaluate:
        """The one boxed expression inside an element. Raises Refused."""
        found = children(node, *self.readers)
        if len(found) != 1:
            raise refuse(
                node, "此处应有且只有一个表达式。", "Exactly one expression is expected here, of a form that is known."
            )
        return self.read(found[0], words)

    def read(self, node: Any, words: Words) -> Evaluate:
        """A boxed expression as a closure. Raises Refused."""
        value, type_ = self.readers[local(node)](node, words), self.types.of(node)
        if type_ is None:
            return value
        return lambda scope: type_.converted(value(scope))

    def _literal(self, node: Any, words: Words) -> Evaluate:
        text = text_in(node)
        if not text:
            raise refuse(node, "表达式是空的。", "The expression is empty.")
        return compiled(node, text, words, compile_expression, strict=False)

    def _table(self, node: Any, words: Words) -> Evaluate:
        return read_table(node, words, self.types).value

    def _invocation(self, node: Any, words: Words) -> Evaluate:
        called = child(node, "literalExpression")
        if called is None:
            raise refuse(node, "调用没有指明函数。", "The invocation names no function.")
        function = self._literal(called, words)
        values: dict[str, Evaluate] = {}
        for binding in children(node, "binding"):
            name = plain_name((child(binding, "parameter")).get("name") or "")
            values[name] = self.inside(binding, words) if children(binding, *self.readers) else _null
        return lambda scope: apply_named(function(scope), {n: value(scope) for n, value in values.items()}, scope)

    def _context(self, node: Any, words: Words) -> Evaluate:
        entries: list[tuple[str, Evaluate, Type | None]] = []
        for entry in children(node, "contextEntry"):
            variable = child(entry, "variable")
            name = plain_name(variable.get("name") or "") if variable is not None else ""
            inner = words.plus(*(key for key, _, _ in entries), *([name] if name else []))
            entries.append((name, self.inside(entry, inner), self.types.of(variable) if name else None))

        def make(scope: Scope) -> Value:
            made: dict[str, Value] = {}
            inner = scope.inner(made)
            for name, value, type_ in entries:
                found = value(inner)
                if not name:
                    return found
                made[name] = type_.converted(found) if type_ else found
            scope.budget.charge(made)
            return made

        return make

    def _list(self, node: Any, words: Words) -> Evaluate:
        values = [self.read(each, words) for each in children(node, *self.readers)]
        return lambda scope: [value(scope) for value in values]

    def _relation(self, node: Any, words: Words) -> Evaluate:
        columns = [(plain_name(each.get("name") or ""), self.types.of(each)) for each in children(node, "column")]
        rows = []
        for row in children(node, "row"):
            cells = [self.read(each, words) for each in children(row, *self.readers)]
            if len(cells) != len(columns):
                raise refuse(row, "行的格数与列数不符。", "The row has another number of cells than there are columns.")
            rows.append(cells)

        def make(scope: Scope) -> Value:
            made = []
            for cells in rows:
                values = [(name, type_, cell(scope)) for (name, type_), cell in zip(columns, cells, strict=True)]
                made.append({name: type_.converted(value) if type_ else value for name, type_, value in values})
            return made

        return make

    def function(self, node: Any, words: Words, name: str = "", gives: Type | None = None) -> Evaluate:
        """A function definition, or the logic of a business knowledge model. Raises Refused."""
        kind = node.get("kind") or "FEEL"
        if kind != "FEEL":
            raise refuse(node, f"不支持 {kind} 函数。", f"Functions of the kind {kind} are not supported.")
        parameters = children(node, "formalParameter")
        names = tuple(plain_name(parameter.get("name") or "") for parameter in parameters)
        types = tuple(self.types.of(parameter) or ANY for parameter in parameters)
        body = self.inside(node, words.plus(*names))
        return lambda scope: defined(name, names, types, gives, body, scope)

    def _conditional(self, node: Any, words: Words) -> Evaluate:
        parts = [child(node, name) for name in ("if", "then", "else")]
        if any(part is None for part in parts):
            raise refuse(node, "条件须有 if、then、else。", "A conditional has if, then and else.")
        asked, then, otherwise = (self.inside(part, words) for part in parts)
        return lambda scope: then(scope) if asked(scope) is True else otherwise(scope)

    def _iterated(self, node: Any, words: Words, body: str) -> tuple[str, list[iteration.Domain], Evaluate]:
        name, of = plain_name(node.get("iteratorVariable") or ""), child(node, "in")
        result = child(node, body)
        if not name or of is None or result is None:
            raise refuse(node, "循环不完整。", "The iteration is not complete.")
        domain = iteration.Domain(self.inside(of, words), None, self.types.of(of))
        return name, [domain], self.inside(result, words.plus(name, "partial"))

    def _loop(self, node: Any, words: Words) -> Evaluate:
        name, domains, body = self._iterated(node, words, "return")
        return lambda scope: iteration.loop([name], domains, body, scope)

    def _quantified(self, node: Any, words: Words) -> Evaluate:
        name, domains, body = self._iterated(node, words, "satisfies")
        judge = some if local(node) == "some" else every
        return lambda scope: judge(truth_of(value) for value in iteration.iterate([name], domains, body, scope, None))

    def _filter(self, node: Any, words: Words) -> Evaluate:
        of, match = child(node, "in"), child(node, "match")
        if of is None or match is None:
            raise refuse(node, "筛选不完整。", "The filter is not complete.")
        values, condition = self.inside(of, words), self.inside(match, words.plus("item"))
        return lambda scope: iteration.filtered(values(scope), condition, scope, is_index=False)


def _null(scope: Scope) -> Value:
    return None
