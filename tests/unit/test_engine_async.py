"""``asyncBefore`` and ``asyncAfter`` change when a token goes on, never where: whatever stands in front or behind."""

from __future__ import annotations

import re

import pytest

from service.engine.validation.allow_list import CAMUNDA_ATTRIBUTES
from tests.conformance.parts import PARTS, apart, exit_of
from tests.conformance.scenarios import graph, line, other, run, t


def joined(front: str, behind: str) -> str:
    """Start, the part ``f``, the part ``k``, end."""
    one, two = PARTS[front]("f"), PARTS[behind]("k")
    edges = graph("s>f", f"{exit_of(one, 'f')}>k", f"{exit_of(two, 'k')}>z", "z>e")
    drawn, notes = apart(one + two)
    return f'<startEvent id="s"/>{drawn}{t("z")}<endEvent id="e"/>{edges}{notes}'


def waits(body: str) -> list[tuple[str, str]]:
    """Each wait that each element of a diagram may have."""
    found = re.findall(r'<(\w+) id="([\w.]+)"', body)
    may = {tag: CAMUNDA_ATTRIBUTES.get(tag, frozenset()) & {"asyncBefore", "asyncAfter"} for tag, _ in found}
    return [(name, when) for tag, name in found for when in sorted(may[tag])]


def tokens(body: str, *waiting: tuple[str, str]) -> str:
    """What a diagram traces with these waits in it."""
    for name, when in waiting:
        body = body.replace(f' id="{name}"', f' camunda:{when}="true" id="{name}"', 1)
    return run(body, {"vf": False, "vk": False}, other(line(t("ci"))))


@pytest.mark.parametrize(
    ("front", "behind"), [*((one, "script") for one in PARTS), *(("interrupted", one) for one in PARTS)]
)
def test_waits_change_nothing(front: str, behind: str) -> None:
    body = joined(front, behind)
    expected, places = tokens(body), waits(body)
    assert "z" in expected.split()
    alone = [(place,) for place in places if place == ("k", "asyncBefore")]
    found = {waiting: tokens(body, *waiting) for waiting in (tuple(places), *alone)}
    assert {waiting: traced for waiting, traced in found.items() if traced != expected} == {}
