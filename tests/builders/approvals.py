"""A second approval drawn into any diagram: agree, return, refuse, withdraw; as a process administrator would draw it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from lxml import etree

from service.config import CHECKOUT

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
NAMES = {"bpmn": BPMN, "camunda": CAMUNDA, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
TASK, NAME, ENGLISH = "second_look", "待再审", "Waits for a second look"

FORM = {
    "type": "default",
    "id": TASK,
    "components": [
        {
            "type": "radio",
            "key": "verdict",
            "label": "再审结论",
            "values": [{"label": word, "value": word} for word in ("agree", "return", "refuse")],
            "validate": {"required": True},
            "properties": {"label_en": "Verdict"},
        },
        {
            "type": "textarea",
            "key": "reason",
            "label": "理由",
            "properties": {"required_if": "verdict == 'refuse'", "personal": "true"},
        },
    ],
}


class Approval(NamedTuple):
    """before: the element that it is drawn in front of; back, refuse: where the others lead; heard: messages, with the
    element that each leads to."""

    before: str
    back: str
    refuse: str
    state: str
    named: bool = True
    heard: tuple[tuple[str, str], ...] = ()


def drawn(process: str, approval: Approval, files: dict[str, bytes]) -> dict[str, bytes]:
    """The bundle with the approval in it."""
    root = etree.fromstring((CHECKOUT / "processes" / f"{process}.bpmn").read_bytes())
    [owner] = {_by_id(root, approval.before).getparent()}
    for flow in root.iterfind(f".//bpmn:sequenceFlow[@targetRef='{approval.before}']", NAMES):
        flow.set("targetRef", TASK)
        _by_id(root, approval.before).remove(_text(_by_id(root, approval.before), "incoming", flow.get("id")))
    more = [f'<camunda:property name="{k}" value="{v}" />' for k, v in _properties(approval).items()]
    nodes = [
        f'<bpmn:userTask id="{TASK}" name="再审" camunda:formKey="{TASK}" camunda:candidateGroups="ministry"'
        f' camunda:dueDate="P3D"><bpmn:extensionElements><camunda:properties>{"".join(more)}</camunda:properties>'
        "</bpmn:extensionElements></bpmn:userTask>",
        '<bpmn:exclusiveGateway id="second_gateway" name="再审？" default="second_refuse" />',
        _flow("second_done", TASK, "second_gateway"),
        _flow("second_agree", "second_gateway", approval.before, "verdict == 'agree'"),
        _flow("second_return", "second_gateway", approval.back, "verdict == 'return'"),
        _flow("second_refuse", "second_gateway", approval.refuse),
    ]
    for message, target in approval.heard:
        nodes += [
            f'<bpmn:boundaryEvent id="second_{message}" name="{message}" attachedToRef="{TASK}">'
            f'<bpmn:messageEventDefinition messageRef="message_{message}" /></bpmn:boundaryEvent>',
            _flow(f"second_{message}_out", f"second_{message}", target),
        ]
    declared = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in NAMES.items())
    made = etree.fromstring(f"<all {declared}>{''.join(nodes)}</all>")
    lane = root.find(f".//bpmn:lane[bpmn:flowNodeRef='{approval.before}']", NAMES)
    for node in list(made):
        owner.append(node)
        if lane is not None and not node.tag.endswith("sequenceFlow"):
            etree.SubElement(lane, f"{{{BPMN}}}flowNodeRef").text = node.get("id")
    for flow in root.iter(f"{{{BPMN}}}sequenceFlow"):
        for end, kind in (("sourceRef", "outgoing"), ("targetRef", "incoming")):
            node = _by_id(root, flow.get(end))
            if _text(node, kind, flow.get("id")) is None:
                made = etree.Element(f"{{{BPMN}}}{kind}")
                made.text = flow.get("id")
                heads = ("documentation", "extensionElements", "incoming", kind)
                node.insert(sum(etree.QName(child).localname in heads for child in node), made)
    form = json.dumps(FORM, ensure_ascii=False).encode()
    return {**files, f"{process}.bpmn": etree.tostring(root), f"{TASK}.form": form}


def _properties(approval: Approval) -> dict[str, str]:
    said = {"name_en": "Second look", "state": approval.state}
    return said | ({"state_name": NAME, "state_name_en": ENGLISH} if approval.named else {})


def _flow(name: str, source: str, target: str, condition: str = "") -> str:
    formal = 'xsi:type="bpmn:tFormalExpression"'
    inner = f"<bpmn:conditionExpression {formal}>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'


def _by_id(root: Any, name: str) -> Any:
    return root.find(f".//*[@id='{name}']")


def _text(node: Any, kind: str, text: str) -> Any:
    return next((one for one in node.iterfind(f"bpmn:{kind}", NAMES) if one.text == text), None)
