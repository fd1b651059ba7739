"""A diagram as a picture without a browser: SVG from the drawing (BPMN DI) of a file, for paper and mail.

Every shape and line of the drawing is in it, with ``data-element``, and every name. Marks tell how far a case has come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Any

from service import engine
from service.engine.kernel.xml_reader import BPMN, DC, DD, DI
from service.workflow.processes.diagram_layout import drawn_whole

PADDING, SIZE, LINE = 20, 12, 15  # around a plane; of type; of a line of text
INK, DONE, HERE, QUIET = "#1b1f24", "#1a7f37", "#0b57d0", "#9aa4af"
FILL_DONE, FILL_HERE = "#e6f4ea", "#dfeafd"
EVENTS = {"startEvent", "endEvent", "boundaryEvent", "intermediateCatchEvent", "intermediateThrowEvent"}
ROUND = {"subProcess", "transaction", "adHocSubProcess", "callActivity"}
SIGNS = {
    "exclusiveGateway": "✕",
    "parallelGateway": "＋",
    "inclusiveGateway": "○",
    "eventBasedGateway": "⬠",
    "complexGateway": "✱",
    "timerEventDefinition": "◷",
    "messageEventDefinition": "✉",
    "signalEventDefinition": "△",
    "errorEventDefinition": "↯",
    "escalationEventDefinition": "⇑",
    "cancelEventDefinition": "✕",
    "compensateEventDefinition": "≪",
    "conditionalEventDefinition": "≡",
    "linkEventDefinition": "➔",
    "terminateEventDefinition": "●",
    "multiInstanceLoopCharacteristics": "⦀",
    "standardLoopCharacteristics": "↻",
}
KINDS = {
    "userTask": '<circle cx="5" cy="3" r="3"/><path d="M0,11 a5,5 0 0 1 10,0"/>',
    "manualTask": '<path d="M0,4 h9 M0,7 h9 M0,10 h7"/>',
    "serviceTask": '<circle cx="5" cy="6" r="4" stroke-dasharray="2 1.1"/><circle cx="5" cy="6" r="1.5"/>',
    "businessRuleTask": '<path d="M0,1 h11 v9 h-11 z M0,4 h11 M4,4 v6"/>',
    "scriptTask": '<path d="M1,1 h9 M1,4 h7 M1,7 h9 M1,10 h7"/>',
    "sendTask": '<path d="M0,2 h11 v8 h-11 z l5.5,4 l5.5,-4" fill="#9aa4af"/>',
    "receiveTask": '<path d="M0,2 h11 v8 h-11 z l5.5,4 l5.5,-4"/>',
}
"""The sign in the corner of a task."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The progress of a case: elements done, elements with a token, flows taken."""

    done: Collection[str] = frozenset()
    tokens: Collection[str] = frozenset()
    flows: Collection[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y + self.height / 2


@dataclass(slots=True)
class _Extent:
    """The points that a plane covers."""

    points: list[tuple[float, float]] = field(default_factory=list)

    def add(self, box: _Box) -> None:
        self.points += [(box.x, box.y), (box.x + box.width, box.y + box.height)]

    def box(self) -> _Box:
        xs, ys = [x for x, _ in self.points] or [0.0], [y for _, y in self.points] or [0.0]
        return _Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def pictures(xml: bytes, file: str, marks: Marks | None = None, names: Mapping[str, str] | None = None) -> list[str]:
    """An SVG for each plane of the drawing. names: in place of those drawn, by id."""
    root = engine.parse_xml(drawn_whole(xml, file), file)
    elements = {one.get("id"): one for one in root.iter() if isinstance(one.tag, str) and one.get("id")}
    planes = root.iter(f"{{{DI}}}BPMNPlane")
    return [_Picture(elements, marks or Marks(), names or {}).draw(plane) for plane in planes]


class _Picture:
    def __init__(self, elements: Mapping[str, Any], marks: Marks, names: Mapping[str, str]) -> None:
        self.elements, self.marks, self.names = elements, marks, names
        self.extent = _Extent()

    def draw(self, plane: Any) -> str:
        shapes = list(plane.iterfind(f"{{{DI}}}BPMNShape"))
        order = sorted(shapes, key=lambda shape: -_area(shape))  # what is around others lies below them
        body = [self._shape(shape) for shape in order if _bounds(shape) is not None]
        body += [self._edge(edge) for edge in plane.iterfind(f"{{{DI}}}BPMNEdge")]
        box = self.extent.box()
        view = (box.x - PADDING, box.y - PADDING, box.width + 2 * PADDING, box.height + 2 * PADDING)
        numbers = " ".join(f"{value:g}" for value in view)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{numbers}" width="{view[2]:g}" height="{view[3]:g}" '
            f'font-family="Noto Sans SC, sans-serif" font-size="{SIZE}">{"".join(body)}</svg>'
        )

    def _shape(self, shape: Any) -> str:
        key, box = shape.get("bpmnElement") or "", _bounds(shape)
        assert box is not None
        self.extent.add(box)
        element = self.elements.get(key)
        kind = _local(element)
        colour, width, fill = self._stroke(key, kind)
        drawn = "".join(_outline(kind, element, box, colour, width, fill))
        return f'<g data-element="{escape(key)}">{drawn}{self._name(shape, key, kind, box)}</g>'

    def _stroke(self, key: str, kind: str) -> tuple[str, float, str]:
        if kind in ("participant", "lane", "group", "textAnnotation"):
            return QUIET, 1, "none"
        if key in self.marks.tokens:
            return HERE, 3, FILL_HERE
        if key in self.marks.done:
            return DONE, 2, "none" if kind in ROUND else FILL_DONE
        return INK, 1.3, "none" if kind in ROUND else "#fff"

    def _name(self, shape: Any, key: str, kind: str, box: _Box) -> str:
        element = self.elements.get(key)
        name = self.names.get(key) or _own_name(element)
        if not name:
            return ""
        if kind in ("participant", "lane"):
            x, y = box.x + LINE, box.y + box.height / 2
            return f'<g transform="rotate(-90 {x:g} {y:g})">{_text([name], x, y)}</g>'
        label = _bounds(shape.find(f"{{{DI}}}BPMNLabel"))
        if kind in EVENTS or kind.endswith("Gateway") or kind.startswith("data"):
            place = label or _Box(box.x + box.width / 2 - 45, box.y + box.height + 2, 90, LINE)
            lines = _wrapped(name, max(place.width, 60))
            self.extent.add(_Box(place.x, place.y, max(place.width, 60), LINE * len(lines)))
            return _text(lines, place.x + place.width / 2, place.y + LINE * len(lines) / 2)
        lines = _wrapped(name, box.width - 10)
        y = box.y + LINE * len(lines) / 2 + 6 if kind in ROUND and shape.get("isExpanded") == "true" else box.middle[1]
        return _text(lines, box.middle[0], y)

    def _edge(self, edge: Any) -> str:
        key = edge.get("bpmnElement") or ""
        points = [(_number(p, "x"), _number(p, "y")) for p in edge.iterfind(f"{{{DD}}}waypoint")]
        self.extent.points += points
        element = self.elements.get(key)
        kind = _local(element)
        colour, width = (DONE, 2.5) if key in self.marks.flows else (INK, 1.3)
        dash = {"messageFlow": "6 4", "association": "2 3", "dataInputAssociation": "2 3"}.get(
            kind, "2 3" if kind == "dataOutputAssociation" else ""
        )
        told = " ".join(f"{x:g},{y:g}" for x, y in points)
        line = f'<polyline points="{told}" fill="none" stroke="{colour}" stroke-width="{width}"'
        line += f' stroke-dasharray="{dash}"/>' if dash else "/>"
        head = _arrow(points[-2:], colour) if len(points) > 1 and kind != "association" else ""
        return f'<g data-element="{escape(key)}">{line}{head}{self._flow_name(edge, key, points)}</g>'

    def _flow_name(self, edge: Any, key: str, points: list[tuple[float, float]]) -> str:
        name = self.names.get(key) or _own_name(self.elements.get(key))
        if not name or not points:
            return ""
        label = _bounds(edge.find(f"{{{DI}}}BPMNLabel"))
        half = len(points) // 2
        (ax, ay), (bx, by) = points[half - 1], points[half]
        place = label or _Box((ax + bx) / 2 - 40, (ay + by) / 2 - LINE - 2, 80, LINE)
        lines = _wrapped(name, max(place.width, 60))
        self.extent.add(_Box(place.x, place.y, max(place.width, 60), LINE * len(lines)))
        return _text(lines, place.x + place.width / 2, place.y + LINE * len(lines) / 2)


def _outline(kind: str, element: Any, box: _Box, colour: str, width: float, fill: str) -> Iterator[str]:
    """The shape of an element with its signs, as BPMN 2.0 draws it."""
    stroke = f'stroke="{colour}" stroke-width="{width}" fill="{fill}"'
    x, y = box.middle
    if kind in EVENTS:
        thick = stroke if kind != "endEvent" else stroke.replace(f'"{width}"', f'"{width + 2}"')
        dash = ' stroke-dasharray="4 3"' if _is_no_interrupt(element) else ""
        yield f'<circle cx="{x:g}" cy="{y:g}" r="{box.width / 2:g}" {thick}{dash}/>'
        if kind not in ("startEvent", "endEvent"):
            yield f'<circle cx="{x:g}" cy="{y:g}" r="{box.width / 2 - 3:g}" {stroke} fill-opacity="0"{dash}/>'
    elif kind.endswith("Gateway"):
        points = f"{x:g},{box.y:g} {box.x + box.width:g},{y:g} {x:g},{box.y + box.height:g} {box.x:g},{y:g}"
        yield f'<polygon points="{points}" {stroke}/>'
    elif kind.startswith("data"):
        yield f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" {stroke}/>'
    elif kind == "textAnnotation":
        yield f'<path d="M{box.x + 12:g},{box.y:g} h-12 v{box.height:g} h12" {stroke}/>'
    else:
        radius = 0 if kind in ("participant", "lane") else 8
        thick = stroke if kind != "callActivity" else stroke.replace(f'"{width}"', f'"{width + 2}"')
        yield (
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{radius}" {thick}/>'
        )
        if kind in KINDS:
            place = f'transform="translate({box.x + 6:g} {box.y + 5:g})"'
            yield f'<g {place} fill="none" stroke="{QUIET}">{KINDS[kind]}</g>'
    sign = next((SIGNS[one] for one in (kind, *_parts(element)) if one in SIGNS), "")
    if sign:
        low = kind not in EVENTS and not kind.endswith("Gateway")
        yield _text([sign], x, box.y + box.height - 9 if low else y, SIZE + 4)


def _parts(element: Any) -> Iterable[str]:
    """The parts that tell of an event or a repetition."""
    parts = (_local(one) for one in element) if element is not None else ()
    return (part for part in parts if part.endswith(("EventDefinition", "LoopCharacteristics")))


def _is_no_interrupt(element: Any) -> bool:
    return element is not None and "false" in (element.get("cancelActivity"), element.get("isInterrupting"))


def _arrow(ends: list[tuple[float, float]], colour: str) -> str:
    (ax, ay), (bx, by) = ends
    angle = math.atan2(by - ay, bx - ax)
    sides = [(bx - 9 * math.cos(angle + turn), by - 9 * math.sin(angle + turn)) for turn in (-0.4, 0.4)]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [(bx, by), *sides])
    return f'<polygon points="{points}" fill="{colour}"/>'


def _text(lines: list[str], x: float, y: float, size: float = SIZE) -> str:
    """Lines around a point."""
    top = y - LINE * (len(lines) - 1) / 2 + size * 0.36
    spans = "".join(f'<tspan x="{x:g}" y="{top + LINE * n:g}">{escape(line)}</tspan>' for n, line in enumerate(lines))
    return f'<text text-anchor="middle" font-size="{size:g}" fill="{INK}">{spans}</text>'


def _wrapped(text: str, width: float) -> list[str]:
    """Break a text into lines: between Chinese characters, and between words."""
    lines, line = [], ""
    for piece in re.findall(r"[!-~]+\s*|\s+|.", text.replace("\n", " ")):
        if line and _length(line + piece.rstrip()) > width:
            lines.append(line)
            line = ""
        line += piece
    return [*lines, line] if line or not lines else lines


def _length(text: str) -> float:
    return sum(SIZE * 0.56 if character.isascii() else SIZE for character in text)


def _own_name(element: Any) -> str:
    if element is None:
        return ""
    said = element.find(f"{{{BPMN}}}text") if _local(element) == "textAnnotation" else None
    return (said.text or "") if said is not None else element.get("name") or ""


def _bounds(node: Any) -> _Box | None:
    found = node.find(f"{{{DC}}}Bounds") if node is not None else None
    if found is None:
        return None
    return _Box(*(_number(found, name) for name in ("x", "y", "width", "height")))


def _area(shape: Any) -> float:
    box = _bounds(shape)
    return box.width * box.height if box else 0


def _number(node: Any, name: str) -> float:
    try:
        value = float(node.get(name) or 0)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _local(element: Any) -> str:
    return "" if element is None or not isinstance(element.tag, str) else element.tag.rpartition("}")[2]
