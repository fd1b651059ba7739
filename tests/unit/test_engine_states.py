"""States that elements say (decision 22): when, by what expression, under which name; the last of a step counts."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from service.engine import Input, Reached, Request, StepError, read_definition, step

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" id="d" targetNamespace="anpei">'
    '<bpmn:process id="p" isExecutable="true">'
)
CHAIN = ("s", "a", "look", "b", "e")
KINDS = {"s": "startEvent", "look": "userTask", "e": "endEvent"}
NARROWED = (
    '</camunda:properties><camunda:inputOutput><camunda:outputParameter name="m">1</camunda:outputParameter>'
    "</camunda:inputOutput><camunda:properties>"
)
NAMED = '<camunda:property name="state_name" value="待复核" />'


def _said(state: str | None, name: str = "") -> str:
    if state is None:
        return ""
    value = state.replace('"', "&quot;")
    return (
        "<bpmn:extensionElements><camunda:properties>"
        f'<camunda:property name="state" value="{value}" />{name}</camunda:properties></bpmn:extensionElements>'
    )


def _states(**said: str) -> list[Reached | None]:
    """What each of two steps reaches: from the start to the user task, from there to the end."""
    drawn = []
    for node in CHAIN:
        kind = KINDS.get(node, "serviceTask")
        more = ' camunda:type="external" camunda:topic="t"' if kind == "serviceTask" else ""
        more += ' camunda:candidateGroups="r"' if kind == "userTask" else ""
        drawn.append(
            f'<bpmn:{kind} id="{node}"{more}>{_said(said.get(node), said.get("name", "") if node in said else "")}</bpmn:{kind}>'
        )
    pairs = pairwise(CHAIN)
    flows = [f'<bpmn:sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}" />' for a, b in pairs]
    diagram = HEAD + "".join(drawn + flows) + "</bpmn:process></bpmn:definitions>"
    definition = read_definition({"p.bpmn": diagram.encode()}, deployment_rules=False)
    at = datetime(2026, 3, 2, tzinfo=UTC)

    def serve(request: Request) -> dict[str, object]:
        return {"n": 2}

    first = step(definition, None, Input("start", 0, at, data={"n": 1}), serve, b"salt")
    done = Input("complete", 1, at, first.opened[0].token, "look")
    return [first.reached, step(definition, first.state, done, serve, b"salt").reached]


def test_a_user_task_sets_its_state_when_it_opens_other_elements_when_they_are_done() -> None:
    assert _states() == [None, None]
    for node in ("s", "a", "look"):
        assert _states(**{node: "pending"}) == [Reached("pending"), None]
    for node in ("b", "e"):
        assert _states(**{node: "ended"}) == [None, Reached("ended")]


def test_the_last_state_of_a_step_counts() -> None:
    assert _states(s="first", a="second", b="third", e="fourth") == [Reached("second"), Reached("fourth")]
    assert _states(a="second", look="pending") == [Reached("pending"), None]


def test_an_expression_sees_what_the_topic_gave() -> None:
    assert _states(a='${["one", "two"][n - 1]}') == [Reached("two"), None]
    assert _states(look='${"two" if n == 2 else "one"}') == [Reached("two"), None]
    assert _states(a='${["one", "two"][n - 1]}', name=NARROWED) == [Reached("two"), None]
    with pytest.raises(StepError, match="状态"):
        _states(a="${n}")


def test_a_state_may_have_a_name_of_its_own() -> None:
    assert _states(look="pending", name=NAMED) == [Reached("pending", "待复核"), None]
