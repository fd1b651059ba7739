"""Two bundles of files compared: what was added, removed, changed or moved, element by element. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.engine.kernel.xml_reader import BPMN, CAMUNDA, parse
from service.errors import DefinitionRefused

DI = "http://www.omg.org/spec/BPMN/20100524/DI"
NOTHING: Mapping[str, str] = {}
_LINKS = {"incoming", "outgoing", "flowNodeRef"}
_LEFT_OUT = _LINKS | {"laneSet", "BPMNDiagram"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. kind: added, removed, changed or moved; element: its id in the diagram, the key of a
    field, the rule of a table; what: its BPMN name, ``field``, ``rule`` or ``file``; details: attribute, before, after.
    """

    file: str
    element: str
    kind: str
    what: str
    name: str
    details: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedElement:
    """Something of a file that is compared as a whole; place: where it is drawn."""

    what: str
    name: str
    values: Mapping[str, str]
    place: tuple[str, ...] = ()


def compare(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> list[Difference]:
    """List what differs, file by file. A file that cannot be read is compared as a text."""
    found: list[Difference] = []
    for name in sorted({*old, *new}):
        if name not in old or name not in new:
            kind = "added" if name in new else "removed"
            found.append(Difference(name, "", kind, "file", name))
        elif old[name] != new[name]:
            found += _compared(name, old[name], new[name])
    return found


def _compared(file: str, old: bytes, new: bytes) -> Iterator[Difference]:
    try:
        before, after = _parts(file, old), _parts(file, new)
    except (DefinitionRefused, ValueError, RecursionError):
        yield Difference(file, "", "changed", "file", file)
        return
    for key in [*after, *(key for key in before if key not in after)]:
        was, part = before.get(key), after.get(key)
        if was is None and part is not None:
            yield Difference(file, key, "added", part.what, part.name, _details(NOTHING, part.values))
        elif part is None and was is not None:
            yield Difference(file, key, "removed", was.what, was.name)
        elif part is not None and was is not None:
            if details := _details(was.values, part.values):
                yield Difference(file, key, "changed", part.what, part.name, details)
            elif was.place and part.place and was.place != part.place:
                yield Difference(file, key, "moved", part.what, part.name)


def _details(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    names = sorted({*old, *new})
    return tuple((n, old.get(n, ""), new.get(n, "")) for n in names if old.get(n, "") != new.get(n, ""))


def _parts(file: str, data: bytes) -> dict[str, ComparedElement]:
    if file.endswith(".form"):
        return dict(_fields(json.loads(data)))
    root = parse(data, file)
    return dict(_elements(root) if file.endswith(".bpmn") else _rules(root))


def _elements(root: Any) -> Iterator[tuple[str, ComparedElement]]:
    drawn = {
        shape.get("bpmnElement"): tuple(f"{b.get('x')} {b.get('y')}" for b in shape if _local(b) == "Bounds")
        for shape in root.iter(f"{{{DI}}}BPMNShape")
    }
    for node in root.iter(f"{{{BPMN}}}*"):
        if (key := node.get("id")) and _local(node) not in ("definitions", "laneSet") and not _is_inside(node):
            values = dict(_values(node, ""))
            yield key, ComparedElement(_local(node), node.get("name") or key, values, drawn.get(key, ()))


def _is_inside(node: Any) -> bool:
    """Tell whether an element belongs to the event or task around it and is compared with it."""
    return _local(node).endswith(("EventDefinition", "Expression")) or _local(node) in (
        "timeDuration",
        "timeDate",
        "timeCycle",
    )


def _values(node: Any, prefix: str) -> Iterator[tuple[str, str]]:
    """Yield what an element says by attributes and by children that are no elements, by a readable name."""
    for name, value in node.attrib.items():
        if name != "id":
            yield f"{prefix}{name.rpartition('}')[2]}", value
    for child in node:
        local = _local(child)
        if child.tag == f"{{{CAMUNDA}}}property":
            yield f"{prefix}{child.get('name')}", child.get("value") or ""
        elif local in ("extensionElements", "properties"):
            yield from _values(child, prefix)
        elif local not in _LEFT_OUT and (not child.get("id") or _is_inside(child)):
            if text := (child.text or "").strip():
                yield f"{prefix}{local}", text
            yield from ((n, v) for n, v in _values(child, f"{prefix}{local}.") if not n.endswith(".type"))


def _fields(form: Any) -> Iterator[tuple[str, ComparedElement]]:
    if not isinstance(form, dict):
        raise ValueError("a form is an object")
    told = {name: str(value) for name, value in form.items() if name not in ("components", "exporter", "schemaVersion")}
    yield "", ComparedElement("form", told.get("title", ""), told)
    stack = list(form.get("components", []))
    while stack:
        one = stack.pop(0)
        stack = [*one.get("components", []), *stack]
        key = str(one.get("key") or one.get("id") or one.get("text", ""))
        values = {n: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for n, v in _flat(one)}
        yield key, ComparedElement("field", str(one.get("label") or one.get("text") or key), values)


def _flat(one: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in one.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif name not in ("id", "components", "layout"):
            yield f"{prefix}{name}", value


def _rules(root: Any) -> Iterator[tuple[str, ComparedElement]]:
    for table in (node for node in root.iter() if _local(node) == "decisionTable"):
        columns = [c for c in table if _local(c) in ("input", "output")]
        heads = [c.get("label") or c.get("name") or "".join(c.itertext()).strip() for c in columns]
        yield (
            table.get("id") or "",
            ComparedElement(
                "table",
                table.get("hitPolicy") or "UNIQUE",
                {"hitPolicy": table.get("hitPolicy") or "UNIQUE", "columns": " | ".join(heads)},
            ),
        )
        rules = [rule for rule in table if _local(rule) == "rule"]
        for number, rule in enumerate(rules, 1):
            cells = [("".join(c.itertext())).strip() for c in rule if _local(c) in ("inputEntry", "outputEntry")]
            values = {f"{at}. {head}": cell for at, (head, cell) in enumerate(zip(heads, cells, strict=False), 1)}
            yield rule.get("id") or f"rule {number}", ComparedElement("rule", str(number), values)


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]
