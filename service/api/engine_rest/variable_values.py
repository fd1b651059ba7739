"""Variables as Camunda's VariableValueDto, ``{name: {type, value, valueInfo}}``,
from and to the plain data of cases.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import orjson

from service.api.engine_rest.parameters import read_instant
from service.errors import N_, InvalidInput, Message
from service.models.db.clock import CHINA
from service.validation.typed_text import as_decimal

INTEGER_MAX = 2**31 - 1
SAFE_MAX = 2**53 - 1  # case data keeps whole numbers that every JSON reader keeps


def write_variables(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Write case data as typed variables; lists and objects go out as ``Json`` text."""
    return {
        name: {"type": (typed := _typed(value))[0], "value": typed[1], "valueInfo": {}} for name, value in data.items()
    }


def read_variables(given: Any) -> dict[str, Any]:
    """Read typed variables as plain values: a ``Double`` as decimal text, a ``Date`` as China's civil date (ISO).

    Types may be missing or in any case of letters, as real clients send them. Raises InvalidInput with the fields.
    """
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise InvalidInput({"variables": Message(N_("variables 须为对象。"))})
    values, faults = {}, {}
    for name, variable in given.items():
        kind = variable.get("type") if isinstance(variable, dict) else None
        if not isinstance(variable, dict) or not (kind is None or isinstance(kind, str)):
            faults[name] = Message(N_('变量须写作 {"value": …, "type": …}。'))
            continue
        try:
            values[name] = _plain(name, kind, variable.get("value"))
        except (ValueError, ArithmeticError, InvalidInput):
            faults[name] = Message(N_("值与类型 %(type)s 不符。"), type=kind or "")
    if faults:
        raise InvalidInput(faults)
    return values


def _plain(name: str, kind: str | None, value: Any) -> Any:
    if value is None:
        return None
    reader = READERS.get((kind or _guessed(value)).lower())
    if reader is None:
        raise ValueError(kind)
    return reader(name, value)


def _guessed(value: Any) -> str:
    kinds: dict[type, str] = {bool: "boolean", int: "long", float: "double", str: "string"}
    return kinds.get(type(value), "json")


def _boolean(_name: str, value: Any) -> bool:
    if isinstance(value, bool) or str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    raise ValueError(value)


def _whole(_name: str, value: Any) -> int:
    number = _finite(value)
    if number != number.to_integral_value():
        raise ValueError(value)
    return int(number)


def _finite(value: Any) -> Decimal:
    number = None if isinstance(value, bool) else as_decimal(str(value))
    if number is None or abs(number) > SAFE_MAX:
        raise ValueError(value)
    return number


def _decimal(_name: str, value: Any) -> int | str:
    number = _finite(value)
    return int(number) if number == number.to_integral_value() else format(number.normalize(), "f")


def _text(_name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _date(name: str, value: Any) -> str:
    return read_instant(name, value).astimezone(CHINA).date().isoformat()


def _json(_name: str, value: Any) -> Any:
    content = orjson.loads(value) if isinstance(value, str) else value
    if _has_fraction(content):
        raise ValueError(value)
    return content


def _has_fraction(content: Any) -> bool:
    if isinstance(content, dict):
        return any(map(_has_fraction, content.values()))
    return any(map(_has_fraction, content)) if isinstance(content, list) else isinstance(content, float)


READERS: Mapping[str, Callable[[str, Any], Any]] = {
    "string": _text,
    "boolean": _boolean,
    "integer": _whole,
    "long": _whole,
    "short": _whole,
    "double": _decimal,
    "date": _date,
    "json": _json,
    "object": _json,
    "null": lambda _name, _value: None,
}


def _typed(value: Any) -> tuple[str, Any]:
    match value:
        case None:
            return "Null", None
        case bool():
            return "Boolean", value
        case int():
            return ("Integer" if abs(value) <= INTEGER_MAX else "Long"), value
        case str():
            return "String", value
    return "Json", orjson.dumps(value).decode()
