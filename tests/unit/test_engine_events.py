"""Events that wait (BPMN 2.0 §10.5): conditions, one or all of several, links, signals that start."""

from __future__ import annotations

from itertools import permutations

import pytest

from service.engine import Input, StaleToken, read_definition, step
from service.engine.conformance.cases import BEGIN, Cases
from service.engine.conformance.wait_rewriter import with_timers
from tests.conformance.scenarios import (
    ERROR,
    ESCALATION,
    MESSAGE,
    ROOT,
    SIGNAL,
    STAYS,
    after,
    around,
    at,
    both,
    catch,
    graph,
    line,
    listening,
    other,
    run,
    t,
    throw,
    timer,
    user,
    wait,
)
from tests.unit.engine_play import play
from tests.unit.validation_diagrams import process, script, sub

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'


def when(condition: str) -> str:
    """A condition's definition."""
    return f"<conditionalEventDefinition><condition>{condition}</condition></conditionalEventDefinition>"


def waiting(place: str, definition: str, parallel: bool = False) -> str:
    """A branch in which something waits for an event at this place; behind it x_t traces and sets ``came``."""
    x = script("x_t", "came = True\ntrace('x')")
    mark, stays = 'id="x"', place.endswith("stays")
    if place == "catch":
        body = line(catch("x", definition), x)
    elif place.startswith("event subprocess"):
        mark = 'id="x.s"'
        body = line(around("p", line(user("u")), listening("x", definition, x, stays=stays)))
    else:
        host = user("h") if "task" in place else sub("h", line(user("u")))
        body = line(host) + at("x", "h", definition, STAYS if stays else "").replace(t("x_t"), x)
    return body.replace(mark, f'{mark} parallelMultiple="true"', 1) if parallel else body


PLACES = [
    "catch",
    *(
        f"{where} {manner}"
        for where in ("task", "subprocess", "event subprocess")
        for manner in ("interrupts", "stays")
    ),
]
CAUSES = {
    "message": (MESSAGE, lambda seconds: throw(f"c{seconds}", MESSAGE)),
    "signal": (SIGNAL, lambda seconds: throw(f"c{seconds}", SIGNAL)),
    "condition": (when("y == 1"), lambda seconds: script(f"c{seconds}", "y = 1")),
}


def beside(body: str, *branch: str) -> str:
    """The body in a subprocess, and a branch beside it in the process."""
    return both((sub("m", body),), branch)


# Conditions.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("before", "later", "times"),
    [
        (1, (), 1),  # true already when the token arrives
        (0, (1,), 1),  # becomes true
        (0, (0, 2), 0),  # never
        (0, (1, 1), 1),  # true again without having been false
        (0, (1, 0, 1), 2),  # false between: again, where it interrupts nothing
        (1, (0, 1, 0, 1), 3),
        (None, (), 0),  # what has no value fulfils nothing
        (None, (0, 1), 1),
    ],
)
def test_a_condition_comes_when_it_becomes_true(
    place: str, before: int | None, later: tuple[int, ...], times: int
) -> None:
    changes = [node for n, value in enumerate(later) for node in (wait(f"w{n}", 1), script(f"c{n}", f"y = {value}"))]
    traced = run(beside(waiting(place, when("y == 1")), *changes, t("z")), {} if before is None else {"y": before})
    assert traced == " ".join(["x"] * (times if "stays" in place else min(times, 1)) + ["z"])


@pytest.mark.parametrize("place", PLACES)
def test_a_condition_is_asked_when_a_person_changes_its_variable(place: str) -> None:
    """Within the same step, whoever writes: a task's form, a message, a correction of the case's data."""
    xml = with_timers(process(beside(waiting(place, when("y == 1")), user("other"), t("z")), ROOT), "m.bpmn")
    case = Cases({"m.bpmn": xml})
    running = case.start("P", {"y": 0})
    assert case.tokens == []
    case.move(running, "readdress", data={"y": 1})
    assert case.tokens == ["x"]
    assert case.audit() == []


def test_a_condition_that_is_no_truth_value_fails_with_its_element() -> None:
    case = play("s start\na user\ne end", "s>a>e")
    case.start()
    xml = process(line(catch("c", when("y"))), ROOT)
    found = read_definition({"m.bpmn": xml}, deployment_rules=False)
    with pytest.raises(Exception, match="真假值") as failed:
        step(found, None, Input("start", 0, case.at, data={"y": 3}), lambda request: None, b"s")
    assert failed.value.element == "c"  # type: ignore[attr-defined]


# One of several, or all.


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("parallel", [False, True], ids=["one", "all"])
@pytest.mark.parametrize(("first", "second"), list(permutations([*CAUSES, "timer"], 2)), ids=str)
def test_one_of_several_events_or_all_of_them(first: str, second: str, parallel: bool, place: str) -> None:
    """Issue 10: each pair of triggers in each order at each place; seen between the two, and after both."""
    definitions, branch = "", []
    for name, seconds in ((first, 2), (second, 4)):
        definitions += after(seconds) if name == "timer" else CAUSES[name][0]
        branch.append(timer(f"w{seconds}", 1 if branch else 2))
        if name != "timer":
            branch.append(CAUSES[name][1](seconds))
        branch += [timer(f"v{seconds}", 1), script(f"seen{seconds}", f"trace('{seconds} ' + str(came))")]
    traced = run(beside(waiting(place, definitions, parallel), *branch), {"came": False, "y": 0})
    times = 1 if parallel or "stays" not in place else 2
    assert traced == " ".join(sorted(["2 False" if parallel else "2 True", "4 True", *["x"] * times]))


@pytest.mark.parametrize(
    ("thrown", "place"),
    [
        *(("error", place) for place in PLACES if place.endswith("interrupts")),
        *(("escalation", place) for place in PLACES if "subprocess" in place),
    ],
)
def test_errors_and_escalations_stand_beside_others(thrown: str, place: str) -> None:
    definition = ERROR if thrown == "error" else ESCALATION
    raising = script("r", "raise_bpmn_error('E1')") if thrown == "error" else throw("r", definition)
    body = waiting(place, SIGNAL + definition)
    body = body.replace(user("u"), raising).replace("s_u", "s_r").replace('"u"', '"r"').replace("u_", "r_")
    if place.startswith("task"):
        body = body.replace(user("h"), script("h", "raise_bpmn_error('E1')"))
    assert run(body) == "x"


# Links.


def link(name: str) -> str:
    return f'<linkEventDefinition name="{name}"/>'


def test_a_link_is_a_flow() -> None:
    body = graph(S, E, throw("a", link("l")), catch("b", link("l")), t("z"), "s>a", "b>z", "z>e")
    assert run(body) == "z"


def test_several_links_lead_to_the_same_place_and_back() -> None:
    body = graph(
        S,
        E,
        '<exclusiveGateway id="g" default="g_on"/>',
        script("n", "n = n + 1\ntrace('n')"),
        throw("back", link("again")),
        throw("on", link("out")),
        catch("again", link("again")),
        catch("out", link("out")),
        '<exclusiveGateway id="m"/>',
        "s>m",
        "again>m",
        "m>n",
        "n>g",
        ("g>back", "n &lt; 3"),
        "g>on",
        "out>e",
    )
    assert run(body, {"n": 0}) == "n n n"


@pytest.mark.parametrize("join", ["parallel", "inclusive"])
def test_a_join_knows_what_comes_by_a_link(join: str) -> None:
    body = graph(
        S,
        E,
        '<parallelGateway id="g"/>',
        f'<{join}Gateway id="j"/>',
        timer("w", 2),
        throw("a", link("l")),
        catch("b", link("l")),
        t("x"),
        t("z"),
        "s>g",
        "g>w",
        "w>a",
        "b>j",
        "g>x",
        "x>j",
        "j>z",
        "z>e",
    )
    assert run(body) == "x z"


# Signals that start.


def test_a_signal_starts_a_process_beside_the_cases_that_wait_for_it() -> None:
    main = both((catch("c", SIGNAL), t("z")), (wait("w", 1), throw("h", SIGNAL)))
    started = other(line(t("o"))).replace('<startEvent id="C.s"/>', f'<startEvent id="C.s">{SIGNAL}</startEvent>')
    cases = Cases({"m.bpmn": with_timers(process(main, ROOT + started), "m.bpmn")})
    cases.start("P", {})
    cases.settle(cases.now.replace(year=2027))
    assert sorted(cases.tokens) == ["o", "z"]
    assert cases.audit() == []
    assert [case.definition.process for case in cases.running] == ["P", "C"]


@pytest.mark.parametrize("named", ["s", "alarm", None])
def test_a_case_is_started_by_its_signal(named: str | None) -> None:
    body = line(user("u")).replace(S, f'<startEvent id="s">{SIGNAL}</startEvent>')
    found = read_definition({"m.bpmn": process(body, ROOT)}, deployment_rules=False)
    case = play("s start\na user\ne end", "s>a>e")
    done = step(found, None, Input("start", 0, case.at, element=named), lambda request: None, b"s")
    assert [task.element for task in done.opened] == ["u"]
    with pytest.raises(StaleToken):
        step(found, done.state, Input("signal", 1, case.at, element="alarm"), lambda request: None, b"s")


@pytest.mark.parametrize("engine", ["activiti", "flowable"])
@pytest.mark.parametrize("stays", [True, False])
def test_a_signal_of_the_scope_of_a_process_instance_stays_in_its_case(engine: str, stays: bool) -> None:
    space = f'xmlns:{engine}="http://{engine}.org/bpmn" {engine}:scope="processInstance"' if stays else ""
    caught = '<signalEventDefinition signalRef="gong"/>'
    nodes = '<parallelGateway id="g"/><parallelGateway id="j"/>' + user("u")
    nodes += f'<intermediateThrowEvent id="x">{caught}</intermediateThrowEvent>'
    nodes += f'<intermediateCatchEvent id="c">{caught}</intermediateCatchEvent>'
    body = S + E + nodes + graph("s>g", "g>c", "g>u", "u>x", "c>j", "x>j", "j>e")
    files = {"m.bpmn": process(body, f'<signal id="gong" name="gong" {space}/>')}
    definition = read_definition(files, "P", (), deployment_rules=False)
    begun = step(definition, None, Input("start", 0, BEGIN), lambda _: None, b"")
    done_by = Input("complete", 1, BEGIN, begun.opened[0].token, "u")
    done = step(definition, begun.state, done_by, lambda _: None, b"")
    assert done.ended
    assert [sent.name for sent in done.sent] == ([] if stays else ["gong"])
