"""The shipped diagrams as files: sound, served by handlers, with a form for every task, and drawn so that people can read them."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service import engine, forms, handlers
from service.config import CHECKOUT
from service.handlers import general
from service.models.queries.system.form_options import KEYS
from service.workflow.processes import definitions
from service.workflow.processes.definitions import bundle
from service.workflow.processes.drawing import MAX_COMPARED, Box, overlap_notes
from tests.builders.drawing import NS, LinedDrawing

FILES = sorted((CHECKOUT / "processes").glob("*.bpmn"))
NAMED = ("userTask", "serviceTask", "businessRuleTask", "subProcess", "boundaryEvent", "intermediateCatchEvent")


def drawing_of(path: Path) -> LinedDrawing:
    return LinedDrawing(engine.parse_xml(path.read_bytes(), path.name))


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
    for task in drawing_of(path).root.iterfind(".//bpmn:userTask", NS):
        assert task.findtext("bpmn:documentation", "", NS), task.get("id")
        assert task.get("{http://camunda.org/schema/1.0/bpmn}formKey"), task.get("id")


@each
def test_everything_is_drawn_and_nothing_covers_or_crosses_anything(path: Path) -> None:
    drawing = drawing_of(path)
    kinds = ("Task", "Event", "Gateway", "subProcess", "sequenceFlow")
    here = {i for i, e in drawing.elements.items() if str(e.tag).rpartition("}")[2].endswith(kinds)}
    assert {box.id for box in drawing.nodes()} | {line.flow for line in drawing.lines} == here
    assert overlap_notes(engine.read_definition(bundle(path))) == []
    assert drawing.crossings() == []
    assert drawing.passages() == []
    assert all(line.start[0] == line.end[0] or line.start[1] == line.end[1] for line in drawing.lines)


@each
def test_a_drawing_that_was_spoilt_is_refused(path: Path, tmp_path: Path) -> None:
    """Each way of spoiling a drawing that the check above is there for: a box on a box, a label on a label or box, a
    line through a box.
    """
    boxes = {one.id: one for one in drawing_of(path).nodes() if not one.host and one.kind != "subProcess"}
    a, b = list(boxes.values())[:2]
    labels = drawing_of(path).labels

    def spoilt(element: str, at: str, x: int, y: int) -> tuple[LinedDrawing, set[str]]:
        text = path.read_text()
        shape = re.search(
            rf'<bpmndi:BPMN\w+ id="[^"]*" bpmnElement="{element}".*?</bpmndi:BPMN(Shape|Edge)>', text, re.DOTALL
        )
        assert shape, element
        moved = re.sub(rf'({at} )x="\d+" y="\d+"', rf'\1x="{x}" y="{y}"', shape[0])
        file = tmp_path / path.name
        file.write_text(text.replace(shape[0], moved))
        read = engine.read_definition({**bundle(path), path.name: file.read_bytes()})
        told = {issue.element for issue in overlap_notes(read)}
        return drawing_of(file), told

    assert {a.id, b.id} & spoilt(b.id, "<dc:Bounds", a.left, a.top)[1]
    label = next(one for one in labels if one.id != a.id and one.host != a.id)
    assert label.id in spoilt(label.id, "<dc:Bounds", a.left, a.top)[1]
    line = next(one for one in drawing_of(path).lines if a.id not in (one.source, one.target))
    assert spoilt(line.flow, "<di:waypoint", (a.left + a.right) // 2, (a.top + a.bottom) // 2)[0].passages()


STRANGE = {
    "fractions": ('" width="', '.4" width="'),
    "no bounds": ("<dc:Bounds ", "<dc:Outside "),
    "of nothing": (' bpmnElement="', ' bpmnElement="none_'),
    "no element": (" bpmnElement=", " element="),
    "no line": ("<di:waypoint x=", "<di:waypoint z="),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_strange_drawing_is_no_fault(what: str) -> None:
    """Where the places of shapes are no places, nothing is said of them, and everything else is."""
    old, new = STRANGE[what]
    files = bundle(FILES[0])
    drawing = files[FILES[0].name].decode()
    assert old in drawing
    changed = {**files, FILES[0].name: drawing.replace(old, new).encode()}
    said = definitions.examine(changed)
    assert all(issue.rule and issue.remedy_zh and issue.remedy_en for issue in said)
    assert not any(issue.rule == "drawings_are_legible" for issue in said)


def test_another_picture_of_the_same_does_not_cover_it() -> None:
    """Each picture of a file is read by itself."""
    path = FILES[0]
    drawing = path.read_bytes()
    plane = re.search(rb"<bpmndi:BPMNDiagram.*</bpmndi:BPMNDiagram>", drawing, re.DOTALL)
    assert plane
    twice = drawing.replace(plane[0], plane[0] + re.sub(rb' id="', b' id="second_', plane[0]))
    read = engine.read_definition({**bundle(path), path.name: twice})
    assert overlap_notes(read) == []


COLUMN = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
 xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">
<bpmn:process id="column">{tasks}</bpmn:process>
<di:BPMNDiagram><di:BPMNPlane bpmnElement="column">{shapes}</di:BPMNPlane></di:BPMNDiagram></bpmn:definitions>"""
SHAPE = """<di:BPMNShape bpmnElement="t{n}"><dc:Bounds x="0" y="{y}" width="100" height="80"/>
<di:BPMNLabel><dc:Bounds x="0" y="{y}" width="50" height="14"/></di:BPMNLabel></di:BPMNShape>"""


@pytest.mark.parametrize(("shapes", "apart", "is_told"), [(9, 20, True), (9, 200, False), (MAX_COMPARED, 200, False)])
def test_shapes_in_a_column_are_compared_in_bounded_time(
    shapes: int, apart: int, is_told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared, touches = [0], Box.touches

    def counted(one: Box, other: Box) -> bool:
        compared[0] += 1
        return touches(one, other)

    monkeypatch.setattr(Box, "touches", counted)
    drawn = "".join(SHAPE.format(n=n, y=n * apart) for n in range(shapes))
    text = COLUMN.format(tasks="".join(f'<bpmn:userTask id="t{n}"/>' for n in range(shapes)), shapes=drawn)
    read: Any = SimpleNamespace(files={"column.bpmn": text.encode()})
    assert bool(overlap_notes(read)) is is_told
    assert compared[0] <= MAX_COMPARED**2
