"""Files of a bundle in canonical form: what tools write or leave out as they like is the same. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lxml import etree

from service.engine.kernel.xml_reader import BPMN, CAMUNDA, DI, XSI, parse

BIODI = "http://bpmn.io/schema/dmn/biodi/2.0"  # widths of columns
DRAWINGS = {f"{{{DI}}}BPMNDiagram"} | {
    f"{{https://www.omg.org/spec/DMN/{edition}/DMNDI/}}DMNDI" for edition in ("20180521", "20191111", "20230324")
}
PREFIXES = {"bpmn": BPMN, "camunda": CAMUNDA, "xsi": XSI}
UNSAID = {"layout", "exporter", "schemaVersion"}  # of a form: what its editor writes for itself
DEFAULTS = {
    "behavior": "All",
    "cancelActivity": "true",
    "cancelRemainingInstances": "true",
    "completionQuantity": "1",
    "eventGatewayType": "Exclusive",
    "expressionLanguage": "http://www.w3.org/1999/XPath",
    "gatewayDirection": "Unspecified",
    "hitPolicy": "UNIQUE",
    "instantiate": "false",
    "isCollection": "false",
    "isForCompensation": "false",
    "isInterrupting": "true",
    "isSequential": "false",
    "isUnlimited": "true",
    "parallelMultiple": "false",
    "preferredOrientation": "Rule-as-Row",
    "startQuantity": "1",
    "testBefore": "false",
    "textFormat": "text/plain",
    "triggeredByEvent": "false",
    "typeLanguage": "http://www.w3.org/2001/XMLSchema",
    "waitForCompletion": "true",
}
"""Attribute → the value that BPMN or DMN gives it where it is not written."""
_HOLDERS = {f"{{{BPMN}}}{name}" for name in ("definitions", "process", "subProcess", "transaction", "adHocSubProcess")}
_IN_ORDER = {f"{{{BPMN}}}{name}" for name in ("process", "collaboration", "laneSet", "startEvent")}
_LINKS = {f"{{{BPMN}}}{name}" for name in ("incoming", "outgoing", "flowNodeRef")}


def read(data: bytes, file: str) -> Any:
    """The root of an XML file, without attributes that say the default or the width of a column. Raises
    DefinitionRefused.
    """
    root = parse(data, file)
    for node in root.iter():
        for name, value in node.attrib.items():
            if DEFAULTS.get(name) == value or name.startswith(f"{{{BIODI}}}"):
                del node.attrib[name]
    return root


def group_of(node: Any) -> tuple[str, str] | None:
    """The elements among which the place of this one in the file says something; None where it says nothing.

    Conditions are asked and events caught in the order of the file; where else a step stands in it is the tool's.
    """
    above = node.getparent()
    if node.tag == f"{{{BPMN}}}sequenceFlow":
        return node.tag, node.get("sourceRef", "")
    if node.tag == f"{{{BPMN}}}boundaryEvent":
        return node.tag, node.get("attachedToRef", "")
    if node.tag in _LINKS or node.tag == f"{{{CAMUNDA}}}property":
        return None
    if above is None or above.tag not in _HOLDERS or not node.get("id") or node.tag in _IN_ORDER:
        return node.tag, "" if above is None else above.get("id", "")
    return (node.tag, above.get("id", "")) if node.get("triggeredByEvent") else None


def without_drawing(file: str, data: bytes) -> str:
    """Write a file one element or value a line, without its drawing, the spaces between and whatever else tools write
    as they like. Raises DefinitionRefused, ValueError or RecursionError for what cannot be read.
    """
    if file.endswith(".yaml"):
        return data.decode("utf-8-sig")
    return said_of_form(json.loads(data)) if file.endswith(".form") else said_of_xml(read(data, file))


def said_of_form(form: Any) -> str:
    """Write a form one value a line."""
    if isinstance(form, dict):
        form = _without_marks(form)
    return json.dumps(form, ensure_ascii=False, indent=1, sort_keys=True)


def _without_marks(one: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in one.items() if name not in UNSAID}
    if inner := components(one):
        kept["components"] = [_without_marks(each) for each in inner]
    return kept


def components(one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The fields inside a form or group; anything but a list of objects is no fields, and compared as it is."""
    found = one.get("components")
    return found if isinstance(found, list) and all(isinstance(each, dict) for each in found) else []


def said_of_xml(root: Any) -> str:
    """Write what ``read`` gave one element a line; the tree is used up."""
    for drawing in [one for one in root if one.tag in DRAWINGS]:
        root.remove(drawing)
    etree.cleanup_namespaces(root, PREFIXES)
    for node in list(root.iter()):
        node.text = node.text if (node.text or "").strip() else None
        node.tail = node.tail if (node.tail or "").strip() else None
        if len(node.attrib) > 1:
            attributes = sorted(node.attrib.items())
            node.attrib.clear()
            node.attrib.update(attributes)
        if len(node) > 1 and not any(child.tail and child.tail.strip() for child in node):
            _sort(node)
    etree.indent(root)
    return str(etree.tostring(root, encoding="unicode"))


def _sort(node: Any) -> None:
    """Put the children whose place says nothing, and groups whose place among others does not, in one order."""
    free: list[Any] = []
    kept: list[Any] = []
    for child in node:
        is_free = (node.tag in _HOLDERS and child.get("id")) or group_of(child) is None
        (free if is_free else kept).append(child)
    node[:] = [*kept, *sorted(free, key=_rank)]


def _rank(node: Any) -> tuple[str, str, str, str]:
    group = group_of(node)
    own = "" if group else (node.get("id") or node.get("name") or "")
    return node.tag, group[1] if group else "", own, "" if group else (node.text or "").strip()
