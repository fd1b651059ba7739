"""What the validation accepts runs as BPMN 2.0 says: every construct of the allow-list in a small diagram, its trace known."""

from __future__ import annotations

import pytest

from tests.conformance.scenarios import (
    CANCEL,
    ERROR,
    ESCALATION,
    MESSAGE,
    SIGNAL,
    SIGNAL2,
    STAYS,
    TERMINATE,
    after,
    around,
    at,
    both,
    catch,
    every,
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
    user,
    wait,
)
from tests.unit.validation_diagrams import script, sub, task

S, E = '<startEvent id="s"/>', '<endEvent id="e"/>'
RAISE = "raise_bpmn_error('E1')"
THREE = instances("<loopCardinality>3</loopCardinality>")
THREE_IN_A_ROW = instances("<loopCardinality>3</loopCardinality>", 'isSequential="true"')
CALL = '<callActivity id="call" calledElement="C"/>'


def gateway(kind: str, name: str, default: str = "") -> str:
    return f'<{kind}Gateway id="{name}"' + (f' default="{default}"' if default else "") + "/>"


def blocks(count: int, join: str) -> str:
    """Parallel splits in a row, each pair of branches brought together by this kind of node."""
    out, before = S + t("last") + E, "s"
    for n in range(count):
        joined = gateway(join, f"j{n}") if join != "task" else task(f"j{n}", "manualTask")
        out += gateway("parallel", f"g{n}") + task(f"a{n}", "manualTask") + task(f"b{n}", "manualTask") + joined
        out += graph(f"{before}>g{n}", f"g{n}>a{n}", f"g{n}>b{n}", f"a{n}>j{n}", f"b{n}>j{n}")
        before = f"j{n}"
    return out + graph(f"{before}>last", "last>e")


def inclusive(first: str, second: str) -> str:
    return graph(
        S,
        E,
        gateway("inclusive", "g", "g_c"),
        t("a"),
        t("b"),
        t("c"),
        gateway("inclusive", "j"),
        t("z"),
        "s>g",
        ("g>a", first),
        ("g>b", second),
        "g>c",
        "a>j",
        "b>j",
        "c>j",
        "j>z",
        "z>e",
    )


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize(("join", "tokens"), [("parallel", 1), ("exclusive", 2), ("task", 2)])
def test_splits_in_a_row_make_as_many_tokens_as_they_should(count: int, join: str, tokens: int) -> None:
    assert run(blocks(count, join)) == " ".join(["last"] * tokens**count)


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (inclusive("True", "True"), "a b z"),
        (inclusive("True", "False"), "a z"),
        (inclusive("False", "False"), "c z"),
        (
            graph(
                S,
                E,
                gateway("inclusive", "g"),
                timer("w", 1),
                t("a"),
                t("b"),
                gateway("inclusive", "j"),
                t("z"),
                "s>g",
                ("g>w", "True"),
                ("g>b", "True"),
                "w>a",
                "a>j",
                "b>j",
                "j>z",
                "z>e",
            ),
            "a b z",
        ),
        (
            graph(
                S,
                E,
                '<endEvent id="e2"/>',
                gateway("parallel", "g"),
                t("a"),
                t("b"),
                timer("w", 1),
                t("c"),
                t("d"),
                gateway("exclusive", "x", "x_e2"),
                gateway("inclusive", "j"),
                t("z"),
                "s>g",
                "g>a",
                "g>b",
                "g>d",
                "a>j",
                "d>j",
                "b>w",
                "w>c",
                "c>x",
                ("x>j", "False"),
                "x>e2",
                "j>z",
                "z>e",
            ),
            "a b c d z",
        ),
        (
            graph(
                S,
                E,
                script("n0", "n = 0"),
                gateway("exclusive", "m"),
                script("inc", "n = n + 1\ntrace('inc')"),
                gateway("inclusive", "g", "g_b"),
                t("a"),
                t("b"),
                gateway("inclusive", "j"),
                gateway("exclusive", "x", "x_e"),
                "s>n0",
                "n0>m",
                "m>inc",
                "inc>g",
                ("g>a", "n &gt; 1"),
                "g>b",
                "a>j",
                "b>j",
                "j>x",
                ("x>m", "n &lt; 3"),
                "x>e",
            ),
            "a a b inc inc inc",
        ),
        (
            graph(
                S,
                E,
                gateway("parallel", "g"),
                t("a"),
                t("b"),
                t("c"),
                gateway("exclusive", "x"),
                gateway("parallel", "j"),
                t("z"),
                "s>g",
                "g>a",
                "g>b",
                "g>c",
                "a>x",
                "b>x",
                "x>j",
                "c>j",
                "j>z",
                "z>e",
            ),
            "a b c z",
        ),
    ],
)
def test_gateways_join_what_can_still_come(body: str, traced: str) -> None:
    assert run(body) == traced


def event_gateway(*targets: str) -> str:
    names = [target.split('id="')[1].split('"')[0] for target in targets]
    ways = "".join(graph(t(f"{name}_t"), f"g>{name}", f"{name}>{name}_t", f"{name}_t>e") for name in names)
    sender = graph(
        timer("w", 2), throw("th", SIGNAL), throw("tm", MESSAGE), '<endEvent id="e2"/>', "p>w", "w>th", "th>tm", "tm>e2"
    )
    start = graph(S, E, gateway("parallel", "p"), gateway("eventBased", "g"), "s>p", "p>g")
    return start + "".join(targets) + ways + sender


@pytest.mark.parametrize(
    ("targets", "traced"),
    [
        ((catch("c1", SIGNAL), timer("c2", 1)), "c2_t"),
        ((catch("c1", SIGNAL), timer("c2", 5)), "c1_t"),
        ((catch("c1", MESSAGE), timer("c2", 5)), "c1_t"),
        ((task("c1", "receiveTask", 'messageRef="msg"'), timer("c2", 5)), "c1_t"),
        ((timer("c1", 9), timer("c2", 5)), "c2_t"),
    ],
)
def test_the_first_event_decides_an_event_gateway(targets: tuple[str, ...], traced: str) -> None:
    assert run(event_gateway(*targets)) == traced


def inside(*nodes: str, end: str = "") -> str:
    return sub("p", line(*nodes, end=end))


def later(trigger: str, branch: str, event: str) -> str:
    """A branch, and beside it a throw after a second; an event sits on the branch's first node."""
    return both((branch, t("a")), (timer("w", 1), throw("th", trigger), t("b"))) + event


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (later(SIGNAL, catch("c", SIGNAL), ""), "a b"),
        (later(MESSAGE, catch("c", MESSAGE), ""), "a b"),
        (later(MESSAGE, task("c", "receiveTask", 'messageRef="msg"'), ""), "a b"),
        (later(SIGNAL, user("u"), at("x", "u", SIGNAL)), "b x_t"),
        (later(SIGNAL, user("u"), at("x", "u", SIGNAL, STAYS)), "b x_t"),
        (later(MESSAGE, user("u"), at("x", "u", MESSAGE)), "b x_t"),
        (later(MESSAGE, user("u"), at("x", "u", MESSAGE, STAYS)), "b x_t"),
        (later(SIGNAL, inside(t("i"), user("u")), at("x", "p", SIGNAL)), "b i x_t"),
        (later(SIGNAL2, catch("c", SIGNAL), ""), "b"),
        (
            both(
                (catch("c", SIGNAL), t("a")),
                (catch("c2", SIGNAL2), t("b")),
                (timer("w", 1), throw("th", SIGNAL + SIGNAL2)),
            ),
            "a b",
        ),
        (both((catch("c", SIGNAL), t("a")), (timer("w", 1), t("b")), ends=("", SIGNAL)), "a b"),
        (
            both(
                (catch("c", SIGNAL), t("a")),
                (catch("c2", SIGNAL2), t("b")),
                (timer("w", 1),),
                ends=("", "", SIGNAL + SIGNAL2),
            ),
            "a b",
        ),
        (both((catch("c", MESSAGE), t("a")), (timer("w", 1), task("b", "sendTask", 'messageRef="msg"'))), "a"),
        (line(inside(t("i"), throw("th", SIGNAL), t("k")), t("z")) + at("x", "p", SIGNAL), "i x_t"),
        (line(inside(t("i"), throw("th", SIGNAL), t("k")), t("z")) + at("x", "p", SIGNAL, STAYS), "i k x_t z"),
        (line(inside(t("i"), end=SIGNAL), t("z")) + at("x", "p", SIGNAL), "i x_t"),
        (
            both((user("u"),), (timer("w", 1), throw("t1", MESSAGE), timer("v", 1), throw("t2", MESSAGE), t("b")))
            + at("x", "u", MESSAGE, STAYS),
            "b x_t x_t",
        ),
    ],
)
def test_messages_and_signals_reach_who_waits(body: str, traced: str) -> None:
    assert run(body) == traced


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (line(inside(t("i"), end=ERROR), t("z")) + at("x", "p", ERROR), "i x_t"),
        (line(inside(t("i"), end=ERROR), t("z")) + at("x", "p", "<errorEventDefinition/>"), "i x_t"),
        (
            line(inside(t("i"), end=ERROR), t("z")) + at("x", "p", '<errorEventDefinition errorRef="er2"/>'),
            "ERROR_thrownErrorEvent i",
        ),
        (
            line(inside(t("i"), end=ERROR), t("z"), sub("q", line(t("o")))) + at("x", "q", ERROR),
            "ERROR_thrownErrorEvent i",
        ),
        (
            both((sub("q", line(user("u"))), t("a")), (timer("w", 1), inside(t("i"), end=ERROR))) + at("x", "q", ERROR),
            "ERROR_thrownErrorEvent i",
        ),
        (line(sub("o", line(inside(t("i"), end=ERROR), t("k"))), t("z")) + at("x", "o", ERROR), "i x_t"),
        (
            line(sub("p", both((user("u"),), (timer("w", 1), t("i")), ends=("", ERROR))), t("z")) + at("x", "p", ERROR),
            "i x_t",
        ),
        (line(t("i"), end=ERROR), "ERROR_thrownErrorEvent i"),
        (line(script("q", RAISE), t("z")) + at("x", "q", ERROR), "x_t"),
        (line(inside(script("q", RAISE), t("k")), t("z")) + at("x", "p", ERROR), "x_t"),
        (line(script("q", RAISE), t("z")), "ERROR_runtime"),
        (line(inside(t("i"), throw("th", ESCALATION), t("k")), t("z")) + at("x", "p", ESCALATION), "i x_t"),
        (line(inside(t("i"), throw("th", ESCALATION), t("k")), t("z")) + at("x", "p", ESCALATION, STAYS), "i k x_t z"),
        (
            line(inside(t("i"), throw("t1", ESCALATION), throw("t2", ESCALATION)), t("z"))
            + at("x", "p", ESCALATION, STAYS),
            "i x_t x_t z",
        ),
        (
            line(inside(t("i"), throw("th", ESCALATION), t("k")), t("z"))
            + at("x", "p", "<escalationEventDefinition/>", STAYS),
            "i k x_t z",
        ),
        (line(inside(t("i"), end=ESCALATION), t("z")) + at("x", "p", ESCALATION), "i x_t"),
        (line(inside(t("i"), end=ESCALATION), t("z")) + at("x", "p", ESCALATION, STAYS), "i x_t z"),
        (line(inside(t("i"), throw("th", ESCALATION), t("k")), t("z")), "i k z"),
        (line(sub("p", both((user("u"),), (timer("w", 1), t("i")), ends=("", TERMINATE))), t("z")), "i z"),
        (both((user("u"),), (timer("w", 1), t("i")), ends=("", TERMINATE)), "i"),
        (line(transaction("p", line(t("i"))), t("z")), "i z"),
        (line(transaction("p", line(t("i"), end=CANCEL)), t("z")) + at("x", "p", CANCEL), "i x_t"),
        (
            line(transaction("p", both((user("u"),), (timer("w", 1), t("i")), ends=("", CANCEL))), t("z"))
            + at("x", "p", CANCEL),
            "i x_t",
        ),
    ],
)
def test_errors_escalations_and_ends_stop_exactly_their_scope(body: str, traced: str) -> None:
    assert run(body) == traced


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (line(inside(t("i"), wait("w", 10), t("k")), t("z")) + at("x", "p", after(1)), "i x_t"),
        (line(inside(t("i"), wait("w", 10), t("k")), t("z")) + at("x", "p", after(1), STAYS), "i k x_t z"),
        (line(inside(t("i"), wait("w", 10), t("k")), t("z")) + at("x", "p", every(2, 3), STAYS), "i k x_t x_t x_t z"),
        (line(inside(t("i"), wait("w", 5), t("k")), t("z")) + at("x", "p", every(2, 3), STAYS), "i k x_t x_t z"),
        (line(inside(sub("q", line(t("i"), timer("w", 9), t("k")))), t("z")) + at("x", "p", after(1)), "i x_t"),
        (line(user("u"), t("z")) + at("x", "u", after(1), STAYS) + at("y", "u", after(3)), "x_t y_t"),
        (line(script("w", "trace('a')\nwait(3)\ntrace('b')"), t("z")), "a b z"),
        (
            graph(
                S,
                E,
                '<endEvent id="e2"/>',
                script("n0", "n = 0"),
                gateway("exclusive", "m"),
                user("u"),
                t("z"),
                f'<boundaryEvent id="x" attachedToRef="u">{after(1)}</boundaryEvent>',
                script("k", "n = n + 1\ntrace('k')"),
                gateway("exclusive", "g", "g_e2"),
                "s>n0",
                "n0>m",
                "m>u",
                "u>z",
                "z>e",
                "x>k",
                "k>g",
                ("g>m", "n &lt; 3"),
                "g>e2",
            ),
            "k k k",
        ),
        (
            graph(
                S,
                E,
                task("u", "receiveTask", 'messageRef="msg"'),
                gateway("parallel", "j"),
                t("z"),
                throw("th", MESSAGE),
                t("k"),
                f'<boundaryEvent id="x" attachedToRef="u" {STAYS}>{after(1)}</boundaryEvent>',
                "s>u",
                "u>j",
                "j>z",
                "z>e",
                "x>th",
                "th>k",
                "k>j",
            ),
            "k z",
        ),
    ],
)
def test_timers_interrupt_or_not(body: str, traced: str) -> None:
    assert run(body) == traced


def within(*nodes: str, end: str = "", to: tuple[str, ...] = ()) -> str:
    """A subprocess p with these nodes and event subprocesses, then z."""
    return line(around("p", line(*nodes, end=end), *to), t("z"))


ON_TIME = listening("ev", after(1), t("v"))
ALSO_ON_TIME = listening("ev", after(1), t("v"), timer("ew", 5), t("v2"), stays=True)
ON_ERROR = listening("ev", ERROR, t("v"))


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (line(t("i"), throw("th", SIGNAL), t("k")) + listening("ev", SIGNAL, t("v")), "i v"),
        (line(t("i"), throw("t1", SIGNAL), throw("t2", SIGNAL)) + listening("ev", SIGNAL, t("v"), stays=True), "i v v"),
        (line(t("i"), throw("th", MESSAGE), timer("w", 5), t("k")) + listening("ev", MESSAGE, t("v")), "i v"),
        (
            line(t("i"), throw("th", MESSAGE), timer("w", 5), t("k")) + listening("ev", MESSAGE, t("v"), stays=True),
            "i k v",
        ),
        (line(t("i"), end=ERROR) + ON_ERROR, "i v"),
        (line(t("i"), throw("th", ESCALATION), t("k")) + listening("ev", ESCALATION, t("v")), "i v"),
        (line(t("i"), throw("th", ESCALATION), t("k")) + listening("ev", ESCALATION, t("v"), stays=True), "i k v"),
        (line(t("i")) + listening("ev", MESSAGE, t("v")), "i"),
        (line(user("u"), t("k")) + ON_TIME, "v"),
        (line(t("i"), timer("w", 1), t("k")) + listening("ev", after(5), t("v"), stays=True), "i k"),
        (both((timer("w", 9), t("a")), (inside(t("i"), timer("w2", 9)), t("b"))) + ON_TIME, "i v"),
        (within(t("i"), timer("w", 9), t("k"), to=(ON_TIME,)), "i v z"),
        (within(t("i"), throw("th", SIGNAL), t("k"), to=(listening("ev", SIGNAL, t("v")),)), "i v z"),
        (within(t("i"), throw("th", SIGNAL), t("k"), to=(listening("ev", SIGNAL, t("v"), stays=True),)), "i k v z"),
        (within(sub("q", line(t("i"), timer("w", 9), t("k"))), to=(ON_TIME,)), "i v z"),
        (within(t("i"), timer("w", 2), t("k"), to=(ALSO_ON_TIME,)), "i k v v2 z"),
        (within(t("i"), timer("w", 5), t("k"), to=(listening("ev", every(2, 3), t("v"), stays=True),)), "i k v v z"),
        (within(t("i"), timer("w", 9), to=(ALSO_ON_TIME,)) + at("x", "p", after(3)), "i v x_t"),
        (within(t("i"), timer("w", 9), to=(ALSO_ON_TIME, listening("eu", after(3), t("u")))), "i u v z"),
        (within(t("i"), end=ERROR, to=(ON_ERROR,)), "i v z"),
        (within(t("i"), end=ERROR, to=(listening("ev", "<errorEventDefinition/>", t("v")),)), "i v z"),
        (
            within(t("i"), end='<errorEventDefinition errorRef="er2"/>', to=(ON_ERROR,))
            + at("x", "p", '<errorEventDefinition errorRef="er2"/>'),
            "i x_t",
        ),
        (within(t("i"), end=ERROR, to=(listening("ev", ERROR, t("v"), end=ERROR),)) + at("x", "p", ERROR), "i v x_t"),
        (within(script("q", RAISE), t("k"), to=(ON_ERROR,)), "v z"),
        (within(sub("q", line(t("i"), end=ERROR)), t("k"), to=(ON_ERROR,)), "i v z"),
        (within(t("i"), throw("th", ESCALATION), t("k"), to=(listening("ev", ESCALATION, t("v")),)), "i v z"),
        (
            within(t("i"), throw("th", ESCALATION), t("k"), to=(listening("ev", ESCALATION, t("v"), stays=True),))
            + at("x", "p", ESCALATION, STAYS),
            "i k v z",
        ),
        (within(timer("w", 3), t("i"), end=TERMINATE, to=(ALSO_ON_TIME,)), "i v z"),
        (within(timer("w", 9), t("i"), to=(listening("ev", after(1), t("v"), end=TERMINATE),)), "v z"),
        (
            within(
                script("i", "n = 1"),
                timer("w", 3),
                script("k", "trace(str(n))"),
                to=(listening("ev", after(1), script("v", "trace('v' + str(n))"), stays=True),),
            ),
            "1 v1 z",
        ),
    ],
)
def test_event_subprocesses_listen_while_their_scope_lives(body: str, traced: str) -> None:
    assert run(body) == traced


ITEMS = instances("", 'camunda:collection="xs" camunda:elementVariable="x"')


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (line(task("m", "scriptTask", inner=f"{THREE}<script>trace('m')</script>"), t("z")), "m m m z"),
        (line(task("m", "scriptTask", inner=f"{THREE_IN_A_ROW}<script>trace('m')</script>"), t("z")), "m m m z"),
        (line(task("m", inner=instances("<loopCardinality>0</loopCardinality>")), t("z")), "z"),
        (line(repeated(inside(t("i"), timer("w", 1), t("k")), THREE), t("z")), "i i i k k k z"),
        (line(repeated(inside(t("i"), timer("w", 1), t("k")), THREE_IN_A_ROW), t("z")), "i i i k k k z"),
        (line(repeated(inside(t("i"), timer("w", 9)), THREE), t("z")) + at("x", "p", after(1)), "i i i x_t"),
        (line(repeated(inside(t("i"), end=ERROR), THREE_IN_A_ROW), t("z")) + at("x", "p", ERROR), "i x_t"),
        (line(repeated(inside(t("i"), timer("w", 1), end=ERROR), THREE), t("z")) + at("x", "p", ERROR), "i i i x_t"),
        (line(repeated(inside(t("i"), end=TERMINATE), THREE), t("z")), "i i i z"),
        (
            line(repeated(inside(t("i"), throw("th", ESCALATION)), THREE), t("z")) + at("x", "p", ESCALATION, STAYS),
            "i i i x_t x_t x_t z",
        ),
        (line(user("m", THREE), t("z")) + at("x", "m", after(1)), "x_t"),
        (
            line(
                script("i", "xs = ['p', 'q']"),
                task("m", "scriptTask", inner=f"{ITEMS}<script>trace(x)</script>"),
                t("z"),
            ),
            "p q z",
        ),
        (line(script("i", "xs = []"), task("m", "scriptTask", inner=f"{ITEMS}<script>trace(x)</script>"), t("z")), "z"),
        (
            line(
                script("n0", "n = 0"),
                task(
                    "m",
                    "scriptTask",
                    inner=instances(
                        "<loopCardinality>5</loopCardinality><completionCondition>n == 2</completionCondition>",
                        'isSequential="true"',
                    )
                    + "<script>n = n + 1\ntrace('m')</script>",
                ),
                t("z"),
            ),
            "m m z",
        ),
        (
            line(
                script("n0", "n = 0"),
                repeated(inside(script("i", "n = n + 1\ntrace('i')"), timer("w", 1)), loop("n &lt; 3")),
                t("z"),
            ),
            "i i i z",
        ),
        (
            line(
                task("m", "scriptTask", inner=loop("True", 'loopMaximum="4"') + "<script>trace('m')</script>"), t("z")
            ),
            "m m m m z",
        ),
        (line(task("m", "scriptTask", inner=loop("False") + "<script>trace('m')</script>"), t("z")), "m z"),
        (
            line(
                task("m", "scriptTask", inner=loop("False", 'testBefore="true"') + "<script>trace('m')</script>"),
                t("z"),
            ),
            "z",
        ),
        (
            line(
                task(
                    "m", "scriptTask", inner=loop("True", 'loopMaximum="4"') + f"<script>trace('m')\n{RAISE}</script>"
                ),
                t("z"),
            )
            + at("x", "m", ERROR),
            "m x_t",
        ),
    ],
)
def test_loops_and_instances_run_as_often_as_they_should(body: str, traced: str) -> None:
    assert run(body) == traced


@pytest.mark.parametrize(
    ("body", "called", "traced"),
    [
        (line(t("a"), CALL, t("z")), line(t("i")), "a i z"),
        (line(CALL, CALL.replace('"call"', '"again"'), t("z")), line(t("i")), "i i z"),
        (line(CALL, t("z")) + at("x", "call", ERROR), line(t("i"), end=ERROR), "i x_t"),
        (
            line(CALL, t("z")) + at("x", "call", ESCALATION, STAYS),
            line(t("i"), throw("th", ESCALATION), t("k")),
            "i k x_t z",
        ),
        (line(CALL, t("z")) + at("x", "call", after(1)), line(t("i"), timer("w", 5), t("k")), "i x_t"),
        (line(CALL, t("z")), line(t("i"), end=TERMINATE), "i z"),
        (line(CALL.replace("/>", f">{THREE}</callActivity>"), t("z")), line(t("i"), timer("w", 1)), "i i i z"),
        (line(script("a", "n = 1"), CALL, script("z", "trace(str(n))")), line(script("i", "n = n + 1")), "2"),
        (line(CALL.replace("/>", ' camunda:asyncBefore="true"/>'), t("z")), line(t("i")), "i z"),
    ],
)
def test_called_processes_come_back(body: str, called: str, traced: str) -> None:
    assert run(body, called=other(called)) == traced


@pytest.mark.parametrize(
    ("body", "traced"),
    [
        (
            graph(
                S,
                E,
                gateway("parallel", "g"),
                script("a", "x = 1"),
                script("b", "y = 2"),
                gateway("parallel", "j"),
                script("z", "trace(str(x + y))"),
                "s>g",
                "g>a",
                "g>b",
                "a>j",
                "b>j",
                "j>z",
                "z>e",
            ),
            "3",
        ),
        (
            line(
                script("a", "typename = 'list'\nn = 1\nyes = True"),
                timer("w", 1),
                script("z", "trace(typename + str(n) + str(yes))"),
            ),
            "list1True",
        ),
        (line(script("a", "rows = [{'k': [1]}]"), timer("w", 1), script("z", "trace(str(rows[0]['k'][0]))")), "1"),
        (
            graph(
                S,
                E,
                script("n0", "n = 0"),
                gateway("exclusive", "m"),
                script("inc", "n = n + 1"),
                gateway("exclusive", "x", "x_z"),
                t("z"),
                "s>n0",
                "n0>m",
                "m>inc",
                "inc>x",
                ("x>m", "n &lt; 500"),
                "x>z",
                "z>e",
            ),
            "z",
        ),
        (line(*[script(f"t{n}") for n in range(450)], t("z")), "z"),
        (both((timer("w", 5), t("b")), (t("a"),)).replace("end1", "End"), "a b"),
        (line(task("End", "manualTask"), task("Start", "manualTask"), task("Root", "manualTask"), t("z")), "z"),
        (line(task("q", "scriptTask", 'camunda:asyncBefore="true"', "<script>trace('q')</script>"), t("z")), "q z"),
    ],
)
def test_data_long_runs_and_odd_names_survive(body: str, traced: str) -> None:
    assert run(body) == traced
