"""Compensation (BPMN 2.0 §10.7, §13.5.5): who is undone, in which order, with which variables, and who waits for it."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from service.engine import read_definition, replay
from tests.conformance.scenarios import (
    CANCEL,
    ERROR,
    ROOT,
    around,
    at,
    both,
    graph,
    instances,
    line,
    listening,
    loop,
    other,
    repeated,
    run,
    t,
    throw,
    timer,
    transaction,
    wait,
)
from tests.unit.engine_walk import Walk
from tests.unit.validation_diagrams import flow, problems, process, script, sub, task

TRACED = "trace('{0} ' + str(order))\norder = order + 1"


def undo(reference: str = "", waits: bool = True) -> str:
    """A compensation's definition."""
    named = f' activityRef="{reference}"' if reference else ""
    return f'<compensateEventDefinition waitForCompletion="{"true" if waits else "false"}"{named}/>'


def undone(*activities: str, by: str = "script", handler: str = "") -> str:
    """What undoes activities: for each its event, handler and association; a handler tells in which place it ran."""
    out = ends = ""
    for name in activities:
        one = handler or HANDLERS[by](f"u_{name}")
        out += f'<boundaryEvent id="b_{name}" attachedToRef="{name}"><compensateEventDefinition/></boundaryEvent>'
        out += one.replace(f'id="u_{name}"', f'id="u_{name}" isForCompensation="true"', 1)
        ends += f'<association id="as_{name}" sourceRef="b_{name}" targetRef="u_{name}"/>'
    return out + ends


def quick(name: str) -> str:
    """A handler that tells its place."""
    return script(name, TRACED.format(name))


def slow(name: str) -> str:
    """A handler that takes its time before it tells its place."""
    return sub(name, line(timer(f"{name}w", 1), script(f"{name}t", TRACED.format(name))))


HANDLERS = {"script": quick, "slow": slow}
THROW = throw("c", undo())


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("waits", list(permutations((1, 2, 3))))
def test_the_last_to_end_is_undone_first(waits: tuple[int, ...], handler: str) -> None:
    """Three at once that end in each order; a fourth never ended is not undone."""
    names = "xyz"
    branches = [(timer(f"w{n}", waits[n]), t(name)) for n, name in enumerate(names)]
    handlers = undone(*names, "never", by=handler)
    body = both(*branches, (wait("w9", 5), THROW, quick("last")), (task("never", "userTask"),))
    last = [names[n] for n in sorted(range(3), key=lambda n: -waits[n])]
    expected = [*names, *(f"u_{name} {place}" for place, name in enumerate(last)), "last 3"]
    assert run(body + handlers, {"order": 0}) == " ".join(sorted(expected))


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("place", ["throw", "end", "end of a subprocess"])
def test_what_throws_waits_until_all_is_undone(place: str, handler: str) -> None:
    handlers = undone("x", "y", by=handler)
    z = quick("z")
    if place == "throw":
        body = line(t("x"), t("y"), THROW, z) + handlers
    elif place == "end":
        body = line(sub("p", line(t("x"), t("y"), end=undo()) + handlers), z)
    else:
        body = line(sub("q", line(sub("p", line(t("x"), t("y"), end=undo()) + handlers))), z)
    assert run(body, {"order": 0}) == "u_x 1 u_y 0 x y z 2"


def test_what_does_not_wait_goes_on_at_once() -> None:
    body = line(t("x"), throw("c", undo(waits=False)), quick("z")) + undone("x", by="slow")
    assert run(body, {"order": 0}) == "u_x 1 x z 0"


@pytest.mark.parametrize(
    ("named", "expected"),
    [("", "u_p 1 u_x 2 u_y 0"), ("x", "u_x 0"), ("y", "u_y 0"), ("p", "u_p 0")],
)
def test_one_activity_may_be_named(named: str, expected: str) -> None:
    inside = sub("p", line(t("i")) + undone("i").replace("u_i '", "u_p '"))
    body = line(t("x"), inside, t("y"), throw("c", undo(named))) + undone("x", "y")
    assert (
        run(body, {"order": 0}) == " ".join(sorted(["i", "x", "y", *expected.replace(" u", ",u").split(",")])).strip()
    )


REPEATED = {
    "once": ("", 1),
    "parallel": (instances("<loopCardinality>2</loopCardinality>"), 2),
    "sequential": (instances("<loopCardinality>2</loopCardinality>", 'isSequential="true"'), 2),
    "loop": (loop("loopCounter &lt; 2"), 2),
}


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize(("outer", "inner"), list(product(REPEATED, REPEATED)))
def test_a_subprocess_that_has_ended_is_undone_inside_whatever_repeats_it(outer: str, inner: str, handler: str) -> None:
    """Two deep: each instance of each is undone once, in the reverse of the order in which they ended."""
    b = repeated(
        sub("b", line(timer("w", 1), script("i", "k = k + 1\ntrace('i')")) + undone("i", by=handler)),
        REPEATED[inner][0],
    )
    a = repeated(sub("a", line(b)), REPEATED[outer][0])
    runs = REPEATED[outer][1] * REPEATED[inner][1]
    expected = ["i"] * runs + [f"u_i {n}" for n in range(runs)] + [f"z {runs}"]
    traced = run(line(a, THROW, quick("z")), {"order": 0, "k": 0})
    assert traced == " ".join(sorted(expected))


@pytest.mark.parametrize("kind", ["parallel", "sequential", "loop"])
@pytest.mark.parametrize("of", ["task", "subprocess"])
def test_what_undoes_an_instance_sees_its_variables(kind: str, of: str) -> None:
    tell = script("u_i", "trace('u ' + str(loopCounter))")
    marker = REPEATED[kind][0]
    if of == "task":
        body = line(t("i").replace("<script>", f"{marker}<script>"), THROW) + undone("i", handler=tell)
    else:
        body = line(repeated(sub("a", line(t("i")) + undone("i", handler=tell)), marker), THROW)
    assert run(body) == "i i u 0 u 1"


def test_a_subprocess_with_an_activity_of_its_own_is_undone_by_that_alone() -> None:
    inside = sub("p", line(t("i")) + undone("i"))
    assert run(line(inside, THROW) + undone("p"), {"order": 0}) == "i u_p 0"


def test_a_called_process_is_undone_by_what_is_on_its_border_alone() -> None:
    call = task("q", "callActivity", 'calledElement="C"')
    called = other(line(t("i")) + undone("i"))
    assert run(line(call, THROW), {"order": 0}, called) == "i"
    assert run(line(call, THROW) + undone("q"), {"order": 0}, called) == "i u_q 0"


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_cancelled_transaction_undoes_what_has_ended_in_it(handler: str) -> None:
    names = "xy"
    body = line(t("x"), t("y"), end=CANCEL) + undone(*names, by=handler)
    border = at("k", "p", CANCEL).replace("trace('k_t')", TRACED.format("k_t"))
    assert run(line(transaction("p", body), t("z")) + border, {"order": 0}) == "k_t 2 u_x 1 u_y 0 x y"


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("is_undoing", [False, True])
@pytest.mark.parametrize(
    ("kind", "cancels"),
    [(kind, n) for kind in ("once", "parallel", "sequential", "loop") for n in range(3) if n < 1 or kind != "once"],
)
def test_a_cancel_event_cancels_the_transaction_with_all_its_instances(
    kind: str, cancels: int, is_undoing: bool, handler: str
) -> None:
    """Three instances begin; what has ended in any is undone once, also when it is being undone by then already, and
    then the flow of the cancel event goes on.
    """
    marker = REPEATED[kind][0].replace("2</", "3</").replace("&lt; 2", "&lt; 3")
    n = "loopCounter" if marker else "0"
    begins = timer("w", 1).replace("PT1S", f'${{"PT" + str(2 + 2 * {n}) + "S"}}')
    early = throw("early", undo()) if is_undoing else throw("early", "")
    choice = '<exclusiveGateway id="g" default="g_e"/><endEvent id="stop">' + CANCEL + "</endEvent>"
    first = line(t("x"), begins, early, choice) + graph(("g>stop", f"{n} == {cancels}"))
    body = transaction("p", first + undone("x", by=handler))
    body = body.replace('default="g_e"', 'default="g_p.e"').replace("<startEvent", marker + "<startEvent", 1)
    border = at("k", "p", CANCEL).replace("trace('k_t')", TRACED.format("k_t"))
    runs = {"once": 1, "parallel": 3}.get(kind, cancels + 1)
    expected = ["x"] * runs + [f"u_x {place}" for place in range(runs)] + [f"k_t {runs}"]
    assert run(line(body, t("z")) + border, {"order": 0}) == " ".join(sorted(expected))


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_transaction_that_succeeded_before_is_not_undone_by_the_next_cancel(handler: str) -> None:
    """A flow leads back to it: only the run that is cancelled is undone."""
    choice = '<exclusiveGateway id="g" default="g_e"/><endEvent id="stop">' + CANCEL + "</endEvent>"
    inner = line(t("x"), choice) + graph(("g>stop", "turn == 2"))
    body = transaction("p", inner + undone("x", by=handler)).replace('default="g_e"', 'default="g_p.e"')
    body = body.replace("<startEvent", instances("<loopCardinality>2</loopCardinality>") + "<startEvent", 1)
    again = script("a", "turn = turn + 1") + '<exclusiveGateway id="m"/>'
    ends = '<startEvent id="s"/><endEvent id="e"/>'
    diagram = ends + again + body + '<exclusiveGateway id="o" default="o_e"/>' + at("k", "p", CANCEL)
    diagram += graph("s>m", "m>a", "a>p", "p>o", ("o>m", "turn &lt; 2"), "o>e")
    traced = run(diagram, {"order": 0, "turn": 0})
    assert traced == "k_t u_x 0 u_x 1 x x x x"


def test_a_handler_of_errors_undoes_what_has_ended_in_its_scope() -> None:
    body = line(t("x"), t("y"), end=ERROR)
    rescue = listening("r", ERROR, THROW, quick("k"))
    assert run(line(around("p", body, rescue, undone("x", "y")), t("z")), {"order": 0}) == "k 2 u_x 1 u_y 0 x y z"


def test_what_was_undone_is_not_undone_again() -> None:
    body = line(t("x"), THROW, throw("d", undo())) + undone("x")
    assert run(body, {"order": 0}) == "u_x 0 x"


def test_what_may_be_undone_keeps_no_scope_open_and_is_no_work() -> None:
    body = line(sub("p", line(sub("q", line(t("i")) + undone("i")))), t("z"))
    assert run(body, {"order": 0}) == "i z"


def test_random_walks_with_handlers_that_people_do() -> None:
    """Stored and loaded between all steps: the same as in memory."""

    def person(name: str) -> str:
        return task(name, "userTask", 'camunda:candidateGroups="office"')

    items = instances("<loopCardinality>2</loopCardinality>")
    inside = repeated(sub("p", line(person("i")) + undone("i", handler=person("u_i"))), items)
    body = line(inside, person("x"), throw("c", undo()), person("z")) + undone("x", handler=person("u_x"))
    definition = read_definition({"m.bpmn": process(body, ROOT)}, deployment_rules=False)
    for seed in range(20):
        walk = Walk(definition, seed, {"k": [1, 2]}).run(60)
        assert walk.ended
        assert replay.re_execute(walk.rows, lambda digest: definition) == []
        done = [
            line[1:]
            for row in walk.rows
            for line in row["trace"]
            if line[1:].rsplit("/")[-1][0] == "u" and line[0] == "+"
        ]
        assert done == ["u_x", "p/u_i", "p/u_i"]


@pytest.mark.parametrize(
    "body",
    [
        line(t("x")) + undone("x").replace('sourceRef="b_x"', 'sourceRef="x"'),
        line(t("x")) + undone("x").replace(' isForCompensation="true"', ""),
        line(t("x")) + task("v", attributes='isForCompensation="true"') + undone("x"),
        line(t("x"), t("y")) + undone("x", "y").replace('targetRef="u_y"', 'targetRef="u_x"'),
        line(t("x"), throw("c", undo("y")), t("y")) + undone("x"),
        line(t("x"), sub("p", line(throw("c", undo("x"))))) + undone("x"),
        line(t("x")) + flow("u_x", "x") + undone("x"),
        line(t("x"), t("y")) + flow("b_x", "y") + undone("x"),
        line(t("x")) + at("n", "u_x", "<errorEventDefinition/>") + undone("x"),
    ],
)
def test_what_could_not_be_undone_is_refused(body: str) -> None:
    assert problems(process(body, ROOT), functions=("trace",))


def test_a_sound_compensation_is_accepted() -> None:
    body = graph(line(t("x"), throw("c", undo("x"))) + undone("x"))
    assert not problems(process(body, ROOT), functions=("trace",))
