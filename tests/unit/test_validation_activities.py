"""Tasks that say what to do, loops that end, instances that are counted."""

from __future__ import annotations

import pytest

from tests.unit.validation_diagrams import chain, process, said, task

MESSAGE = '<message id="m" name="paid"/>'
LOOP = "<standardLoopCharacteristics{0}><loopCondition>n &lt; 3</loopCondition></standardLoopCharacteristics>"


def instances(inner: str, attributes: str = "") -> str:
    return f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"


@pytest.mark.parametrize(
    "node",
    [
        task("t", "serviceTask", 'camunda:type="external" camunda:topic="a.b"'),
        task("t", "sendTask", 'messageRef="m"'),
        task("t", "receiveTask", 'messageRef="m"'),
        task("t", inner=LOOP.format("")),
        task("t", inner=LOOP.format(' loopMaximum="5" testBefore="true"')),
        task("t", inner=instances("<loopCardinality>3</loopCardinality>")),
        task(
            "t",
            inner=instances("<loopCardinality>n</loopCardinality><completionCondition>n == 2</completionCondition>"),
        ),
        task(
            "t", inner=instances("", 'camunda:collection="people" camunda:elementVariable="person" isSequential="true"')
        ),
        task("t", inner=instances("", 'camunda:collection="${people}" camunda:elementVariable="person"')),
        task("t", inner=instances("", """camunda:collection="${unit['people']}\"""")),
        task("t", "userTask", 'camunda:candidateGroups="${role}" camunda:dueDate="P3D" camunda:priority="70"'),
        task(
            "t",
            "userTask",
            "",
            '<extensionElements><camunda:properties><camunda:property name="scope" value="unit_id"/>'
            '<camunda:property name="summary" value="a + b"/></camunda:properties></extensionElements>',
        ),
    ],
)
def test_tasks_of_the_dialect_are_accepted(node: str) -> None:
    assert not said(process(chain(node), MESSAGE))


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        (task("t", "serviceTask", 'camunda:type="external" camunda:topic="${x}"'), "a fixed name"),
        (task("t", "serviceTask", 'camunda:type="connector" camunda:topic="a"'), "camunda:type"),
        (task("t", "serviceTask", 'operationRef="o"'), "operationRef"),
        (task("t", "businessRuleTask", 'camunda:decisionRef="d"'), "camunda:resultVariable"),
        (task("t", "callActivity", 'calledElement="${x}"'), "a fixed name"),
        (task("t", "userTask", 'camunda:candidateGroups="a,b"'), "one role"),
        (task("t", "userTask", 'camunda:dueDate="in a week"'), "ISO 8601"),
        (task("t", "userTask", 'camunda:priority="high"'), "whole number"),
        (task("t", "userTask", 'camunda:formKey="embedded:${x}"'), "a fixed name"),
        (task("t", inner="<standardLoopCharacteristics/>"), "would not end"),
        (task("t", inner=LOOP.format(' loopMaximum="-1"')), "loopMaximum"),
        (task("t", inner=LOOP.format(' loopMaximum="0"')), "loopMaximum"),
        (task("t", inner=LOOP.format(' loopMaximum="1000000"')), "loopMaximum"),
        (task("t", inner=LOOP.format("") + instances("<loopCardinality>3</loopCardinality>")), "schema"),
        (task("t", inner=instances("")), "cardinality"),
        (task("t", inner=instances("<loopCardinality>1000000000</loopCardinality>")), "1000000000"),
        (task("t", inner=instances("<loopCardinality>-1</loopCardinality>")), "not between"),
        (task("t", inner=instances("<loopCardinality>3</loopCardinality>", 'behavior="None"')), "behavior"),
        (
            task(
                "t", inner=instances("<loopCardinality>3</loopCardinality>", 'behavior="One" oneBehaviorEventRef="x"')
            ),
            "oneBehaviorEventRef",
        ),
        (task("t", inner=instances("<loopCardinality>3</loopCardinality>", 'isSequential="yes"')), "isSequential"),
        (task("t", inner=instances("<loopDataInputRef>x</loopDataInputRef>")), "multi-instance data"),
        (task("t", inner=instances("<loopCardinality>3</loopCardinality>", 'camunda:collection="c"')), "not both"),
        (task("t", inner=instances("", 'camunda:collection="${people +}"')), "t: Line 1, character 1 cannot be read"),
        (task("t", inner=instances("", 'camunda:collection="the people"')), "name of a variable, or"),
        (
            task(
                "t",
                inner=instances("<loopCardinality>3</loopCardinality><completionCondition>23</completionCondition>"),
            ),
            "no truth value",
        ),
    ],
)
def test_tasks_that_would_run_otherwise_are_refused(node: str, reason: str) -> None:
    assert reason in said(process(chain(node), MESSAGE))
