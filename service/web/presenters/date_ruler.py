"""The need as a ruler: day of enrolment,
last valid day and reference date (R22–R26) laid out in their true distances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

LEFT, RIGHT = 90, 770  # of a drawing 860 wide
LABEL_GAP_PX = 150  # what a label needs


@dataclass(frozen=True, slots=True)
class Mark:
    """A date on the ruler: x where it lies, label where its words stand."""

    day: date
    x: int
    label: int


@dataclass(frozen=True, slots=True)
class Ruler:
    """``gap``: days from the last valid day to the reference date, negative when it ends later."""

    today: Mark
    valid_to: Mark
    reference: Mark
    years: tuple[tuple[int, int], ...]
    gap: int
    is_expired: bool


def lay(facts: Mapping[str, Any]) -> Ruler | None:
    """The ruler for the facts of a person; None for somebody without certificate."""
    if not facts.get("valid_to"):
        return None
    names = ("today", "valid_to", "reference_date")
    days = [date.fromisoformat(facts[name]) for name in names]
    first, last = min(days), max(days)
    width = max((last - first).days, 1)
    place = {day: LEFT + round((day - first).days * (RIGHT - LEFT) / width) for day in days}
    labels = _spread([place[day] for day in days])
    marks = [Mark(day, place[day], label) for day, label in zip(days, labels, strict=True)]
    turns = [date(year, 1, 1) for year in range(first.year + 1, last.year + 1)]
    years = tuple((day.year, LEFT + round((day - first).days * (RIGHT - LEFT) / width)) for day in turns)
    return Ruler(marks[0], marks[1], marks[2], years, gap=(days[2] - days[1]).days, is_expired=days[0] > days[1])


def _spread(places: list[int]) -> list[int]:
    """Place labels so that none covers another: pushed to the right, and back from the right edge."""
    order = sorted(range(len(places)), key=lambda i: (places[i], i))
    found = list(places)
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + LABEL_GAP_PX)
    found[order[-1]] = min(found[order[-1]], RIGHT)
    for after, before in pairwise(reversed(order)):
        found[before] = min(found[before], found[after] - LABEL_GAP_PX)
    return found
