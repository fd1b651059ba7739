"""Diagrams for tests from a few lines of text: nodes one a line (``id kind rest``), flows as chains (``a>b>[x > 1]c``).

Layout is not drawn: it never matters. ``Shape.data`` gives the fields that a walk may submit and their values.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:camunda="http://camunda.org/schema/1.0/bpmn" '
    'id="defs" targetNamespace="http://anpei/test">'
)
_PLAIN = {
    "start": "startEvent",
    "end": "endEvent",
    "user": "userTask",
    "manual": "manualTask",
    "task": "task",
    "xor": "exclusiveGateway",
    "and": "parallelGateway",
    "or": "inclusiveGateway",
    "events": "eventBasedGateway",
}


@dataclass
class Shape:
    """A bundle with one main process, and what may be submitted to it."""

    name: str
    files: dict[str, bytes]
    data: dict[str, list] = field(default_factory=dict)


def shape(
    name: str,
    nodes: str,
    flows: str,
    inner: dict[str, tuple[str, str]] | None = None,
    data=None,
    called=None,
    extra=None,
) -> Shape:
    """A shape whose process is ``name``; ``inner`` holds the subprocesses, ``called`` other processes, by id."""
    files = {f"{name}.bpmn": bpmn(name, nodes, flows, inner)}
    for other, (other_nodes, other_flows) in (called or {}).items():
        files[f"{other}.bpmn"] = bpmn(other, other_nodes, other_flows, inner)
    files.update(extra or {})
    return Shape(name, files, data or {})


def bpmn(name: str, nodes: str, flows: str, inner: dict[str, tuple[str, str]] | None = None) -> bytes:
    """One diagram as bytes."""
    names: dict[tuple[str, str], str] = {}
    body = _body(name, nodes, flows, inner or {}, names)
    defined = "".join(_definition(kind, value, key) for (kind, value), key in names.items())
    return f'{_HEAD}{defined}<bpmn:process id="{name}" isExecutable="true">{body}</bpmn:process></bpmn:definitions>'.encode()


def _definition(kind: str, value: str, key: str) -> str:
    code = {"error": "errorCode", "escalation": "escalationCode"}.get(kind)
    return f'<bpmn:{kind} id="{key}" name={quoteattr(value)}{f" {code}={quoteattr(value)}" if code else ""}/>'


def _body(prefix: str, nodes: str, flows: str, inner, names) -> str:
    edges = [edge for chain in flows.split(";") if chain.strip() for edge in _edges(chain)]
    text = "".join(_node(line.strip(), inner, names) for line in nodes.strip().splitlines() if line.strip())
    for place, (source, condition, target) in enumerate(edges):
        inside = "" if not condition or condition == "*" else _expression("conditionExpression", condition)
        text += f'<bpmn:sequenceFlow id="{prefix}_f{place}" sourceRef="{source}" targetRef="{target}">{inside}</bpmn:sequenceFlow>'
    for source in {source for source, condition, _ in edges if condition == "*"}:
        place = next(n for n, edge in enumerate(edges) if edge[0] == source and edge[1] == "*")
        text = text.replace(f'id="{source}"', f'id="{source}" default="{prefix}_f{place}"', 1)
    return text


def _edges(chain: str):
    parts = re.findall(r"(?:\[([^\]]*)\])?\s*([\w.]+)\s*(?:>|$)", chain.strip())
    for (_, source), (condition, target) in itertools.pairwise(parts):
        yield source, condition, target


def _expression(tag: str, text: str) -> str:
    return f'<bpmn:{tag} xsi:type="bpmn:tFormalExpression">{escape(text)}</bpmn:{tag}>'


def _node(line: str, inner, names) -> str:
    identity, kind, *rest = line.split(None, 2)
    rest = rest[0] if rest else ""
    rest, _, loop = re.sub(r"\*(par|seq|loop) ", r"\0\1 ", rest).partition("\0")
    words, attributes, properties = _attributes(rest)
    inside = properties
    ref = lambda kind, value: names.setdefault((kind, value), f"{kind}_{re.sub(r'[^A-Za-z0-9]', '_', value)}")  # noqa: E731
    if kind in ("user", "manual", "task"):
        role = ' camunda:candidateGroups="office"' if kind == "user" and "candidateGroups" not in attributes else ""
        return _element(_PLAIN[kind], identity, attributes + role, inside + _loop(loop))
    if kind in _PLAIN:
        return _element(_PLAIN[kind], identity, attributes, inside)
    if kind == "script":
        head, _, code = rest.rpartition("::")  # parameters, if any, stand before ``::``
        text = "\n".join(part.strip() for part in code.split("|"))
        return _element(
            "scriptTask",
            identity,
            "",
            _attributes(head)[2] + _loop(loop) + f"<bpmn:script>{escape(text)}</bpmn:script>",
        )
    if kind == "service":
        return _element(
            "serviceTask",
            identity,
            f'{attributes} camunda:type="external" camunda:topic="{words}"',
            inside + _loop(loop),
        )
    if kind == "rule":
        decision, variable = words.split()
        return _element(
            "businessRuleTask",
            identity,
            f'camunda:decisionRef="{decision}" camunda:resultVariable="{variable}"',
            inside,
        )
    if kind in ("sub", "transaction"):
        tag = "subProcess" if kind == "sub" else kind
        event = ' triggeredByEvent="true"' if words == "event" else ""
        return _element(
            tag, identity, attributes + event, inside + _loop(loop) + _body(identity, *inner[identity], inner, names)
        )
    if kind == "call":
        return _element("callActivity", identity, f'{attributes} calledElement="{words}"', inside + _loop(loop))
    if kind == "receive":
        return _element("receiveTask", identity, f'messageRef="{ref("message", words)}"', inside)
    if kind == "send":
        return _element("sendTask", identity, f'messageRef="{ref("message", words)}"', inside)
    return _event_node(identity, kind, words, inside, ref)


def _event_node(identity: str, kind: str, words: str, inside: str, ref) -> str:
    place, _, trigger = kind.partition("-")
    host, manner = "", ""
    if place == "boundary":
        host, _, words = words.partition(" ")
        if words.endswith(" non"):
            words, manner = words.removesuffix(" non"), ' cancelActivity="false"'
        host = f'attachedToRef="{host}"{manner}'
    if place == "start" and words.endswith(" non"):
        words, host = words.removesuffix(" non"), 'isInterrupting="false"'
    return _element(_PLACES[place], identity, host, inside + _event(trigger, words, ref))


_PLACES = {
    "catch": "intermediateCatchEvent",
    "throw": "intermediateThrowEvent",
    "end": "endEvent",
    "boundary": "boundaryEvent",
    "start": "startEvent",
}


def _event(trigger: str, value: str, ref) -> str:
    if trigger == "timer":
        tag = "timeCycle" if value.startswith("R") else "timeDuration" if value[:1] in "P$" else "timeDate"
        return f"<bpmn:timerEventDefinition>{_expression(tag, value)}</bpmn:timerEventDefinition>"
    if trigger in ("terminate", "cancel"):
        return f"<bpmn:{trigger}EventDefinition/>"
    target = f' {trigger}Ref="{ref(trigger, value)}"' if value else ""
    return f"<bpmn:{trigger}EventDefinition{target}/>"


def _attributes(rest: str) -> tuple[str, str, str]:
    """Words, XML attributes (``@dueDate=P1D``) and properties (``%scope=unit``, ``<in=x``, ``>out=y``) of a node."""
    found = re.findall(r'([@%<>])(\w+)=("[^"]*"|\S+)', rest)
    words = re.sub(r'[@%<>]\w+=("[^"]*"|\S+)', "", rest).strip()
    attributes = "".join(
        f" camunda:{name}={quoteattr(value.strip(chr(34)))}" for sign, name, value in found if sign == "@"
    )
    properties = "".join(
        f"<camunda:property name={quoteattr(n)} value={quoteattr(v.strip(chr(34)))}/>" for s, n, v in found if s == "%"
    )
    inputs = "".join(
        f'<camunda:inputParameter name="{n}">{escape(v.strip(chr(34)))}</camunda:inputParameter>'
        for s, n, v in found
        if s == "<"
    )
    outputs = "".join(
        f'<camunda:outputParameter name="{n}">{escape(v.strip(chr(34)))}</camunda:outputParameter>'
        for s, n, v in found
        if s == ">"
    )
    inside = f"<camunda:properties>{properties}</camunda:properties>" if properties else ""
    inside += f"<camunda:inputOutput>{inputs}{outputs}</camunda:inputOutput>" if inputs or outputs else ""
    return words, attributes, f"<bpmn:extensionElements>{inside}</bpmn:extensionElements>" if inside else ""


def _loop(text: str) -> str:
    """``*par items:item``, ``*seq 3``, ``*loop x < 3``; ``until …`` adds a completion condition."""
    if not text:
        return ""
    kind, _, rest = text.strip().partition(" ")
    if kind == "loop":
        return (
            f"<bpmn:standardLoopCharacteristics>{_expression('loopCondition', rest)}</bpmn:standardLoopCharacteristics>"
        )
    rest, _, until = rest.partition(" until ")
    collection, _, item = rest.partition(":")
    attributes = f' isSequential="{"true" if kind == "seq" else "false"}"'
    inside = _expression("completionCondition", until) if until else ""
    if item:
        attributes += f' camunda:collection="{collection}" camunda:elementVariable="{item}"'
    else:
        inside = _expression("loopCardinality", collection) + inside
    return f"<bpmn:multiInstanceLoopCharacteristics{attributes}>{inside}</bpmn:multiInstanceLoopCharacteristics>"


def _element(tag: str, identity: str, attributes: str, inside: str) -> str:
    return f'<bpmn:{tag} id="{identity}" {attributes}>{inside}</bpmn:{tag}>'
