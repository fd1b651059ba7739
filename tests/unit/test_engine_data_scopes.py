"""Variables live in scopes (BPMN 2.0 §10.4.1): whoever writes, whoever reads, wherever both stand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import orjson
import pytest

from service.engine import StepError, read_definition, replay
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import Play, play
from tests.unit.engine_shapes import shape
from tests.unit.engine_walk import Walk

Drive = Callable[[Play], Any]


def proved(case: Play) -> Play:
    """The case, after its journal has been executed again without stored states."""
    assert replay.re_execute(case.rows, lambda digest: case.definition) == []
    return case


# The four examples of the guide for process administrators.


def test_what_a_handler_beside_the_main_flow_writes_decides_its_gateway() -> None:
    case = play(
        "s start\nw user\ng xor\nu user\nh sub event\nstopped end\nwent_on end",
        "s>w>g>[stop]stopped; g>[*]u>went_on",
        inner={"h": ("hs start-timer PT2S non\nx script stop = True\nhe end", "hs>x>he")},
    )
    case.start(stop=False)
    case.fire("h")
    case.complete("w")
    assert proved(case).last.trace[-1] == "+stopped"


def test_a_reminder_counts() -> None:
    case = play(
        "s start\na user\nt boundary-timer a R3/PT1H non\nx script reminders = reminders + 1\nb user\nd end\ne end",
        "s>a>b>e; t>x>d",
    )
    case.start(reminders=0)
    assert [case.fire("t").data["reminders"] for _ in range(2)] == [1, 2]
    assert case.complete("a").data == {"reminders": 2}
    proved(case)


def test_two_branches_that_each_raise_a_number_raise_it_twice() -> None:
    case = play(
        "s start\nf and\na user\nx script n = n + 1\nb user\ny script n = n + 1\nj and\ne end",
        "s>f>a>x>j; f>b>y>j; j>e",
    )
    case.start(n=0)
    case.complete("a")
    case.complete("b")
    assert proved(case).last.data == {"n": 2}


@pytest.mark.parametrize("kind", ["par", "seq"])
def test_three_instances_that_each_raise_a_number_raise_it_three_times(kind: str) -> None:
    case = play(
        f"s start\np sub *{kind} 3\ne end",
        "s>p>e",
        inner={"p": ("ps start\nu user\nx script n = n + 1\npe end", "ps>u>x>pe")},
    )
    case.start(n=0)
    for _ in range(3):
        case.complete("p/u")
    assert proved(case).last.data == {"n": 3}


# Every place that can write × every place that can read.


class Place:
    """A part of a diagram that waits for an input and then runs a script; its activity is called ``p``."""

    def __init__(
        self, drive: Drive, nodes: str, flows: str = "", inner: dict[str, Any] | None = None, called: Any = None
    ) -> None:
        self.drive, self.nodes, self.flows, self.inner, self.called = drive, nodes, flows, inner or {}, called or {}


def completes(p: str) -> Drive:
    return lambda case: case.complete(next(path for path in case.open if path.endswith(f"{p}u")))


def fires(p: str) -> Drive:
    return lambda case: case.fire(next(job.element for job in case.jobs.values() if job.element.endswith(f"{p}h")))


def inside(p: str, script: str) -> tuple[str, str]:
    return f"{p}s start\n{p}u user\n{p}x script {script}\n{p}e end", f"{p}s>{p}u>{p}x>{p}e"


def repeated(mark: str) -> Callable[[str, str], Place]:
    return lambda p, script: Place(completes(p), f"{p} sub {mark}", inner={p: inside(p, script)})


def in_nested(p: str, script: str) -> Place:
    outer = f"{p}os start\n{p}o sub\n{p}oe end", f"{p}os>{p}o>{p}oe"
    return Place(completes(p), f"{p} sub", inner={p: outer, f"{p}o": inside(p, script)})


def in_call(p: str, script: str) -> Place:
    return Place(completes(p), f"{p} call {p}_called", called={f"{p}_called": inside(p, script)})


def beside(where: str, trigger: str, manner: str) -> Callable[[str, str], Place]:
    """A handler of an event: on the border of an activity, or listening inside it."""
    throws = {"escalation": "throw", "error": "end"}.get(trigger)

    def made(p: str, script: str) -> Place:
        name = "PT1H" if trigger == "timer" else f"{p}event"
        drive: Drive = {
            "timer": fires(p),
            "message": lambda case: case.message(name),
            "signal": lambda case: case.put("signal", element=name),
        }.get(trigger, completes(p))
        thrown = f"{p}t {throws}-{trigger} {name}" if throws else f"{p}t task"
        after = f"{p}s>{p}u>{p}t" + (f">{p}e" if throws != "end" else "")
        body = f"{p}s start\n{p}u user\n{thrown}" + ("" if throws == "end" else f"\n{p}e end")
        if where == "boundary":
            nodes = f"{p} sub\n{p}h boundary-{trigger} {p} {name}{manner}\n{p}x script {script}\n{p}z end"
            return Place(drive, nodes, f"{p}h>{p}x>{p}z", {p: (body, after)})
        handler = f"{p}hs start-{trigger} {name}{manner}\n{p}x script {script}\n{p}he end", f"{p}hs>{p}x>{p}he"
        return Place(drive, f"{p} sub", inner={p: (f"{body}\n{p}h sub event", after), f"{p}h": handler})

    return made


PLACES: dict[str, Callable[[str, str], Place]] = {
    "task": lambda p, script: Place(completes(p), f"{p}u user\n{p}x script {script}"),
    "subprocess": repeated(""),
    "nested subprocess": in_nested,
    "parallel instance": repeated("*par 1"),
    "sequential instance": repeated("*seq 1"),
    "turn of a loop": repeated("*loop False"),
    "called process": in_call,
} | {
    f"{where} {trigger}{manner}": beside(where, trigger, manner)
    for where, trigger, manner in product(
        ("boundary", "listening"), ("timer", "message", "signal", "escalation", "error"), ("", " non")
    )
    if (trigger, manner) != ("error", " non")
}


def side_by_side(one: Place, other: Place) -> Play:
    """The writer ``w`` and the reader ``r`` in parallel branches."""
    nodes, flows = "s start\nf and\ne end", ""
    for p, place in (("w", one), ("r", other)):
        nodes += f"\n{place.nodes}"
        flows += (f"f>{p}u>{p}x>e;" if place.nodes.startswith(f"{p}u ") else f"f>{p}>e;") + f"{place.flows};"
    flows += "s>f"
    return Play(shape("case", nodes, flows, {**one.inner, **other.inner}, called={**one.called, **other.called}))


@pytest.mark.parametrize("reader", PLACES)
@pytest.mark.parametrize("writer", PLACES)
def test_what_any_place_writes_any_other_reads(writer: str, reader: str) -> None:
    one, other = PLACES[writer]("w", "n = n + 1"), PLACES[reader]("r", "found = n | n = n + 10")
    case = side_by_side(one, other)
    case.start(n=1)
    one.drive(case)
    other.drive(case)
    assert (case.last.data["found"], case.last.data["n"]) == (2, 12)
    proved(case)


# What is local stays local.


@pytest.mark.parametrize(
    "node",
    [
        "a user <x=${7} <k=${x + 1}",
        "a script <x=${7} :: found = x | x = 99",
        "a service t <x=${7}",
        "a call inner <x=${7}",
        "a script <x=${7} >found=${x} :: x = 99 | other = 1",
    ],
)
def test_input_parameters_are_variables_of_their_activity_only(node: str) -> None:
    called = {"inner": ("is start\nix script found = x | x = 99 | more = 1\nie end", "is>ix>ie")}
    case = play(
        f"s start\n{node}\nz user\ne end", "s>a>z>e", lambda request: {"found": request.data["x"]}, called=called
    )
    case.start(x=1, kept=0)
    if case.open == ["a"]:
        case.complete("a", x=5, found=7)
    assert case.open == ["z"]
    expected = {"x": 1, "kept": 0} | ({} if "call" in node else {"found": 99 if ">found" in node else 7})
    assert proved(case).last.data == expected


def test_input_parameters_are_seen_by_the_address_of_a_task() -> None:
    case = play("s start\na user @candidateGroups=${who} <who=${role} %summary=title <title=${role}\ne end", "s>a>e")
    (task,) = case.start(role="office").opened
    assert (task.role, task.summary) == ("office", "office")
    case.put("readdress", data={"role": "ministry"})
    assert proved(case).complete("a").data == {"role": "ministry"}


@pytest.mark.parametrize("parameters", ["<y=${x}", "<y=${x} >back=${y}", ">back=${y}"])
def test_a_call_with_parameters_hands_back_what_is_mapped_and_nothing_else(parameters: str) -> None:
    """Issue 10.7 (F8)."""
    called = {"inner": ("is start\niu user\nix script y = 5 | secret = 5 | x = 7\nie end", "is>iu>ix>ie")}
    case = play(f"s start\nc call inner {parameters}\nz user\ne end", "s>c>z>e", called=called)
    case.start(x=1)
    case.complete("c/iu", typed=1)
    assert proved(case).last.data == {"x": 1} | ({"back": 5} if "back" in parameters else {})


def test_a_call_with_input_parameters_sees_only_these() -> None:
    called = {"inner": ("is start\nix script y = hidden\nie end", "is>ix>ie")}
    with pytest.raises(StepError, match="hidden"):
        play("s start\nc call inner <x=${1}\ne end", "s>c>e", called=called).start(hidden=1)
    assert play("s start\nc call inner >z=${y}\ne end", "s>c>e", called=called).start(hidden=1).data["z"] == 1


@pytest.mark.parametrize("kind", ["par", "seq"])
def test_the_item_of_an_instance_is_its_own_whoever_writes_it(kind: str) -> None:
    inner = {"p": ("ps start\nu user\nx script item = item + '!' | said = said + [item]\npe end", "ps>u>x>pe")}
    case = play(f"s start\np sub *{kind} items:item\nz user\ne end", "s>p>z>e", inner=inner)
    case.start(items=["a", "b"], said=[], item="outer")
    while "p/u" in case.open:
        case.complete("p/u")
    assert proved(case).last.data == {"items": ["a", "b"], "said": ["a!", "b!"], "item": "outer"}


def test_a_thrown_message_carries_variables_and_no_attributes_of_loops() -> None:
    inner = {"p": ("ps start\nt throw-message told\npe end", "ps>t>pe")}
    case = play("s start\np sub *par items:item\ne end", "s>p>e", inner=inner)
    assert [sent.data for sent in case.start(items=["a"]).sent] == [{"items": ["a"], "item": "a"}]


# What is stored.


@pytest.mark.parametrize("drawn", SHAPES, ids=lambda drawn: drawn.name)
def test_tokens_carry_no_data_of_the_process(drawn: Any) -> None:
    """A stored token has variables only where an instance or a parameter makes them."""
    definition = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(6):
        walk = Walk(definition, seed, drawn.data)
        walk.reference = None
        walk.put("start", data=walk.all_fields())
        while not walk.ended and walk.seq < 25:
            _, _, _, rows, waiting = orjson.loads(walk.state)
            for _, _, name, kind, host, _, own in rows:
                of_instance = host is not None and kind != "wait"
                has_parameters = bool(definition.attributes[name.removesuffix(" [child]")].inputs)
                assert len(own or []) <= of_instance + has_parameters, name
            assert all(len(arrival) == 3 for arrival in waiting)
            try:
                if not walk.move():
                    break
            except Exception:
                break
