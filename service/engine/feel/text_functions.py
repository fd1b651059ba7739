"""Standard functions on texts, contexts and booleans (clause 10.3.4.2, .3 and .6)."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

from service.engine.feel import patterns
from service.engine.feel.signatures import Overload, builtin
from service.engine.feel.values import Scope, Value, negate, number, text_of

FORMS: dict[str, list[Overload]] = {}
_builtin = partial(builtin, FORMS)


@_builtin("not(negand: any)")
def _not(negand: Value) -> Value:
    return negate(negand)


@_builtin("string(from: any)")
def _string(value: Value) -> Value:
    return None if value is None else text_of(value)


@_builtin("number(from: string)")
def _number(text: str) -> Value:
    return _read_number(text, "", ".")


@_builtin("number(from: string, grouping separator: any, decimal separator: any)")
def _number_separated(text: str, grouping: Value, decimal: Value) -> Value:
    if grouping not in (None, " ", ",", ".") or decimal not in (None, ",", "."):
        return None
    if grouping is not None and grouping == decimal:
        return None
    return _read_number(text, grouping or "", decimal or ".")


def _read_number(text: str, grouping: str, decimal: str) -> Value:
    plain = text.replace(grouping, "") if grouping else text
    if decimal != ".":
        plain = plain.replace(".", "x").replace(decimal, ".")
    is_plain = plain.isascii() and not any(char.isspace() or char in "_nNiI" for char in plain)
    try:
        return number(Decimal(plain)) if is_plain else None
    except ArithmeticError:
        return None


@_builtin("string length(string: string)")
def _length(text: str) -> Value:
    return Decimal(len(text))


@_builtin("substring(string: string, start position: number, length?: number)")
def _substring(text: str, start: Decimal, length: Decimal | None = None) -> Value:
    first = int(start)
    if not 1 <= abs(first) <= len(text) or (length is not None and length < 1):
        return None
    begin = first - 1 if first > 0 else len(text) + first
    return text[begin:] if length is None else text[begin : begin + int(length)]


@_builtin("upper case(string: string)")
def _upper(text: str) -> Value:
    return text.upper()


@_builtin("lower case(string: string)")
def _lower(text: str) -> Value:
    return text.lower()


@_builtin("substring before(string: string, match: string)")
def _before(text: str, match: str) -> Value:
    before, found, _ = text.partition(match) if match else ("", "", "")
    return before if found else ""


@_builtin("substring after(string: string, match: string)")
def _after(text: str, match: str) -> Value:
    return text.partition(match)[2] if match else text


@_builtin("contains(string: string, match: string)")
def _contains(text: str, match: str) -> Value:
    return match in text


@_builtin("starts with(string: string, match: string)")
def _starts(text: str, match: str) -> Value:
    return text.startswith(match)


@_builtin("ends with(string: string, match: string)")
def _ends(text: str, match: str) -> Value:
    return text.endswith(match)


@_builtin("matches(input: string, pattern: string, flags?: any)", takes_scope=True)
def _matches(scope: Scope, text: str, pattern: str, flags: Value = None) -> Value:
    return patterns.matches(text, pattern, flags, scope.budget)


@_builtin("replace(input: string, pattern: string, replacement: string, flags?: any)", takes_scope=True)
def _replace(scope: Scope, text: str, pattern: str, replacement: str, flags: Value = None) -> Value:
    return patterns.replace(text, pattern, replacement, flags, scope.budget)


@_builtin("split(string: string, delimiter: string)", takes_scope=True)
def _split(scope: Scope, text: str, delimiter: str) -> Value:
    return patterns.split(text, delimiter, scope.budget)


@_builtin("string join(list: list, delimiter?: any)")
def _join(items: list[Value], delimiter: Value = None) -> Value:
    texts = [item for item in items if item is not None]
    if not all(isinstance(item, str) for item in texts) or not isinstance(delimiter, str | None):
        return None
    return (delimiter or "").join(texts)


@_builtin("get value(m: context, key: string)")
def _value(context: dict[str, Value], key: str) -> Value:
    return context.get(key)


@_builtin("get value(m: context, keys: list)")
def _value_of_path(context: dict[str, Value], keys: list[Value]) -> Value:
    value: Value = context if keys else None
    for key in keys:
        value = value.get(key) if isinstance(value, dict) and isinstance(key, str) else None
    return value


@_builtin("get entries(m: context)")
def _entries(context: dict[str, Value]) -> Value:
    return [{"key": key, "value": value} for key, value in context.items()]


@_builtin("context(entries: list)")
def _context(entries: list[Value]) -> Value:
    made: dict[str, Value] = {}
    for entry in entries:
        is_entry = isinstance(entry, dict) and "value" in entry and isinstance(entry.get("key"), str)
        if not is_entry or entry["key"] in made:
            return None
        made[entry["key"]] = entry["value"]
    return made


@_builtin("context put(context: context, key: string, value: any)")
def _put(context: dict[str, Value], key: str, value: Value) -> Value:
    return {**context, key: value}


@_builtin("context put(context: context, keys: list, value: any)")
def _put_at(context: Any, keys: list[Value], value: Value) -> Value:
    if not keys or not all(isinstance(key, str) for key in keys) or not isinstance(context, dict):
        return None
    inner = value if len(keys) == 1 else _put_at(context.get(keys[0]), keys[1:], value)
    return None if len(keys) > 1 and inner is None else {**context, keys[0]: inner}


@_builtin("context merge(contexts: list)")
def _merge(contexts: list[Value]) -> Value:
    if not all(isinstance(each, dict) for each in contexts):
        return None
    return {key: value for each in contexts for key, value in each.items()}
