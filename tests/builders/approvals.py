"""A second approval drawn into any diagram, as a process administrator would: agree, return, refuse, withdraw, a due
date, a reminder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from lxml import etree

from service.config import CHECKOUT

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
CAMUNDA = "http://camunda.org/schema/1.0/bpmn"
NAMES = {"bpmn": BPMN, "camunda": CAMUNDA, "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
TASK, TAKE_BACK = "second_look", "take_back_second"
NAME, ENGLISH = "待再审", "Waits for a second look"
REMINDER, REMINDER_ENGLISH = "有一件再审未办", "A second look is not done yet"

FORMS = {
    TASK: [
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
    TAKE_BACK: [
        {
            "type": "radio",
            "key": "verdict",
            "label": "是否撤回",
            "values": [{"label": "撤回", "value": "withdraw"}],
            "validate": {"required": True},
            "properties": {"label_en": "Take it back?"},
        }
    ],
}


class Withdrawal(NamedTuple):
    """A task in which whoever asked takes it back, where no message of the process does: role, scope, where it leads."""

    role: str
    scope: str
    target: str


class Approval(NamedTuple):
    """before: the element that it is drawn in front of; back, refuse: where the others lead.

    It hears the messages that ``back`` hears. state: '' where the process has no subject whose state diagrams say.
    """

    before: str
    back: str
    refuse: str
    state: str
    named: bool = True
    withdrawal: Withdrawal | None = None


def drawn(process: str, approval: Approval, files: dict[str, bytes]) -> dict[str, bytes]:
    """The bundle with the approval in it."""
    root = etree.fromstring((CHECKOUT / "processes" / f"{process}.bpmn").read_bytes())
    owner = _by_id(root, approval.before).getparent()
    taken = "second" if approval.withdrawal else TASK
    for flow in root.iterfind(f".//bpmn:sequenceFlow[@targetRef='{approval.before}']", NAMES):
        flow.set("targetRef", taken)
        _by_id(root, approval.before).remove(_text(_by_id(root, approval.before), "incoming", flow.get("id")))
    nodes = [
        *(_with_withdrawal(approval, approval.withdrawal) if approval.withdrawal else _alone(approval)),
        '<bpmn:exclusiveGateway id="second_gateway" name="再审？" default="second_refuse" />',
        _flow("second_done", taken, "second_gateway"),
        _flow("second_agree", "second_gateway", approval.before, "verdict == 'agree'"),
        _flow("second_return", "second_gateway", approval.back, "verdict == 'return'"),
        _flow("second_refuse", "second_gateway", approval.refuse),
        *_borders(root, approval, taken),
    ]
    if approval.withdrawal:
        nodes.append(_flow("second_withdrawn", "second_gateway", approval.withdrawal.target, "verdict == 'withdraw'"))
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
    forms = {f"{name}.form": _form(name) for name in FORMS if name == TASK or approval.withdrawal}
    return {**files, f"{process}.bpmn": etree.tostring(root), **forms}


def kind_of(process: str, approval: Approval) -> str:
    """The kind of the task in lists: its place in the process."""
    return f"{process}/second/{TASK}" if approval.withdrawal else f"{process}/{TASK}"


def _form(name: str) -> bytes:
    return json.dumps({"type": "default", "id": name, "components": FORMS[name]}, ensure_ascii=False).encode()


def _alone(approval: Approval) -> list[str]:
    said = {"name_en": "Second look"} | ({"state": approval.state} if approval.state else {})
    said |= {"state_name": NAME, "state_name_en": ENGLISH} if approval.named else {}
    reminded = {
        "to_role": "ministry",
        "title": REMINDER,
        "title_en": REMINDER_ENGLISH,
    }
    given = "".join(f'<camunda:inputParameter name="{k}">{v}</camunda:inputParameter>' for k, v in reminded.items())
    return [
        _user_task(TASK, "再审", 'camunda:candidateGroups="ministry" camunda:dueDate="P3D"', said),
        f'<bpmn:boundaryEvent id="second_slow" name="未再审" cancelActivity="false" attachedToRef="{TASK}">'
        '<bpmn:timerEventDefinition id="second_slow_timer"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">P1D'
        "</bpmn:timeDuration></bpmn:timerEventDefinition></bpmn:boundaryEvent>",
        '<bpmn:serviceTask id="second_remind" name="提醒再审" camunda:type="external" camunda:topic="general.notify">'
        f"<bpmn:extensionElements><camunda:inputOutput>{given}</camunda:inputOutput></bpmn:extensionElements>"
        "</bpmn:serviceTask>",
        '<bpmn:endEvent id="second_reminded" name="已提醒" />',
        _flow("second_slow_to_remind", "second_slow", "second_remind"),
        _flow("second_remind_to_reminded", "second_remind", "second_reminded"),
    ]


def _with_withdrawal(approval: Approval, way: Withdrawal) -> list[str]:
    """The approval and the taking back stand side by side in a subprocess; whichever is done first ends it."""
    said = {"name_en": "Take it back", "scope": way.scope}
    ends = '<bpmn:endEvent id="{0}"><bpmn:terminateEventDefinition id="{0}_all" /></bpmn:endEvent>'
    inner = [
        '<bpmn:startEvent id="second_begun" />',
        '<bpmn:parallelGateway id="second_split" />',
        _user_task(TAKE_BACK, "撤回送审", f'camunda:candidateGroups="{way.role}"', said),
        *_alone(approval),
        ends.format("second_decided"),
        ends.format("second_taken_back"),
        _flow("second_begun_to_split", "second_begun", "second_split"),
        _flow("second_split_to_look", "second_split", TASK),
        _flow("second_split_to_take_back", "second_split", TAKE_BACK),
        _flow("second_look_to_decided", TASK, "second_decided"),
        _flow("second_take_back_to_end", TAKE_BACK, "second_taken_back"),
    ]
    return [f'<bpmn:subProcess id="second" name="再审与撤回">{"".join(inner)}</bpmn:subProcess>']


def _borders(root: Any, approval: Approval, taken: str) -> Iterator[str]:
    """What the step that it may go back to hears, with where that leads."""
    for event in root.iterfind(f".//bpmn:boundaryEvent[@attachedToRef='{approval.back}']", NAMES):
        for message in event.iterfind("bpmn:messageEventDefinition", NAMES):
            name = message.get("messageRef")
            flow = root.find(f".//bpmn:sequenceFlow[@sourceRef='{event.get('id')}']", NAMES)
            yield (
                f'<bpmn:boundaryEvent id="second_{name}" name="{event.get("name")}" attachedToRef="{taken}">'
                f'<bpmn:messageEventDefinition id="second_{name}_event" messageRef="{name}" /></bpmn:boundaryEvent>'
            )
            yield _flow(f"second_{name}_out", f"second_{name}", flow.get("targetRef"))


def _user_task(name: str, title: str, attributes: str, said: dict[str, str]) -> str:
    more = "".join(f'<camunda:property name="{key}" value="{value}" />' for key, value in said.items())
    return (
        f'<bpmn:userTask id="{name}" name="{title}" camunda:formKey="{name}" {attributes}><bpmn:extensionElements>'
        f"<camunda:properties>{more}</camunda:properties></bpmn:extensionElements></bpmn:userTask>"
    )


def _flow(name: str, source: str, target: str, condition: str = "") -> str:
    formal = 'xsi:type="bpmn:tFormalExpression"'
    inner = f"<bpmn:conditionExpression {formal}>{condition}</bpmn:conditionExpression>" if condition else ""
    return f'<bpmn:sequenceFlow id="{name}" sourceRef="{source}" targetRef="{target}">{inner}</bpmn:sequenceFlow>'


def _by_id(root: Any, name: str) -> Any:
    return root.find(f".//*[@id='{name}']")


def _text(node: Any, kind: str, text: str) -> Any:
    return next((one for one in node.iterfind(f"bpmn:{kind}", NAMES) if one.text == text), None)
