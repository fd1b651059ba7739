"""Two bundles of files compared: what was added, removed, changed or moved, element by element. Pure.

Nothing but the drawing goes unsaid: what no element tells is told of the file as a whole.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from service.engine.canonical_files import (
    DRAWINGS,
    UNSAID,
    components,
    group_of,
    read,
    said_of_form,
    said_of_xml,
)
from service.engine.kernel.xml_reader import BPMN, CAMUNDA, DI, XSI
from service.errors import DefinitionRefused

LONGEST_NAME = 120  # of what is said inside an element
MOST_ALIGNED = 1_000  # steps of a way: time and space grow by their square
Place = tuple[Any, ...]
Values = Mapping[Place, tuple[str, str]]
NOTHING: Values = {}
WITHIN = ("within",)
_FLOW_LINKS = {f"{{{BPMN}}}incoming", f"{{{BPMN}}}outgoing"}  # what the flows say already
_TRANSPARENT = {"extensionElements", "properties", "laneSet"}
_TIMES = {"timeDuration", "timeDate", "timeCycle"}
_DMN_PARTS = {
    "businessKnowledgeModel": "businessKnowledgeModel",
    "decision": "decision",
    "decisionTable": "table",
    "input": "input",
    "inputData": "inputData",
    "knowledgeSource": "knowledgeSource",
    "output": "output",
    "rule": "rule",
}
_NAMING = ("label", "dateLabel", "timeLabel", "text")
_CELLS = ("inputEntry", "outputEntry")


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
    """Something of a file that is compared as a whole. values: what it says, by the exact place where it says it, with
    the name that people read; place: where it is drawn.
    """

    what: str
    name: str
    values: Values
    place: tuple[str, ...] = ()
    group: tuple[str, str] | None = None


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


def align(old: Sequence[str], new: Sequence[str]) -> list[tuple[str, str]]:
    """Set two ways beside each other along their longest common subsequence; '' stands where one has no counterpart.

    Of ways that are longer than MOST_ALIGNED between what is alike at both ends, one is told after the other.
    """
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    left, right = old[head : len(old) - tail], new[head : len(new) - tail]
    pairs, i, j = [(line, line) for line in old[:head]], 0, 0
    if max(len(left), len(right)) <= MOST_ALIGNED:
        longest = _longest(left, right)
        while i < len(left) and j < len(right):
            if left[i] == right[j]:
                pairs.append((left[i], right[j]))
                i, j = i + 1, j + 1
            elif longest[i + 1][j] >= longest[i][j + 1]:
                pairs.append((left[i], ""))
                i += 1
            else:
                pairs.append(("", right[j]))
                j += 1
    pairs += [(line, "") for line in left[i:]] + [("", line) for line in right[j:]]
    return [*pairs, *((line, line) for line in old[len(old) - tail :])]


def _alike(old: Sequence[str], new: Sequence[str]) -> int:
    """Count the lines that are the same at the beginning."""
    shorter = min(len(old), len(new))
    return next((n for n, (was, now) in enumerate(zip(old, new, strict=False)) if was != now), shorter)


def _longest(left: Sequence[str], right: Sequence[str]) -> list[list[int]]:
    """The lengths of the longest common subsequences from each line of the one and of the other on."""
    longest = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        for j in range(len(right) - 1, -1, -1):
            longer = max(longest[i + 1][j], longest[i][j + 1])
            longest[i][j] = longest[i + 1][j + 1] + 1 if left[i] == right[j] else longer
    return longest


def _compared(file: str, old: bytes, new: bytes) -> Iterator[Difference]:
    if file.endswith(".yaml"):
        yield Difference(file, "", "changed", "file", file)
        return
    try:
        (before, was_said, was_drawn), (after, said, drawn) = _read(file, old), _read(file, new)
    except (DefinitionRefused, ValueError, RecursionError):
        yield Difference(file, "", "changed", "file", file)
        return
    found = list(_differing(file, before, after))
    yield from found
    if was_said != said and all(one.kind == "moved" for one in found):
        yield Difference(file, "", "changed", "file", file)
    elif was_drawn != drawn and not found:
        yield Difference(file, "", "moved", "file", file)


def _read(file: str, data: bytes) -> tuple[dict[str, ComparedElement], str, list[Any]]:
    """The elements of a file, all of it but its drawing in lines, and its drawing."""
    if file.endswith(".form"):
        form = json.loads(data)
        json.dumps(form, ensure_ascii=False).encode()  # raises for half a character, which no page can show
        return _by_key(_fields(form)), said_of_form(form), [json.dumps(form, sort_keys=True)]
    root = read(data, file)
    parts = _by_key(_elements(root, file) if file.endswith(".bpmn") else _tables(root, file))
    drawn = [(one.tag, sorted(one.attrib.items())) for top in root if top.tag in DRAWINGS for one in top.iter()]
    return parts, said_of_xml(root), drawn


def _differing(
    file: str, before: Mapping[str, ComparedElement], after: Mapping[str, ComparedElement]
) -> Iterator[Difference]:
    for key in [*after, *(key for key in before if key not in after)]:
        was, part = before.get(key), after.get(key)
        if was is None and part is not None:
            yield Difference(file, key, "added", part.what, part.name, _details(NOTHING, part.values))
        elif part is None and was is not None:
            yield Difference(file, key, "removed", was.what, was.name)
        elif part is not None and was is not None:
            if details := _details(was.values, part.values, ("type", was.what, part.what)):
                yield Difference(file, key, "changed", part.what, part.name, details)
            elif was.place and part.place and was.place != part.place:
                yield Difference(file, key, "moved", part.what, part.name)
    if swapped := _swapped(before, after):
        yield Difference(file, "", "changed", "file", file, (("order", *swapped),))


def _swapped(before: Mapping[str, ComparedElement], after: Mapping[str, ComparedElement]) -> tuple[str, str] | None:
    """The first two that stand in each other's place, of those whose place says something."""
    kept = {key for key in before if key in after and before[key].group == after[key].group is not None}
    old, new = defaultdict[Any, list[str]](list), defaultdict[Any, list[str]](list)
    for parts, groups in ((before, old), (after, new)):
        for key in parts:
            if key in kept:
                groups[parts[key].group].append(key)
    for group, keys in old.items():
        for was, now in zip(keys, new[group], strict=True):
            if was != now:
                return was, now
    return None


def _details(old: Values, new: Values, *pairs: tuple[str, str, str]) -> tuple[tuple[str, str, str], ...]:
    """Name, before and after of each value that differs; one that is there and empty is shown as ``""``."""
    absent = "", ""
    told = [pair for pair in pairs if pair[1] != pair[2]]
    for place in dict.fromkeys((*old, *new)):
        if old.get(place) != new.get(place):
            (name, was), (now_name, now) = old.get(place, absent), new.get(place, absent)
            told.append((now_name or name, was or '""' * (place in old), now or '""' * (place in new)))
    return tuple(sorted(told, key=lambda one: one[0]))


def _by_key(parts: Iterable[tuple[str, ComparedElement]]) -> dict[str, ComparedElement]:
    """The parts by their keys; of several with one key the later ones are numbered."""
    found: dict[str, ComparedElement] = {}
    seen: Counter[str] = Counter()
    for key, part in parts:
        unique = key
        while unique in found:
            seen[key] += 1
            unique = f"{key} ({seen[key] + 1})"
        found[unique] = part
    return found


def _elements(root: Any, file: str) -> Iterator[tuple[str, ComparedElement]]:
    drawn = {
        shape.get("bpmnElement"): tuple(f"{b.get('x')} {b.get('y')}" for b in shape if _local(b) == "Bounds")
        for shape in root.iter(f"{{{DI}}}BPMNShape")
    }
    yield "", ComparedElement("file", file, _values(root, _is_element))
    for node in root.iter(f"{{{BPMN}}}*"):
        if _is_element(node):
            key, values = node.get("id"), _values(node, _is_element)
            above = next((one for one in node.iterancestors() if _is_element(one)), None)
            if above is not None and _local(above) not in ("process", "lane"):
                values[WITHIN] = "within", above.get("id")
            yield (
                key,
                ComparedElement(_local(node), node.get("name") or key, values, drawn.get(key, ()), group_of(node)),
            )


def _is_element(node: Any) -> bool:
    """Tell whether this is compared by itself: the definition of an event, the expression of a flow is not."""
    name = _local(node)
    return (
        node.tag.startswith(f"{{{BPMN}}}")
        and bool(node.get("id"))
        and name not in ("definitions", "laneSet", "extensionElements", *_TIMES)
        and not name.endswith(("EventDefinition", "Expression"))
    )


def _values(node: Any, is_apart: Callable[[Any], bool]) -> dict[Place, tuple[str, str]]:
    """All that an element says, by itself and by those below it that are not compared apart."""
    return {place: (name, value) for place, name, value in _said(node, (), "", is_apart)}


def _said(node: Any, place: Place, name: str, is_apart: Callable[[Any], bool]) -> Iterator[tuple[Place, str, str]]:
    """Yield exact place, readable name and value. Ids that modelling tools make up inside an element say nothing."""
    for attribute, value in node.attrib.items():
        local = attribute.rpartition("}")[2]
        is_known = attribute == "id" and (not place or node.tag.startswith(f"{{{BPMN}}}"))
        if not is_known and attribute != f"{{{XSI}}}type" and not (place and attribute == "name"):
            is_property = local == "value" and node.tag == f"{{{CAMUNDA}}}property"
            yield (*place, "@", attribute), name.rstrip(".") if is_property else f"{name}{local}", value
    if text := "".join([node.text or "", *(child.tail or "" for child in node)]).strip():
        yield (*place, "#"), name.rstrip(".") or "text", text
    seen: Counter[tuple[str, str]] = Counter()
    for child in node:
        if child.tag in DRAWINGS or is_apart(child) or _is_link(child):
            continue
        local, called = _local(child), child.get("name") or ""
        step = child.tag, (child.text or "").strip() if local == "flowNodeRef" else called
        seen[step] += 1
        said = f"{name}{local} {called}".rstrip() + "."
        if local in _TRANSPARENT:
            said = name
        elif child.tag == f"{{{CAMUNDA}}}property":
            said = f"{name}{called}."
        yield from _said(child, (*place, step, seen[step]), said[:LONGEST_NAME], is_apart)


def _is_link(node: Any) -> bool:
    return node.tag in _FLOW_LINKS and not len(node) and not node.attrib


def _fields(form: Any) -> Iterator[tuple[str, ComparedElement]]:
    if not isinstance(form, dict):
        raise ValueError("a form is an object")
    told = _flat(form, UNSAID)
    yield "", ComparedElement("form", str(form.get("title") or ""), told)
    stack = [(one, "") for one in reversed(components(form))]
    while stack:
        one, group = stack.pop()
        key = str(one.get("key") or one.get("id") or one.get("text") or "")
        stack += [(inner, key) for inner in reversed(components(one))]
        values = _flat(one, UNSAID)
        if group:
            values[WITHIN] = "within", group
        name = str(next((one[name] for name in _NAMING if one.get(name)), key))
        yield key, ComparedElement("field", name, values, _layout(one), ("field", group))


def _layout(one: Mapping[str, Any]) -> tuple[str, ...]:
    return (json.dumps(one["layout"], sort_keys=True),) if "layout" in one else ()


def _flat(one: Mapping[str, Any], but: set[str]) -> dict[Place, tuple[str, str]]:
    """The values of an object and of those right inside by dotted name; what lies deeper is one value."""
    found: dict[Place, tuple[str, str]] = {}
    for name, value in one.items():
        if name in but or (name == "components" and components(one)):
            continue
        if not isinstance(value, Mapping) or not value:
            found[name, type(value).__name__] = name[:LONGEST_NAME], _written(value)
        else:
            for inner, each in value.items():
                found[name, inner, type(each).__name__] = f"{name}.{inner}"[:LONGEST_NAME], _written(each)
    return found


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _tables(root: Any, file: str) -> Iterator[tuple[str, ComparedElement]]:
    yield "", ComparedElement("file", file, _values(root, _is_part))
    heads: dict[Any, list[str]] = {}
    numbers: Counter[Any] = Counter()
    for node in root.iter():
        local, key = _local(node), node.get("id") or ""
        if not _is_part(node):
            continue
        if local == "rule":
            above = node.getparent()
            if above not in heads:
                heads[above] = _heads(above)
            numbers[above] += 1
            name, values = str(numbers[above]), _cells(node, heads[above])
            yield key or f"rule {name}", ComparedElement("rule", name, values, group=group_of(node))
        else:
            name = (local == "decisionTable" and (node.get("hitPolicy") or "UNIQUE")) or node.get("name") or key
            yield key, ComparedElement(_DMN_PARTS[local], name, _values(node, _is_part), group=group_of(node))


def _is_part(node: Any) -> bool:
    local = _local(node)
    return local == "rule" or (local in _DMN_PARTS and bool(node.get("id")))


def _heads(table: Any) -> list[str]:
    """Name the columns of a table, in order."""
    columns = [one for one in ([] if table is None else table) if _local(one) in ("input", "output")]
    return [(c.get("label") or c.get("name") or "".join(c.itertext()).strip())[:LONGEST_NAME] for c in columns]


def _cells(rule: Any, heads: list[str]) -> dict[Place, tuple[str, str]]:
    """The values of a rule, those of its cells named by their columns."""
    values = _values(rule, _is_cell)
    for at, (cell, head) in enumerate(zip_longest([c for c in rule if _is_cell(c)], heads, fillvalue=""), 1):
        if isinstance(cell, str):
            break
        for place, name, value in _said(cell, (cell.tag, at), f"{at}. {head}.", _is_nothing):
            values[place] = name.removesuffix(".text"), value
    return values


def _is_cell(node: Any) -> bool:
    return _local(node) in _CELLS


def _is_nothing(_node: Any) -> bool:
    return False


def _local(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]
