"""What is known by name but stands where nothing reads it is refused: every property and attribute on every element."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from service.engine import Input, Reached, Request, examine, read_definition, step
from service.engine.validation.allow_list import (
    CAMUNDA_ATTRIBUTES,
    CAMUNDA_CHILDREN,
    ELEMENTS,
    EXPRESSION_PROPERTIES,
    PROPERTIES,
    PROPERTY_NEEDS,
)
from tests.unit.validation_diagrams import process

NO_EXTENSIONS = {"extensionElements", "documentation", "definitions", "import", "text", "script", "participant"}
"""Elements that hold no extensions of BPMN's, or are read as the file itself."""
KINDS = sorted(set(ELEMENTS) - NO_EXTENSIONS)


def refused(rule: str, properties: list[str] = (), attribute: str = "", child: str = "", name: str = "甲") -> set[str]:  # type: ignore[assignment]
    """The kinds of elements that the rule refuses with these, wherever else the file, with one of each, may be wrong."""
    inner = "".join(f'<camunda:property name="{one}" value="confirmed"/>' for one in properties)
    inner = f"<camunda:properties>{inner}</camunda:properties>" if inner else ""
    inner += f"<camunda:{child}/>" if child else ""
    more = f' name="{name}"' + (f' camunda:{attribute}="x"' if attribute else "")
    held = f"<extensionElements>{inner}</extensionElements>"
    body = "".join(f'<{kind} id="{kind}"{more}>{held}</{kind}>' for kind in KINDS if kind != "process")
    file = process(held + body, more=f'isExecutable="true"{more}')
    found = {issue.element for issue in examine({"p.bpmn": file}) if issue.rule == rule}
    return {"process" if one == "P" else one for one in found}


@pytest.mark.parametrize("name", sorted(PROPERTIES))
def test_a_property_is_refused_on_every_element_where_nothing_reads_it(name: str) -> None:
    needed = [name, *filter(None, [PROPERTY_NEEDS.get(name)])]
    needed += filter(None, [PROPERTY_NEEDS.get(needed[-1])])
    assert refused("properties_have_effect", needed) == set(KINDS) - PROPERTIES[name]


@pytest.mark.parametrize(("name", "needed"), sorted(PROPERTY_NEEDS.items()))
def test_a_property_without_the_one_beside_it_is_refused(name: str, needed: str) -> None:
    assert "userTask" in refused("properties_have_effect", [name])
    assert "userTask" not in refused("properties_have_effect", [name, needed, "state"])


def test_english_without_a_name_is_refused() -> None:
    assert "userTask" in refused("properties_have_effect", ["name_en"], name="")


def test_an_attribute_is_refused_on_every_element_where_nothing_reads_it() -> None:
    attributes = set().union(*CAMUNDA_ATTRIBUTES.values())
    assert len(attributes) > 15
    for attribute in sorted(attributes):
        read = {kind for kind in KINDS if attribute in CAMUNDA_ATTRIBUTES.get(kind, ())}
        told = refused("is_extended_only_harmlessly", attribute=attribute)
        told |= refused("what_is_left_out_is_told", attribute=attribute)
        assert set(KINDS) - told <= read, attribute


def test_a_child_is_refused_on_every_element_where_nothing_reads_it() -> None:
    for child, owners in CAMUNDA_CHILDREN.items():
        if "*" not in owners:
            assert refused("is_extended_only_harmlessly", child=child) == set(KINDS) - set(owners), child


@pytest.mark.parametrize(("attribute", "longest"), [("name", 100), ("id", 80)])
def test_a_process_whose_name_no_version_could_keep_is_refused(attribute: str, longest: int) -> None:
    for n in (longest, longest + 1):
        file = process("").replace(
            b'id="P"', f'id="P" name="{"p" * n}"'.encode() if attribute == "name" else f'id="{"p" * n}"'.encode()
        )
        told = {issue.rule for issue in examine({"p.bpmn": file})}
        assert ("names_fit" in told) == (n > longest)


def test_a_form_at_the_start_of_a_subprocess_is_refused() -> None:
    start = '<subProcess id="sub"><startEvent id="x" camunda:formKey="f"/></subProcess>'
    said = {issue.rule for issue in examine({"p.bpmn": process(start)})}
    assert "start_forms_are_asked" in said
    assert "startEvent" not in refused("start_forms_are_asked", attribute="formKey")


NODES = {
    "task": "",
    "manualTask": "",
    "userTask": "",
    "scriptTask": "<script>x = 1</script>",
    "serviceTask": "",
    "sendTask": "",
    "subProcess": '<startEvent id="s1"/><endEvent id="e1"/><sequenceFlow id="f1" sourceRef="s1" targetRef="e1"/>',
    "transaction": '<startEvent id="s1"/><endEvent id="e1"/><sequenceFlow id="f1" sourceRef="s1" targetRef="e1"/>',
    "exclusiveGateway": "",
    "parallelGateway": "",
    "inclusiveGateway": "",
    "intermediateThrowEvent": "",
    "receiveTask": "",
    "intermediateCatchEvent": '<messageEventDefinition id="m1" messageRef="m"/>',
}
"""Nodes that a token passes by itself, or after one input."""


@pytest.mark.parametrize("kind", sorted(NODES))
def test_a_state_is_reached_at_every_kind_of_node_that_may_say_one(kind: str) -> None:
    more = {"serviceTask": 'camunda:type="external" camunda:topic="t"', "receiveTask": 'messageRef="m"'}
    more["sendTask"] = more["serviceTask"]
    said = (
        "<extensionElements><camunda:properties>"
        '<camunda:property name="state" value="confirmed"/></camunda:properties></extensionElements>'
    )
    flows = '<sequenceFlow id="a" sourceRef="s" targetRef="x"/><sequenceFlow id="b" sourceRef="x" targetRef="e"/>'
    drawn = (
        f'<startEvent id="s"/><{kind} id="x" {more.get(kind, "")}>{said}{NODES[kind]}</{kind}><endEvent id="e"/>{flows}'
    )
    file = process(drawn, root='<message id="m" name="m"/>')
    definition = read_definition({"p.bpmn": file}, validate=False)
    at = datetime(2026, 3, 2, tzinfo=UTC)

    def serve(request: Request) -> dict[str, object]:
        return {}

    first = step(definition, None, Input("start", 0, at), serve, b"salt")
    if first.reached is None:
        assert kind in ("receiveTask", "intermediateCatchEvent")
        first = step(definition, first.state, Input("message", 1, at, element="m"), serve, b"salt")
    assert first.reached == Reached("confirmed")


def test_expressions_of_tasks_stand_on_user_tasks_alone() -> None:
    assert {name for name in PROPERTIES if PROPERTIES[name] == {"userTask"}} == set(EXPRESSION_PROPERTIES)
