"""Complex gateways (BPMN 2.0 §13.4.5): as a join of some, with its reset, and as a split."""

from __future__ import annotations

from itertools import permutations

import pytest

from tests.conformance.scenarios import graph, run, t, timer
from tests.unit.validation_diagrams import chain, problems, process, said, script, task

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'
COUNTED = script("z", "trace('z ' + str(n))")


def complex_gateway(name: str, activation: str = "", default: str = "") -> str:
    attributes = f' default="{default}"' if default else ""
    inner = f"<activationCondition>{activation}</activationCondition>" if activation else ""
    return f'<complexGateway id="{name}"{attributes}>{inner}</complexGateway>'


def of_several(waits: tuple[int, ...], wanted: int, *parts: object, split: str = "parallel") -> str:
    """Branches that wait so long and count ``n``, joined when so many have come."""
    join = complex_gateway("j", f"activationCount &gt;= {wanted}")
    body: list[object] = [S, E, f'<{split}Gateway id="g"/>', join]
    for place, seconds in enumerate(waits):
        body += [timer(f"w{place}", seconds), script(f"c{place}", "n = n + 1")]
        into = f"g>w{place}"
        body += [into if split == "parallel" else (into, f"{place} in taken"), f"w{place}>c{place}", f"c{place}>j"]
    return graph(*body, *parts)  # type: ignore[arg-type]


ORDERS = [waits for many in (2, 3, 4) for waits in list(permutations(range(1, many + 1)))[:6]]


@pytest.mark.parametrize(("waits", "wanted"), [(waits, n + 1) for waits in ORDERS for n in range(len(waits))])
def test_a_join_of_some_goes_on_once_with_the_one_that_is_enough(waits: tuple[int, ...], wanted: int) -> None:
    assert run(of_several(waits, wanted, COUNTED, "s>g", "j>z", "z>e"), {"n": 0}) == f"z {wanted}"


@pytest.mark.parametrize(("waits", "wanted"), [((1, 2), 1), ((2, 1, 3), 1), ((1, 3, 2), 2), ((3, 1, 2), 3)])
def test_a_join_is_reset_and_joins_again(waits: tuple[int, ...], wanted: int) -> None:
    back = [
        COUNTED,
        timer("pause", 5),
        '<exclusiveGateway id="x" default="x_e"/>',
        '<exclusiveGateway id="m"/>',
        script("r", "rounds = rounds + 1"),
    ]
    flows = ["s>m", "m>g", "j>z", "z>pause", "pause>r", "r>x", ("x>m", "rounds &lt; 2"), "x>e"]
    many = len(waits)
    traced = run(of_several(waits, wanted, *back, *flows), {"n": 0, "rounds": 0})
    assert traced == " ".join(sorted([f"z {wanted}", f"z {many + wanted}"]))


@pytest.mark.parametrize(("waits", "wanted"), [((1, 2), 1), ((2, 1, 3), 1), ((1, 3, 2), 2), ((3, 1, 2), 3)])
def test_a_flow_that_asks_for_the_phase_gets_its_token_upon_reset(waits: tuple[int, ...], wanted: int) -> None:
    parts = [COUNTED, script("r", "trace('r ' + str(n))"), "s>g", "j>z", ("j>r", "not waitingForStart"), "z>e", "r>e"]
    assert run(of_several(waits, wanted, *parts), {"n": 0}) == f"r {len(waits)} z {wanted}"


@pytest.mark.parametrize("taken", [[0], [1], [0, 1], [0, 2], [1, 2], [0, 1, 2]])
def test_a_reset_does_not_wait_for_what_cannot_come(taken: list[int]) -> None:
    parts = [script("z", "trace('z')"), script("r", "trace('r ' + str(n))")]
    flows = ["s>g", "j>z", ("j>r", "not waitingForStart"), "z>e", "r>e"]
    traced = run(of_several((1, 2, 3), 1, *parts, *flows, split="inclusive"), {"n": 0, "taken": taken})
    assert traced == f"r {len(taken)} z"


@pytest.mark.parametrize(
    ("held", "traced"), [("", "d"), ("a", "a"), ("b", "b"), ("ab", "a b"), ("u", "d"), ("aub", "a b")]
)
def test_a_split_takes_each_flow_whose_condition_holds_else_the_default(held: str, traced: str) -> None:
    split = complex_gateway("g", default="g_d")
    body = graph(
        S,
        E,
        split,
        t("a"),
        t("b"),
        t("d"),
        "s>g",
        ("g>a", "'a' in held"),
        ("g>b", "'b' in held"),
        "g>d",
        "a>e",
        "b>e",
        "d>e",
    )
    assert run(body, {"held": held}) == traced


def test_a_split_without_a_way_fails() -> None:
    body = graph(S, E, complex_gateway("g"), t("a"), t("b"), "s>g", ("g>a", "False"), ("g>b", "False"), "a>e", "b>e")
    assert run(body) == "ERROR_runtime"


def test_a_join_says_when_it_is_activated() -> None:
    body = graph(
        S,
        E,
        '<parallelGateway id="g"/>',
        complex_gateway("j"),
        t("a"),
        t("b"),
        "s>g",
        "g>a",
        "g>b",
        "a>j",
        "b>j",
        "j>e",
    )
    assert "activationCount" in said(process(body))
    assert problems(process(chain(task("a", "complexGateway"))))
