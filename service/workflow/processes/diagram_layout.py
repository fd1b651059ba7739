"""A drawing for what a diagram does not draw: files written by hand are looked at, too.

The stored file stays as it was deployed; only the picture has what is made here.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from lxml import etree

from service import engine
from service.engine import ValidationIssue
from service.engine.kernel.xml_reader import BPMN, DC, DD, DI
from service.validation.typed_text import as_decimal

GAP_X, GAP_Y, MARGIN = 56, 44, 40
TASK, EVENT, GATEWAY = (112, 72), (36, 36), (50, 50)
BORDER = 44  # for each event on the border of an activity
LEVELS = ("subProcess", "transaction", "adHocSubProcess")


@dataclass(slots=True)
class Place:
    """The bounds of a node in the picture."""

    x: int
    y: int
    width: int
    height: int

    @property
    def middle(self) -> int:
        return self.y + self.height // 2

    @property
    def right(self) -> int:
        return self.x + self.width

    @property
    def bottom(self) -> int:
        return self.y + self.height


def drawn_whole(xml: bytes, file: str) -> bytes:
    """The diagram with a shape for every node and a line for every flow that has none; as it is where all are drawn."""
    root = engine.parse_xml(xml, file)
    missing = _undrawn(root)
    if not missing:
        return xml
    plane, known = _plane(root), _drawn(root)
    top = max((place.bottom for place in known.values()), default=0) + MARGIN
    for level in [one for one in root.iter() if _local(one) == "process" or _is_level(one)]:
        if _is_level(level) and level.get("id") in missing:
            continue  # laid out with the level around it
        wanted = [node for node in _nodes(level) if node.get("id") in missing]
        placed, _width, height = _lay_out(wanted, MARGIN * 3, top)
        known |= placed
        top += height + MARGIN if wanted else 0
    levels = {one.get("id") for one in root.iter() if _is_level(one)}
    for name in sorted(missing & known.keys()):
        _draw_shape(plane, name, known[name], is_level=name in levels)
    for flow in root.iter(f"{{{BPMN}}}sequenceFlow"):
        ends = flow.get("sourceRef"), flow.get("targetRef")
        if flow.get("id") in missing and all(end in known for end in ends):
            _draw_line(plane, flow.get("id"), known[ends[0]], known[ends[1]])
    return etree.tostring(root, xml_declaration=True, encoding="utf-8")


def undrawn_notes(read: engine.Definition) -> list[ValidationIssue]:
    """Note how much of a diagram is not drawn: pages lay it out, and Camunda Modeler may show nothing of it."""
    notes = []
    for file in sorted(name for name in read.files if name.endswith(".bpmn")):
        if missing := _undrawn(engine.parse_xml(read.files[file], file)):
            zh, en = f"{len(missing)} 个元素没有图形。", f"{len(missing)} elements are not drawn."
            remedy_zh = "可以部署，页面上自动布置；要在 Modeler 里看到，请在那里画出。"
            remedy_en = "They can be deployed, and pages lay them out; draw them to see them in Camunda Modeler."
            notes.append(
                ValidationIssue(file, 0, "", zh, en, remedy_zh, remedy_en, rule="elements_are_drawn", severity="note")
            )
    return notes


def _local(node: Any) -> str:
    return etree.QName(node).localname if isinstance(node.tag, str) and node.tag.startswith(f"{{{BPMN}}}") else ""


def _is_level(node: Any) -> bool:
    return _local(node) in LEVELS


def _is_node(node: Any) -> bool:
    name = _local(node)
    return name.endswith(("Task", "Event", "Gateway")) or name in ("task", "callActivity", *LEVELS)


def _nodes(level: Any) -> list[Any]:
    return [node for node in level if _is_node(node) and node.get("id")]


def _undrawn(root: Any) -> set[str]:
    """The ids of nodes and flows of executable processes that have neither shape nor line."""
    drawn = {one.get("bpmnElement") for one in root.iter(f"{{{DI}}}BPMNShape", f"{{{DI}}}BPMNEdge")}
    processes = root.iter(f"{{{BPMN}}}process")
    return {
        one.get("id")
        for process in processes
        if next(process.iterancestors(process.tag), None) is None
        for one in process.iter()
        if (_is_node(one) or _local(one) == "sequenceFlow") and one.get("id") and one.get("id") not in drawn
    }


def _drawn(root: Any) -> dict[str, Place]:
    found = {}
    for shape in root.iter(f"{{{DI}}}BPMNShape"):
        bounds = shape.find(f"{{{DC}}}Bounds")
        if bounds is not None:
            values = [round(as_decimal(bounds.get(name) or "") or 0) for name in ("x", "y", "width", "height")]
            found[shape.get("bpmnElement")] = Place(*values)
    return found


def _plane(root: Any) -> Any:
    """The plane that is drawn on; a new one of the process where there is none."""
    found = root.find(f"{{{DI}}}BPMNDiagram/{{{DI}}}BPMNPlane")
    if found is not None:
        return found
    process = next(root.iter(f"{{{BPMN}}}process"))
    diagram = etree.SubElement(root, f"{{{DI}}}BPMNDiagram", {"id": "laid_out"}, {"bpmndi": DI, "dc": DC, "di": DD})
    return etree.SubElement(
        diagram, f"{{{DI}}}BPMNPlane", {"id": "laid_out_plane", "bpmnElement": process.get("id") or ""}
    )


def _lay_out(nodes: list[Any], left: int, top: int) -> tuple[dict[str, Place], int, int]:
    """Places of nodes of one level, in columns by how far they are from the beginning; width and height of all."""
    inner: dict[str, tuple[dict[str, Place], int, int]] = {}
    sizes = {node.get("id"): _size(node, inner) for node in nodes if _local(node) != "boundaryEvent"}
    borders = Counter(node.get("attachedToRef") for node in nodes)
    for host in borders.keys() & sizes.keys():  # an activity is as wide as the events on its border need
        sizes[host] = max(sizes[host][0], 8 + BORDER * borders[host]), sizes[host][1]
    columns = _columns(nodes, set(sizes))
    placed: dict[str, Place] = {}
    rows = [max(sizes[name][1] for name in row if name) for row in zip_longest(*columns)]
    x = left
    for column in columns:
        wide, y = max(sizes[name][0] for name in column), top
        for name, row in zip(column, rows, strict=False):
            width, tall = sizes[name]
            placed[name] = at = Place(x + (wide - width) // 2, y + (row - tall) // 2, width, tall)
            for child, place in inner.get(name, ({}, 0, 0))[0].items():
                placed[child] = Place(at.x + place.x, at.y + place.y, place.width, place.height)
            y += row + GAP_Y
        x += wide + GAP_X
    attached: dict[str, int] = {}
    for node in nodes:
        host = node.get("attachedToRef")
        if _local(node) == "boundaryEvent" and host in placed:
            nth, attached[host] = attached.get(host, 0), attached.get(host, 0) + 1
            placed[node.get("id")] = Place(
                placed[host].x + 8 + BORDER * nth, placed[host].bottom - EVENT[1] // 2, *EVENT
            )
    return placed, x - left, sum(rows) + GAP_Y * len(rows)


def _size(node: Any, inner: dict[str, tuple[dict[str, Place], int, int]]) -> tuple[int, int]:
    name = _local(node)
    if name in LEVELS:
        inner[node.get("id")] = laid = _lay_out(_nodes(node), MARGIN // 2, MARGIN)
        return laid[1] + MARGIN, laid[2] + MARGIN
    return EVENT if name.endswith("Event") else GATEWAY if name.endswith("Gateway") else TASK


def _columns(nodes: Iterable[Any], names: set[str]) -> list[list[str]]:
    """The nodes by their distance from those that nothing leads to; what goes back counts for nothing."""
    following: dict[str, list[str]] = {name: [] for name in names}
    for source, target in _flows(nodes):
        if source in names and target in names:
            following[source].append(target)
    order = [node.get("id") for node in nodes if node.get("id") in names]
    targets = {target for some in following.values() for target in some}
    depth: dict[str, int] = {}
    for start in [*(name for name in order if name not in targets), *order]:
        todo = deque([] if start in depth else [start])
        depth.setdefault(start, 0)
        while todo:
            name = todo.popleft()
            for target in following[name]:
                if target not in depth:
                    depth[target] = depth[name] + 1
                    todo.append(target)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in order:
        columns[depth[name]].append(name)
    return [column for column in columns if column]


def _flows(nodes: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """Source and target of each flow; one from a border begins at its activity."""
    hosts = {node.get("id"): node.get("attachedToRef") or node.get("id") for node in nodes}
    for level in {node.getparent() for node in nodes}:
        for flow in level.iterchildren(f"{{{BPMN}}}sequenceFlow"):
            yield hosts.get(flow.get("sourceRef"), ""), flow.get("targetRef") or ""


def _draw_shape(plane: Any, name: str, place: Place, *, is_level: bool) -> None:
    expanded = {"isExpanded": "true"} if is_level else {}
    shape = etree.SubElement(plane, f"{{{DI}}}BPMNShape", {"id": f"{name}_laid_out", "bpmnElement": name} | expanded)
    bounds = {"x": place.x, "y": place.y, "width": place.width, "height": place.height}
    etree.SubElement(shape, f"{{{DC}}}Bounds", {key: str(value) for key, value in bounds.items()})


def _draw_line(plane: Any, name: str, source: Place, target: Place) -> None:
    """Draw a flow to the right with one bend, and any other around below."""
    if target.x >= source.right:
        between = (source.right + target.x) // 2
        points = [(source.right, source.middle), (between, source.middle), (between, target.middle)]
        points.append((target.x, target.middle))
    else:
        below = max(source.bottom, target.bottom) + GAP_Y // 2
        a, b = source.x + source.width // 2, target.x + target.width // 2
        points = [(a, source.bottom), (a, below), (b, below), (b, target.bottom)]
    edge = etree.SubElement(plane, f"{{{DI}}}BPMNEdge", {"id": f"{name}_laid_out", "bpmnElement": name})
    for x, y in points:
        etree.SubElement(edge, f"{{{DD}}}waypoint", {"x": str(x), "y": str(y)})
