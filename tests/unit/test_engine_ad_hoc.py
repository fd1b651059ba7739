"""Ad-hoc subprocesses (BPMN 2.0 §10.3.5, §13.3.5): both orders, how often, and what happens to the rest."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from service.engine.conformance.cases import BEGIN, Cases
from tests.conformance.scenarios import ROOT, at, graph, line, run, t, timer
from tests.unit.validation_diagrams import flow, process, said, script, sub

COUNT = "n = n + 1"
JOIN = '<inclusiveGateway id="j"/>'


def ad_hoc(body: str, condition: str, ordering: str = "Parallel", cancels: bool = True) -> str:
    attributes = f'ordering="{ordering}" cancelRemainingInstances="{"true" if cancels else "false"}"'
    inner = f"<completionCondition>{condition}</completionCondition>" if condition else ""
    return f'<adHocSubProcess id="h" {attributes}>{body}{inner}</adHocSubProcess>'


def lasting(name: str, seconds: int) -> str:
    """An activity that takes so long, then counts."""
    return sub(name, line(timer(f"{name}w", seconds), script(f"{name}c", f"{COUNT}\ntrace('{name}')")))


@pytest.mark.parametrize(
    ("ordering", "cancels", "wanted"), list(product(["Parallel", "Sequential"], [True, False], range(1, 8)))
)
def test_activities_are_done_until_it_is_enough(ordering: str, cancels: bool, wanted: int) -> None:
    """Three activities of 3, 1 and 2 seconds: at once all of a round run, in sequence one after the other."""
    body = "".join(lasting(name, seconds) for name, seconds in (("a", 3), ("b", 1), ("c", 2)))
    at_once = ["b", "c", "a"] * 3 if ordering == "Parallel" else ["a", "b", "c"] * 3
    done = wanted if cancels or ordering == "Sequential" else -(-wanted // 3) * 3
    expected = sorted([*at_once[:done], "z"])
    diagram = line(ad_hoc(body, f"n &gt;= {wanted}", ordering, cancels), t("z"))
    assert run(diagram, {"n": 0}) == " ".join(expected)


@pytest.mark.parametrize("ordering", ["Parallel", "Sequential"])
def test_flows_inside_are_followed(ordering: str) -> None:
    body = lasting("a", 1) + lasting("b", 1) + flow("a", "b") + lasting("c", 9)
    assert run(line(ad_hoc(body, "n == 2", ordering), t("z")), {"n": 0}) == "a b z"


@pytest.mark.parametrize("ordering", ["Parallel", "Sequential"])
def test_an_event_on_the_border_ends_it(ordering: str) -> None:
    body = lasting("a", 1) + lasting("b", 4)
    late = at("x", "h", "<timerEventDefinition><timeDuration>PT2S</timeDuration></timerEventDefinition>")
    assert run(line(ad_hoc(body, "n == 2", ordering), t("z")) + late, {"n": 0}) == "a x_t"


def test_it_may_be_repeated_and_hold_events_on_borders() -> None:
    late = "<timerEventDefinition><timeDuration>PT2S</timeDuration></timerEventDefinition>"
    event = f'<boundaryEvent id="y" attachedToRef="b">{late}</boundaryEvent>{lasting("d", 1)}{flow("y", "d")}'
    body = ad_hoc(lasting("a", 1) + lasting("b", 9) + event, "n % 2 == 0")
    loop = (
        "<standardLoopCharacteristics><loopCondition>loopCounter &lt; 2</loopCondition></standardLoopCharacteristics>"
    )
    body = body.replace("><subProcess", f">{loop}<subProcess", 1)
    assert run(line(body, t("z")), {"n": 0}) == "a a d d z"


@pytest.mark.parametrize(
    ("body", "condition", "reason"),
    [
        (lasting("a", 1), "", "table 10.22"),
        ("", "n == 1", "activities"),
        (f'<startEvent id="q"/>{lasting("a", 1)}{flow("q", "a")}', "n == 1", "neither start nor end"),
    ],
)
def test_what_the_standard_forbids_is_refused(body: str, condition: str, reason: str) -> None:
    assert reason in said(process(line(ad_hoc(body, condition))))


UNDO = (
    '<boundaryEvent id="k" attachedToRef="a"><compensateEventDefinition/></boundaryEvent>'
    '<scriptTask id="u" isForCompensation="true"><script>trace(\'u\')</script></scriptTask>'
    '<association id="ku" sourceRef="k" targetRef="u"/>'
)


@pytest.mark.parametrize("is_deep", [False, True])
@pytest.mark.parametrize("cancels", [False, True])
def test_what_is_cancelled_with_the_rest_is_not_undone_later(is_deep: bool, cancels: bool) -> None:
    inner = sub("d", line(script("a", COUNT)) + UNDO) if is_deep else script("a", COUNT) + UNDO
    found = said(process(line(ad_hoc(inner, "n &gt;= 1", cancels=cancels), t("z"))))
    assert ("cannot be compensated" in found) is cancels


def test_an_event_subprocess_inside_is_refused() -> None:
    listener = sub("w", line(t("v")), 'triggeredByEvent="true"')
    assert "no event subprocess inside" in said(process(line(ad_hoc(lasting("a", 1) + listener, "n == 1"))))


QUANTITIES = t("b").replace(" id", ' completionQuantity="2" id', 1) + t("q").replace(" id", ' startQuantity="2" id', 1)
INSIDE = {
    "bare exclusive": ("exclusiveGateway", t("b") + t("q"), [("g>b", "1 == 2"), "g>q", "b>q"]),
    "bare inclusive": ("inclusiveGateway", t("b") + t("q"), [("g>b", "1 == 2"), "g>q"]),
    "several bare": ("inclusiveGateway", t("b") + t("c") + JOIN + t("q"), ["g>b", "g>c", "b>j", "c>j", "j>q"]),
    "split": ("task", t("b") + t("c") + JOIN + t("q"), ["g>b", "g>c", "b>j", "c>j", "j>q"]),
    "split by condition": ("task", t("b") + t("q"), [("g>b", "1 == 2"), ("g>q", "1 == 1")]),
    "quantities": ("task", QUANTITIES, ["g>b", "b>q"]),
}


@pytest.mark.parametrize("inside", INSIDE)
def test_what_a_diagram_may_leave_out_is_drawn_in_here_too(inside: str) -> None:
    """The same activities run as in a subprocess whose start and end are left out."""
    kind, nodes, flows = INSIDE[inside]
    body = t("a") + f'<{kind} id="g"/>' + nodes + graph("a>g", *flows)
    body = body.replace("trace('q')", "trace('q')\nn = 1")
    assert run(line(ad_hoc(body, "n == 1"), t("z")), {"n": 0}) == run(line(sub("h", body), t("z")), {"n": 0})


@pytest.mark.parametrize("when", ["asyncBefore", "asyncAfter"])
@pytest.mark.parametrize("ordering", ["Parallel", "Sequential"])
@pytest.mark.parametrize("activity", [t("a"), sub("a", line(t("i"))), lasting("a", 1)])
def test_its_activities_wait_for_their_jobs(when: str, ordering: str, activity: str) -> None:
    body = line(ad_hoc(activity + t("b") + flow("a", "c") + t("c"), "n &lt; 2", ordering, cancels=False), t("z"))
    waiting = body.replace(' id="a"', f' camunda:{when}="true" id="a"', 1)
    cases = Cases({"m.bpmn": process(waiting, ROOT)})
    cases.start("P", {"n": 0})
    cases.settle(BEGIN + timedelta(seconds=9))
    (case,) = cases.running
    assert [row["element"] for row in case.rows if row["kind"] == "job"] == ["h/a"]
    assert run(waiting, {"n": 0}) == run(body, {"n": 0})
