"""Waiting for more tokens than can come: warned of exactly where no case ever goes on."""

from __future__ import annotations

from itertools import product

import pytest

from tests.conformance.scenarios import ROOT, STAYS, after, at, catch, graph, run, t, throw, timer, wait
from tests.unit.validation_diagrams import process, sub, task, warned

ENDS = '<startEvent id="s"/><endEvent id="e"/>'


def split(kind: str, *ways: str) -> str:
    """A gateway that leads by each way to the activity that counts."""
    first = graph(*(f"g>{way}" for way in ways), *(f"{way}>a" for way in ways))
    if kind == "inclusiveGateway":
        first = graph(*((f"g>{way}", "1 == 1") for way in ways), *(f"{way}>a" for way in ways))
    nodes = "".join(timer(way, n + 1) if kind == "eventBasedGateway" else throw(way, "") for n, way in enumerate(ways))
    return f'<{kind} id="g"/>{nodes}{first}'


BEFORE = {
    "nothing": graph("s>a"),
    "parallel 2": graph("s>g") + split("parallelGateway", "b", "c"),
    "parallel 3": graph("s>g") + split("parallelGateway", "b", "c", "d"),
    "inclusive": graph("s>g") + split("inclusiveGateway", "b", "c"),
    "events": graph("s>g") + split("eventBasedGateway", "b", "c"),
    "activity": graph("s>g") + split("task", "b", "c"),
    "quantity": task("g", attributes='completionQuantity="3"') + graph("s>g", "g>a"),
    "quantity twice": task("g", attributes='completionQuantity="2"')
    + task("h", attributes='completionQuantity="2"')
    + graph("s>g", "g>h", "h>a"),
    "joined": graph("s>g") + split("parallelGateway", "b", "c").replace(">a", ">j").replace('"a"', '"j"').replace("_a", "_j")
    + '<parallelGateway id="j"/>' + graph("j>a"),
    "halved": task("g", attributes='completionQuantity="4"')
    + task("h", attributes='startQuantity="2"') + graph("s>g", "g>h", "h>a"),
    "subprocess": sub("g", f'<startEvent id="s"/>{t("i")}<endEvent id="e"/>' + graph("s>i", "i>e")) + graph("s>g", "g>a"),
    "border": wait("g", 9) + at("b", "g", after(1)).split("<scriptTask")[0] + graph("s>g", "g>a", "b>a"),
    "border that stays": wait("g", 9) + at("b", "g", after(1), STAYS).split("<scriptTask")[0] + graph("s>g", "g>a", "b>a"),
    "links": graph("s>g") + split("parallelGateway", "b", "c").replace("c>a", "").replace(
        '<intermediateThrowEvent id="c"></intermediateThrowEvent>',
        throw("c", '<linkEventDefinition name="l"/>') + catch("k", '<linkEventDefinition name="l"/>'))
    .replace('<sequenceFlow id="c_a" sourceRef="c" targetRef="a"></sequenceFlow>', graph("k>a")),
}  # fmt: skip


@pytest.mark.parametrize(("before", "wanted"), list(product(BEFORE, range(1, 6))))
def test_a_start_quantity_is_warned_of_where_it_is_never_met(before: str, wanted: int) -> None:
    counted = task("a", attributes=f'startQuantity="{wanted}"')
    body = ENDS + BEFORE[before] + counted + t("z") + graph("a>z", "z>e")
    goes_on = "z" in run(body).split()
    assert _is_told(body) is (not goes_on and before != "border that stays")


def _is_told(body: str) -> bool:
    return ("waiting_can_end", "a") in warned(process(body.replace("wait(9)", "pass").replace("trace(", "str("), ROOT))


@pytest.mark.parametrize(("comparison", "wanted"), list(product((">=", ">", "=="), range(1, 5))))
@pytest.mark.parametrize("before", ["parallel 2", "parallel 3", "events"])
def test_an_activation_count_is_warned_of_where_it_is_never_met(before: str, comparison: str, wanted: int) -> None:
    sign = comparison.replace(">", "&gt;")
    gateway = f'<complexGateway id="a"><activationCondition>activationCount {sign} {wanted}</activationCondition></complexGateway>'
    body = ENDS + BEFORE[before] + gateway + t("z") + graph("a>z", "z>e")
    assert _is_told(body) is ("z" not in run(body).split())


def test_a_loop_may_bring_any_number() -> None:
    again = '<exclusiveGateway id="m"/><parallelGateway id="g"/>' + graph("s>m", "m>g", "g>m", "g>a")
    body = ENDS + again + task("a", attributes='startQuantity="9"') + t("z") + graph("a>z", "z>e")
    assert not _is_told(body)
