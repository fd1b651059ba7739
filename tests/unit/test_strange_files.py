"""What a careless hand or tool leaves in a file is refused with its rule, or changes nothing: never a fault of the gate."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from service.config import CHECKOUT
from service.workflow.processes import definitions

PATHS = sorted((CHECKOUT / "processes").glob("*.bpmn"))
PROPERTY = re.compile(r'<camunda:property name="(?!name_en|state)[^"]*" value="[^"]*" ?/>')
VALUE = re.compile(r' value="([^"]*)"')
ATTRIBUTE = re.compile(r' camunda:(?:topic|formKey|candidateGroups|dueDate|decisionRef|resultVariable)="([^"]*)"')
CONDITION = re.compile(r"<bpmn:conditionExpression[^>]*>([^<]+)<")
WIDE = {code: code + 0xFEE0 for code in range(ord("!"), ord("~") + 1) if chr(code) not in '<>&"'}
VALUES = ("", " ", "x" * 5000, "a&#10;b", "&#1;", "${", "${}", "${x", "&quot;", "{x}")


def strange(text: str) -> Iterator[tuple[str, str]]:
    """Each file that is to be refused, by what was done to it."""
    for at in list(PROPERTY.finditer(text))[:2]:
        before, one, after = text[: at.start()], at[0], text[at.end() :]
        yield "doubled", before + one + one + after
        yield "doubled with another value", before + one + VALUE.sub(' value="person_id"', one) + after
        yield "of another namespace", before + one.replace("<camunda:property", '<o:property xmlns:o="urn:x"') + after
        yield "nested", before + one.replace("/>", f">{one}</camunda:property>") + after
        yield "full width", before + VALUE.sub(lambda found: f' value="{found[1].translate(WIDE)}"', one) + after
        yield "blank", before + VALUE.sub(' value=" "', one) + after
    for at in list(ATTRIBUTE.finditer(text))[:2]:
        for value in VALUES:
            yield f"an attribute {value[:10]!r}", text[: at.start(1)] + value + text[at.end(1) :]
    yield "a mark in the middle", text[:200] + "\ufeff" + text[200:]


def harmless(text: str) -> Iterator[bytes]:
    """The same file, written otherwise."""
    yield ("\ufeff" + text).encode()
    yield text.encode("utf-16")
    for at in list(CONDITION.finditer(text))[:3]:
        yield f"{text[: at.start(1)]}<![CDATA[{at[1].replace('&quot;', chr(34))}]]>{text[at.end(1) :]}".encode()
        yield f"{text[: at.start(1)]}<!-- a --> {at[1]}{text[at.end(1) :]}".encode()
    for at in list(PROPERTY.finditer(text))[:3]:
        yield f"{text[: at.start()]}<!-- a -->{at[0]}<!-- b -->{text[at.end() :]}".encode()


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_what_is_strange_is_refused_by_a_rule_and_what_is_written_otherwise_is_the_same(path: object) -> None:
    files = definitions.bundle(path)  # type: ignore[arg-type]
    name = path.name  # type: ignore[attr-defined]
    text = files[name].decode()
    passed = []
    for what, changed in strange(text):
        said = definitions.examine({**files, name: changed.encode()})
        assert all(issue.rule and issue.zh and issue.en and issue.remedy_zh and issue.remedy_en for issue in said), what
        passed += [] if any(issue.is_refusal or issue.is_warning for issue in said) else [what]
    assert not passed
    told = {(issue.rule, issue.element) for issue in definitions.examine(files)}
    for other in harmless(text):
        assert {(issue.rule, issue.element) for issue in definitions.examine({**files, name: other})} == told


NUMBER = re.compile(r'<(?:dc:Bounds|di:waypoint)[^>]*? (?:x|y|width|height)="(?P<value>[^"]*)"')
NO_PLACES = ("", " ", "wide", "1,5", "0x10", "１２", "nan", "inf", "-1e7", "1e999", "1e999999", "9" * 5000, "1_0")


@pytest.mark.parametrize("value", NO_PLACES)
def test_a_place_that_is_no_number_is_refused_at_its_element(value: str) -> None:
    path = PATHS[0]
    files = definitions.bundle(path)
    text = files[path.name].decode()
    numbers = list(NUMBER.finditer(text))
    for at in (numbers[0], numbers[-1]):
        changed = text[: at.start("value")] + value + text[at.end("value") :]
        said = definitions.examine({**files, path.name: changed.encode()})
        assert [issue.rule for issue in said if issue.is_refusal] == ["places_are_numbers"]
        assert all(issue.element and issue.line for issue in said if issue.is_refusal)


MANY = {
    "documentation",
    "description",
    "laneSet",
    "decision",
    "messageEventDefinition",
    "timerEventDefinition",
    "errorEventDefinition",
}
"""Elements that may stand several times in another: texts for people, pools of lanes, an event of several triggers."""
DRAWING = re.compile(r"/(DI|DC)/?$|DMNDI")


def doubled(text: bytes) -> Iterator[tuple[str, bytes]]:
    """The file with one element twice, ids apart; each kind of element in each kind of parent once."""
    seen = set()
    for number, element in enumerate(etree.fromstring(text).iter(etree.Element)):
        parent = element.getparent()
        if parent is None or DRAWING.search(etree.QName(element).namespace) or (element.tag, parent.tag) in seen:
            continue
        seen.add((element.tag, parent.tag))
        again = etree.fromstring(text)
        copied = list(again.iter(etree.Element))[number]
        twin = copy.deepcopy(copied)
        for one in twin.iter(etree.Element):
            if "id" in one.attrib:
                one.set("id", f"{one.get('id')}_2")
        copied.addnext(twin)
        yield etree.QName(element).localname, etree.tostring(again, xml_declaration=True, encoding="utf-8")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_element_given_twice_is_told_wherever_one_would_be_lost(path: Path) -> None:
    files = definitions.bundle(path)
    passed = set()
    for file in (name for name in files if not name.endswith(".form")):
        for what, changed in doubled(files[file]):
            found = definitions.examine({**files, file: changed})
            if what not in MANY and not any(issue.is_refusal or issue.is_warning for issue in found):
                passed.add((file, what))
    assert not passed
