"""The map of a process: how many cases took which way through it, from the ways that their journals record."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

_LINE = re.compile(r'"([+-])([^"]*)"')


@dataclass(frozen=True, slots=True)
class Variant:
    """A sequence of elements that cases completed. example: one of them."""

    elements: tuple[str, ...]
    cases: int
    example: str


@dataclass(slots=True)
class ProcessMap:
    """Counts of completions by element, of cases that completed it, also more than once; and all variants."""

    cases: int = 0
    passes: Counter[str] = field(default_factory=Counter)
    cases_at: Counter[str] = field(default_factory=Counter)
    rework: Counter[str] = field(default_factory=Counter)
    variants: list[Variant] = field(default_factory=list)


def completed(way: str) -> list[str]:
    """The ids of the elements that a case completed, in order; way: the JSON lists of its rows' traces, joined."""
    return [path.split("/")[-1] for mark, path in _LINE.findall(way) if mark == "+"]


def process_map(ways: Iterable[tuple[str, int, str]], is_shown: Callable[[str], bool]) -> ProcessMap:
    """The map of a process. ways: a way, how many cases took it, one of them; is_shown: what is no gateway."""
    found = ProcessMap()
    counts, examples = Counter[tuple[str, ...]](), defaultdict[tuple[str, ...], str](str)
    for way, cases, example in ways:
        steps = Counter(completed(way))
        found.cases += cases
        for element, times in steps.items():
            found.passes[element] += times * cases
            found.cases_at[element] += cases
            found.rework[element] += cases if times > 1 else 0
        shown = tuple(element for element in completed(way) if is_shown(element))
        counts[shown] += cases
        examples[shown] = max(examples[shown], example)
    found.variants = [Variant(shown, cases, examples[shown]) for shown, cases in counts.most_common()]
    return found
