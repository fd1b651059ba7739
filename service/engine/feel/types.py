"""The types of FEEL: which values conform, and the conversions the standard makes by itself (clause 10.3.2.9.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.engine.feel.temporal import (
    Date,
    DateTime,
    DaysDuration,
    Time,
    YearsDuration,
    Zone,
)
from service.engine.feel.values import KINDS, Function, Range, Value, kind

NAMES = {
    "number": "number",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "time": "time",
    "date and time": "date and time",
    "dateTime": "date and time",
    "days and time duration": "days and time duration",
    "day time duration": "days and time duration",
    "dayTimeDuration": "days and time duration",
    "years and months duration": "years and months duration",
    "year month duration": "years and months duration",
    "yearMonthDuration": "years and months duration",
    "Any": "Any",
    "Null": "null",
    "list": "list",
    "context": "context",
    "range": "range",
    "function": "function",
}
TEMPORAL = frozenset(
    ["date", "time", "date and time", "days and time duration", "years and months duration", "duration"]
)


@dataclass(slots=True)
class Type:
    """A type by its name; ``of`` is the type of items, of ends, or of a function's result."""

    name: str
    of: Type | None = None
    fields: Mapping[str, Type] = field(default_factory=dict)
    parameters: tuple[Type, ...] | None = None
    allows: Callable[[Value], bool] | None = None

    def fits(self, value: Value) -> bool:
        """The value is of this type; null is of every type."""
        if value is None:
            return True
        return _FITS.get(self.name, _simple)(self, value) and (self.allows is None or self.allows(value))

    def has(self, value: Value) -> bool:
        """``instance of``: as ``fits``, but null is an instance of Null and Any alone."""
        return self.name in ("null", "Any") if value is None else self.fits(value)

    def converted(self, value: Value) -> Value:
        """The value as this type: a list of one for its item and back, a date as its midnight in UTC; else null."""
        if self.fits(value):
            return value
        if self.name == "list" and not isinstance(value, list):
            item = self.of.converted(value) if self.of else value
            return None if item is None else self._allowed([item])
        if self.name == "list" and self.of is not None and isinstance(value, list):
            items = [self.of.converted(item) for item in value]
            lost = any(new is None and old is not None for new, old in zip(items, value, strict=True))
            return None if lost else self._allowed(items)
        if isinstance(value, list) and len(value) == 1 and self.name != "list":
            return self.converted(value[0])
        if self.name == "date and time" and isinstance(value, Date):
            return self._allowed(DateTime(value, Time(0, Zone(0))))
        return None

    def _allowed(self, value: Value) -> Value:
        return value if self.fits(value) else None

    def __str__(self) -> str:
        return f"{self.name}<{self.of}>" if self.of else self.name


ANY = Type("Any")


def _simple(type_: Type, value: Value) -> bool:
    return kind(value) == type_.name


def _fits_list(type_: Type, value: Value) -> bool:
    return isinstance(value, list) and (type_.of is None or all(map(type_.of.fits, value)))


def _fits_context(type_: Type, value: Value) -> bool:
    if not isinstance(value, dict):
        return False
    return all(name in value and each.fits(value[name]) for name, each in type_.fields.items())


def _fits_range(type_: Type, value: Value) -> bool:
    if not isinstance(value, Range):
        return False
    ends = [end for end in (value.start, value.end) if end is not None]
    return type_.of is None or all(map(type_.of.fits, ends))


def _fits_function(type_: Type, value: Value) -> bool:
    if not isinstance(value, Function):
        return False
    wanted = type_.parameters
    if wanted is None:
        return True
    given = value.types or (None,) * len(value.parameters)
    return len(given) == len(wanted) and all(map(is_within, wanted, given)) and is_within(value.gives, type_.of)


def is_within(one: Type | None, other: Type | None) -> bool:
    """Every value of one type is a value of the other; an unknown type is any."""
    if other is None or other.name == "Any":
        return True
    if one is None or one.name == "Any":
        return False
    if one.name == "null":
        return True
    if one.name != other.name:
        return False
    if one.name in ("list", "range"):
        return is_within(one.of, other.of)
    if one.name == "function" and one.parameters is not None and other.parameters is not None:
        return (
            len(one.parameters) == len(other.parameters)
            and all(map(is_within, other.parameters, one.parameters))
            and is_within(one.of, other.of)
        )
    return all(name in one.fields and is_within(one.fields[name], each) for name, each in other.fields.items())


_FITS: dict[str, Callable[[Type, Any], bool]] = {
    "Any": lambda type_, value: True,
    "null": lambda type_, value: value is None,
    "list": _fits_list,
    "context": _fits_context,
    "range": _fits_range,
    "function": _fits_function,
    "duration": lambda type_, value: isinstance(value, DaysDuration | YearsDuration),
    "moment": lambda type_, value: isinstance(value, Date | DateTime),
    "scalar": lambda type_, value: type(value) in KINDS and not isinstance(value, list | dict | Range | bool),
}
