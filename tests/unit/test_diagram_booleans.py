"""Booleans of a diagram: whatever spelling the schema allows, it reads as the plain one."""

from __future__ import annotations

from importlib import resources

import pytest
from lxml import etree

from service.engine.kernel.diagram_reader import BOOLEANS, read_diagram
from service.engine.kernel.xml_reader import CAMUNDA
from tests.unit.validation_diagrams import HEAD, problems, process

SCHEMA = resources.files("SpiffWorkflow") / "bpmn" / "parser" / "schema" / "Semantic.xsd"
DECLARED = sorted(
    {
        f"{{{CAMUNDA}}}asyncBefore",
        f"{{{CAMUNDA}}}asyncAfter",
        *(
            one.get("name")
            for one in etree.fromstring(SCHEMA.read_bytes()).iter("{*}attribute")
            if one.get("type", "").endswith(":boolean")
        ),
    }
)


def test_every_boolean_of_the_schema_is_known() -> None:
    assert set(DECLARED) == BOOLEANS


@pytest.mark.parametrize("name", DECLARED)
@pytest.mark.parametrize(("spelt", "meant"), [("1", "true"), ("0", "false"), (" true ", "true"), ("\n0\t", "false")])
def test_a_boolean_reads_the_same_however_it_is_spelt(name: str, spelt: str, meant: str) -> None:
    attribute = name.replace(f"{{{CAMUNDA}}}", "camunda:")
    root = read_diagram(
        (HEAD.format(more="") + f'<bpmn:process {attribute}="{spelt}"/></bpmn:definitions>').encode(), "m.bpmn"
    )
    assert root[0].get(name) == meant


def test_what_is_no_boolean_is_still_refused() -> None:
    assert any("isClosed" in problem.en for problem in problems(process("", more='isExecutable="true" isClosed="yes"')))
