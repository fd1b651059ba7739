"""What is drawn in a .bpmn file: boxes and lines by element, for tests that look at the picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

from lxml import etree

NS = {
    "bpmn": "http://www.omg.org/spec/BPMN/20100524/MODEL",
    "di": "http://www.omg.org/spec/BPMN/20100524/DI",
    "dc": "http://www.omg.org/spec/DD/20100524/DC",
    "dd": "http://www.omg.org/spec/DD/20100524/DI",
}
Point = tuple[int, int]
MARGIN = 4  # between a label and what is not its own


@dataclass(frozen=True, slots=True)
class Box:
    """A drawn shape; inside: the subprocess it stands in, host: the activity it is attached to."""

    id: str
    kind: str
    left: int
    top: int
    right: int
    bottom: int
    inside: str = ""
    host: str = ""

    def touches(self, other: Box) -> bool:
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )

    def widened(self, by: int) -> Box:
        """The box with a margin around it."""
        return replace(self, left=self.left - by, top=self.top - by, right=self.right + by, bottom=self.bottom + by)

    def is_part_of(self, other: Box) -> bool:
        return other.id in (self.inside, self.host)


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

    def __init__(self, path: Path) -> None:
        self.root = etree.parse(path).getroot()
        self.elements = {e.get("id"): e for e in self.root.iter() if isinstance(e.tag, str) and e.get("id")}
        self.boxes = [self._box(s) for s in self.root.iterfind(".//di:BPMNShape", NS)]
        self.labels = [self._box(s, "di:BPMNLabel/dc:Bounds") for s in self.root.iterfind(".//di:BPMNLabel/..", NS)]
        self.lines = [line for edge in self.root.iterfind(".//di:BPMNEdge", NS) for line in self._lines(edge)]

    def nodes(self) -> list[Box]:
        """Everything but pool and lanes."""
        return [box for box in self.boxes if box.kind not in ("participant", "lane")]

    def overlaps(self) -> list[tuple[str, str]]:
        """Pairs of boxes that cover each other."""
        pairs = combinations(self.nodes(), 2)
        return [(a.id, b.id) for a, b in pairs if a.touches(b) and not (a.is_part_of(b) or b.is_part_of(a))]

    def crowded(self) -> list[tuple[str, str]]:
        """Pairs of labels, and labels and boxes, with less than MARGIN between them."""
        labels = [box.widened(MARGIN // 2) for box in self.labels]
        pairs = [(a, b) for a, b in combinations(labels, 2) if a.touches(b)]
        for label in labels:
            own = (label.id, self.elements[label.id].get("attachedToRef"))
            boxes = [b for b in self.nodes() if b.kind != "subProcess" and b.id not in own]
            pairs += [(label, box) for box in boxes if label.touches(box)]
        return [(a.id, b.id) for a, b in pairs]

    def crossings(self) -> list[tuple[str, str]]:
        """Pairs of different flows that cross or run over each other."""
        return [(a.flow, b.flow) for a, b in combinations(self.lines, 2) if a.flow != b.flow and a.crosses(b)]

    def passages(self) -> list[tuple[str, str]]:
        """Flows that run through a box that is neither their beginning nor their end."""
        found = []
        for line in self.lines:
            source = next(b for b in self.nodes() if b.id == line.source)
            for box in self.nodes():
                own = box.id in (line.source, line.target, source.inside, source.host)
                if not own and line.box().touches(box):
                    found.append((line.flow, box.id))
        return found

    def _box(self, shape: etree._Element, at: str = "dc:Bounds") -> Box:
        name = str(shape.get("bpmnElement"))
        element, bounds = self.elements[name], shape.find(at, NS)
        assert bounds is not None
        x, y, width, height = (int(bounds.get(k, "0")) for k in ("x", "y", "width", "height"))
        parent = element.getparent()
        inside = parent.get("id", "") if parent is not None and etree.QName(parent).localname == "subProcess" else ""
        kind = etree.QName(element).localname
        return Box(name, kind, x, y, x + width, y + height, inside, element.get("attachedToRef", ""))

    def _lines(self, edge: etree._Element) -> list[Line]:
        flow = self.elements[str(edge.get("bpmnElement"))]
        points = [(int(p.get("x", "0")), int(p.get("y", "0"))) for p in edge.iterfind("dd:waypoint", NS)]
        ends = str(flow.get("sourceRef")), str(flow.get("targetRef"))
        return [Line(str(flow.get("id")), *ends, a, b) for a, b in pairwise(points)]
