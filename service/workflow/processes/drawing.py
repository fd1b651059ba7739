"""The picture in a .bpmn file: boxes, labels and lines by element, and which of them lie on one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations, islice, pairwise
from typing import Any

from lxml import etree

from service import engine
from service.engine import ValidationIssue
from service.validation.typed_text import as_decimal

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "dd": "http://www.omg.org/spec/DD/20100524/DI",
}
Point = tuple[int, int]
MARGIN = 4  # between a label and what is not its own
MAX_TOLD = 20  # pairs of one file: behind them the file is to be drawn anew
AROUND_OTHERS = ("participant", "lane", "group")


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn shape or label.

    plane: number of the picture it is on; inside: the elements it stands in; host: the activity it is attached to.
    """

    id: str
    kind: str
    left: int
    top: int
    right: int
    bottom: int
    plane: int = 0
    inside: frozenset[str] = frozenset()
    host: str = ""
    line: int = 0

    def touches(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def widened(self, by: int) -> Box:
        """The box with a margin around it."""
        return replace(self, left=self.left - by, top=self.top - by, right=self.right + by, bottom=self.bottom + by)

    def is_part_of(self, other: Box) -> bool:
        return other.id == self.host or other.id in self.inside


@dataclass(frozen=True, slots=True)
class Line:
    """One straight piece of a sequence flow."""

    flow: str
    source: str
    target: str
    start: Point
    end: Point

    def box(self) -> Box:
        xs, ys = sorted((self.start[0], self.end[0])), sorted((self.start[1], self.end[1]))
        return Box(self.flow, "line", xs[0], ys[0], xs[1], ys[1])

    def crosses(self, other: Line) -> bool:
        a, b = self.box(), other.box()
        return a.left <= b.right and b.left <= a.right and a.top <= b.bottom and b.top <= a.bottom


class Drawing:
    """The picture of one file."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self.elements = {e.get("id"): e for e in root.iter(etree.Element) if e.get("id")}
        planes = list(root.iterfind(".//di:BPMNPlane", NS))
        shapes = [(n, s) for n, plane in enumerate(planes) for s in plane.iterfind("di:BPMNShape", NS)]
        labelled = [(n, s) for n, plane in enumerate(planes) for s in plane.iterfind("*[di:BPMNLabel]", NS)]
        self.boxes = list(self._boxes(shapes, "dc:Bounds"))
        self.labels = list(self._boxes(labelled, "di:BPMNLabel/dc:Bounds"))
        self.lines = [line for edge in root.iterfind(".//di:BPMNEdge", NS) for line in self._lines(edge)]

    def nodes(self) -> list[Box]:
        """Everything but what is there to stand around others."""
        return [box for box in self.boxes if box.kind not in AROUND_OTHERS]

    def overlaps(self) -> Iterator[tuple[Box, Box]]:
        """Pairs of boxes that cover each other."""
        for a, b in _touching(self.nodes()):
            if not (a.is_part_of(b) or b.is_part_of(a)):
                yield a, b

    def crowded(self) -> Iterator[tuple[Box, Box]]:
        """Pairs of labels, and labels and boxes, with less than MARGIN between them."""
        labels = [box.widened(MARGIN // 2) for box in self.labels]
        yield from _touching(labels)
        for label in labels:
            for box in self.nodes():
                own = box.id in (label.id, label.host) or box.id in label.inside
                if not own and box.plane == label.plane and label.touches(box):
                    yield label, box

    def crossings(self) -> list[tuple[str, str]]:
        """Pairs of different flows that cross or run over each other."""
        return [(a.flow, b.flow) for a, b in combinations(self.lines, 2) if a.flow != b.flow and a.crosses(b)]

    def passages(self) -> list[tuple[str, str]]:
        """Flows that run through a box that is neither their beginning nor their end."""
        found = []
        for line in self.lines:
            source = next(b for b in self.nodes() if b.id == line.source)
            for box in self.nodes():
                own = box.id in (line.source, line.target, source.host) or box.id in source.inside
                if not own and line.box().touches(box):
                    found.append((line.flow, box.id))
        return found

    def _boxes(self, shapes: Iterable[tuple[int, Any]], at: str) -> Iterator[Box]:
        """The boxes of what has numbers for bounds and stands for an element of the file."""
        for plane, shape in shapes:
            element, bounds = self.elements.get(shape.get("bpmnElement")), shape.find(at, NS)
            if element is None or bounds is None:
                continue
            numbers = [as_decimal(bounds.get(name, "")) for name in ("x", "y", "width", "height")]
            if None in numbers:
                continue
            x, y, width, height = (round(number) for number in numbers if number is not None)
            inside = frozenset(one.get("id", "") for one in element.iterancestors())
            kind, host = etree.QName(element).localname, element.get("attachedToRef", "")
            name = str(element.get("id"))
            yield Box(name, kind, x, y, x + width, y + height, plane, inside, host, element.sourceline or 0)

    def _lines(self, edge: Any) -> list[Line]:
        flow = self.elements.get(edge.get("bpmnElement"))
        if flow is None:
            return []
        points = [(_whole(p.get("x")), _whole(p.get("y"))) for p in edge.iterfind("dd:waypoint", NS)]
        ends = str(flow.get("sourceRef")), str(flow.get("targetRef"))
        return [Line(str(flow.get("id")), *ends, a, b) for a, b in pairwise(points)]


def overlap_notes(read: engine.Definition) -> list[ValidationIssue]:
    """Note which shapes lie on one another in the drawing, and which labels cannot be read."""
    notes = []
    for file in sorted(name for name in read.files if name.endswith(".bpmn")):
        drawing = Drawing(engine.parse_xml(read.files[file], file))
        shapes = [(a, b, "图形", "shape") for a, b in islice(drawing.overlaps(), MAX_TOLD)]
        labels = [(a, b, "文字", "label") for a, b in islice(drawing.crowded(), MAX_TOLD)]
        for a, b, zh, en in (shapes + labels)[:MAX_TOLD]:
            words, others = (_said(drawing.elements[one.id]) for one in (a, b))
            notes.append(
                ValidationIssue(
                    file,
                    a.line,
                    a.id,
                    f"{words}的{zh}与{others}叠在一起。",
                    f"The {en} of {words} runs into {others}.",
                    "照样能部署；要看得清，请在图上移开。",
                    "It can be deployed all the same; move them apart to make it legible.",
                    rule="drawings_are_legible",
                    severity="note",
                )
            )
    return notes


def _said(element: Any) -> str:
    """An element as its reader knows it: by its name, and by its id."""
    name = " ".join((element.get("name") or "").split())
    return f"“{name}”({element.get('id')})" if name else str(element.get("id"))


def _touching(boxes: list[Box]) -> Iterator[tuple[Box, Box]]:
    """Pairs on the same picture that touch; from the left, so that far boxes are not compared."""
    ordered = sorted(boxes, key=lambda box: (box.plane, box.left))
    for n, a in enumerate(ordered):
        for b in islice(ordered, n + 1, None):
            if b.plane != a.plane or b.left >= a.right:
                break
            if a.touches(b):
                yield a, b


def _whole(text: str | None) -> int:
    return round(as_decimal(text or "") or 0)
