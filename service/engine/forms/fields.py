"""A form as it was read: its fields, and the faults for which the gate refuses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from service.engine.forms.conditions import Condition


@dataclass(frozen=True, slots=True)
class Option:
    """A choice: value, label, and a line that says what follows from it."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One component of a form. minimum, maximum in the unit people type; decimals: digits after the point.

    default: what it starts with, of several choices a tuple, FEEL where it begins with ``=``; readonly: shown, never
    read; step: between the times that are offered, in minutes; is_outlined: of a group that has a border.
    columns: of a list, the fields of each row; rows: how many it begins with; is_fixed: and has for good.
    """

    key: str
    type: str
    label: str
    hint: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    options_key: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    decimals: int = 0
    shortest: int = 0
    longest: int = 200
    pattern: str = ""
    default: str | tuple[str, ...] = ""
    placeholder: str = ""
    prefix: str = ""
    suffix: str = ""
    subtype: str = ""
    step: int = 0
    is_outlined: bool = False
    personal: bool = False
    readonly: bool = False
    show_if: Condition | None = None
    required_if: Condition | None = None
    columns: tuple[Field, ...] = ()
    rows: int = 0
    is_fixed: bool = False

    def row(self, at: int | str) -> list[Field]:
        """The fields of a row of a list, by the names under which they are sent; a blank row needs none of them."""
        star = {True: "*", False: ""}
        return [
            replace(one, key=f"{self.key}.{at}.{one.key}", required=False, suffix=one.suffix or star[one.required])
            for one in self.columns
        ]

    def is_shown(self, values: Mapping[str, Any]) -> bool:
        """Tell whether the field takes part, given what was typed elsewhere."""
        return self.show_if is None or self.show_if.holds(values)

    @property
    def is_computed(self) -> bool:
        """Tell whether its default is FEEL."""
        return isinstance(self.default, str) and self.default.startswith("=")

    def is_required(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it must be filled."""
        return self.required or (self.required_if is not None and self.required_if.holds(values))


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in a form that is refused: at which field, in both languages, and how to mend it.

    is_fatal: the form cannot be drawn at all, whenever it was deployed.
    """

    key: str
    zh: str
    en: str
    remedy_zh: str
    remedy_en: str
    is_fatal: bool = False


@dataclass(slots=True)
class Form:
    """A form as it was read."""

    title: str = ""
    fields: list[Field] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, key: str, zh: str, en: str, remedy: tuple[str, str], *, is_fatal: bool = False) -> None:
        """Note a fault at a field."""
        self.faults.append(Fault(key, zh, en, *remedy, is_fatal))
