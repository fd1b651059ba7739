"""Texts of diagrams and forms with the English beside them, and what the gate says of those that have none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from service.domain.notices.notices import template_key
from service.engine import Definition, ValidationIssue
from service.handlers import general
from service.infrastructure.translation import catalogue_english, has_catalogue

CHINESE = re.compile(r"[\u4e00-\u9fff]")
FORM_TEXTS = ("label", "dateLabel", "description", "text")
"""Members of a component that people read; the English of each stands in its properties: ``label_en`` …"""


def english_of(definition: Definition) -> dict[str, str]:
    """The English of the bundle's texts, where it stands beside them, by the Chinese text."""
    return {text: english for _file, _key, text, english in _texts(definition) if english}


def untranslated(definition: Definition) -> list[ValidationIssue]:
    """Warn of each Chinese text without English, beside it or in the catalogue, and of English that does not show."""
    if not has_catalogue():
        return []
    told = english_of(definition)
    found = []
    for file, key, text, english in dict.fromkeys(_texts(definition)):
        known = catalogue_english(text)
        if english and known not in (None, english):
            found.append(_warning(definition, file, key, _superseded(text, str(known))))
        elif CHINESE.search(text) and not known and text not in told:
            found.append(_warning(definition, file, key, _absent(file, text)))
    return found


def _warning(definition: Definition, file: str, key: str, texts: tuple[str, str, str, str]) -> ValidationIssue:
    line = definition.elements[key].line if key in definition.elements else 0
    return ValidationIssue(file, line, key, *texts, rule="texts_have_english", severity="warning")


def _absent(file: str, text: str) -> tuple[str, str, str, str]:
    where = "name_en" if file.endswith(".bpmn") else "label_en"
    return (
        f"“{text[:60]}”没有英文。",
        f"“{text[:60]}” has no English.",
        f"补上英文：属性 {where}，在线设计里是标“（英文）”的一栏；选项、说明、状态名称同理，见指南。",
        f"Write it as the property {where}, in the studio the field for English beside it; choices, hints and names of"
        " states alike, see the guide.",
    )


def _superseded(text: str, known: str) -> tuple[str, str, str, str]:
    return (
        f"“{text[:60]}”在系统中已有英文“{known[:60]}”，照它显示。",
        f"“{text[:60]}” is “{known[:60]}” in English already, and shown so.",
        "删去旁边的英文，或换一个说法。",
        "Remove the English beside it, or word it otherwise.",
    )


def _texts(definition: Definition) -> Iterator[tuple[str, str, str, str]]:
    """File, element or field, Chinese text, and its English or '', of all that people read."""
    for element in definition.elements.values():
        if element.name != element.id and not element.id.startswith(definition.process + "/"):
            yield definition.main, element.id, element.name, definition.english.get(element.name, "")
    for identity, found in definition.attributes.items():
        if name := found.properties.get("state_name"):
            yield definition.main, identity, name, definition.english.get(name, "")
        yield from _notice(definition, identity)
    for file, content in definition.files.items():
        if file.endswith(".form"):
            form = json.loads(content)
            if form.get("title"):
                yield file, "", str(form["title"]), str(form.get("title_en", ""))
            for component in form.get("components", ()):
                yield from _component(file, component)


def _notice(definition: Definition, identity: str) -> Iterator[tuple[str, str, str, str]]:
    """Texts of a notice or paper that the diagram makes, as the catalogue has them."""
    found = definition.attributes[identity]
    known = general.INPUTS.get(found.topic or "", {})
    for member in (one for one in general.WORDS if one in known):
        if template := found.inputs.get(member, ""):
            yield definition.main, identity, template_key(template), template_key(found.inputs.get(f"{member}_en", ""))


def _component(file: str, component: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str]]:
    properties, key = component.get("properties") or {}, str(component.get("key", ""))
    for member in FORM_TEXTS:
        if text := component.get(member):
            yield file, key, str(text), str(properties.get(f"{member}_en", ""))
    for option in component.get("values") or ():
        yield file, key, str(option["label"]), str(properties.get(f"label_en.{option['value']}", ""))
        if note := properties.get(f"note.{option['value']}"):
            yield file, key, str(note), str(properties.get(f"note_en.{option['value']}", ""))
    for inner in component.get("components") or ():
        yield from _component(file, inner)
