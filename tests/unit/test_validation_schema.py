"""Elements, attributes, values and extensions: what is not on the allow-list is refused."""

from __future__ import annotations

import pytest

from tests.unit.validation_diagrams import boundary, chain, file, problems, process, said, script, task


def test_a_sound_diagram_is_accepted() -> None:
    body = chain(script("b"), task("c", "manualTask"), task("u", "userTask", 'camunda:candidateGroups="association"'))
    assert problems(process(body), deployment_rules=True) == []


def test_drawing_documentation_and_colours_are_ignored() -> None:
    body = (
        '<documentation textFormat="text/html">note</documentation>'
        '<extensionElements><x:layout grid="1"><x:deep/></x:layout></extensionElements>'
        + chain(
            '<manualTask id="a" color:background-color="#fff" x:owner="me"><documentation>why</documentation></manualTask>'
        )
        + '<dataObject id="o"/><dataObjectReference id="r" dataObjectRef="o" name="file"/>'
        '<textAnnotation id="t"><text>hint</text></textAnnotation><association id="q" sourceRef="a" targetRef="t"/>'
    )
    assert problems(process(body), deployment_rules=True) == []


@pytest.mark.parametrize(
    ("body", "element", "reason"),
    [
        *(
            (chain(task("a", attributes=f'{name}="{value}"')), "a", f"{name}=")
            for name in ("startQuantity", "completionQuantity")
            for value in ("0", "-2", "101", "1000000000")
        ),
        (chain(task("a", attributes='isForCompensation="true"')), "a", "isForCompensation"),
        (chain(task("a", "receiveTask", 'instantiate="true" messageRef="m"')), "a", "incoming"),
        (chain('<eventBasedGateway id="a" instantiate="true"/>'), "a", "instantiate"),
        (chain(task("a", attributes='colour="red"')), "a", "schema"),
        (chain(task("a", attributes='isForCompensation="perhaps"')), "a", "schema"),
        (chain('<task id="1a"/>'), "1a", "schema"),
        (chain(task("a")) + "<task/>", "P", "no id"),
        (chain(task("a")) + task("a"), "a", "used twice"),
        (chain(task("a", inner="<outgoing>a_e</outgoing><documentation>late</documentation>")), "a", "schema"),
        (chain(task("a", inner='<documentation textFormat="plain">d</documentation>')), "a", "media type"),
        (chain(task("a", inner="<potentialOwner/>")), "a", "candidateGroups"),
        (chain(task("a", inner="<x:stray/>")), "a", "extensionElements"),
        (chain(task("a")) + '<correlationSubscription id="c" correlationKeyRef="k"/>', "c", "correlation"),
    ],
)
def test_what_the_engine_does_not_execute_is_refused(body: str, element: str, reason: str) -> None:
    assert any(p.element == element and reason in f"{p.en} {p.remedy_en}" for p in problems(process(body))), said(
        process(body)
    )


@pytest.mark.parametrize(
    ("attributes", "inner", "reason"),
    [
        ('activiti:candidateUsers="kermit"', "", "activiti:candidateUsers"),
        ('activiti:assignee="kermit" camunda:assignee="gonzo"', "", "activiti:assignee"),
        ('camunda:class="a.B"', "", "camunda:class"),
        ('camunda:asyncAfter="maybe"', "", "camunda:asyncAfter"),
        ('camunda:asyncBefore="maybe"', "", "camunda:asyncBefore"),
        ("", '<camunda:executionListener class="a.B" event="start"/>', "camunda:executionListener"),
        ("", '<camunda:taskListener event="create" expression="x"/>', "camunda:taskListener"),
        ("", "<camunda:formData/>", "camunda:formData"),
        ("", '<activiti:formProperty id="f"/>', "activiti:formProperty"),
    ],
)
def test_extensions_that_would_change_execution_are_refused(attributes: str, inner: str, reason: str) -> None:
    extension = f"<extensionElements>{inner}</extensionElements>" if inner else ""
    assert reason in said(process(chain(task("u", "userTask", attributes, extension))))


@pytest.mark.parametrize("attribute", ["class", "delegateExpression", "expression", "resultVariable"])
def test_service_tasks_run_topics_only(attribute: str) -> None:
    text = said(process(chain(task("t", "serviceTask", f'camunda:{attribute}="x"'))))
    assert f"camunda:{attribute}" in text
    assert "Write camunda:topic" in text or attribute == "resultVariable"


def test_a_service_task_with_a_topic_is_accepted() -> None:
    assert not problems(
        process(chain(task("t", "serviceTask", 'camunda:type="external" camunda:topic="p.do_it"'))),
        deployment_rules=True,
    )


def test_choreographies_and_conversations_are_refused() -> None:
    good = f'<process id="P" isExecutable="true">{chain(task("a"))}</process>'
    assert "choreographies" in said(file(f'<choreography id="c"/>{good}'))
    assert "extensions" in said(file(f'<extension mustUnderstand="true" definition="x:y"/>{good}')).lower()


def test_a_refused_activity_does_not_drag_its_neighbours_along() -> None:
    found = problems(process(chain(task("a", "complexGateway"), task("b"), task("c"))))
    assert {p.element for p in found} == {"a"}


def test_every_problem_of_a_file_is_told_at_once_with_its_line() -> None:
    body = chain(task("a", attributes='\nstartQuantity="0"'), task("b", "serviceTask", 'camunda:class="x"')) + boundary(
        "x", "a", ""
    )
    found = problems(process(body))
    assert {"a", "b", "x"} <= {p.element for p in found}
    assert [p.line for p in found] == sorted(p.line for p in found)
    assert all(p.zh and p.en and p.remedy_zh and p.remedy_en and p.line > 0 for p in found)


@pytest.mark.parametrize(
    ("body", "zh", "en"),
    [
        (chain(task("a", attributes='startQuantity="many"')), "startQuantity 的值“many”不合法", 'the value "many"'),
        (chain(task("a", attributes='colour="red"')), "不能有属性 colour", "may not have the attribute colour"),
        (chain(task("a", inner="<incoming>s_a</incoming><documentation/>")), "次序不对", "wrong order"),
        (
            chain(task("a")) + '<sequenceFlow id="f" sourceRef="a"/>',
            "缺少属性 targetRef",
            "lacks the attribute targetRef",
        ),
        (
            chain(task("a", inner="<standardLoopCharacteristics>x</standardLoopCharacteristics>")),
            "不能有文字",
            "may not hold text",
        ),
    ],
)
def test_the_schema_speaks_both_languages(body: str, zh: str, en: str) -> None:
    found = [p for p in problems(process(body)) if "schema" in p.en]
    assert any(zh in p.zh and en in p.en for p in found), found
