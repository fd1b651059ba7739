"""The lines of a drawing beside its boxes and labels: what they cross and run through."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

from service.engine.kernel.xml_reader import BPMN, DC, DD, DI
from service.validation.typed_text import as_decimal
from service.workflow.processes.drawing import Box, Drawing

NS = {"bpmn": BPMN, "di": DI, "dc": DC, "dd": DD}
Point = tuple[int, int]


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


class LinedDrawing(Drawing):
    """The picture of one file with its sequence flows."""

    def __init__(self, root: Any) -> None:
        super().__init__(root)
        self.lines = [line for edge in root.iterfind(".//di:BPMNEdge", NS) for line in self._lines(edge)]

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

    def _lines(self, edge: Any) -> list[Line]:
        flow = self.elements.get(edge.get("bpmnElement"))
        if flow is None:
            return []
        points = [(_whole(p.get("x")), _whole(p.get("y"))) for p in edge.iterfind("dd:waypoint", NS)]
        ends = str(flow.get("sourceRef")), str(flow.get("targetRef"))
        return [Line(str(flow.get("id")), *ends, a, b) for a, b in pairwise(points)]


def _whole(text: str | None) -> int:
    return round(as_decimal(text or "") or 0)
