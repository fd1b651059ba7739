"""The shape of a process: flows, gateways, start and end, as BPMN 2.0 demands it."""

from __future__ import annotations

import pytest

from tests.unit.validation_diagrams import (
    TIMER,
    boundary,
    chain,
    condition,
    file,
    flow,
    problems,
    process,
    said,
    sub,
    task,
)

FORK = '<parallelGateway id="g"/><parallelGateway id="j"/>'
DIAMOND = (
    '<startEvent id="s"/><task id="a"/><task id="b"/><endEvent id="e"/>'
    + flow("s", "g")
    + flow("g", "a")
    + flow("g", "b")
    + flow("a", "j")
    + flow("b", "j")
    + flow("j", "e")
)


def exclusive(first: str, second: str, attributes: str = "") -> str:
    """A choice between a and b with these insides of the two flows."""
    return (
        f'<startEvent id="s"/><exclusiveGateway id="g" {attributes}/><task id="a"/><task id="b"/><endEvent id="e"/>'
        + flow("s", "g")
        + flow("g", "a", first)
        + flow("g", "b", second)
        + flow("a", "e")
        + flow("b", "e")
    )


def event_gateway(*targets: str) -> str:
    names = [target.split('id="')[1].split('"')[0] for target in targets]
    body = "".join(targets) + "".join(flow("g", name) + flow(name, "e") for name in names)
    return f'<startEvent id="s"/><eventBasedGateway id="g"/><endEvent id="e"/>{flow("s", "g")}{body}'


CATCH = f'<intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent>'
CATCH2 = CATCH.replace('"c"', '"c2"')
MESSAGE = '<message id="m" name="paid"/>'


def test_forks_and_choices_are_accepted() -> None:
    assert not problems(process(FORK + DIAMOND))
    assert not problems(process(exclusive(condition("x == 1"), "", 'default="g_b"')))
    assert not problems(process(exclusive(condition("x == 1"), condition("x != 1"))))
    assert not problems(process(event_gateway(CATCH, CATCH2)))
    assert not problems(process(chain(sub("p", chain(task("i"))))))


@pytest.mark.parametrize(
    ("body", "element", "reason"),
    [
        (chain(sub("p", chain(task("i")) + f'<startEvent id="s2"/>{flow("s2", "i")}')), "p", "exactly one start event"),
        (chain(task("a")) + sub("p", task("i"), 'triggeredByEvent="true"'), "p", "exactly one start event"),
        (chain(task("a"), '<intermediateThrowEvent id="i"/>').replace(flow("i", "e"), ""), "i", "outgoing"),
        (chain(task("a")) + f'<boundaryEvent id="b" attachedToRef="a">{TIMER}</boundaryEvent>', "b", "outgoing"),
        (chain(task("a")) + task("b"), "b", "incoming"),
        (f'<task id="a"/><task id="b"/>{flow("a", "b")}{flow("b", "a")}', "a", "No path"),
        (
            f'<intermediateCatchEvent id="c">{TIMER}</intermediateCatchEvent><task id="b"/>{flow("c", "b")}',
            "c",
            "incoming",
        ),
        (chain(task("a")) + flow("a", "s"), "s", "must not have an incoming"),
        (chain(task("a")) + flow("e", "a"), "e", "must not have an outgoing"),
        (chain(task("a")) + f"<task id='x'/><task id='y'/>{flow('x', 'y')}{flow('y', 'x')}", "x", "No path"),
        (chain(task("a"), '<exclusiveGateway id="g"/>'), "g", "neither splits nor joins"),
        (chain(task("a"), sub("p", chain(task("i")))) + flow("a", "i"), "a_i", "crosses the border"),
        (
            chain(task("a")).replace(flow("a", "e"), flow("a", "e", condition("x == 1"))),
            "a_e",
            "may not have a condition",
        ),
        (
            chain(task("a")).replace(flow("s", "a"), flow("s", "a", condition("x == 1"))),
            "s_a",
            "may not have a condition",
        ),
        (exclusive(condition("x"), condition("y"), 'default="g_b"'), "g", "default flow"),
        (exclusive(condition("x"), "", 'default="a_e"'), "g", "default flow"),
        (exclusive(condition("x"), "", 'default="nowhere"'), "g", "not in the file"),
        (FORK.replace('"g"', '"g" gatewayDirection="Converging"') + DIAMOND, "g", "gatewayDirection"),
        (FORK.replace('"j"', '"j" gatewayDirection="Diverging"') + DIAMOND, "j", "gatewayDirection"),
        (FORK.replace('"g"', '"g" gatewayDirection="Mixed"') + DIAMOND, "g", "gatewayDirection"),
        (event_gateway(CATCH), "g", "event-based"),
        (event_gateway(CATCH, task("t")), "g", "event-based"),
        (event_gateway(CATCH, CATCH2) + f'<task id="t"/>{flow("t", "c")}', "g", "event-based"),
        (event_gateway(CATCH, CATCH2).replace(flow("g", "c"), flow("g", "c", condition("x"))), "g_c", "condition"),
        (chain(task("a")) + flow("a", "nowhere"), "a_nowhere", "not in the file"),
        (chain(task("a")) + f'<textAnnotation id="t"/>{flow("a", "t")}', "a_t", "not allowed here"),
        (chain(task("a", inner="<incoming>a_e</incoming>")), "a", "Let incoming name exactly the flows that end here"),
        (
            chain(task("a", inner="<incoming>s_a</incoming>")),
            "a",
            "Let outgoing name exactly the flows that begin here",
        ),
    ],
)
def test_a_broken_shape_is_refused(body: str, element: str, reason: str) -> None:
    assert any(p.element == element and reason in f"{p.en} {p.remedy_en}" for p in problems(process(body))), said(
        process(body)
    )


def test_receive_tasks_behind_an_event_gateway_stand_alone() -> None:
    receive = task("r", "receiveTask", 'messageRef="m"')
    message = '<intermediateCatchEvent id="c"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
    assert not problems(process(event_gateway(receive, CATCH), MESSAGE))
    assert "event-based" in said(process(event_gateway(receive, message), MESSAGE))
    assert "event-based" in said(process(event_gateway(receive, CATCH) + boundary("b", "r", TIMER), MESSAGE))


def test_lists_of_flows_are_complete_or_absent() -> None:
    whole = (
        '<startEvent id="s"><outgoing>s_e</outgoing></startEvent><endEvent id="e"><incoming>s_e</incoming></endEvent>'
        + flow("s", "e")
    )
    assert not problems(process(whole))
    assert "do not agree" in said(process(whole.replace("<incoming>s_e</incoming>", "")))


def test_pools_and_message_flows_tell_the_truth() -> None:
    def collaboration(flow: str, second: str = "") -> bytes:
        pools = f'<participant id="p1" processRef="P"/><participant id="p2" {second}/>{flow}'
        body = chain(
            task("a"),
            '<intermediateThrowEvent id="t"><messageEventDefinition messageRef="m"/></intermediateThrowEvent>',
        )
        return file(
            f'{MESSAGE}<collaboration id="c">{pools}</collaboration><process id="P" isExecutable="true">{body}</process>'
        )

    def message(source: str, target: str) -> str:
        return f'<messageFlow id="f" sourceRef="{source}" targetRef="{target}"/>'

    assert not problems(collaboration(message("t", "p2")))
    assert not problems(collaboration(message("p2", "a")))
    assert "one pool" in said(collaboration(message("a", "t")))
    assert "one pool" in said(collaboration(message("p2", "p2")))
    assert "cannot send" in said(collaboration(message("s", "p2")))
    assert "cannot send" in said(collaboration(message("p2", "e")))
    assert "cannot send" in said(collaboration(message("p2", "t")))
    assert "two pools" in said(collaboration("", 'processRef="P"'))
    assert "not in the file" in said(collaboration("", 'processRef="Q"'))


def test_a_pool_is_there_once() -> None:
    def pool(multiplicity: str) -> str:
        inner = f'<participant id="p" processRef="P"><participantMultiplicity {multiplicity}/></participant>'
        good = f'<process id="P" isExecutable="true">{chain(task("a"))}</process>'
        return said(file(f'<collaboration id="c">{inner}</collaboration>{good}'))

    assert not pool('minimum="0" maximum="1"')
    assert "maximum" in pool('minimum="0" maximum="2"')
    assert "minimum" in pool('minimum="-1" maximum="1"')


def test_a_file_needs_a_process_that_may_be_executed() -> None:
    assert "no process that may be executed" in said(file('<collaboration id="c"/>'))
    assert "no process that may be executed" in said(process(chain(task("a")), more='isExecutable="false"'))
    assert "processType" in said(process(chain(task("a")), more='processType="Public"'))
    assert not problems(process(chain(task("a")), more=""))


def test_a_node_stands_in_one_lane() -> None:
    def lanes(first: str, second: str) -> bytes:
        refs = (f"<flowNodeRef>{name}</flowNodeRef>" for name in (first, second))
        inner = "".join(f'<lane id="l{i}">{ref}</lane>' for i, ref in enumerate(refs))
        return process(f'<laneSet id="ls">{inner}</laneSet>{chain(task("a"), task("b"))}')

    assert not problems(lanes("a", "b"))
    assert "two lanes" in said(lanes("a", "a"))
    assert "not in the file" in said(lanes("a", "ghost"))
