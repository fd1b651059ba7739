"""``wait(seconds)`` of a conformance script becomes a timer: the script task turns into a subprocess that pauses.

Only calls at the top level of a script with a whole number can be split off; others stay,
and the validation refuses them.
"""

from __future__ import annotations

import ast
from typing import Any

from lxml import etree

from service.engine.kernel.camunda_extensions import script_in
from service.engine.kernel.xml_reader import BPMN, parse
from service.engine.validation.diagram import children
from service.errors import DefinitionRefused

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"


def with_timers(data: bytes, file: str) -> bytes:
    """The diagram with every pause drawn as a timer; unchanged when there is none, or when it cannot be read."""
    if b"wait" not in data:
        return data
    try:
        root = parse(data, file)
    except DefinitionRefused:
        return data
    found = [(task, parts) for task in root.iter(f"{{{BPMN}}}scriptTask") if (parts := _parts(task))]
    for task, parts in found:
        _redraw(task, parts)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True) if found else data


def _parts(task: Any) -> list[str | int]:
    """The script in pieces: source text, or the seconds of a pause; empty when there is no pause."""
    source = "\n".join(script_in(script) for script in children(task, "script"))
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError):
        return []
    parts: list[str | int] = []
    for statement in body:
        seconds = _pause(statement)
        text = ast.get_source_segment(source, statement) or ""
        if seconds is None and parts and isinstance(parts[-1], str):
            parts[-1] = f"{parts[-1]}\n{text}"
        else:
            parts.append(text if seconds is None else seconds)
    return parts if any(isinstance(part, int) for part in parts) else []


def _pause(statement: ast.stmt) -> int | None:
    match statement:
        case ast.Expr(value=ast.Call(func=ast.Name(id="wait"), args=[ast.Constant(value=int(seconds))], keywords=[])):
            return seconds
    return None


def _redraw(task: Any, parts: list[str | int]) -> None:
    name = task.get("id")
    task.tag = f"{{{BPMN}}}subProcess"
    task.attrib.pop("scriptFormat", None)
    for script in children(task, "script"):
        task.remove(script)
    nodes = [("startEvent", None), *((_kind(part), part) for part in parts), ("endEvent", None)]
    flows = [f"{name}.{n}-{n + 1}" for n in range(len(nodes) - 1)]
    lists_flows = next(task.getroottree().getroot().iter(f"{{{BPMN}}}incoming"), None) is not None
    for n, (element, part) in enumerate(nodes):
        node = _add(task, element, id=f"{name}.{n}")
        for kind, ending in (("incoming", flows[n - 1 : n] if n else []), ("outgoing", flows[n : n + 1])):
            for flow in ending if lists_flows else ():
                _add(node, kind).text = flow
        _fill(task, node, part)
    for n, flow in enumerate(flows):
        _add(task, "sequenceFlow", id=flow, sourceRef=f"{name}.{n}", targetRef=f"{name}.{n + 1}")


def _fill(task: Any, node: Any, part: str | int | None) -> None:
    if isinstance(part, int):
        time = _add(_add(node, "timerEventDefinition"), "timeDuration")
        time.set(XSI_TYPE, f"{task.prefix}:tFormalExpression" if task.prefix else "tFormalExpression")
        time.text = f"PT{part}S"
    elif part is not None:
        _add(node, "script").text = part


def _kind(part: str | int) -> str:
    return "intermediateCatchEvent" if isinstance(part, int) else "scriptTask"


def _add(parent: Any, name: str, **attributes: str) -> Any:
    return etree.SubElement(parent, f"{{{BPMN}}}{name}", attributes)
