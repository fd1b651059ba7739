"""Conditions on other fields of a form: written as ``name == 'value'``, or as FEEL in ``conditional.hide``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, product
from math import prod
from typing import Any

Term = tuple[str, bool, str]
"""Name of the field, whether it must be equal, and the value."""

_TERM = re.compile(r"""\s*(\w+)\s*(==|!=)\s*(?:"([^"]*)"|'([^']*)')\s*""")
_FEEL_TERM = re.compile(r"""\s*(\w+)\s*(=|!=)\s*(?:"([^"]*)"|(true|false|null))\s*""")


MOST_ALTERNATIVES = 200  # of a condition: each stands in the page


class TooManyAlternatives(ValueError):
    """A condition that comes to more alternatives than a page can hold."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on other fields: any of ``any_of``, each all of its terms (name, is_equal, value).

    Written ``decision == 'reject' or decision == 'return'``; ``and`` binds closer than ``or``.
    """

    any_of: tuple[tuple[Term, ...], ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Tell whether it is true of what was typed; an absent value equals ''."""
        return any(all((as_text(values.get(n)) == v) is same for n, same, v in terms) for terms in self.any_of)

    def to_json(self) -> str:
        """For the page, which shows and hides fields by the same rule."""
        return json.dumps(self.any_of, ensure_ascii=False)

    def terms(self) -> list[Term]:
        """List every comparison."""
        return [term for terms in self.any_of for term in terms]

    def and_also(self, other: Condition | None) -> Condition:
        """Join two conditions that must both hold. Raises TooManyAlternatives."""
        return self if other is None else _all_of([self.any_of, other.any_of])

    def negated(self) -> Condition:
        """The opposite: of each alternative one term does not hold. Raises TooManyAlternatives."""
        return _all_of([[((name, not same, value),) for name, same, value in terms] for terms in self.any_of])


def _all_of(parts: Sequence[Sequence[tuple[Term, ...]]]) -> Condition:
    """Join what must hold at once: one alternative of each part."""
    if prod(map(len, parts)) > MOST_ALTERNATIVES:
        raise TooManyAlternatives
    return Condition(tuple(tuple(dict.fromkeys(chain(*one))) for one in product(*parts)))


def read_condition(text: str) -> Condition:
    """Read ``show_if`` and ``required_if``. Raises ValueError for what is no comparison with a text."""
    return _read(text, _TERM, "==")


def read_hidden(text: str) -> Condition:
    """Read the FEEL of ``conditional.hide`` as the condition under which the field shows. Raises ValueError."""
    return _read(text.strip().removeprefix("="), _FEEL_TERM, "=").negated()


def as_text(value: Any) -> str:
    """Write a value as a page sends it."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read(text: str, pattern: re.Pattern[str], equal: str) -> Condition:
    def term(part: str) -> Term:
        found = pattern.fullmatch(part)
        if not found:
            raise ValueError(part.strip())
        value = found[3] if found[3] is not None else found[4]
        return found[1], found[2] == equal, "" if value == "null" else value

    return Condition(tuple(tuple(map(term, re.split(r"\band\b", one))) for one in re.split(r"\bor\b", text)))
