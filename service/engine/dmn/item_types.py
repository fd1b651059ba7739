"""The item definitions of a decision model as FEEL types, and data of cases (JSON) as FEEL values and back."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from service.engine.dmn.refusal import child, children, compiled, local, refuse, text_in
from service.engine.feel import temporal
from service.engine.feel.compiler import Test, Words
from service.engine.feel.expressions import compile_tests
from service.engine.feel.types import NAMES, TEMPORAL, Type
from service.engine.feel.values import Budget, FeelError, Function, Range, Scope, Value, number_text

LARGEST_WHOLE = (1 << 53) - 1  # of a whole number in the data of a case
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class ItemTypes:
    """The types of one model by name."""

    def __init__(self, root: Any) -> None:
        self.nodes = {node.get("name"): node for node in children(root, "itemDefinition")}
        self.made: dict[str, Type] = {}
        self.open: list[str] = []
        self.spellings = frozenset(
            node.get("name") or "" for node in root.iter() if local(node) in ("itemComponent", "column", "output")
        ) - {""}

    def find(self, name: str) -> Type | None:
        """The type of that name; None when there is none. Raises Refused for one that is not well defined."""
        name = name.strip().removeprefix("feel:")
        if name in self.made:
            return self.made[name]
        node = self.nodes.get(name)
        if node is None and name not in NAMES and ":" in name:
            return self.find(name.rpartition(":")[2])
        if node is None:
            return Type(NAMES[name]) if name in NAMES else None
        if name in self.open:
            raise refuse(node, f"类型 {name} 以自身定义。", f"The type {name} is defined by itself.")
        self.open.append(name)
        self.made[name] = self._define(node)
        self.open.pop()
        return self.made[name]

    def of(self, node: Any) -> Type | None:
        """The type that an element refers to by ``typeRef``; None where it says none. Raises Refused."""
        reference = child(node, "typeRef")
        name = (node.get("typeRef") or (reference.text if reference is not None else "") or "").strip()
        if not name:
            return None
        found = self.find(name)
        if found is None:
            raise refuse(node, f"没有类型 {name}。", f"There is no type {name}.")
        return None if found.name == "Any" else found

    def _define(self, node: Any) -> Type:
        components = children(node, "itemComponent")
        made = self.of(node) or Type("Any")
        if components:
            made = Type("context", fields={part.get("name") or "": self._define(part) for part in components})
        if (item := child(node, "functionItem")) is not None:
            made = self._function(item)
        if (allowed := child(node, "allowedValues")) is not None:
            made = replace(made, allows=self._constraint(allowed, made.allows))
        if node.get("isCollection") == "true":
            made = Type("list", made)
        if (constraint := child(node, "typeConstraint")) is not None:
            made = replace(made, allows=self._constraint(constraint, made.allows))
        return made

    def _function(self, item: Any) -> Type:
        output = item.get("outputTypeRef")
        gives = self.find(output) if output else None
        parameters = tuple(self.of(part) or Type("Any") for part in children(item, "parameters"))
        return Type("function", gives, parameters=parameters)

    def _constraint(self, node: Any, before: Callable[[Value], bool] | None) -> Callable[[Value], bool]:
        test = constraint(node, Words(spellings=self.spellings))
        return lambda value: (before is None or before(value)) and holds(test, value)


def constraint(node: Any, words: Words) -> Test | None:
    """The unary tests of allowed values. Raises Refused."""
    return compiled(node, text_in(node), words, compile_tests, strict=True)


def holds(test: Test | None, value: Value) -> bool:
    """A value is among those allowed."""
    return test is None or test(value, Scope({}, Budget())) is True


def from_data(value: Any, type_: Type | None = None) -> Value:
    """A JSON value as a FEEL value: texts become dates, times, durations or numbers where the type says so.

    Raises FeelError for a text that is none.
    """
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    if isinstance(value, list | tuple):
        of = type_.of if type_ and type_.name == "list" else type_
        return [from_data(item, of) for item in value]
    if isinstance(value, dict):
        fields = type_.fields if type_ else {}
        return {key: from_data(item, fields.get(key)) for key, item in value.items()}
    return read_text(value, type_.name) if type_ and isinstance(value, str) else value


def read_text(text: str, kind: str) -> Value:
    """A text of a case as the kind that a type or a column says. Raises FeelError where it is none."""
    if kind == "number" and _NUMBER.fullmatch(text):
        return Decimal(text)
    if kind not in TEMPORAL:
        return text
    value = _READERS[kind](text)
    if value is None:
        raise FeelError(f"文字不是{_KINDS[kind]}")
    return value


_READERS: dict[str, Callable[[str], Value]] = {
    "date": temporal.read_date,
    "time": temporal.read_time,
    "date and time": temporal.read_date_time,
    **dict.fromkeys(("duration", "days and time duration", "years and months duration"), temporal.read_duration),
}
_KINDS = {
    "date": "日期",
    "time": "时间",
    "date and time": "日期时间",
    "duration": "时长",
    "days and time duration": "时长",
    "years and months duration": "时长",
}


def to_data(value: Value) -> Any:
    """A FEEL value as data of a case: whole numbers as such, other numbers, dates, times and durations as text.

    Raises FeelError for a function or an interval, which data cannot hold.
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, Decimal):
        is_whole = value == value.to_integral_value() and abs(value) <= LARGEST_WHOLE
        return int(value) if is_whole else number_text(value)
    if isinstance(value, list):
        return [to_data(item) for item in value]
    if isinstance(value, dict):
        return {key: to_data(item) for key, item in value.items()}
    if isinstance(value, Function | Range):
        raise FeelError("结果是函数或区间，不能作为数据保存")
    return str(value)
