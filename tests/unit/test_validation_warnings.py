"""Warnings, the third answer: what runs and will surprise, each with its rule and element."""

from __future__ import annotations

import pytest

from service.engine.kernel.synonyms import SAME
from service.engine.validation.camunda_extensions import WITHOUT_EFFECT
from service.engine.validation.equivalents import INSTEAD
from service.engine.validation.validator import examine
from tests.unit.test_validation_flows import DIAMOND, FORK, exclusive
from tests.unit.validation_diagrams import TIMER, boundary, chain, condition, flow, process, said, sub, task, warned

CATCHES = '<intermediateCatchEvent id="c"><messageEventDefinition/></intermediateCatchEvent>'
THROWS = '<intermediateThrowEvent id="c"><signalEventDefinition/></intermediateThrowEvent>'
ITEMS = '<dataObject id="o" name="paper"/><dataObjectReference id="r" dataObjectRef="o"/>'
OUTPUT = "<dataOutputAssociation><sourceRef>{0}</sourceRef><targetRef>r</targetRef></dataOutputAssociation>"
SPECIFIED = (
    '<ioSpecification><dataOutput id="out" name="drafted"/><inputSet/><outputSet><dataOutputRefs>out</dataOutputRefs>'
    "</outputSet></ioSpecification>"
)


GOES_ROUND = (
    f'<startEvent id="s"/><exclusiveGateway id="m"/><task id="a"/>{flow("s", "m")}{flow("m", "a")}{flow("a", "m")}'
)


@pytest.mark.parametrize(
    ("body", "warnings"),
    [
        # nothing to warn of
        (chain(task("a")), []),
        (f'<task id="a"/><task id="b"/>{flow("a", "b")}', []),
        (chain(task("a"), task("b")) + f"<task id='c'/>{flow('a', 'c')}{flow('c', 'b')}", []),
        (chain(task("a", attributes='startQuantity="2" completionQuantity="3"')), [("waiting_can_end", "a")]),
        (chain(task("a", attributes='completionQuantity="3"'), task("b", attributes='startQuantity="3"')), []),
        (chain(task("a")).replace('id="a_e" ', ""), []),
        (ITEMS + chain(task("a", inner=SPECIFIED + OUTPUT.format("out"))), []),
        (chain(task("a"), sub("p", task("i"))), []),
        # starts and ends
        ('<task id="a"/><endEvent id="e"/>' + flow("a", "e"), [("scopes_start_and_end", "P")]),
        (f'<startEvent id="s"/><task id="a"/>{flow("s", "a")}', [("scopes_start_and_end", "P")]),
        (chain(task("a")) + f'<startEvent id="s2"/>{flow("s2", "a")}', [("scopes_start_and_end", "P")]),
        (chain(task("a"), sub("p", "")), [("levels_hold_work", "p")]),
        (GOES_ROUND, [("scopes_start_and_end", "P"), ("ends_are_reached", "P")]),
        (chain(task("a")) + boundary("b", "a", "<escalationEventDefinition/>"), [("escalations_can_come", "b")]),
        (chain(task("a")) + f"<task id='b'/>{flow('a', 'b')}", [("nodes_are_connected", "b")]),
        # conditions
        (exclusive(condition("x"), ""), [("exclusive_splits_have_conditions", "g_b")]),
        (exclusive("", ""), [("exclusive_splits_have_conditions", f"g_{n}") for n in "ab"]),
        (exclusive("", "", 'default="g_b"'), [("exclusive_splits_have_conditions", "g_a")]),
        (
            exclusive("", "").replace("exclusive", "inclusive"),
            [("exclusive_splits_have_conditions", f"g_{n}") for n in "ab"],
        ),
        (
            FORK + DIAMOND.replace(flow("g", "a"), flow("g", "a", condition("x"))),
            [("conditions_belong_to_splits", "g_a")],
        ),
        # tasks that do not say what they do
        *((chain(task("t", kind)), [("tasks_say_what_to_do", "t")]) for kind in ("serviceTask", "businessRuleTask")),
        *((chain(task("t", kind)), [("tasks_say_what_to_do", "t")]) for kind in ("scriptTask", "callActivity")),
        (chain(task("t", "serviceTask", 'camunda:type="external"')), [("tasks_say_what_to_do", "t")]),
        (chain(task("t", "scriptTask", inner="<script>  </script>")), [("tasks_say_what_to_do", "t")]),
        # events that name nothing
        *((chain(task("t", kind)), [("events_name_what_they_wait_for", "t")]) for kind in ("sendTask", "receiveTask")),
        (chain(CATCHES), [("events_name_what_they_wait_for", "c")]),
        (chain(THROWS), [("events_name_what_they_wait_for", "c")]),
        # files that are not there
        (chain(task("t", "callActivity", 'calledElement="Q"')), [("absent_files_are_done_without", "t")]),
        (chain(task("t", "userTask", 'camunda:formKey="f"')), [("absent_files_are_done_without", "t")]),
    ],
)
def test_what_runs_and_will_surprise_is_a_warning(body: str, warnings: list[tuple[str, str]]) -> None:
    assert warned(process(body)) == warnings


LEFT_OUT = {
    "calledElementVersion": task("t", "callActivity", 'camunda:calledElementVersion="2"'),
    "calledElementVersionTag": task("t", "callActivity", 'activiti:calledElementVersionTag="v"'),
    "calledElementBinding": task("t", "callActivity", 'camunda:calledElementBinding="latest"'),
    "decisionRefVersion": task("t", "businessRuleTask", 'camunda:decisionRefVersion="2"'),
    "decisionRefVersionTag": task("t", "businessRuleTask", 'activiti:decisionRefVersionTag="${x.y()}"'),
    "decisionRefBinding": task("t", "businessRuleTask", 'camunda:decisionRefBinding="versionTag"'),
    "zeebe:taskDefinition": task(
        "t",
        "serviceTask",
        'camunda:type="external" camunda:topic="x"',
        '<extensionElements><zeebe:taskDefinition xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" type="y"/>'
        "</extensionElements>",
    ),
    "zeebe:subscription": task("t"),
    "spiffworkflow:calledDecisionId": task(
        "t",
        "businessRuleTask",
        inner='<extensionElements><s:calledDecisionId xmlns:s="http://spiffworkflow.org/bpmn/schema/1.0/core">d'
        "</s:calledDecisionId></extensionElements>",
    ),
}
SUBSCRIBED = (
    '<message id="m" name="paid"><extensionElements><z:subscription xmlns:z="http://camunda.org/schema/zeebe/1.0"'
    ' correlationKey="= k"/></extensionElements></message>'
)


@pytest.mark.parametrize("name", [name for name in WITHOUT_EFFECT if name != "conditionExpression"])
def test_what_the_reading_leaves_out_runs_with_a_warning(name: str) -> None:
    diagram = process(chain(LEFT_OUT[name]), SUBSCRIBED if name == "zeebe:subscription" else "")
    assert said(diagram) == ""
    told = [issue for issue in examine({"m.bpmn": diagram}, deployment_rules=False) if issue.is_warning]
    (found,) = [issue for issue in told if issue.rule == "what_is_left_out_is_told"]
    assert found.en.startswith(f"{name} is without effect")


@pytest.mark.parametrize("language", ["", ' language="http://www.w3.org/1999/XPath"'])
def test_an_empty_condition_is_none(language: str) -> None:
    empty = f"<conditionExpression{language}> </conditionExpression>"
    found = warned(process(exclusive(condition("x"), empty)))
    assert ("what_is_left_out_is_told", "g_b") in found
    assert ("exclusive_splits_have_conditions", "g_b") in found
    assert len(found) == 2


@pytest.mark.parametrize("kind", ["userTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask"])
@pytest.mark.parametrize("value", ["webService", "urn:any:technology", "##unspecified", "##WebService"])
def test_any_implementation_may_be_named(kind: str, value: str) -> None:
    diagram = process(chain(task("t", kind, f'implementation="{value}"')))
    assert said(diagram) == ""
    told = ("implementations_are_ours", "t") in warned(diagram)
    assert told is (not value.startswith("##"))


def test_a_script_task_without_script_has_no_language() -> None:
    assert warned(process(chain(task("t", "scriptTask", 'scriptFormat="groovy"')))) == [("tasks_say_what_to_do", "t")]


def test_a_process_that_is_documentation_is_not_walked() -> None:
    split = '<startEvent id="qs"/>' + task("q") + task("r") + flow("qs", "q") + flow("q", "r")
    assert warned(process(chain(task("a")), f'<process id="Q" isExecutable="false">{split}</process>')) == []


def test_a_process_beside_an_executable_one_is_documentation() -> None:
    drawn = task("q", "serviceTask", 'camunda:class="x"') + flow("q", "q")
    other = f'<process id="Q" isExecutable="false">{drawn}</process>'
    assert warned(process(chain(task("a")), other)) == []
    assert "no process that may be executed" in said(process(chain(task("a")), other, more='isExecutable="false"'))


def test_imports_lie_in_the_bundle() -> None:
    def imported(kind: str, file: str) -> bytes:
        return process(chain(task("a")), f'<import importType="{kind}" location="{file}" namespace="urn:x"/>')

    bpmn, types = "http://www.omg.org/spec/BPMN/20100524/MODEL", "http://www.w3.org/2001/XMLSchema"
    other = process(chain(task("b"))).replace(b'id="P"', b'id="Q"').replace(b'"s', b'"s2').replace(b'"e"', b'"e2"')
    other = other.replace(b"_e", b"_e2").replace(b'targetNamespace="urn:test"', b'targetNamespace="urn:x"')
    assert 'imported file "other.bpmn" is not among' in said(imported(bpmn, "other.bpmn"))
    assert warned(imported(types, "types.xsd")) == [("imports_are_in_bundle", "defs")]
    assert warned(imported(bpmn, "sub/other.bpmn"), other__bpmn=other) == []


@pytest.mark.parametrize("name", INSTEAD)
@pytest.mark.parametrize("engine", ["camunda", "activiti"])
def test_a_foreign_word_is_refused_by_its_name_with_ours_beside_it(engine: str, name: str) -> None:
    where = ("manualTask", f'{engine}:{name}="x"')
    text = said(process(chain(task("t", *where))))
    assert f"{'camunda' if name in SAME else engine}:{name}" in text
    assert INSTEAD[name][1] in text


def test_a_receive_task_starts_a_case_only_at_its_beginning() -> None:
    receive = task("r", "receiveTask", 'instantiate="true" messageRef="m"')
    message, rest = '<message id="m" name="paid"/>', f'<endEvent id="e"/>{flow("r", "e")}'
    assert warned(process(receive + rest, message)) == []
    assert "without loop or boundary event" in said(process(receive + rest + boundary("b", "r", TIMER), message))
    assert "must not have an incoming" in said(process(chain(receive), message))
