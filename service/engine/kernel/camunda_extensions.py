"""The dialect: what Camunda's attributes and extension elements say about one flow node, texts as written."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

from service.engine.kernel.data_associations import copies
from service.engine.kernel.xml_reader import BPMN, CAMUNDA

WAIT_AT_THE_DOOR = frozenset(["userTask", "serviceTask", "businessRuleTask", "scriptTask", "callActivity"])
"""Activities that hold an ``asyncBefore`` token themselves; before others a place to wait is drawn in."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """The Camunda attributes and properties of one element, ``${…}`` not yet evaluated; its data associations."""

    role: str | None = None
    assignee: str | None = None
    form_key: str | None = None
    due: str | None = None
    follow_up: str | None = None
    priority: str | None = None
    async_before: bool = False
    topic: str | None = None
    decision: str | None = None
    result: str | None = None
    result_shape: str | None = None
    interrupting: bool = True
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    properties: dict[str, str] = field(default_factory=dict)
    copied_in: dict[str, str] = field(default_factory=dict)
    copied_out: dict[str, str] = field(default_factory=dict)


def attributes_of(node: Any) -> Attributes:
    """The dialect's attributes and extension elements of one flow node."""

    def camunda(name: str) -> str | None:
        text = node.get(f"{{{CAMUNDA}}}{name}")
        return text.strip() if text and text.strip() else None

    listens = local_name(node) == "subProcess" and node.get("triggeredByEvent") == "true"
    start = node.find(f"{{{BPMN}}}startEvent") if listens else None  # it listens in place of its start event
    copied_in, copied_out = copies(node if start is None else start)
    extensions = node.find(f"{{{BPMN}}}extensionElements")
    mapping: dict[str, dict[str, str]] = {"inputParameter": {}, "outputParameter": {}, "property": {}}
    for found in extensions.iter() if extensions is not None else ():
        if local_name(found) in mapping and found.get("name"):
            mapping[local_name(found)][found.get("name")] = (found.get("value") or found.text or "").strip()
    return Attributes(
        role=camunda("candidateGroups"),
        assignee=camunda("assignee"),
        form_key=camunda("formKey"),
        due=camunda("dueDate"),
        follow_up=camunda("followUpDate"),
        priority=camunda("priority"),
        async_before=camunda("asyncBefore") == "true" and local_name(node) in WAIT_AT_THE_DOOR,
        topic=camunda("topic"),
        decision=camunda("decisionRef"),
        result=camunda("resultVariable"),
        result_shape=camunda("mapDecisionResult"),
        interrupting=_interrupts(node),
        inputs=mapping["inputParameter"],
        outputs=mapping["outputParameter"],
        properties=mapping["property"],
        copied_in=copied_in,
        copied_out=copied_out,
    )


def _interrupts(node: Any) -> bool:
    """Of an event subprocess: what its start event says."""
    start = node.find(f"{{{BPMN}}}startEvent")
    return start is None or start.get("isInterrupting", "true") == "true"


def script_in(node: Any) -> str:
    """A script as its author meant it: without the indentation that the XML around it has."""
    return textwrap.dedent("".join(node.itertext()).expandtabs()).strip()


def local_name(node: Any) -> str:
    """The tag of an XML element without its namespace; '' for comments."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def is_executable(process: Any) -> bool:
    """Tell whether a process may be executed: it does not say that it may not."""
    return process.get("isExecutable", "true") == "true"


def is_diagram(file: str) -> bool:
    """Tell by its name whether a file of a bundle is a diagram."""
    return file.lower().endswith((".bpmn", ".xml"))
