"""Small diagrams for the tests of the validation: what is written is the part under test, the rest is sound."""

from __future__ import annotations

from itertools import pairwise

from service.engine.kernel.types import ValidationIssue
from service.engine.validation.validator import examine, validate

HEAD = (
    '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:camunda="http://camunda.org/schema/1.0/bpmn" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'xmlns:activiti="http://activiti.org/bpmn" xmlns:color="http://www.omg.org/spec/BPMN/non-normative/color/1.0" '
    'xmlns:x="urn:some-modelling-tool" id="defs" targetNamespace="urn:test"{more}>'
)


FORMAL = (
    "conditionExpression",
    "loopCondition",
    "completionCondition",
    "activationCondition",
    "condition",
    "loopCardinality",
    "timeDate",
    "timeDuration",
    "timeCycle",
)


def short(xml: str) -> str:
    """Spell elements without a prefix as BPMN's, and their expressions as formal ones."""
    out, rest = "", xml
    while "<" in rest:
        before, _, rest = rest.partition("<")
        slash, rest = ("/", rest[1:]) if rest.startswith("/") else ("", rest)
        tag = rest.split(">")[0]
        name = tag.split()[0].rstrip("/")
        out += f"{before}<{slash}{'' if ':' in name else 'bpmn:'}"
        if name in FORMAL and not slash and "xsi:type" not in tag:
            out += f'{name} xsi:type="bpmn:tFormalExpression"'
            rest = rest[len(name) :]
    return out + rest


def file(root: str, more: str = "") -> bytes:
    """A definitions file with this content."""
    return (HEAD.format(more=more) + short(root) + "</bpmn:definitions>").encode()


def process(body: str, root: str = "", more: str = 'isExecutable="true"') -> bytes:
    """A file with one process P and whatever stands beside it (before it)."""
    return file(f'{root}<process id="P" {more}>{body}</process>')


def flow(source: str, target: str, inner: str = "") -> str:
    """A sequence flow called ``source_target``."""
    return f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


def condition(text: str) -> str:
    """A condition of a sequence flow."""
    return f'<conditionExpression xsi:type="bpmn:tFormalExpression">{text}</conditionExpression>'


def chain(*nodes: str) -> str:
    """Start, these nodes one after the other, end. A node is its XML; its id is read from it."""
    names = ["s", *(node.split('id="')[1].split('"')[0] for node in nodes), "e"]
    flows = "".join(flow(a, b) for a, b in pairwise(names))
    return f'<startEvent id="s"/>{"".join(nodes)}<endEvent id="e"/>{flows}'


def task(name: str, kind: str = "task", attributes: str = "", inner: str = "") -> str:
    """An activity."""
    return f'<{kind} id="{name}" {attributes}>{inner}</{kind}>'


def script(name: str, text: str = "x = 1") -> str:
    """A script task."""
    return task(name, "scriptTask", inner=f"<script>{text}</script>")


def sub(name: str, body: str, attributes: str = "") -> str:
    """An embedded subprocess, with its own start ``s`` and end ``e`` renamed after it."""
    for old in ("s", "e"):
        for before, after in (
            (f'_{old}"', f'_{name}.{old}"'),
            (f'"{old}_', f'"{name}.{old}_'),
            (f'"{old}"', f'"{name}.{old}"'),
        ):
            body = body.replace(before, after)
    return f'<subProcess id="{name}" {attributes}>{body}</subProcess>'


def boundary(name: str, host: str, trigger: str, attributes: str = "") -> str:
    """A boundary event with its own way out to an end event."""
    return (
        f'<boundaryEvent id="{name}" attachedToRef="{host}" {attributes}>{trigger}</boundaryEvent>'
        f'<endEvent id="{name}_end"/>{flow(name, f"{name}_end")}'
    )


TIMER = "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>"


def problems(
    xml: bytes, *, deployment_rules: bool = False, functions: tuple[str, ...] = (), **others: bytes
) -> list[ValidationIssue]:
    """What the validation says of one diagram (and of other files beside it, ``name__form`` for ``name.form``)."""
    files = {"main.bpmn": xml, **{name.replace("__", "."): data for name, data in others.items()}}
    return validate(files, deployment_rules=deployment_rules, functions=functions)


def warned(xml: bytes, **others: bytes) -> list[tuple[str, str]]:
    """The rules that warn of a diagram that is accepted, each with its element."""
    found = examine(
        {"main.bpmn": xml, **{n.replace("__", "."): data for n, data in others.items()}}, deployment_rules=False
    )
    assert all(not issue.is_refusal for issue in found), [issue.text("en") for issue in found]
    assert all(i.rule and i.zh and i.en and i.remedy_zh and i.remedy_en and i.line > 0 for i in found), found
    return [(issue.rule, issue.element) for issue in found]


def said(xml: bytes, **options: object) -> str:
    """The problems as text, English, a line each."""
    return "\n".join(f"{p.element}: {p.en} {p.remedy_en}" for p in problems(xml, **options))  # type: ignore[arg-type]
