"""A picture of a diagram holds every shape, line and name of the drawing, and the marks of a case."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from lxml import etree

from service.config import CHECKOUT
from service.engine.kernel.xml_reader import BPMN, DI
from service.workflow.processes.diagram_svg import DONE, HERE, Marks, pictures

DIAGRAMS = sorted((CHECKOUT / "processes").glob("*.bpmn"))
SVG = "{http://www.w3.org/2000/svg}"


def drawn(path: Path) -> tuple[set[str], dict[str, str]]:
    """The ids of all that a file draws, and its names."""
    root = etree.parse(path).getroot()
    ids = {one.get("bpmnElement") or "" for one in root.iter(f"{{{DI}}}BPMNShape", f"{{{DI}}}BPMNEdge")}
    return ids, {key: name for one in root.iter() if (key := one.get("id")) in ids and (name := one.get("name"))}


def said(svg: str) -> dict[str, str]:
    """The text of each element of a picture."""
    groups = etree.fromstring(svg.encode()).iterfind(f"{SVG}g")
    return {
        str(g.get("data-element")): "".join("".join(span.itertext()) for span in g.iter(f"{SVG}tspan")) for g in groups
    }


@pytest.mark.parametrize("path", DIAGRAMS, ids=lambda path: path.stem)
def test_every_shape_edge_and_name_of_a_shipped_diagram_is_in_its_picture(path: Path) -> None:
    ids, names = drawn(path)
    told: dict[str, str] = {}
    for svg in pictures(path.read_bytes(), path.name):
        told |= said(svg)
    assert told.keys() == ids
    assert len(names) > 5
    lost = {key: (name, told[key]) for key, name in names.items() if name.replace("\n", " ") not in told[key]}
    assert lost == {}


def test_a_picture_covers_what_it_draws() -> None:
    for path in DIAGRAMS:
        for svg in pictures(path.read_bytes(), path.name):
            root = etree.fromstring(svg.encode())
            x, y, width, height = map(float, str(root.get("viewBox")).split())
            for node in root.iter(f"{SVG}rect", f"{SVG}polyline"):
                spots = re.findall(r"(-?[\d.]+),(-?[\d.]+)", node.get("points") or f"{node.get('x')},{node.get('y')}")
                assert all(x <= float(a) <= x + width and y <= float(b) <= y + height for a, b in spots), path.stem


def test_marks_are_drawn_and_names_may_be_others() -> None:
    path = CHECKOUT / "processes" / "personnel_approval.bpmn"
    root = etree.parse(path).getroot()
    task = next(root.iter(f"{{{BPMN}}}userTask"))
    flow = next(root.iter(f"{{{BPMN}}}sequenceFlow"))
    key, taken = str(task.get("id")), str(flow.get("id"))
    [plain] = pictures(path.read_bytes(), path.name)
    assert DONE not in plain
    assert HERE not in plain
    marks = Marks(done={str(flow.get("sourceRef"))}, tokens={key}, flows={taken})
    [marked] = pictures(path.read_bytes(), path.name, marks, {key: "Approve <a> & b"})
    groups = {
        g.get("data-element"): etree.tostring(g).decode() for g in etree.fromstring(marked.encode()).iterfind(f"{SVG}g")
    }
    assert HERE in groups[key]
    assert DONE in groups[taken]
    assert DONE in groups[flow.get("sourceRef")]
    assert "Approve <a> & b" in unescape(said(marked)[key])
    others = groups.keys() - {key, taken, flow.get("sourceRef")}
    assert not any(DONE in groups[other] or HERE in groups[other] for other in others)


def test_what_a_file_does_not_draw_is_laid_out() -> None:
    path = CHECKOUT / "processes" / "personnel_approval.bpmn"
    text = path.read_text()
    bare = text[: text.index("<bpmndi:BPMNDiagram")] + text[text.index("</bpmn:definitions>") :]
    told = said(pictures(bare.encode(), path.name)[0])
    ids, _ = drawn(path)
    kinds = {one.get("id"): etree.QName(one).localname for one in etree.parse(path).getroot().iter() if one.get("id")}
    assert {key for key in ids if kinds[key] not in ("lane", "participant")} <= told.keys()
