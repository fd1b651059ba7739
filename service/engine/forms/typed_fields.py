"""The field that reads what is typed into a component: the gate holds choices and first values against the same."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError

from service.engine.feel.pattern_reader import InvalidPattern, read_pattern
from service.engine.feel.patterns import matches
from service.engine.feel.values import Budget, FeelError
from service.engine.forms.fields import Field
from service.validation.fields import EARLIEST, LATEST, Boolean, Choice, Code, Date, List, Number, Text, invalid
from service.validation.messages import NOT_A_TIME, WRONG_FORM
from service.validation.typed_text import as_instant

STEPS_OF_A_PATTERN = 10_000
"""The work that one match may do; a text that needs more does not match."""


def typed_field(field: Field) -> Any:
    """Build the marshmallow field of a component."""
    match field.type:
        case "number":
            return Number(minimum=field.minimum, maximum=field.maximum, decimals=field.decimals)
        case "checkbox":
            return Boolean()
        case "select" | "radio":
            return _choice(field)
        case "checklist":
            return List(_choice(field))
        case "datetime":
            return Date(earliest=EARLIEST, latest=LATEST) if field.subtype == "date" else ClockText(field.subtype)
        case _:
            return PatternText(field)


def is_accepted(field: Field, value: str) -> bool:
    """Tell whether a value could be typed into a field; of several choices, chosen alone."""
    try:
        typed_field(field).parse([value] if field.type == "checklist" else value)
    except ValidationError:
        return False
    return True


def pattern_problem(text: str) -> tuple[str, str] | None:
    """The reason, in both languages, why a pattern cannot be used; None where it can."""
    try:
        read_pattern(text, frozenset())
    except InvalidPattern:
        return "写法不对，或用了 FEEL 没有的写法", "it is not well-formed, or uses what FEEL does not have"
    except FeelError as error:
        return str(error), "it is too long or too deep"
    return None


class PatternText(Text):
    """A text that matches the pattern of its field, found in time that grows as pattern times text."""

    def __init__(self, field: Field) -> None:
        super().__init__(max_length=field.longest, min_length=field.shortest, multiline=field.type == "textarea")
        self.pattern_of_field, self.hint = field.pattern, field.hint

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        if self.pattern_of_field and not self._matches(text):
            raise invalid(WRONG_FORM, hint=self.hint)
        return text

    def _matches(self, text: str) -> bool:
        try:
            return matches(text, f"^(?:{self.pattern_of_field})$", None, Budget(STEPS_OF_A_PATTERN)) is True
        except FeelError:
            return False


class ClockText(Text):
    """A time, or a civil date with one, as the browser writes it: ``18:00``, ``2026-03-02T18:00``."""

    def __init__(self, subtype: str) -> None:
        super().__init__(max_length=19)
        self.subtype = subtype

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = super()._deserialize(value, attr, data, **options)
        is_time = self.subtype == "time"
        found = as_instant(f"2000-01-01T{text}" if is_time else text)
        if found is None or found.tzinfo or (not is_time and "T" not in text):
            raise invalid(NOT_A_TIME)
        return found.strftime("%H:%M" if is_time else "%Y-%m-%dT%H:%M")


def _choice(field: Field) -> Choice | Code:
    return Code() if field.options_key else Choice("", [o.value for o in field.options])
