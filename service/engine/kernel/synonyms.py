"""Other engines' words for what ours says: read as the Camunda 7 attributes that mean the same; the rest stays as it is
and is refused by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from service.engine.kernel.juel import read_expressions
from service.engine.kernel.xml_reader import BPMN, CAMUNDA

LEFT = "{urn:anpei:reading}left"  # names what this reading leaves out of an element, each with a warning
ZEEBE = "http://camunda.org/schema/zeebe/1.0"
WITHIN = "{urn:anpei:reading}within"  # a signal that does not leave the case that throws it
SPIFF = "http://spiffworkflow.org/bpmn/schema/1.0/core"
FORKS = ("http://operaton.org/schema/1.0/bpmn", "http://activiti.org/bpmn", "http://flowable.org/bpmn")
"""Engines of Camunda 7's family: an attribute of the same name means the same."""

SAME = frozenset(
    [
        "candidateGroups",
        "candidateStarterGroups",
        "assignee",
        "formKey",
        "dueDate",
        "followUpDate",
        "priority",
        "type",
        "topic",
        "decisionRef",
        "resultVariable",
        "mapDecisionResult",
        "decisionRefBinding",
        "calledElementBinding",
        "collection",
        "elementVariable",
        "asyncBefore",
        "asyncAfter",
    ]
)
VERSIONS = ("calledElementVersion", "calledElementVersionTag", "decisionRefVersion", "decisionRefVersionTag")
BINDINGS = ("calledElementBinding", "decisionRefBinding")
"""Attributes for the version that is called: always the one deployed together, so that they say nothing more."""
RENAMED = {"async": "asyncBefore", "type=external-worker": "external"}
PARAMETERS = ("inputOutput", "inputParameter", "outputParameter", "properties", "property")

_NAME = re.compile(r"=\s*([A-Za-z_]\w*|-?\d{1,15}|\"[^\"\\]*\")\s*")


def translate(root: Any) -> None:
    """Put Camunda's words in place of others' throughout a diagram."""
    for element in list(root.iter(etree.Element)):
        space = etree.QName(element).namespace
        if space in FORKS and etree.QName(element).localname in PARAMETERS:
            element.tag = f"{{{CAMUNDA}}}{etree.QName(element).localname}"
        elif space == BPMN:
            _rename_attributes(element)
        elif space == ZEEBE and _holder(element) is not None:
            _ZEEBE.get(etree.QName(element).localname, _leave)(element, _holder(element))
        elif element.tag == f"{{{SPIFF}}}calledDecisionId" and _holder(element) is not None:
            _leave_out(_holder(element), "spiffworkflow:calledDecisionId", element)
    _read_performers(root)
    _drop_empty_conditions(root)
    read_expressions(root)


def _leave_out(holder: Any, name: str, element: Any = None) -> None:
    """Take an element away, and note its name on the one it was about."""
    holder.set(LEFT, f"{holder.get(LEFT, '')} {name}".strip())
    if element is not None:
        element.getparent().remove(element)


def _drop_empty_conditions(root: Any) -> None:
    """A condition without a word is how some tools export a flow that has none."""
    for element in list(root.iter(f"{{{BPMN}}}conditionExpression")):
        if not len(element) and not (element.text or "").strip():
            _leave_out(element.getparent(), "conditionExpression", element)


def _holder(element: Any) -> Any | None:
    """The BPMN element that an extension element is about."""
    around = element.getparent()
    inside = around is not None and around.tag == f"{{{BPMN}}}extensionElements"
    return around.getparent() if inside else None


def _rename_attributes(element: Any) -> None:
    for attribute, value in list(element.attrib.items()):
        space, _, name = attribute.removeprefix("{").rpartition("}")
        if space in FORKS or (space == CAMUNDA and name in (*RENAMED, *VERSIONS, *BINDINGS)):
            wanted = RENAMED.get(name, name)
            if name == "scope" and value == "processInstance" and etree.QName(element).localname == "signal":
                element.set(WITHIN, "true")
                del element.attrib[attribute]
            elif _is_of_version(element, name, value):
                _leave_out(element, name)
                del element.attrib[attribute]
            elif (
                (space, wanted) != (CAMUNDA, name)
                and wanted in SAME
                and _say(element, wanted, RENAMED.get(f"{name}={value}", value))
            ):
                del element.attrib[attribute]


def _is_of_version(element: Any, name: str, value: str) -> bool:
    other = name in VERSIONS or (name in BINDINGS and value in ("latest", "version", "versionTag"))
    return other and etree.QName(element).localname in ("callActivity", "businessRuleTask")


def _say(element: Any, name: str, value: str | None) -> bool:
    """Set one of our attributes; False when it already says otherwise."""
    key = f"{{{CAMUNDA}}}{name}"
    if value is None or element.get(key, value) != value:
        return False
    element.set(key, value)
    return True


def _plain(text: str | None) -> str | None:
    """FEEL after ``=`` that Starlark writes alike, as ``${…}``; other texts as they are; None for other FEEL."""
    if text is None or not text.strip().startswith("="):
        return text
    found = _NAME.fullmatch(text.strip())
    return f"${{{found[1]}}}" if found else None


def _leave(element: Any, holder: Any) -> None:
    """Means nothing here: stays, and is refused."""


def _attributes(**ours: str) -> Callable[[Any, Any], None]:
    """Reads an element's attributes as ours on its owner; gone when each could be said."""

    def read(element: Any, holder: Any) -> None:
        said = [_say(holder, ours[name], _plain(value)) for name, value in element.attrib.items() if name in ours]
        if said and all(said):
            element.getparent().remove(element)

    return read


def _task_definition(element: Any, holder: Any) -> None:
    topic = element.get("type")
    if (holder.get(f"{{{CAMUNDA}}}topic") or topic) != topic:
        _leave_out(holder, "zeebe:taskDefinition", element)  # the file is for two engines, and ours has its own word
    elif topic and not topic.startswith("=") and _say(holder, "topic", topic):
        _say(holder, "type", "external")
        element.getparent().remove(element)


def _called_element(element: Any, holder: Any) -> None:
    called = element.get("processId")
    if called and not called.startswith("=") and holder.get("calledElement", called) == called:
        holder.set("calledElement", called)
        element.getparent().remove(element)


def _subscription(element: Any, holder: Any) -> None:
    """Says by which value Camunda 8 finds the case of a message: here whoever delivers it names the case."""
    _leave_out(holder, "zeebe:subscription", element)


def _mapping(element: Any, holder: Any) -> None:
    tags = {"input": "inputParameter", "output": "outputParameter"}
    pairs = [(tags.get(etree.QName(e).localname), e.get("target"), _plain(e.get("source"))) for e in element]
    if not all(tag and target and source is not None for tag, target, source in pairs):
        return
    ours = element.makeelement(f"{{{CAMUNDA}}}inputOutput")
    for tag, target, source in pairs:
        etree.SubElement(ours, f"{{{CAMUNDA}}}{tag}", name=str(target)).text = source
    element.getparent().replace(element, ours)


def _user_task(element: Any, holder: Any) -> None:
    """Says who keeps the task: here it is the engine in any case."""
    element.getparent().remove(element)


_ZEEBE: dict[str, Callable[[Any, Any], None]] = {
    "subscription": _subscription,
    "taskDefinition": _task_definition,
    "calledElement": _called_element,
    "ioMapping": _mapping,
    "userTask": _user_task,
    "formDefinition": _attributes(formKey="formKey", formId="formKey"),
    "assignmentDefinition": _attributes(assignee="assignee", candidateGroups="candidateGroups"),
    "taskSchedule": _attributes(dueDate="dueDate", followUpDate="followUpDate"),
    "priorityDefinition": _attributes(priority="priority"),
    "calledDecision": _attributes(decisionId="decisionRef", resultVariable="resultVariable"),
    "loopCharacteristics": _attributes(inputCollection="collection", inputElement="elementVariable"),
}


def _read_performers(root: Any) -> None:
    """BPMN's own words: the human performer of a user task is its assignee, the potential owner its group (§10.3.4)."""
    for tag, name in (("humanPerformer", "assignee"), ("performer", "assignee"), ("potentialOwner", "candidateGroups")):
        for element in list(root.iter(f"{{{BPMN}}}{tag}")):
            texts = ["".join(e.itertext()).strip() for e in element.iter(f"{{{BPMN}}}formalExpression")]
            owner = element.getparent()
            if owner.tag == f"{{{BPMN}}}userTask" and len(texts) == 1 and _say(owner, name, _who(texts[0], name)):
                owner.remove(element)


def _who(text: str, name: str) -> str | None:
    """``group(x)`` and ``user(x)`` as Camunda writes them; None for several, or for the wrong kind."""
    found = re.fullmatch(r"(group|user)\(\s*([\w.-]+)\s*\)", text)
    if found:
        return found[2] if (found[1] == "group") == (name == "candidateGroups") else None
    return text if text and "," not in text else None
