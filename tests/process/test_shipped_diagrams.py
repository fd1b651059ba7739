"""The shipped diagrams as files: sound, served by handlers, with a form for every task, and drawn so that people can read them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service import engine, forms, handlers
from service.config import CHECKOUT
from service.handlers import general
from service.models.queries.system.form_options import KEYS
from service.workflow.processes.definitions import bundle
from tests.builders.drawing import NS, Drawing

FILES = sorted((CHECKOUT / "processes").glob("*.bpmn"))
NAMED = ("userTask", "serviceTask", "businessRuleTask", "subProcess", "boundaryEvent", "intermediateCatchEvent")
each = pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)


@each
def test_a_diagram_passes_the_gate(path: Path) -> None:
    assert [problem.text("en") for problem in engine.validate(bundle(path))] == []


def test_every_topic_has_a_handler_and_every_handler_is_drawn() -> None:
    drawn = {topic for path in FILES for topic in engine.read_definition(bundle(path)).topics}
    assert drawn | general.INPUTS.keys() == set(handlers.topics())


def test_every_form_belongs_to_a_task_and_can_be_read() -> None:
    shipped = {p.stem: p.read_bytes() for p in (CHECKOUT / "forms").glob("*.form")}
    assert {form for path in FILES for form in engine.read_definition(bundle(path)).forms} == set(shipped)
    for content in shipped.values():
        assert forms.title(content)
        assert {f.options_key for f in forms.fields(content) if f.options_key} <= set(KEYS)


@each
def test_elements_are_named_in_chinese_and_identified_in_english(path: Path) -> None:
    for element in engine.read_definition(bundle(path)).elements.values():
        assert re.fullmatch(r"[a-z][a-z0-9_]*", element.id.rpartition("/")[2]), element.id
        if element.type in NAMED:
            assert re.search(r"[\u4e00-\u9fff]", element.name), element.id


@each
def test_every_user_task_explains_itself_and_names_its_form(path: Path) -> None:
    for task in Drawing(path).root.iterfind(".//bpmn:userTask", NS):
        assert task.findtext("bpmn:documentation", "", NS), task.get("id")
        assert task.get("{http://camunda.org/schema/1.0/bpmn}formKey"), task.get("id")


@each
def test_everything_is_drawn_and_nothing_covers_or_crosses_anything(path: Path) -> None:
    drawing = Drawing(path)
    kinds = ("Task", "Event", "Gateway", "subProcess", "sequenceFlow")
    here = {i for i, e in drawing.elements.items() if str(e.tag).rpartition("}")[2].endswith(kinds)}
    assert {box.id for box in drawing.nodes()} | {line.flow for line in drawing.lines} == here
    assert drawing.overlaps() == []
    assert drawing.crowded() == []
    assert drawing.crossings() == []
    assert drawing.passages() == []
    assert all(line.start[0] == line.end[0] or line.start[1] == line.end[1] for line in drawing.lines)


@each
def test_a_drawing_that_was_spoilt_is_refused(path: Path, tmp_path: Path) -> None:
    """Each way of spoiling a drawing that the check above is there for: a box on a box, a label on a label or box, a
    line through a box.
    """
    boxes = {one.id: one for one in Drawing(path).nodes() if not one.host and one.kind != "subProcess"}
    a, b = list(boxes.values())[:2]
    labels = Drawing(path).labels

    def spoilt(element: str, at: str, x: int, y: int) -> Drawing:
        text = path.read_text()
        shape = re.search(
            rf'<bpmndi:BPMN\w+ id="[^"]*" bpmnElement="{element}".*?</bpmndi:BPMN(Shape|Edge)>', text, re.DOTALL
        )
        assert shape, element
        moved = re.sub(rf'({at} )x="\d+" y="\d+"', rf'\1x="{x}" y="{y}"', shape[0])
        file = tmp_path / path.name
        file.write_text(text.replace(shape[0], moved))
        return Drawing(file)

    assert spoilt(b.id, "<dc:Bounds", a.left, a.top).overlaps()
    label = next(one for one in labels if one.id != a.id and one.host != a.id)
    assert spoilt(label.id, "<dc:Bounds", a.left, a.top).crowded()
    line = next(one for one in Drawing(path).lines if a.id not in (one.source, one.target))
    assert spoilt(line.flow, "<di:waypoint", (a.left + a.right) // 2, (a.top + a.bottom) // 2).passages()
