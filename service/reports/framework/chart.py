"""Figures that are said faster by a picture. What a chart holds; the drawing is a template's matter."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its name, a value for each series, and the note at its end."""

    word: str
    values: tuple[int, ...]
    note: str = ""

    @property
    def sum(self) -> int:
        """The whole length."""
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in the order of reading. series: words of the parts of each bar; note: what the ends of the bars say.

    kind: ``bars`` lie, with parts beside each other; ``columns`` stand, one value each.
    """

    title: str
    bars: tuple[Bar, ...]
    series: tuple[str, ...] = ()
    note: str = ""
    kind: str = "bars"

    @property
    def longest(self) -> int:
        """The length of the longest bar, at least 1."""
        return max((bar.sum for bar in self.bars), default=0) or 1
