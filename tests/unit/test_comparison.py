"""No change of a bundle goes unsaid to whoever approves it, and no malformed file stops the comparison or a drawing."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import combinations, pairwise, product
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from service.engine.canonical_files import DEFAULTS, DRAWINGS, UNSAID, XSI
from service.engine.comparison import MOST_ALIGNED, align, compare
from service.engine.kernel.xml_reader import CAMUNDA
from service.errors import DefinitionRefused
from service.web.presenters.panels.studio_words import SAID, WHAT, WORDS, two_sides
from service.workflow.processes.definitions import FORMS, PROCESSES
from service.workflow.processes.diagram_layout import drawn_whole

SHIPPED = sorted(
    [*PROCESSES.glob("*.bpmn"), *PROCESSES.glob("*.dmn"), *FORMS.glob("*.form")], key=lambda path: path.stat().st_size
)
XML, FORM = [[path for path in SHIPPED if (path.suffix == ".form") is is_form] for is_form in (False, True)]
each_file = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
XSI_TYPE = f"{{{XSI}}}type"
BPMN = (
    'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC"'
)
Mutation = Callable[[Any], None]


def rewritten(node: Any) -> None:
    node.text = f"{node.text} Z"


def removed(node: Any) -> None:
    node.getparent().remove(node)


def doubled(node: Any) -> None:
    node.addnext(copy.deepcopy(node))


def of_attribute(name: str, value: str | None) -> Mutation:
    def change(node: Any) -> None:
        if value is None:
            del node.attrib[name]
        else:
            node.set(name, f"{node.get(name)}{value}")

    return change


def mutations(node: Any) -> Iterator[tuple[str, Mutation]]:
    """Every change that may be made at a node: of its text, of itself, of each attribute."""
    if (node.text or "").strip():
        yield "text", rewritten
    yield "removed", removed
    yield "doubled", doubled
    for name in node.attrib:
        yield f"{name} changed", of_attribute(name, "Z")
        if DEFAULTS.get(name) != node.get(name):
            yield f"{name} removed", of_attribute(name, None)


def said_nodes(root: Any) -> list[Any]:
    """The elements of a file below the first that are not its drawing."""
    return [n for n in root.iter() if n is not root and not DRAWINGS & {a.tag for a in (n, *n.iterancestors())}]


def mutated_diagrams() -> Iterator[tuple[Path, str, set[str], bytes]]:
    """Each kind of change at each kind of place, once over all files: what it is, the ids around it, the file after."""
    seen = set()
    for path in XML:
        root = etree.parse(str(path), etree.XMLParser(remove_comments=True)).getroot()
        for at, node in enumerate(said_nodes(root)):
            around = {n.get("id") for n in (node, *node.iterancestors()) if n is not root and n.get("id")}
            for said, change in mutations(node):
                kind = node.getparent().tag, node.tag, node.get("name") if node.tag.endswith("property") else "", said
                if kind not in seen:
                    seen.add(kind)
                    mutant = copy.deepcopy(root)
                    change(said_nodes(mutant)[at])
                    yield path, f"{etree.QName(node).localname} {said}", around, etree.tostring(mutant)


def places(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[Any, Any, tuple[str, ...]]]:
    """Each value below a form: what holds it, at what, and the keys of the fields around it."""
    if isinstance(value, dict) and "type" in value and "components" not in value:
        keys = (*keys, str(value.get("key") or value.get("id")))
    for at in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, at, keys
        yield from places(value[at], keys)


def mutated_forms() -> Iterator[tuple[Path, str, set[str], bytes]]:
    """Each kind of value in each kind of field put in a list, made null, and taken away, once over all forms."""
    seen = set()
    for path in FORM:
        form = json.loads(path.read_bytes())
        for number, (holder, at, keys) in enumerate(list(places(form))):
            for said in () if at in UNSAID else ("changed", "null", "removed"):
                kind = at, said, bool(keys), type(holder[at]), tuple(holder) if isinstance(holder, dict) else ()
                if kind not in seen:
                    seen.add(kind)
                    mutant = copy.deepcopy(form)
                    held, at = list(places(mutant))[number][:2]
                    held[at] = [held[at]] if said == "changed" else None
                    if said == "removed":
                        del held[at]
                    yield path, f"{at} {said}", set(keys), json.dumps(mutant).encode()


def told_at(path: Path, after: bytes) -> set[str]:
    """The elements of which more than a move is told; a second one of the same id by that id."""
    found = compare({path.name: path.read_bytes()}, {path.name: after})
    return {one.element.partition(" (")[0] for one in found if one.kind != "moved"}


def test_every_change_is_told_at_its_element_and_shown_in_its_line() -> None:
    """What the flows say once more, and ids and types that tools make up inside an element, are told of the file."""
    unsaid = []
    for path, said, around, after in [*mutated_diagrams(), *mutated_forms()]:
        made_up = said.startswith(("incoming", "outgoing", "laneSet")) or said.split()[1] in ("id", XSI_TYPE)
        told = told_at(path, after)
        if not (told & around or (told and (made_up or not around))):
            unsaid.append((path.name, said))
        if len(after) < 15_000 and not two_sides({path.name: path.read_text()}, {path.name: after.decode()}):
            unsaid.append((path.name, f"{said}: no line"))
        if path.suffix == ".bpmn":
            drawn_whole(after, path.name)
    assert unsaid == []


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_what_a_difference_names_has_a_word(path: Path) -> None:
    """Each kind of element, and each attribute of a diagram's elements that is not a property of their own."""
    root = etree.parse(str(path)).getroot()
    own = {node.get("name") for node in root.iter(f"{{{CAMUNDA}}}property")}
    bare = etree.tostring(etree.Element(root.tag))
    found = [one for one in compare({path.name: bare}, {path.name: path.read_bytes()}) if one.kind == "added"]
    named = {name for one in found for name, _, _ in one.details if path.suffix == ".bpmn" and " " not in name}
    assert {one.what for one in found} - WHAT.keys() == set()
    assert named - own - WORDS.keys() - SAID.keys() == set()


@each_file
def test_what_says_the_same_differs_in_nothing(path: Path) -> None:
    was = path.read_bytes()
    if path in FORM:
        form = json.loads(was)
        turned = json.dumps(dict(reversed(form.items()))).encode()
    else:
        root = etree.fromstring(was)
        for node in root.iter():
            attributes = list(reversed(node.attrib.items()))
            node.attrib.clear()
            node.attrib.update(attributes)
            node.tail = f"{node.tail or ''}\n"
        turned = etree.tostring(root)
    assert compare({path.name: was}, {path.name: turned}) == []
    assert two_sides({path.name: was.decode()}, {path.name: turned.decode()}) == []


def defaults_written(root: Any) -> None:
    """Write every default that is not written where the elements of these files may have it."""
    bearers = {"hitPolicy": "decisionTable", "cancelActivity": "boundaryEvent", "isInterrupting": "startEvent"}
    for node in root.iter():
        for name, value in DEFAULTS.items():
            if (
                node.tag.rpartition("}")[2] == bearers.get(name, node.tag.rpartition("}")[2])
                and name not in node.attrib
            ):
                node.set(name, value)


def steps_to_the_end(root: Any) -> None:
    """Delete and draw again each step: it stands behind all others, and its links in another order."""
    for node in list(root.iter("{*}userTask", "{*}endEvent", "{*}exclusiveGateway", "{*}serviceTask", "{*}message")):
        if (holder := node.getparent()).tag.rpartition("}")[2] in ("process", "subProcess", "definitions"):
            holder.append(node)
        for link in reversed(node.findall("{*}incoming") + node.findall("{*}outgoing")):
            node.append(link)


def properties_turned(root: Any) -> None:
    for holder in root.iter(f"{{{CAMUNDA}}}properties"):
        holder[:] = list(reversed(holder))


@pytest.mark.parametrize("restore", [defaults_written, steps_to_the_end, properties_turned])
@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_what_is_edited_and_restored_differs_in_nothing(path: Path, restore: Mutation) -> None:
    was = path.read_bytes()
    root = etree.fromstring(was)
    restore(root)
    restored = etree.tostring(root)
    assert [one for one in compare({path.name: was}, {path.name: restored}) if one.kind != "moved"] == []
    assert two_sides({path.name: was.decode()}, {path.name: restored.decode()}) == []


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_an_order_that_says_something_is_told(path: Path) -> None:
    """Flows out of one gateway, rules of one table: the first that holds is taken."""
    root = etree.fromstring(path.read_bytes())
    groups: dict[tuple[str, str], list[Any]] = {}
    for node in root.iter("{*}sequenceFlow", "{*}rule"):
        groups.setdefault((node.tag, node.get("sourceRef") or str(id(node.getparent()))), []).append(node)
    for nodes in [found for found in groups.values() if len(found) > 1][:3]:
        turned = copy.deepcopy(root)
        at = list(root.iter())
        first, last = (list(turned.iter())[at.index(node)] for node in (nodes[0], nodes[-1]))
        last.addnext(first)
        found = compare({path.name: etree.tostring(root)}, {path.name: etree.tostring(turned)})
        assert any(detail[0] == "order" for one in found for detail in one.details)


@pytest.mark.parametrize("path", XML, ids=lambda path: path.name)
def test_what_is_drawn_elsewhere_has_moved_and_nothing_else(path: Path) -> None:
    """Numbers of drawings, altered one at a time."""
    was = path.read_bytes()
    numbers = list(re.finditer(rb'<(?:dc:Bounds|di:waypoint) x="', was))
    for found in numbers[:: len(numbers) // 20 or 1]:
        after = was[: found.end()] + b"1" + was[found.end() :]
        assert {one.kind for one in compare({path.name: was}, {path.name: after})} == {"moved"}


NASTY = {
    "x.bpmn": [
        f"<definitions {BPMN}>{inside}</definitions>"
        for inside in (
            "",
            "<task id='a'/>",
            "<process/>",
            "<process id='p'><task/><task id=''/><task id='a'/><task id='a'/></process>",
            "<process id='p'><process id='q'><task id='a'/></process></process>",
            "<process id='p'><boundaryEvent id='a' attachedToRef='a'/><boundaryEvent id='b'/></process>",
            "<process id='p'><subProcess id='a'><subProcess id='a'><task id='a'/></subProcess></subProcess></process>",
            "<process id='p'><task id='a'/><sequenceFlow id='f' sourceRef='a' targetRef='a'/><sequenceFlow id='g'/></process>",
            "<process id='p'><task id='a'/></process><di:BPMNDiagram><di:BPMNPlane><di:BPMNShape bpmnElement='b'>"
            "<dc:Bounds x='1e99' y='NaN' width='-1' height=''/></di:BPMNShape></di:BPMNPlane></di:BPMNDiagram>",
            "<process id='p'><laneSet><lane/><lane id='l'><flowNodeRef/></lane></laneSet></process>",
            "<process id='p'>" + "<subProcess id='a'>" * 190 + "</subProcess>" * 190 + "</process>",
        )
    ],
    "x.dmn": [
        "<definitions/>",
        "<definitions><rule/></definitions>",
        "<rule/>",
        "<definitions><decision id='d'><decisionTable><input/><rule/><rule id='r'><inputEntry/><inputEntry/></rule></decisionTable></decision></definitions>",
    ],
    "x.form": [
        *("null", "[]", "3", "{}", '"x"', '{"components": 3}', '{"components": [3]}', '{"components": [null, {}]}'),
        *('{"components": [{"key": [], "layout": 3, "components": {}}]}', '{"title": {}, "components": [{"key": "a"}, {"key": "a"}]}'),
        *('{"a": NaN}', '{"a": "\\ud800"}', "[" * 9000, '{"components":[' * 90 + "]}" * 90, '{"a": 1e999}', '{"a": ' + "9" * 5000 + "}"),
    ],
}  # fmt: skip


def test_whatever_lies_in_a_draft_is_compared_and_drawn() -> None:
    """Shipped files broken off anywhere or with a name altered, and files that no editor writes, pair by pair."""
    pairs = [(name, one, other) for name, all_ in NASTY.items() for one, other in pairwise((*all_, all_[0]))]
    for path in SHIPPED:
        whole = path.read_text()
        for at in range(0, len(whole), max(1, len(whole) // 5)):
            pairs += [(path.name, whole, whole[:at]), (path.name, f"{whole[:at]}<>{{}}", whole)]
            pairs.append(
                (path.name, whole, whole[:at] + whole[at:].replace('id="', 'ix="', 1).replace('key"', 'kex"', 1))
            )
    for name, one, other in pairs:
        assert (compare({name: one.encode()}, {name: other.encode()}) == []) <= (
            two_sides({name: one}, {name: other}) == []
        )
        with suppress(DefinitionRefused):
            drawn_whole(other.encode(), name)


def is_within(part: list[str], whole: str) -> bool:
    rest = iter(whole)
    return all(one in rest for one in part)


def test_two_ways_stand_beside_each_other_along_the_longest_they_have_in_common() -> None:
    ways = ["".join(way) for length in range(5) for way in product("abc", repeat=length)]
    for old, new in product(ways, ways[::3]):
        pairs = align(old, new)
        assert "".join(was for was, _ in pairs) == old
        assert "".join(now for _, now in pairs) == new
        assert all(was == now or not (was and now) for was, now in pairs)
        common = sum(was == now for was, now in pairs)
        longer = (part for part in combinations(old, common + 1) if is_within(list(part), new))
        assert next(longer, None) is None, (old, new, pairs)


@pytest.mark.parametrize("alike", [0, 1, 50 * MOST_ALIGNED])
def test_long_ways_are_told_one_after_the_other_between_what_is_alike(alike: int) -> None:
    begin, end = ["begin"] * alike, ["end"] * alike
    old, new = ["left", *["loop"] * MOST_ALIGNED, "old"], ["right", *["loop"] * MOST_ALIGNED, "new"]
    pairs = align([*begin, *old, *end], [*begin, *new, *end])
    apart = [(was, "") for was in old] + [("", now) for now in new]
    assert pairs == [*zip(begin, begin, strict=True), *apart, *zip(end, end, strict=True)]
    longest = ["loop"] * (MOST_ALIGNED - 2)
    assert align(["left", *longest, "old"], ["right", *longest, "new"]).count(("loop", "loop")) == len(longest)
