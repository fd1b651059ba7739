"""Loops and instances: their attributes (BPMN 2.0 tables 10.28, 10.31), and every end inside every repetition."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import pytest

from service.engine import StepError, read_definition, replay
from service.engine.bpmn import gateways
from tests.conformance.scenarios import (
    CANCEL,
    ERROR,
    ESCALATION,
    ROOT,
    SIGNAL,
    STAYS,
    TERMINATE,
    at,
    instances,
    line,
    loop,
    other,
    repeated,
    run,
    t,
    timer,
    transaction,
)
from tests.unit.engine_play import Play, play
from tests.unit.engine_shapes import shape
from tests.unit.validation_diagrams import problems, process, sub, task

TWO = "<loopCardinality>2</loopCardinality>"
REPETITIONS = {
    "once": "",
    "parallel": instances(TWO),
    "sequential": instances(TWO, 'isSequential="true"'),
    "loop": loop("loopCounter &lt; 2"),
}


@dataclass(frozen=True)
class End:
    """How an inner activity ends, where that is caught (on the inner activity B, on the outer A, nowhere), and whether
    catching it interrupts.
    """

    trigger: str
    caught: str = ""
    interrupts: bool = True


ENDS = [
    End(TERMINATE),
    *(End(ERROR, caught) for caught in ("", "A", "B")),
    *(End(ESCALATION, caught, interrupts) for caught in ("A", "B") for interrupts in (True, False)),
    End(ESCALATION),
    End(CANCEL, "B"),
]


def drawn(end: End, outer: str, inner: str, kind: str) -> tuple[str, str]:
    """A with B in it, both repeated; B traces i, waits, and ends so; k follows B, z follows A, x_t what catches."""
    body = line(t("i"), timer("w", 2), end=end.trigger)
    called = ""
    if kind == "call":
        called, b = other(body), task("B", "callActivity", 'calledElement="C"', REPETITIONS[inner])
    else:
        b = (transaction if end.trigger == CANCEL else sub)("B", body)
        b = repeated(b, REPETITIONS[inner])
    catcher = at("x", end.caught, end.trigger, "" if end.interrupts else STAYS) if end.caught else ""
    a = repeated(sub("A", line(b, t("k")) + catcher if end.caught == "B" else line(b, t("k"))), REPETITIONS[outer])
    return line(a, t("z")) + (catcher if end.caught == "A" else ""), called


def expected(end: End, outer: str, inner: str) -> list[str]:
    """Counted by hand: n runs of each in all, b of them at once; what interrupts ends those that are at once."""
    n_outer, n_inner = (1 if kind == "once" else 2 for kind in (outer, inner))
    b_outer, b_inner = (2 if kind == "parallel" else 1 for kind in (outer, inner))
    fatal = end.trigger == ERROR and not end.caught
    if fatal or (end.caught == "A" and end.interrupts):
        return ["i"] * b_outer * b_inner + (["ERROR_thrownErrorEvent"] if fatal else ["x_t"])
    if end.caught == "B" and end.interrupts:
        return ["i"] * n_outer * b_inner + ["x_t"] * n_outer + ["z"]
    runs = n_outer * n_inner
    return ["i"] * runs + ["x_t"] * (runs if end.caught else 0) + ["k"] * n_outer + ["z"]


@pytest.mark.parametrize("kind", ["sub", "call"])
@pytest.mark.parametrize(("outer", "inner"), list(product(REPETITIONS, REPETITIONS)))
@pytest.mark.parametrize("end", ENDS, ids=lambda e: f"{e.trigger[1:7]}-{e.caught or 'nowhere'}-{e.interrupts}")
def test_every_end_inside_every_repetition_two_deep(end: End, outer: str, inner: str, kind: str) -> None:
    """Issue 10.3: each ends its own scope, and what it interrupts, and nothing else."""
    if end.trigger == CANCEL and kind == "call":
        kind = "sub"  # only a transaction can be cancelled
    body, called = drawn(end, outer, inner, kind)
    assert run(body, called=called) == " ".join(sorted(expected(end, outer, inner)))


# Attributes.

BOTH = [("numberOfInstances", "nrOfInstances"), ("numberOfActiveInstances", "nrOfActiveInstances")]
BOTH += [("numberOfCompletedInstances", "nrOfCompletedInstances"), ("numberOfTerminatedInstances",)]
SEEN = "seen = seen + [[loopCounter, numberOfInstances, numberOfActiveInstances, numberOfCompletedInstances, numberOfTerminatedInstances]]"
COUNTS = {
    ("par", "body"): [[0, 3, 3, 0, 0], [1, 3, 2, 1, 0], [2, 3, 1, 2, 0]],
    ("seq", "body"): [[0, 3, 1, 0, 0], [1, 3, 1, 1, 0], [2, 3, 1, 2, 0]],
}


@pytest.mark.parametrize("by", ["3", "items:item", "${things['of']}:item", "named:item"])
@pytest.mark.parametrize("kind", ["par", "seq"])
def test_instances_know_their_attributes(kind: str, by: str) -> None:
    inner = {"p": (f"ps start\nu user %summary=str(loopCounter)\nx script {SEEN}\npe end", "ps>u>x>pe")}
    case = play(f"s start\np sub *{kind} {by}\nz user\ne end", "s>p>z>e", inner=inner)
    given = {"items": ["a", "b", "c"], "things": {"of": [7, 8, 9]}, "named": {"q": 1, "p": 2, "r": 3}}
    opened = case.start(seen=[], **given).opened
    assert [found.summary for found in opened] == ["0", "1", "2"][: len(opened)]
    for _ in range(3):
        case.complete("p/u")
    assert case.last.data["seen"] == COUNTS[kind, "body"]
    assert set(case.last.data) == {"seen", *given}
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


@pytest.mark.parametrize("names", BOTH, ids=lambda names: names[0])
@pytest.mark.parametrize("kind", ["par", "seq"])
def test_conditions_of_instances_know_both_names_of_each_attribute(kind: str, names: tuple[str, ...]) -> None:
    wanted = {"numberOfInstances": 4, "numberOfCompletedInstances": 2, "numberOfTerminatedInstances": 0}
    wanted["numberOfActiveInstances"] = 2 if kind == "par" else 0  # the one that has just ended is not active
    for name in names:
        case = play(
            f"s start\nu user *{kind} 4 until {name} == {wanted[names[0]]} and nrOfCompletedInstances == 2\nz user\ne end",
            "s>u>z>e",
        )
        case.start()
        case.complete("u")
        assert "z" not in case.open
        case.complete("u")
        assert case.open == ["z"]


def test_the_counter_of_a_loop_counts_the_turns_that_are_done() -> None:
    inner = {"p": ("ps start\nu user\nx script seen = seen + [loopCounter]\npe end", "ps>u>x>pe")}
    case = play("s start\np sub *loop loopCounter < 3\nz user\ne end", "s>p>z>e", inner=inner)
    case.start(seen=[])
    while case.open == ["p/u"]:
        case.complete("p/u")
    assert case.last.data == {"seen": [0, 1, 2]}
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []


def test_an_inner_loop_hides_the_counter_of_the_outer_and_gives_it_back() -> None:
    inner = {
        "p": ("ps start\nq sub *seq 2\nx script seen = seen + ['o' + str(loopCounter)]\npe end", "ps>q>x>pe"),
        "q": ("qs start\ny script seen = seen + ['i' + str(loopCounter)]\nqe end", "qs>y>qe"),
    }
    case = play("s start\np sub *seq 2\nz user\ne end", "s>p>z>e", inner=inner)
    assert case.start(seen=[]).data["seen"] == ["i0", "i1", "o0", "i0", "i1", "o1"]


@pytest.mark.parametrize("kind", ["par 2", "seq 2", "loop loopCounter < 2"])
def test_a_write_to_an_attribute_stays_in_its_instance(kind: str) -> None:
    inner = {
        "p": (
            "ps start\nx script loopCounter = 77\nu user\ny script seen = seen + [loopCounter]\npe end",
            "ps>x>u>y>pe",
        )
    }
    case = play(f"s start\np sub *{kind}\nz user\ne end", "s>p>z>e", inner=inner)
    case.start(seen=[], loopCounter=5)
    while "p/u" in case.open:
        case.complete("p/u")
    assert case.last.data == {"seen": [77, 77], "loopCounter": 5}


# What instances throw as they end.

DEFINED = {"signal": ('<signalEventDefinition id="ed" signalRef="sig"/>', SIGNAL)}
DEFINED["escalation"] = ('<escalationEventDefinition id="ed" escalationRef="es"/>', ESCALATION)
COMPLEX = "<complexBehaviorDefinition><condition>{}</condition><event>{}</event></complexBehaviorDefinition>"
BEHAVIORS = {
    "All": ("", "", 0),
    "One": ('oneBehaviorEventRef="ed"', "", 1),
    "None": ('noneBehaviorEventRef="ed"', "", 3),
    "Complex": ("", "numberOfCompletedInstances &gt;= 2", 2),
}


@pytest.mark.parametrize("stays", ["", STAYS], ids=["interrupts", "stays"])
@pytest.mark.parametrize("event", DEFINED)
@pytest.mark.parametrize("behavior", BEHAVIORS)
@pytest.mark.parametrize("kind", ["script", "sub", "call"])
@pytest.mark.parametrize("sequential", ["true", "false"])
def test_instances_throw_what_their_behavior_says(
    sequential: str, kind: str, behavior: str, event: str, stays: str
) -> None:
    """Table 10.29: each throws, the first, none, or as conditions say; the rest goes on."""
    attributes, condition, times = BEHAVIORS[behavior]
    beside, definition = DEFINED[event]
    inner = "<loopCardinality>3</loopCardinality>"
    inner += COMPLEX.format(condition, definition) if behavior == "Complex" else ""
    marker = instances(inner, f'behavior="{behavior}" isSequential="{sequential}" {attributes}')
    called = ""
    if kind == "script":
        a = t("a").replace("<script>", f"{marker}<script>")
    elif kind == "sub":
        a = repeated(sub("a", line(timer("w", 1), t("i").replace("trace('i')", "trace('a')"))), marker)
    else:
        a, called = task("a", "callActivity", 'calledElement="C"', marker), other(line(t("i").replace("'i'", "'a'")))
    catches = kind != "script" or event == "signal"  # nothing on the border of a task catches an escalation
    border = at("x", "a", definition, stays) if catches else ""
    traced = run(line(a, t("z")) + border, called=beside + called)
    times = times if catches else 0
    assert traced == " ".join(["a"] * 3 + ["x_t"] * times + ["z"])


@pytest.mark.parametrize(
    ("attributes", "inner"),
    [
        ('behavior="One"', ""),
        ('behavior="None"', ""),
        ('behavior="Complex"', ""),
        ('behavior="One" oneBehaviorEventRef="td"', ""),
        ('behavior="Complex"', COMPLEX.format("True", "<errorEventDefinition/>")),
    ],
)
def test_a_behavior_names_what_is_thrown(attributes: str, inner: str) -> None:
    marker = instances("<loopCardinality>3</loopCardinality>" + inner, attributes)
    body = line(t("a").replace("<script>", f"{marker}<script>"))
    assert problems(process(body, ROOT + '<terminateEventDefinition id="td"/>'), functions=("trace",))


# Whatever fails unforeseen.


@pytest.mark.parametrize("of_step", ["_run_hook", "_update_hook"])
def test_what_is_not_foreseen_is_a_failed_step_with_its_element(monkeypatch: pytest.MonkeyPatch, of_step: str) -> None:
    def broken(*_: object) -> bool:
        raise AttributeError("'NoneType' object has no attribute 'workflow'")

    diagram = shape("case", "s start\na user\ng xor\ne end", "s>a>g>e")
    case = Play(read_definition(diagram.files, validate=False))
    case.start()
    reference = replay.ReferenceRun(case.definition)
    reference.step(replay.input_of(case.rows[0]), replay.recorded_handler(case.rows[0]), b"salt")
    monkeypatch.setattr(gateways.ExclusiveGateway, of_step, broken)
    with pytest.raises(StepError, match="AttributeError") as failed:
        case.complete("a")
    assert failed.value.element == ("g" if of_step == "_run_hook" else "a")
    with pytest.raises(StepError, match="AttributeError"):
        reference.step(replay.Input("complete", 1, case.at, token="0.0"), case.serve, b"salt")
