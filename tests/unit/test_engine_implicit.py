"""Things that BPMN 2.0 lets a diagram leave out: splits without a gateway, implicit starts and ends, quantities of
tokens, data associations, waits, other engines' words.
"""

from __future__ import annotations

from itertools import product

import pytest

from service.engine.bpmn.expansion import ACTIVITIES, GATEWAYS
from service.engine.conformance.cases import BEGIN, PATIENCE, Cases
from service.engine.validation.allow_list import ACTIVITIES as KNOWN_ACTIVITIES
from service.engine.validation.allow_list import GATEWAYS as KNOWN_GATEWAYS
from tests.conformance.scenarios import ROOT, STAYS, TERMINATE, after, at, graph, listening, other, run, t, timer, wait
from tests.unit.validation_diagrams import chain, condition, flow, process, script, sub, task

ENDS = '<startEvent id="s"/><endEvent id="e"/>'
YES, NO = "1 == 1", "1 == 2"


def test_the_expansion_knows_every_activity_and_gateway() -> None:
    assert set(KNOWN_ACTIVITIES) == ACTIVITIES
    assert set(KNOWN_GATEWAYS) == GATEWAYS


@pytest.mark.parametrize("body", [t("a"), sub("a", chain(t("i"))), wait("a", 1)])
@pytest.mark.parametrize(("first", "second", "default"), [*product([YES, NO, ""], [YES, NO, ""], ["", "b", "c", "d"])])
def test_flows_out_of_an_activity_are_taken_as_13_3_1_says(body: str, first: str, second: str, default: str) -> None:
    """Without condition: always; with one: when it holds; the default: when none of these holds."""
    asked = {"b": first, "c": second, "d": ""}
    asked[default or "d"] = ""
    always = {name for name, text in asked.items() if not text and name != default}
    held = {name for name, text in asked.items() if text == YES}
    taken = always | held | ({default} if default and not held else set())
    xml = body.replace('id="a"', f'id="a" default="a_{default}"', 1) if default else body
    flows = [(f"a>{name}", text) if text else f"a>{name}" for name, text in asked.items()]
    traced = run(ENDS + xml + t("b") + t("c") + t("d") + graph("s>a", *flows, "b>e", "c>e", "d>e"))
    assert set(traced.split()) - {"a", "i"} == taken


def test_an_activity_whose_flows_all_fail_is_an_incident() -> None:
    body = ENDS + t("a") + t("b") + t("c") + graph("s>a", ("a>b", NO), ("a>c", NO), "b>e", "c>e")
    assert run(body) == "ERROR_runtime a"


@pytest.mark.parametrize("place", ["start", "catch", "boundary", "throw"])
def test_events_split_in_parallel(place: str) -> None:
    two = t("b") + t("c") + graph("b>e", "c>e")
    catch = f'<intermediateCatchEvent id="x">{after(1)}</intermediateCatchEvent>'
    bodies = {
        "start": ENDS + two + graph("s>b", "s>c"),
        "catch": ENDS + catch + two + graph("s>x", "x>b", "x>c"),
        "throw": ENDS + '<intermediateThrowEvent id="x"/>' + two + graph("s>x", "x>b", "x>c"),
        "boundary": ENDS + wait("a", 9) + at("x", "a", after(1)) + two + graph("s>a", "a>e", "x>b", "x>c"),
    }
    assert set(run(bodies[place]).split()) - {"x_t"} == {"b", "c"}


DOORS = {
    "none": "",
    "boundary": at("x", "a", after(9)),
    "watched": at("x", "a", after(9), STAYS),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("condition_of_c", ["", YES])
@pytest.mark.parametrize("entries", [2, 3])
def test_a_split_activity_is_entered_by_each_token(door: str, condition_of_c: str, entries: int) -> None:
    """§13.3.1: each arriving token is another instance, whatever stands on the border of the activity."""
    ways = ("p", "q", "r")[:entries]
    enter = "".join(f'<intermediateThrowEvent id="{way}"/>' for way in ways)
    entered = graph(*(edge for way in ways for edge in (f"g>{way}", f"{way}>a")))
    leave = graph("a>b", ("a>c", condition_of_c) if condition_of_c else "a>c", "b>e", "c>e")
    body = ENDS + '<parallelGateway id="g"/>' + enter + wait("a", 1) + DOORS[door] + t("b") + t("c")
    body += graph("s>g") + entered + leave
    assert sorted(run(body).split()) == sorted(["b", "c"] * entries)


def test_a_split_activity_in_a_loop_comes_to_its_end() -> None:
    body = ENDS + script("a", "n = n + 1\ntrace('a')") + t("x") + t("y") + '<exclusiveGateway id="g" default="g_e"/>'
    body += graph("s>a", "a>x", "a>y", "x>g", ("g>a", "n &lt; 3"), "g>e", "y>e")
    assert sorted(run(body, {"n": 0}).split()) == sorted("aaaxxxyyy")


def test_a_split_activity_and_a_join_agree() -> None:
    join = '<parallelGateway id="j"/>'
    body = (
        ENDS + t("a") + t("b") + wait("c", 3) + join + t("d") + graph("s>a", "a>b", "a>c", "b>j", "c>j", "j>d", "d>e")
    )
    assert run(body) == "a b d"
    inclusive = body.replace("parallel", "inclusive").replace(flow("a", "c"), flow("a", "c", condition(NO)))
    assert run(inclusive) == "a b d"


@pytest.mark.parametrize("level", ["process", "sub"])
@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (t("a") + t("b") + flow("a", "b"), "a b"),
        (t("a") + t("b"), "a b"),
        (t("a") + wait("b", 2) + t("c") + '<parallelGateway id="j"/>' + graph("a>j", "b>j", "j>c"), "a c"),
        ('<parallelGateway id="g"/>' + t("a") + t("b") + graph("g>a", "g>b"), "a b"),
        ('<startEvent id="s"/>' + t("a") + t("b") + graph("s>a", "a>b"), "a b"),
        ('<startEvent id="s"/>' + t("a") + t("b") + graph("s>a", "s>b"), "a b"),
        (t("a") + '<endEvent id="e"/>' + flow("a", "e"), "a"),
        (chain(t("a")) + t("b") + flow("a", "b"), "a b"),
    ],
)
def test_starts_and_ends_may_be_left_out(level: str, body: str, traced: str) -> None:
    assert run(body if level == "process" else ENDS + sub("p", body) + t("z") + graph("s>p", "p>z", "z>e")) == (
        traced if level == "process" else f"{traced} z"
    )


@pytest.mark.parametrize("inside", ["", listening("l", after(1), t("i"))])
@pytest.mark.parametrize("kind", ["subProcess", "transaction", "process"])
def test_what_holds_no_work_is_passed(kind: str, inside: str) -> None:
    """Nothing in it, or event subprocesses only, which cannot begin any more (§13.5.4)."""
    if kind == "process":
        called = f'<process id="C" isExecutable="true">{inside}</process>'
        assert run(chain(task("p", "callActivity", 'calledElement="C"'), t("a")), called=called) == "a"
    else:
        level = sub("p", "").replace("></subProcess>", f">{inside}</subProcess>")
        drawn = f"{level[:-13]}</subProcess>".replace('<subProcess id="p"', f'<{kind} id="p"')
        assert run(chain(drawn.removesuffix("</subProcess>") + f"</{kind}>", t("a"))) == "a"


ROUND = '<startEvent id="{0}s"/><exclusiveGateway id="m"/>' + timer("w", 2) + t("i") + graph("m>w", "w>i", "i>m")


def test_what_goes_round_without_an_end_is_ended_by_an_event() -> None:
    process_ = ROUND.format("") + graph("s>m") + listening("l", after(5), t("k"), end=TERMINATE)
    assert run(process_) == "i i k"
    inner = f'<subProcess id="p">{ROUND.format("p")}{graph("ps>m")}</subProcess>'
    assert run(chain(inner, t("z")) + at("b", "p", after(5))) == "b_t i i"


def test_a_case_begins_at_the_start_it_names_or_at_the_first() -> None:
    body = '<startEvent id="s1"/><startEvent id="s2"/>' + t("a") + t("b") + graph("s1>a", "s2>b")
    assert run(body) == "a"
    assert _from_start(body, "s2") == ["b"]
    assert _from_start(body, "s1") == ["a"]


def test_a_called_process_begins_at_its_plain_start_whatever_its_caller_was_started_by() -> None:
    message = '<messageEventDefinition messageRef="msg"/>'
    called = f'<startEvent id="c1">{message}</startEvent><startEvent id="c2"/>' + t("p") + t("q")
    called = '<process id="C" isExecutable="true">' + called + graph("c1>p", "c2>q") + "</process>"
    caller = f'<startEvent id="s1">{message}</startEvent><callActivity id="k" calledElement="C"/>' + graph("s1>k")
    assert _from_start(caller, "paid", called) == ["q"]


def test_a_receive_task_starts_a_case_by_its_message() -> None:
    receive = task("r", "receiveTask", 'instantiate="true" messageRef="msg"')
    assert _from_start(receive + t("a") + flow("r", "a"), "paid") == ["a"]


def _from_start(body: str, named: str, root: str = "") -> list[str]:
    cases = Cases({"m.bpmn": process(body, ROOT + root)})
    cases.start("P", {}, named)
    cases.settle(BEGIN + PATIENCE)
    assert all(case.ended for case in cases.running)
    assert not cases.audit()
    return cases.tokens


@pytest.mark.parametrize(("leave", "arrive"), [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (4, 2)])
def test_quantities_of_tokens_are_counted(leave: int, arrive: int) -> None:
    a = t("a").replace('id="a"', f'id="a" completionQuantity="{leave}"')
    b = t("b").replace('id="b"', f'id="b" startQuantity="{arrive}"')
    assert run(chain(a, b)).split().count("b") == leave // arrive


def test_two_flows_between_the_same_elements_carry_two_tokens() -> None:
    twice = flow("a", "b") + flow("a", "b").replace('id="a_b"', 'id="again"')
    assert run(ENDS + t("a") + t("b") + twice + graph("s>a", "b>e")) == "a b b"


@pytest.mark.parametrize("between", ["", "x"])
@pytest.mark.parametrize("join", ["parallelGateway", "inclusiveGateway"])
def test_a_join_waits_for_each_of_two_flows_from_the_same_element(join: str, between: str) -> None:
    """Tokens that come by two flows from one gateway are two: a join of three waits for the slow third, once."""
    twice = flow("g", "j") + flow("g", "j").replace('id="g_j"', 'id="again"')
    nodes = f'<parallelGateway id="g"/><{join} id="j"/>' + wait("slow", 3) + t("z") + (t("x") if between else "")
    rest = graph("g>slow", "slow>j", "j>z", "z>e", *(["s>x", "x>g"] if between else ["s>g"]))
    assert run(ENDS + nodes + twice + rest) == f"{between} z".strip()


@pytest.mark.parametrize("when", ["asyncBefore", "asyncAfter"])
@pytest.mark.parametrize("engine", ["camunda", "activiti"])
@pytest.mark.parametrize("kind", ["scriptTask", "task", "subProcess", "startEvent", "endEvent", "exclusiveGateway"])
def test_a_token_waits_before_and_after(when: str, engine: str, kind: str) -> None:
    if kind in ("endEvent", "exclusiveGateway") and when == "asyncAfter":
        return
    said = f'{engine}:{when}="true"'
    x = {"subProcess": sub("x", chain(t("i")), said), "scriptTask": script("x", "y = 1")}.get(kind, task("x", kind))
    x = x.replace('id="x"', f'id="x" {said}', 1) if said not in x else x
    if kind == "startEvent":
        body = x + t("a") + '<endEvent id="e"/>' + graph("x>a", "a>e")
    elif kind == "endEvent":
        body = '<startEvent id="s"/>' + t("a") + x + graph("s>a", "a>x")
    elif kind == "exclusiveGateway":
        body = ENDS + x + t("a") + t("b") + graph("s>x", ("x>a", YES), ("x>b", NO), "a>e", "b>e")
    else:
        body = chain(x, t("a"))
    cases = Cases({"m.bpmn": process(body)})
    case = cases.start("P", {})
    assert [job.kind for job in case.jobs.values()] == ["async"]
    assert {job.element for job in case.jobs.values()} == {"x"}
    cases.settle(BEGIN + PATIENCE)
    assert case.ended
    assert "a" in cases.tokens
    assert not cases.audit()


DATA = '<dataObject id="d1" name="paper"/><dataObjectReference id="r1" dataObjectRef="d1"/>'


def test_data_associations_copy_between_variables() -> None:
    outward = (
        '<ioSpecification><dataOutput id="o" name="written"/><inputSet/><outputSet><dataOutputRefs>o</dataOutputRefs>'
        "</outputSet></ioSpecification><dataOutputAssociation><sourceRef>o</sourceRef><targetRef>r1</targetRef>"
        "</dataOutputAssociation>"
    )
    inward = (
        '<ioSpecification><dataInput id="i" name="seen"/><inputSet><dataInputRefs>i</dataInputRefs></inputSet>'
        "<outputSet/></ioSpecification><dataInputAssociation><sourceRef>r1</sourceRef><targetRef>i</targetRef>"
        "</dataInputAssociation>"
    )
    writer = script("a", "written = 'A'").replace("<script>", f"{outward}<script>")
    reader = script("b", "trace(seen + paper)").replace("<script>", f"{inward}<script>")
    assert run(DATA + chain(writer, reader)) == "AA"
    assert "ERROR_runtime" in run(DATA + chain(writer, reader, script("c", "trace(seen)")))
    assert "ERROR_runtime" in run(DATA + chain(writer, reader, script("c", "trace(written)")))


@pytest.mark.parametrize("kind", ["globalTask", "globalScriptTask", "globalUserTask", "globalManualTask"])
def test_a_global_task_is_called(kind: str) -> None:
    inner = "<script>trace('g')</script>" if kind == "globalScriptTask" else ""
    called = f'<{kind} id="G">{inner}</{kind}>'
    traced = run(chain(task("c", "callActivity", 'calledElement="G"'), t("z")), called=called)
    assert traced == {"globalScriptTask": "g z", "globalUserTask": ""}.get(kind, "z")


@pytest.mark.parametrize("kind", ["serviceTask", "businessRuleTask", "callActivity", "sendTask"])
def test_an_activity_that_says_nothing_waits_for_a_worker(kind: str) -> None:
    outside = 'camunda:type="external" camunda:topic="x"' if kind == "sendTask" else ""
    cases = Cases({"m.bpmn": process(chain(task("x", kind, outside), t("a")))})
    case = cases.start("P", {})
    (job,) = case.jobs.values()
    assert (job.kind, job.topic) == ("external", "x")
    cases.move(case, "external", token=job.token, element="x")
    assert cases.tokens == ["a"]
    assert not cases.audit()


def test_a_called_process_is_found_by_the_prefix_of_its_own_file() -> None:
    call = task("c", "callActivity", 'xmlns:own="urn:test" calledElement="own:C"')
    assert run(chain(call), called=other(chain(t("k")))) == "k"
