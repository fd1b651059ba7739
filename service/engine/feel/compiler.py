"""Trees of the grammar → closures over a scope. Nothing is evaluated here, and nothing is handed to ``eval``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from lark import Token, Tree

from service.engine.feel import iteration, operators, temporal
from service.engine.feel.calls import Evaluate, apply, apply_named, defined, truth_of
from service.engine.feel.functions import FUNCTIONS
from service.engine.feel.lexer import SyntaxProblem, plain_name, problem, unquoted
from service.engine.feel.properties import property_of
from service.engine.feel.types import ANY, NAMES, Type
from service.engine.feel.values import (
    DIGITS,
    FeelError,
    Scope,
    Value,
    compare,
    equal,
    every,
    includes,
    negate,
    some,
)

Test = Callable[[Value, Scope], Value]

DEEPEST = 100  # levels of a tree; evaluation takes some of Python's frames for each
INPUT = "?"
LONG_TYPES = frozenset(name for name in NAMES if " " in name)


@dataclass(slots=True)
class Words:
    """The names known to a text: declared ones; those of parts, which only help to read; types; what is found."""

    names: frozenset[str] = frozenset()
    spellings: frozenset[str] = frozenset()
    types: Callable[[str], Type | None] = lambda name: None
    bad_literals: list[SyntaxProblem] = field(default_factory=list)

    def plus(self, *names: str) -> Words:
        """These words with more names, of an inner scope."""
        return replace(self, names=self.names | {plain_name(name) for name in names})


class Compiler:
    """Builds closures, one method for each rule of the grammar."""

    def __init__(self, words: Words) -> None:
        self.words, self.depth = words, 0
        self.local: list[frozenset[str]] = []

    def build(self, tree: Any) -> Evaluate:
        self.depth += 1
        if self.depth > DEEPEST:
            raise SyntaxProblem(1, 1, f"表达式嵌套超过 {DEEPEST} 层", f"the expression is deeper than {DEEPEST} levels")
        built: Evaluate = getattr(self, f"_{tree.data.rstrip('_')}")(*tree.children)
        self.depth -= 1
        return built

    def _all(self, trees: Iterable[Any]) -> list[Evaluate]:
        return [self.build(tree) for tree in trees]

    def _inside(self, names: Iterable[str], tree: Any) -> Evaluate:
        self.local.append(frozenset(names))
        built = self.build(tree)
        self.local.pop()
        return built

    def _number(self, token: Token) -> Evaluate:
        value = DIGITS.create_decimal(str(token))
        if not value.is_finite():
            raise problem(token, f"数太大 {token}", f"the number {token} is too large")
        return lambda scope: value

    def _string(self, token: Token) -> Evaluate:
        text = unquoted(token)
        return lambda scope: text

    def _at(self, token: Token) -> Evaluate:
        value = temporal.read_any(unquoted(token))
        if value is None:
            self._bad(token)
        return lambda scope: value

    def _true(self, token: Token) -> Evaluate:
        return lambda scope: True

    def _false(self, token: Token) -> Evaluate:
        return lambda scope: False

    def _null(self, token: Token) -> Evaluate:
        return lambda scope: None

    def _bad(self, token: Token) -> None:
        self.words.bad_literals.append(
            problem(token, f"没有这样的日期、时间或时长 {token}", f"there is no such date, time or duration {token}")
        )

    def _name(self, token: Token) -> Evaluate:
        name = plain_name(token)
        if name in FUNCTIONS and not self._is_known(name):
            function = FUNCTIONS[name]
            return lambda scope: function

        def look(scope: Scope) -> Value:
            try:
                return scope.find(name)
            except KeyError:
                raise FeelError(f"没有名为 {name} 的数据") from None

        return look

    def _is_known(self, name: str) -> bool:
        return name in self.words.names or any(name in names for names in self.local)

    def _path(self, whole: Any, token: Token) -> Evaluate:
        value, name = self.build(whole), plain_name(token)
        return lambda scope: property_of(value(scope), name)

    def _filter(self, whole: Any, test: Any) -> Evaluate:
        values, condition = self.build(whole), self._inside(("item",), test)
        is_index = test.data == "number" or (test.data == "minus" and test.children[1].data == "number")
        return lambda scope: iteration.filtered(values(scope), condition, scope, is_index)

    def _call(self, called: Any, *arguments: Any) -> Evaluate:
        if called.data == "name" and len(arguments) == 1 and arguments[0].data == "string":
            self._check_literal(str(called.children[0]), arguments[0].children[0])
        function, values = self._called(called), self._all(arguments)
        return lambda scope: apply(function(scope), [value(scope) for value in values], scope)

    def _call_named(self, called: Any, *arguments: Any) -> Evaluate:
        function = self._called(called)
        values = {_key(argument.children[0]): self.build(argument.children[1]) for argument in arguments}
        if len(values) < len(arguments):
            raise problem(arguments[0].children[0], "参数名重复", "an argument is named twice")
        return lambda scope: apply_named(function(scope), {n: value(scope) for n, value in values.items()}, scope)

    def _called(self, called: Any) -> Evaluate:
        if called.data == "name":
            token, name = called.children[0], plain_name(called.children[0])
            if name in ("now", "today") and not self._is_known(name):
                raise problem(
                    token,
                    f"{name}() 不支持：时间应作为数据给出，重放才会得到同样的结果",
                    f"{name}() is not supported: give the time as data, so that a replay decides the same",
                )
            if name not in FUNCTIONS and not self._is_known(name):
                raise problem(token, f"没有函数 {name}", f"there is no function {name}")
        return self.build(called)

    def _check_literal(self, name: str, token: Token) -> None:
        read = _READERS.get(name)
        if read is not None and not self._is_known(name) and read(unquoted(token)) is None:
            self._bad(token)

    def _lambda(self, *parts: Any) -> Evaluate:
        *parameters, gives, external, body = parts
        if external is not None:
            raise problem(external, "不支持外部函数", "external functions are not supported")
        given = [parameter.children for parameter in parameters if parameter is not None]
        names = tuple(plain_name(name) for name, _ in given)
        types = tuple(self._type(type_) if type_ is not None else ANY for _, type_ in given)
        result = self._type(gives) if gives is not None else None
        value = self._inside(names, body)
        return lambda scope: defined("", names, types, result, value, scope)

    def _list(self, *items: Any) -> Evaluate:
        values = self._all(item for item in items if isinstance(item, Tree))

        def make(scope: Scope) -> Value:
            made = [value(scope) for value in values]
            scope.budget.charge(made)
            return made

        return make

    def _context(self, *entries: Any) -> Evaluate:
        keys: list[str] = []
        values: list[Evaluate] = []
        for entry in entries:
            if entry is not None:
                keys.append(_key(entry.children[0]))
                values.append(self._inside(keys, entry.children[1]))
                if len(set(keys)) < len(keys):
                    raise problem(entry.children[0], f"键 {keys[-1]} 重复", f"the key {keys[-1]} is given twice")

        def make(scope: Scope) -> Value:
            made: dict[str, Value] = {}
            inner = scope.inner(made)
            for key, value in zip(keys, values, strict=True):
                made[key] = value(inner)
            scope.budget.charge(made)
            return made

        return make

    def _range(self, left: Token, low: Any, dots: Token, high: Any, right: Any) -> Evaluate:
        start, end = self.build(low), self.build(high)
        starts, ends = left == "[", right.children[0] == "]"

        def make(scope: Scope) -> Value:
            return iteration.range_between(start(scope), end(scope), starts, ends)

        return make

    def _sign_range(self, sign: Any, value: Any) -> Evaluate:
        operand, is_ = self.build(value), str(sign.children[0])
        return lambda scope: iteration.range_of(is_, operand(scope))

    def _arithmetic(self, left: Any, sign: Token, right: Any) -> Evaluate:
        a, b, operate = self.build(left), self.build(right), operators.OPERATIONS[str(sign)]

        def compute(scope: Scope) -> Value:
            result = operate(a(scope), b(scope))
            scope.budget.charge(result)
            return result

        return compute

    def _minus(self, sign: Token, operand: Any) -> Evaluate:
        value = self.build(operand)
        return lambda scope: operators.minus(value(scope))

    def _or(self, *parts: Any) -> Evaluate:
        values = self._all(parts)
        return lambda scope: some(value(scope) for value in values)

    def _and(self, *parts: Any) -> Evaluate:
        values = self._all(parts)
        return lambda scope: every(value(scope) for value in values)

    def _compare(self, left: Any, sign: Any, right: Any) -> Evaluate:
        a, b, test = self.build(left), self.build(right), _comparison(sign)

        def check(scope: Scope) -> Value:
            left_, right_ = a(scope), b(scope)
            scope.budget.charge(left_, right_)
            return test(left_, right_)

        return check

    def _between(self, tested: Any, low: Any, high: Any) -> Evaluate:
        value, start, end = self.build(tested), self.build(low), self.build(high)

        def lies(scope: Scope) -> Value:
            x = value(scope)
            return every((compare(">=", x, start(scope)), compare("<=", x, end(scope))))

        return lies

    def _in_value(self, tested: Any, values: Any) -> Evaluate:
        return self._in(tested, [values])

    def _in_tests(self, tested: Any, *tests: Any) -> Evaluate:
        return self._in(tested, list(tests))

    def _in_sign(self, tested: Any, sign: Any, operand: Any) -> Evaluate:
        return self._compare(tested, sign, operand)

    def _in(self, tested: Any, tests: list[Any]) -> Evaluate:
        value, checks = self.build(tested), [self._test(test) for test in tests]

        def holds(scope: Scope) -> Value:
            x = value(scope)
            return some(check(x, scope) for check in checks)

        return holds

    def _instance(self, tested: Any, of: Any, *rest: Any) -> Evaluate:
        value, type_ = self.build(tested), self._type(of)
        return lambda scope: type_.has(value(scope))

    def _choice(self, asked: Any, yes: Any, no: Any) -> Evaluate:
        condition, then, otherwise = self._all((asked, yes, no))
        return lambda scope: then(scope) if condition(scope) is True else otherwise(scope)

    def _loop(self, *parts: Any) -> Evaluate:
        names, domains, body = self._iterated(parts, ("partial",))
        return lambda scope: iteration.loop(names, domains, body, scope)

    def _quantified(self, word: Token, *parts: Any) -> Evaluate:
        names, domains, body = self._iterated(parts, ())
        judge = some if word.type == "SOME" else every
        return lambda scope: judge(truth_of(value) for value in iteration.iterate(names, domains, body, scope, None))

    def _iterated(
        self, parts: tuple[Any, ...], more: tuple[str, ...]
    ) -> tuple[list[str], list[iteration.Domain], Evaluate]:
        *iterators, body = parts
        names: list[str] = []
        domains: list[iteration.Domain] = []
        for token, type_, low, high in (iterator.children for iterator in iterators):
            of = self._type(type_) if type_ is not None else None
            start = self._inside(names, low)
            domains.append(iteration.Domain(start, self._inside(names, high) if high is not None else None, of))
            names.append(plain_name(token))
        return names, domains, self._inside((*names, *more), body)

    def tests(self, tree: Any) -> Test:
        checks = [self._test(test) for test in tree.children if isinstance(test, Tree)]
        if tree.data == "none_of":
            return lambda value, scope: negate(some(check(value, scope) for check in checks))
        if len(checks) == 1:
            return checks[0]
        return lambda value, scope: some(check(value, scope) for check in checks)

    def _test(self, tree: Any) -> Test:
        """A sign with its operand, a value to be equal to or to lie in, or an expression that is itself the test."""
        if tree.data == "sign_test":
            sign, operand = _comparison(tree.children[0]), self.build(tree.children[1])
            return lambda value, scope: sign(value, operand(scope))
        self.local.append(frozenset((INPUT,)))
        expression = self.build(tree)
        self.local.pop()
        if tree.data in _CONSTANTS:
            constant = expression(_NOWHERE)
            return lambda value, scope: equal(value, constant)
        if tree.data in _VALUES:
            return lambda value, scope: includes(expression(scope.inner({INPUT: value})), value)
        asks = _mentions_input(tree)

        def test(value: Value, scope: Scope) -> Value:
            found = expression(scope.inner({INPUT: value}))
            if isinstance(found, bool) and (asks or not isinstance(value, bool) or tree.data in _TRUTHS):
                return found
            return None if asks and found is None else includes(found, value)

        return test

    def _type(self, tree: Any) -> Type:
        if tree.data == "function_type":
            *parameters, result = tree.children
            types = tuple(self._type(each) for each in parameters if each is not None)
            return Type("function", self._type(result), parameters=types)
        name = ".".join(plain_name(token) for token in tree.children if isinstance(token, Token))
        if tree.data == "named_type":
            return self._named_type(tree.children[0], name)
        if tree.data == "context_type" and name == "context":
            fields = {plain_name(each.children[0]): self._type(each.children[1]) for each in tree.children[1:]}
            return Type("context", fields=fields)
        if tree.data == "made_type" and name in ("list", "range"):
            return Type(name, self._type(tree.children[1]))
        raise problem(tree.children[0], f"没有类型 {name}<…>", f"there is no type {name}<…>")

    def _named_type(self, token: Token, name: str) -> Type:
        found = self.words.types(name)
        if isinstance(found, Type):
            return found
        if name not in NAMES:
            raise problem(token, f"没有类型 {name}", f"there is no type {name}")
        return Type(NAMES[name])


_CONSTANTS = frozenset(["number", "string", "true", "false", "null", "at"])
_VALUES = frozenset(["name", "path", "range", "sign_range", "list", "context", "arithmetic", "minus", "filter"])
_TRUTHS = frozenset(["or_", "and_", "compare", "between", "in_value", "in_tests", "in_sign", "instance", "quantified"])
_NOWHERE: Any = None
_READERS: dict[str, Callable[[str], Any]] = {
    "date": temporal.read_date,
    "time": temporal.read_time,
    "date and time": temporal.read_date_time,
    "duration": temporal.read_duration,
}


def _mentions_input(tree: Any) -> bool:
    return any(isinstance(leaf, Token) and leaf == INPUT for leaf in tree.scan_values(lambda value: True))


def _comparison(sign: Any) -> Callable[[Value, Value], Value]:
    is_ = str(sign.children[0])
    if is_ == "=":
        return equal
    if is_ == "!=":
        return lambda a, b: negate(equal(a, b))
    return lambda a, b: compare(is_, a, b)


def _key(token: Token) -> str:
    return unquoted(token) if token.type == "STRING" else plain_name(token)
