"""What a part of a process does, it does wherever it stands: inside whatever, behind whatever, repeated once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.parts import PARTS, apart, exit_of
from tests.conformance.scenarios import STAYS, after, around, graph, line, loop, other, run, t, timer
from tests.unit.validation_diagrams import sub, task


def holder(part: str, attributes: str = "", head: str = "") -> str:
    """A subprocess W that holds this part and nothing else."""
    drawn, notes = apart(PARTS[part]("f"))
    body = f'<startEvent id="s"/>{drawn}<endEvent id="e"/>' + graph("s>f", f"{exit_of(drawn, 'f')}>e")
    inner = sub("W", body, attributes).removesuffix("</subProcess>") + notes + "</subProcess>"
    first, _, rest = inner.partition(">")
    return f"{first}>{head}{rest}"


def handler(part: str) -> str:
    """An event subprocess W that holds it and begins after a second."""
    start = f'<startEvent id="W.s" isInterrupting="true">{after(1)}</startEvent>'
    return holder(part, attributes='triggeredByEvent="true"').replace('<startEvent id="W.s"/>', start)


def beside(part: str) -> str:
    """Between an inclusive split and its join, beside a wait."""
    ways = [(f"g9>{way}", "1 == 1") for way in ("W", "y9")]
    gateways = '<inclusiveGateway id="g9"/><inclusiveGateway id="j9"/>'
    nodes = f'<startEvent id="s9"/>{gateways}{holder(part)}{timer("y9", 3)}{t("z")}<endEvent id="e9"/>'
    return nodes + graph("s9>g9", *ways, "W>j9", "y9>j9", "j9>z", "z>e9")


def behind_a_border(part: str) -> str:
    """Behind the border of a subprocess that takes two seconds."""
    event = f'<boundaryEvent id="b9" attachedToRef="T" {STAYS}>{after(1)}</boundaryEvent>'
    nodes = f'<startEvent id="s9"/>{sub("T", line(timer("Tw", 2)))}{event}{holder(part)}{t("z")}<endEvent id="e9"/>'
    return nodes + graph("s9>T", "T>e9", "b9>W", "W>z", "z>e9")


def ad_hoc(part: str) -> str:
    manner = 'ordering="Sequential" cancelRemainingInstances="false"'
    return f'<adHocSubProcess id="H" {manner}>{holder(part)}<completionCondition>1 == 1</completionCondition></adHocSubProcess>'


PLACES: dict[str, Callable[[str], str]] = {
    "ad hoc": lambda part: line(ad_hoc(part), t("z")),
    "loop": lambda part: line(holder(part, head=loop("loopCounter &lt; 1", 'testBefore="true"')), t("z")),
    "handler": lambda part: line(around("A", line(timer("Aw", 99)), handler(part)), t("z")),
    "border beside": behind_a_border,
    "inclusive": beside,
    "quantity": lambda part: line(
        task("q", attributes='completionQuantity="2"'), holder(part, attributes='startQuantity="2"'), t("z")
    ),
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_does_the_same_wherever_it_stands(part: str) -> None:
    data, called = {"vf": False}, other(line(t("ci")))
    expected = run(line(holder(part), t("z")), data, called)
    assert expected.endswith("z")
    found = {place: run(draw(part), data, called) for place, draw in PLACES.items()}
    assert {place: traced for place, traced in found.items() if traced != expected} == {}
