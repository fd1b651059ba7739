"""A diagram as the rules of validation see it: elements by id, flows by end, and where problems are put.

No rules here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from lxml import etree

from service.engine.kernel.types import ValidationIssue
from service.engine.kernel.xml_reader import BPMN, CAMUNDA
from service.engine.validation.allow_list import EVENT_DEFINITIONS, FLOW_NODES
from service.engine.validation.clauses import cited

_OPEN = f"{{{BPMN}}}"


def kind(element: Any) -> str:
    """BPMN's local name (``userTask``), or '' for an element of another namespace."""
    tag = element.tag
    return tag[len(_OPEN) :] if isinstance(tag, str) and tag.startswith(_OPEN) else ""


def camunda(element: Any, name: str) -> str | None:
    """The value of an attribute of the Camunda namespace."""
    value: str | None = element.get(f"{{{CAMUNDA}}}{name}")
    return value


def is_true(value: str | None) -> bool:
    """Tell what a boolean attribute says; ``read_diagram`` has seen to its spelling."""
    return value == "true"


def children(element: Any, *kinds: str) -> list[Any]:
    """The direct children of these BPMN kinds (all BPMN children when none is named)."""
    return [child for child in element if (kind(child) in kinds if kinds else kind(child))]


def words(element: Any) -> str:
    """The text inside an element, stripped."""
    return "".join(element.itertext()).strip()


class Diagram:
    """One parsed .bpmn file and the problems found in it so far."""

    def __init__(self, file: str, root: Any) -> None:
        self.file = file
        self.root = root
        self.rule = ""
        self.noted: dict[ValidationIssue, None] = {}
        self.ids: dict[str, Any] = {}
        self.by_kind: dict[str, list[Any]] = defaultdict(list)
        self.documentation = _not_executed(root)
        for element in self._bpmn(root):
            if self.executes(element):
                self.by_kind[kind(element)].append(element)
            if element.get("id"):
                self.ids.setdefault(element.get("id"), element)
        self.incoming: dict[str, list[Any]] = defaultdict(list)
        self.outgoing: dict[str, list[Any]] = defaultdict(list)
        for flow in self.all("sequenceFlow"):
            self.outgoing[flow.get("sourceRef", "")].append(flow)
            self.incoming[flow.get("targetRef", "")].append(flow)
        self.boundaries: dict[str, list[Any]] = defaultdict(list)
        for event in self.all("boundaryEvent"):
            self.boundaries[event.get("attachedToRef", "")].append(event)

    def _bpmn(self, root: Any) -> Iterator[Any]:
        for element in root:
            if isinstance(element.tag, str) and kind(element):
                yield element
                if kind(element) != "extensionElements":
                    yield from self._bpmn(element)

    def executes(self, element: Any) -> bool:
        """Tell whether an element does not stand in a process that is documentation."""
        return self.documentation.isdisjoint(element.iterancestors())

    def all(self, *kinds: str) -> list[Any]:
        """Every element of these kinds, kind by kind, in document order."""
        return [element for name in kinds for element in self.by_kind.get(name, ())]

    def nodes(self) -> list[Any]:
        """Every flow node (activity, event, gateway)."""
        return self.all(*FLOW_NODES)

    def into(self, node: Any) -> list[Any]:
        """The sequence flows that end at a node."""
        return self.incoming.get(node.get("id", ""), [])

    def out(self, node: Any) -> list[Any]:
        """The sequence flows that begin at a node."""
        return self.outgoing.get(node.get("id", ""), [])

    def definitions_of(self, event: Any) -> list[Any]:
        """The event definitions of an event: those inside it, and those that it refers to and that are there."""
        found = []
        for child in children(event, *EVENT_DEFINITIONS, "eventDefinitionRef"):
            one = self.resolve(words(child)) if kind(child) == "eventDefinitionRef" else child
            if one is not None:
                found.append(one)
        return found

    def referred_definitions(self) -> set[str]:
        """The ids of the event definitions beside the processes that something in them refers to."""
        named = [words(reference) for reference in self.all("eventDefinitionRef")]
        for loop in self.all("multiInstanceLoopCharacteristics"):
            named += [loop.get("oneBehaviorEventRef", ""), loop.get("noneBehaviorEventRef", "")]
        return {name.rpartition(":")[2] for name in named}

    def link_targets(self, event: Any) -> list[str]:
        """The ids of the catching link events that a throwing one leads to."""
        names = {link.get("name") for link in children(event, "linkEventDefinition")}
        level = children(event.getparent(), "intermediateCatchEvent") if names else []
        links = ((catch, children(catch, "linkEventDefinition")) for catch in level)
        return [catch.get("id", "") for catch, found in links if names & {link.get("name") for link in found}]

    def onward(self, node: Any) -> list[str]:
        """The ids of the nodes to which a token goes on from a node, along flows and links."""
        links = self.link_targets(node) if kind(node) == "intermediateThrowEvent" else []
        return [flow.get("targetRef", "") for flow in self.out(node)] + links

    def resolve(self, name: str | None) -> Any | None:
        """The element a reference names; a prefix of the file's own namespace is dropped."""
        if not name:
            return None
        return self.ids.get(name) if name in self.ids else self.ids.get(name.rpartition(":")[2])

    def refuse(self, element: Any, zh: str, en: str, remedy_zh: str, remedy_en: str) -> None:
        """Note why this element may not be deployed, and how to mend it."""
        self._note(element, (zh, en, remedy_zh, remedy_en), "refused")

    def warn(self, element: Any, zh: str, en: str, remedy_zh: str, remedy_en: str) -> None:
        """Note what runs, and will surprise whoever drew it."""
        self._note(element, (zh, en, remedy_zh, remedy_en), "warning")

    def note(self, element: Any, zh: str, en: str, remedy_zh: str, remedy_en: str) -> None:
        """Note what is worth knowing, and runs as it is drawn."""
        self._note(element, (zh, en, remedy_zh, remedy_en), "note")

    def _note(self, element: Any, texts: tuple[str, str, str, str], severity: str) -> None:
        line = (element if element.sourceline else self.root).sourceline or 0
        if severity == "refused":
            texts = (*cited(self.rule, texts[0], texts[1]), *texts[2:])
        found = ValidationIssue(self.file, line, name_of(element), *texts, rule=self.rule, severity=severity)
        self.noted[found] = None

    @property
    def problems(self) -> list[ValidationIssue]:
        """Each problem once, in the order in which they were found."""
        return list(self.noted)


def _not_executed(root: Any) -> set[Any]:
    """Processes beside an executable one that say they are not: documentation, which only has to be well-formed."""
    processes = [element for element in root if kind(element) == "process"]
    others = {process for process in processes if process.get("isExecutable") == "false"}
    executable = [p for p in processes if p not in others and children(p, *FLOW_NODES)]
    return others if executable else set()


def name_of(element: Any) -> str:
    """The id of the element, or of the nearest one around it that has an id."""
    while element is not None:
        if element.get("id"):
            return str(element.get("id"))
        element = element.getparent()
    return ""


def an(name: str) -> str:
    """A name with its English article."""
    return f"{'an' if name[:1] in 'aeiou' else 'a'} {name}"


def process_of(element: Any) -> Any | None:
    """The process that an element stands in."""
    while element is not None and kind(element) != "process":
        element = element.getparent()
    return element


def local(element: Any) -> str:
    """The local name whatever the namespace."""
    return str(etree.QName(element).localname)
