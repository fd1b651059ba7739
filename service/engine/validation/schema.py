"""The OMG's XML schema, and the allow-list of elements, attributes, values and extensions."""

from __future__ import annotations

import copy
import re
from functools import cache
from importlib import resources
from typing import Any

from lxml import etree

from service.engine.kernel.xml_reader import BPMN, CAMUNDA, DC, DD, XSI
from service.engine.validation.allow_list import (
    CAMUNDA_ATTRIBUTES,
    CAMUNDA_CHILDREN,
    CAMUNDA_VALUES,
    ELEMENTS,
    ENGINES,
    EXPRESSIONS,
    MIME,
    NEUTRAL,
    NOT_EXECUTED,
    VALUES,
)
from service.engine.validation.diagram import (
    Diagram,
    an,
    kind,
    local,
    words,
)
from service.engine.validation.equivalents import instead_of
from service.engine.validation.schema_messages import in_words

MAX_PLACE = 1_000_000  # of a shape from the origin
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
MAX_SCHEMA_PROBLEMS = 20  # further ones mostly follow from the first


@cache
def _schema_document() -> Any:
    folder = resources.files("SpiffWorkflow") / "bpmn" / "parser" / "schema"
    with resources.as_file(folder) as path:
        return etree.parse(str(path / "BPMN20.xsd"))


def follows_schema(d: Diagram) -> None:
    """Children in order, required attributes, XSD types and unique ids, as the OMG's BPMN20.xsd says."""
    schema = etree.XMLSchema(_schema_document())
    bare = _without_extensions(d.root)
    try:
        schema.validate(bare)
    except etree.XMLSchemaValidateError:
        d.refuse(
            d.root,
            "文件结构无法按 BPMN 2.0 的 XML 架构核对。",
            "The file cannot be checked against the BPMN 2.0 schema.",
            "用建模工具重新导出。",
            "Export it again from the modelling tool.",
        )
        return
    log: Any = schema.error_log
    for error in list(log)[:MAX_SCHEMA_PROBLEMS]:
        zh, en = in_words(error.message)
        d.refuse(
            _at(bare, error.path),
            f"不符合 BPMN 2.0 的 XML 架构：{zh}。",
            f"Not as the BPMN 2.0 schema says: {en}.",
            "按架构改正该元素。",
            "Correct the element as the schema says.",
        )


def _without_extensions(root: Any) -> Any:
    bare = copy.deepcopy(root)
    for element in list(bare.iter(etree.Element)):
        parent = element.getparent()
        if parent is None or kind(element):
            for name in [n for n in element.attrib if n.startswith("{") and not n.startswith(f"{{{XSI}}}")]:
                del element.attrib[name]
            continue
        if element.tail and element.tail.strip():
            parent.text = (parent.text or "") + element.tail
        parent.remove(element)
    for element in bare.iter(f"{{{BPMN}}}extensionElements"):
        for child in list(element):
            element.remove(child)
    return bare


def _at(bare: Any, path: str | None) -> Any:
    """The element of a schema error; its copy knows line and id as well as the original."""
    names = {prefix: space for prefix, space in bare.nsmap.items() if prefix}
    try:
        found = bare.getroottree().xpath((path or "/*").split("/@")[0], namespaces=names)
    except etree.XPathError:
        return bare
    return found[0] if found else bare


def holds_only_known_elements(d: Diagram) -> None:
    """Every BPMN element and attribute is on the allow-list."""
    for name, elements in list(d.by_kind.items()):
        for element in elements:
            if name not in ELEMENTS:
                _refuse_element(d, element, name)
                continue
            for attribute in element.attrib:
                if not attribute.startswith("{") and attribute not in ELEMENTS[name]:
                    d.refuse(
                        element,
                        f"{name} 不支持属性 {attribute}。",
                        f"{name} does not support the attribute {attribute}.",
                        "删去该属性。",
                        "Remove the attribute.",
                    )
    for attribute in d.root.attrib:
        if not attribute.startswith("{") and attribute not in ELEMENTS["definitions"]:
            d.refuse(
                d.root,
                f"不支持属性 {attribute}。",
                f"The attribute {attribute} is not supported.",
                "删去。",
                "Remove it.",
            )


def _refuse_element(d: Diagram, element: Any, name: str) -> None:
    if any(kind(around) not in ELEMENTS for around in element.iterancestors() if kind(around)):
        return  # the element around it is refused already
    zh, en, remedy_zh, remedy_en = NOT_EXECUTED.get(
        name, (f"元素 {name}", f"elements of kind {name}", "删去该元素。", "Remove the element.")
    )
    d.refuse(element, f"引擎不执行{zh}。", f"The engine does not execute {en}.", remedy_zh, remedy_en)


def has_only_known_values(d: Diagram) -> None:
    """Attributes that change execution have a value the engine executes rightly."""
    for (name, attribute), allowed in VALUES.items():
        elements = d.all(name) if name != "*" else [e for group in d.by_kind.values() for e in group]
        for element in elements:
            value = element.get(attribute)
            if value is not None and value not in allowed:
                _refuse_value(d, element, attribute, value, allowed)
    for element in d.all("documentation", "textAnnotation"):
        value = element.get("textFormat")
        if value is not None and not re.fullmatch(MIME, value):
            d.refuse(
                element,
                f"textFormat“{value}”不是媒体类型。",
                f'textFormat "{value}" is not a media type.',
                "改为 text/plain 之类。",
                "Write text/plain or another media type.",
            )


def _refuse_value(d: Diagram, element: Any, attribute: str, value: str, allowed: tuple[str, ...]) -> None:
    wanted = " / ".join(allowed)
    d.refuse(
        element,
        f"引擎不能按 BPMN 2.0 执行 {attribute}=“{value}”。",
        f'The engine cannot execute {attribute}="{value}" as BPMN 2.0 says.',
        f"改为 {wanted}。" if allowed else "删去该属性。",
        f"Write {wanted}." if allowed else "Remove the attribute.",
    )


def is_extended_only_harmlessly(d: Diagram) -> None:
    """Extensions of modelling tools are ignored; those of engines are allowed one by one."""
    for element in d.root.iter(etree.Element):
        if kind(element) and d.executes(element) and not _inside_extension(element):
            for attribute, value in element.attrib.items():
                _check_attribute(d, element, attribute, value)
    for holder in d.all("extensionElements"):
        for child in holder:
            _check_child(d, holder.getparent(), child)
    for element in d.all("extension"):
        d.refuse(
            element,
            "不支持必须理解的扩展。",
            "Extensions that must be understood are not supported.",
            "删去。",
            "Remove it.",
        )
    _refuse_strays(d, d.root)


def _inside_extension(element: Any) -> bool:
    return any(
        kind(parent) in ("extensionElements", "documentation", "text", "script") for parent in element.iterancestors()
    )


def _check_attribute(d: Diagram, element: Any, attribute: str, value: str) -> None:
    space, _, name = attribute.removeprefix("{").rpartition("}")
    vendor = ENGINES.get(space)
    if vendor is None or name in NEUTRAL:
        return
    if vendor != "camunda" or name not in CAMUNDA_ATTRIBUTES.get(kind(element), ()):
        d.refuse(
            element,
            f"引擎不执行 {kind(element)} 的属性 {vendor}:{name}。",
            f"The engine does not execute the attribute {vendor}:{name} of {an(kind(element))}.",
            *instead_of(name),
        )
    elif name in CAMUNDA_VALUES and value not in CAMUNDA_VALUES[name]:
        _refuse_value(d, element, f"camunda:{name}", value, CAMUNDA_VALUES[name])


def _check_child(d: Diagram, owner: Any, child: Any) -> None:
    if not isinstance(child.tag, str):
        return
    space, name = etree.QName(child).namespace, local(child)
    vendor = ENGINES.get(space or "")
    if vendor is None:
        return
    owners = CAMUNDA_CHILDREN.get(name, ()) if space == CAMUNDA else ()
    if "*" not in owners and kind(owner) not in owners:
        d.refuse(
            child if child.get("id") else owner,
            f"引擎不执行扩展 {vendor}:{name}。",
            f"The engine does not execute the extension {vendor}:{name}.",
            *instead_of(name),
        )


def _refuse_strays(d: Diagram, parent: Any) -> None:
    for child in parent:
        if not isinstance(child.tag, str):
            continue
        if kind(child) in ("extensionElements", "documentation", "text", "script"):
            continue
        if kind(child):
            _refuse_strays(d, child)
        elif not (parent is d.root and local(child) == "BPMNDiagram"):
            d.refuse(
                parent,
                f"元素 {local(child)} 只能放在 extensionElements 中。",
                f"The element {local(child)} may only stand in extensionElements.",
                "移到 extensionElements 中。",
                "Move it there.",
            )


def has_plain_text(d: Diagram) -> None:
    """Scripts and conditions hold text only, no elements that would be dropped silently."""
    for element in d.all("script", *EXPRESSIONS):
        if len(element):
            d.refuse(
                element,
                "脚本或表达式中夹有元素。",
                "A script or expression holds elements.",
                "只写文字。",
                "Write plain text.",
            )
        elif not words(element) and kind(element) != "script":
            d.refuse(element, "表达式是空的。", "The expression is empty.", "写上表达式。", "Write the expression.")


def places_are_numbers(d: Diagram) -> None:
    """Bounds and waypoints of the drawing say where in numbers, within what anybody can look at."""
    for place in d.root.iter(f"{{{DC}}}Bounds", f"{{{DD}}}waypoint"):
        for name in ("x", "y", "width", "height"):
            value = place.get(name, "0")
            if not _NUMBER.fullmatch(value) or abs(float(value)) > MAX_PLACE:
                shape = next((one for one in place.iterancestors() if one.get("bpmnElement")), place)
                element = d.ids.get(shape.get("bpmnElement"), shape)
                d.refuse(
                    element,
                    f"图形的 {name} 是“{value[:20]}”，不是 ±{MAX_PLACE} 以内的数。",
                    f'{name} in the drawing is "{value[:20]}", no number within ±{MAX_PLACE}.',
                    "在建模工具里重新放置这个图形，再保存。",
                    "Place the shape again in the modelling tool and save.",
                )


RULES = (
    follows_schema,
    places_are_numbers,
    holds_only_known_elements,
    has_only_known_values,
    is_extended_only_harmlessly,
    has_plain_text,
)
