"""Diagrams as the engine reads them: names and ids that the standard lets be absent are made, references inside the
file are followed, other engines' words become ours. The same file always reads the same.
"""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from service.engine.kernel import synonyms
from service.engine.kernel.xml_reader import BPMN, CAMUNDA, References, parse, references_in

MADE = "{urn:anpei:reading}made"  # marks what this reading put in, with the reason

NAMED_BY = {"message": "name", "signal": "name", "error": "errorCode", "escalation": "escalationCode"}
"""Kind of what is thrown → the attribute by which the engine tells it apart; the id serves where it is absent."""

BOOLEANS = frozenset(
    [
        "cancelActivity",
        "cancelRemainingInstances",
        "instantiate",
        "isClosed",
        "isCollection",
        "isExecutable",
        "isForCompensation",
        "isImmediate",
        "isInterrupting",
        "isRequired",
        "isSequential",
        "isUnlimited",
        "mustUnderstand",
        "parallelMultiple",
        "testBefore",
        "triggeredByEvent",
        "waitForCompletion",
        f"{{{CAMUNDA}}}asyncAfter",
        f"{{{CAMUNDA}}}asyncBefore",
    ]
)
"""Attributes that the OMG's schema, or Camunda's, declares as boolean."""

_REFERRING = ("messageRef", "signalRef", "errorRef", "escalationRef", "calledElement")
_UNNAMED = {
    "messageEventDefinition": ("message", "messageRef"),
    "sendTask": ("message", "messageRef"),
    "receiveTask": ("message", "messageRef"),
    "signalEventDefinition": ("signal", "signalRef"),
}
_GLOBAL = {
    "globalTask": "task",
    "globalUserTask": "userTask",
    "globalManualTask": "manualTask",
    "globalScriptTask": "scriptTask",
    "globalBusinessRuleTask": "businessRuleTask",
}


def read_diagram(data: bytes, file: str) -> Any:
    """The root element of a diagram, read; raises DefinitionRefused when it cannot be parsed."""
    root = parse(data, file)
    if root.tag == _tag("definitions"):
        synonyms.translate(root)
        for settle in _SETTLED:
            settle(root)
    return root


def references(data: bytes, file: str) -> References:
    """Read the names in a diagram, in document order; raises DefinitionRefused when it cannot be parsed."""
    return references_in(read_diagram(data, file))


def _tag(name: str) -> str:
    return f"{{{BPMN}}}{name}"


def made(root: Any, tag: str, like: Any, reason: str, **attributes: str) -> Any:
    """A BPMN element that the file does not have; its line is that of the one it is made for."""
    element = root.makeelement(_tag(tag), attributes)
    element.set(MADE, reason)
    element.sourceline = like.sourceline
    return element


def _every(root: Any, *names: str) -> Iterator[Any]:
    return iter(list(root.iter(*map(_tag, names))))


def _free(root: Any) -> Callable[[str], str]:
    """Gives the name, or with a number behind it when the file has it already."""
    taken = {element.get("id") for element in root.iter(etree.Element)}

    def free(name: str) -> str:
        chosen, number = name, 2
        while chosen in taken:
            chosen, number = f"{name}_{number}", number + 1
        taken.add(chosen)
        return chosen

    return free


def _drop_own_prefix(root: Any) -> None:
    """A reference is a qualified name in the schema: the prefix of the file's own namespace says nothing more."""
    own = root.get("targetNamespace")
    for element in root.iter(etree.Element):
        for name in _REFERRING:
            prefix, colon, local = (element.get(name) or "").partition(":")
            if colon and own and element.nsmap.get(prefix) == own:
                element.set(name, local)


def _make_processes_of_global_tasks(root: Any) -> None:
    """A global task is what a call activity can call: a process of this one task (§10.3.7)."""
    free = _free(root)
    for task in _every(root, *_GLOBAL):
        if task.get("id") is None:
            continue
        process = made(root, "process", task, "global task", id=task.get("id"), name=task.get("name") or task.get("id"))
        names = [free(f"{task.get('id')}_{part}") for part in ("start", "task", "end")]
        inner = copy.deepcopy(task)
        inner.tag, inner.tail = _tag(_GLOBAL[etree.QName(task).localname]), None
        inner.set("id", names[1])
        if "scriptLanguage" in inner.attrib:
            inner.set("scriptFormat", inner.attrib.pop("scriptLanguage"))
        flows = itertools.pairwise(names)
        process.extend(
            [
                made(root, "startEvent", task, "global task", id=names[0]),
                inner,
                made(root, "endEvent", task, "global task", id=names[2]),
                *(
                    made(root, "sequenceFlow", task, "id", id=free(f"flow_{a}_{b}"), sourceRef=a, targetRef=b)
                    for a, b in flows
                ),
            ]
        )
        for element in process.iter(etree.Element):
            element.sourceline = task.sourceline
        task.getparent().replace(task, process)


def _make_ids(root: Any) -> None:
    """Ids are optional: a sequence flow is known by its ends, and to an event subprocess nothing refers."""
    free = _free(root)
    for flow in _every(root, "sequenceFlow"):
        if not flow.get("id"):
            flow.set("id", free(f"flow_{flow.get('sourceRef')}_{flow.get('targetRef')}"))
            flow.set(MADE, "id")
    for place, level in enumerate(_every(root, "subProcess")):
        if not level.get("id") and level.get("triggeredByEvent") == "true":
            level.set("id", free(f"subProcess_{place}"))
            level.set(MADE, "id")


def _make_names(root: Any) -> None:
    """Let the id serve as name of what is thrown; an event that names no message or signal has one of its own."""
    for kind, key in NAMED_BY.items():
        for element in _every(root, kind):
            if not (element.get(key) or "").strip() and element.get("id"):
                element.set(key, element.get("id"))
    free = _free(root)
    first = next((element for element in root if element.tag in (_tag("process"), _tag("collaboration"))), None)
    for tag, (kind, attribute) in _UNNAMED.items():
        for element in _every(root, tag):
            around = element if element.get("id") and tag.endswith("Task") else element.getparent()
            name = around.get("id")
            if element.get(attribute) is not None or not name or first is None or around is root:
                continue
            identity = free(f"{kind}_{name}")
            first.addprevious(made(root, kind, element, "name", **{"id": identity, NAMED_BY[kind]: name}))
            element.set(attribute, identity)
            element.set(MADE, "name")


def _spell_booleans(root: Any) -> None:
    """The schema lets a boolean be 1 or 0, with blanks around it: one spelling for all who read it."""
    for element in root.iter(f"{{{BPMN}}}*"):
        for name in BOOLEANS.intersection(element.attrib):
            value = element.get(name).strip()
            element.set(name, {"1": "true", "0": "false"}.get(value, value))


_SETTLED = (
    _spell_booleans,
    _drop_own_prefix,
    _make_processes_of_global_tasks,
    _make_ids,
    _make_names,
)
