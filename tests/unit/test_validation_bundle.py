"""What a diagram names lies in its bundle; the house rules hold at deployment only."""

from __future__ import annotations

import pytest

from tests.unit.validation_diagrams import TIMER, boundary, chain, flow, problems, process, said, sub, task, warned

USER = task("u", "userTask", 'camunda:formKey="confirm" camunda:candidateGroups="association"')
RULE = task("r", "businessRuleTask", 'camunda:decisionRef="need" camunda:resultVariable="n"')
DMN = b'<definitions xmlns="https://www.omg.org/spec/DMN/20191111/MODEL/" id="d" name="d"><decision id="need" name="n"/></definitions>'
FORM = b'{"components": []}'


def test_forms_must_lie_beside_the_diagram() -> None:
    assert 'form "confirm" is not among' in said(process(chain(USER)), deployment_rules=True)
    assert warned(process(chain(USER))) == [("absent_files_are_done_without", "u")]
    assert not problems(process(chain(USER)), confirm__form=FORM)
    assert "cannot be read at line 1" in said(process(chain(USER)), confirm__form=b"{")


def test_decisions_must_lie_beside_the_diagram() -> None:
    assert 'decision "need" is not among' in said(process(chain(RULE)), deployment_rules=True)
    assert warned(process(chain(RULE))) == [("absent_files_are_done_without", "r")]
    assert "is not among" not in said(process(chain(RULE)), deployment_rules=True, need__dmn=DMN)


def test_called_processes_must_lie_beside_the_diagram_and_never_call_back() -> None:
    def call(name: str, to: str) -> bytes:
        own = chain(task(f"{name}_c", "callActivity", f'calledElement="{to}"'))
        for old in ("s", "e"):
            own = (
                own.replace(f'"{old}"', f'"{name}.{old}"')
                .replace(f'"{old}_', f'"{name}.{old}_')
                .replace(f'_{old}"', f'_{name}.{old}"')
            )
        return process(own).replace(b'id="P"', f'id="{name}"'.encode())

    assert 'process "Q" is not among' in said(call("P", "Q"), deployment_rules=True)
    assert warned(call("P", "Q")) == [("absent_files_are_done_without", "P_c")]
    assert "calls itself" in said(call("P", "P"))
    assert "calls itself" in said(call("P", "Q"), q__bpmn=call("Q", "P"))
    leaf = process(chain(task("leaf"))).replace(b'id="P"', b'id="Q"')
    assert not problems(call("P", "Q"), q__bpmn=leaf)
    trigger = '<bpmn:messageEventDefinition messageRef="m"/></bpmn:startEvent>'
    waiting = (
        process(chain(task("leaf")), '<message id="m" name="n"/>').decode().replace("</bpmn:startEvent>", trigger, 1)
    )
    waiting = waiting.replace('<bpmn:startEvent id="s"/>', f'<bpmn:startEvent id="s">{trigger}').replace(
        'id="P"', 'id="Q"'
    )
    assert "no plain start event" in said(call("P", "Q"), q__bpmn=waiting.encode())


LOOP = "<standardLoopCharacteristics><loopCondition>n &lt; 3</loopCondition></standardLoopCharacteristics>"
INSTANCES = "<multiInstanceLoopCharacteristics><loopCardinality>n</loopCardinality></multiInstanceLoopCharacteristics>"
CALL = task("c", "callActivity", 'calledElement="P"')
OTHER_WAY = f'<endEvent id="e2"/>{flow("g", "e2")}'


def behind(kind: str, way_out: str = OTHER_WAY, more: str = "") -> str:
    """A process that calls itself behind a gateway."""
    return chain(f'<{kind} id="g"{more}/>', CALL) + way_out


@pytest.mark.parametrize(
    ("body", "is_endless"),
    [
        (chain(CALL), True),
        (chain(task("a"), CALL), True),
        (chain(sub("p", chain(CALL))), True),
        (chain(CALL) + boundary("b", "c", TIMER), True),  # first it calls
        (chain(task("a", "userTask"), CALL), True),
        (chain(task("a", "userTask"), CALL) + boundary("b", "a", TIMER), False),
        (chain(task("a", "userTask"), CALL) + boundary("b", "a", TIMER, 'cancelActivity="false"'), True),
        (behind("parallelGateway"), True),
        (behind("exclusiveGateway", OTHER_WAY, ' default="g_c"'), False),
        (behind("inclusiveGateway", OTHER_WAY, ' default="g_c"'), False),
        (chain('<exclusiveGateway id="g"/>', CALL), True),
        (chain(sub("p", behind("exclusiveGateway", OTHER_WAY, ' default="g_c"'))), False),
        (chain(task("c", "callActivity", 'calledElement="P"', LOOP)), True),
        (chain(task("c", "callActivity", 'calledElement="P"', LOOP.replace(">", ' testBefore="true">', 1))), False),
        (chain(task("c", "callActivity", 'calledElement="P"', INSTANCES)), False),
        (chain(task("a")) + sub("p", chain(CALL), 'triggeredByEvent="true"'), False),
    ],
)
def test_only_a_process_that_calls_itself_whatever_is_decided_is_endless(body: str, is_endless: bool) -> None:
    """Issue 10.7 (F12): recursion behind a decision is bounded when it runs."""
    assert ("calls itself" in said(process(body))) is is_endless, said(process(body))


def test_two_diagrams_of_a_bundle_share_no_id() -> None:
    assert "already has an element with the id a" in said(process(chain(task("a"))), q__bpmn=process(chain(task("a"))))


def test_house_rules_are_for_deployment() -> None:
    nobody = process(chain(task("u", "userTask")))
    assert not problems(nobody)
    assert "no role" in said(nobody, deployment_rules=True)
    assert not problems(process(chain(task("t"))))
    assert "no kind" in said(process(chain(task("t"))), deployment_rules=True)
    assert "isExecutable" in said(process(chain(task("a")), more=""), deployment_rules=True)
    properties = '<extensionElements><camunda:properties><camunda:property name="scop" value="x"/></camunda:properties></extensionElements>'
    slip = process(chain(task("u", "userTask", 'camunda:assignee="me"', properties)))
    assert not problems(slip)
    assert 'Unknown camunda:property "scop"' in said(slip, deployment_rules=True)
