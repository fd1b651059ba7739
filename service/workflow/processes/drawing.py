"""The picture in a .bpmn file: boxes and labels by element, and which of them lie on one another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from lxml import etree

from service import engine
from service.engine import ValidationIssue
from service.engine.kernel.xml_reader import DC, DI
from service.validation.typed_text import as_decimal

NS = {"di": DI, "dc": DC}
MARGIN = 4  # between a label and what is not its own
MAX_TOLD = 20  # pairs of one file: behind them the file is to be drawn anew
MAX_COMPARED = 2_000  # boxes and labels of one file: each is compared with what stands above and below it
LABEL = "label"
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
        labels = [replace(box.widened(MARGIN // 2), kind=LABEL) for box in self.labels]
        for a, b in _touching([*labels, *self.nodes()]):
            label, other = (a, b) if a.kind == LABEL else (b, a)
            own = other.kind != LABEL and (other.id == label.id or label.is_part_of(other))
            if label.kind == LABEL and not own:
                yield label, other

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


def overlap_notes(read: engine.Definition) -> list[ValidationIssue]:
    """Note which shapes lie on one another in the drawing, and which labels cannot be read."""
    notes = []
    for file in sorted(name for name in read.files if name.endswith(".bpmn")):
        drawing = Drawing(engine.parse_xml(read.files[file], file))
        if len(drawing.boxes) + len(drawing.labels) > MAX_COMPARED:
            continue
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
