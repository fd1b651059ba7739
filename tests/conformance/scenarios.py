"""Diagrams that trace what runs, and how to run them: through validation, engine and the journal of production."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from service.engine.conformance.cases import FUNCTIONS, tokens_of
from service.engine.conformance.manifest import Trial
from service.engine.conformance.wait_rewriter import with_timers
from service.engine.validation.validator import validate
from tests.unit.validation_diagrams import chain, condition, flow, process, script, sub, task

ROOT = (
    '<message id="msg" name="paid"/><signal id="sig" name="alarm"/><signal id="sig2" name="siren"/>'
    '<error id="er" name="bad" errorCode="E1"/><error id="er2" name="worse" errorCode="E2"/>'
    '<escalation id="es" name="up" escalationCode="C1"/>'
)
MESSAGE = '<messageEventDefinition messageRef="msg"/>'
SIGNAL = '<signalEventDefinition signalRef="sig"/>'
SIGNAL2 = '<signalEventDefinition signalRef="sig2"/>'
ERROR = '<errorEventDefinition errorRef="er"/>'
ESCALATION = '<escalationEventDefinition escalationRef="es"/>'
TERMINATE = "<terminateEventDefinition/>"
CANCEL = "<cancelEventDefinition/>"
STAYS = 'cancelActivity="false"'


def t(name: str) -> str:
    """A script task that traces its own id."""
    return script(name, f"trace('{name}')")


def wait(name: str, seconds: int) -> str:
    """A script task that pauses."""
    return script(name, f"wait({seconds})")


def after(seconds: int) -> str:
    """A timer's definition."""
    return f"<timerEventDefinition><timeDuration>PT{seconds}S</timeDuration></timerEventDefinition>"


def every(seconds: int, times: int) -> str:
    """A cycle's definition."""
    return f"<timerEventDefinition><timeCycle>R{times}/PT{seconds}S</timeCycle></timerEventDefinition>"


def timer(name: str, seconds: int) -> str:
    """A timer on the way."""
    return catch(name, after(seconds))


def catch(name: str, trigger: str) -> str:
    """An intermediate catch event."""
    return f'<intermediateCatchEvent id="{name}">{trigger}</intermediateCatchEvent>'


def throw(name: str, trigger: str) -> str:
    """An intermediate throw event."""
    return f'<intermediateThrowEvent id="{name}">{trigger}</intermediateThrowEvent>'


def user(name: str, inner: str = "") -> str:
    """A user task; nobody completes it."""
    return task(name, "userTask", inner=inner)


def line(*nodes: str, end: str = "") -> str:
    """Start, nodes, end; ``end`` is the end event's definition."""
    return chain(*nodes).replace('<endEvent id="e"/>', f'<endEvent id="e">{end}</endEvent>')


def at(name: str, host: str, trigger: str, attributes: str = "") -> str:
    """A boundary event that leads to a task tracing ``<name>_t``."""
    names = [name, f"{name}_t", f"{name}_end"]
    flows = "".join(flow(a, b) for a, b in pairwise(names))
    event = f'<boundaryEvent id="{name}" attachedToRef="{host}" {attributes}>{trigger}</boundaryEvent>'
    return f'{event}{t(f"{name}_t")}<endEvent id="{name}_end"/>{flows}'


def graph(*parts: str | tuple[str, str]) -> str:
    """XML, flows written ``a>b``, and flows with a condition ``("a>b", "x == 1")``."""
    out = ""
    for part in parts:
        ends, inner = part if isinstance(part, tuple) else (part, "")
        out += flow(*ends.split(">"), condition(inner) if inner else "") if not ends.startswith("<") else ends
    return out


def both(*branches: tuple[str, ...], ends: tuple[str, ...] = ()) -> str:
    """Parallel branches, each with an end event of its own; ``ends`` are the end events' definitions."""
    out = '<startEvent id="s"/><parallelGateway id="fork"/>' + flow("s", "fork")
    for n, branch in enumerate(branches):
        names = ["fork", *(node.split('id="')[1].split('"')[0] for node in branch), f"end{n}"]
        definition = ends[n] if n < len(ends) else ""
        out += (
            "".join(branch)
            + f'<endEvent id="end{n}">{definition}</endEvent>'
            + "".join(flow(a, b) for a, b in pairwise(names))
        )
    return out


def repeated(subprocess: str, inner: str) -> str:
    """A subprocess with a loop marker."""
    return subprocess.replace("<startEvent", f"{inner}<startEvent", 1)


def listening(name: str, trigger: str, *nodes: str, stays: bool = False, end: str = "") -> str:
    """An event subprocess."""
    manner = "false" if stays else "true"
    body = sub(name, line(*nodes, end=end), 'triggeredByEvent="true"')
    return body.replace(
        f'<startEvent id="{name}.s"/>', f'<startEvent id="{name}.s" isInterrupting="{manner}">{trigger}</startEvent>'
    )


def around(name: str, body: str, *listeners: str) -> str:
    """A subprocess with event subprocesses in it."""
    return sub(name, body).removesuffix("</subProcess>") + "".join(listeners) + "</subProcess>"


def transaction(name: str, body: str) -> str:
    """A transaction."""
    return sub(name, body).replace("<subProcess", "<transaction").replace("</subProcess", "</transaction")


def instances(inner: str, attributes: str = "") -> str:
    """A multi-instance marker."""
    return f"<multiInstanceLoopCharacteristics {attributes}>{inner}</multiInstanceLoopCharacteristics>"


def loop(text: str, attributes: str = "") -> str:
    """A standard loop marker."""
    return (
        f"<standardLoopCharacteristics {attributes}><loopCondition>{text}</loopCondition></standardLoopCharacteristics>"
    )


def run(body: str, data: dict[str, Any] | None = None, called: str = "") -> str:
    """The tokens traced, sorted, in one line; asserts that the validation accepts and that the journal proves the run."""
    xml = with_timers(process(body, ROOT + called), "m.bpmn")
    files = {"m.bpmn": xml}
    refused = validate(files, deployment_rules=False, functions=FUNCTIONS)
    assert not refused, "\n".join(problem.text("en") for problem in refused)
    tokens, faults = tokens_of(files, "P", Trial(data or {}, False, 30_000, ()))
    assert not faults, faults
    return " ".join(sorted(tokens))


def other(body: str) -> str:
    """A process C to be called, with element ids of its own."""
    inner = sub("C", body).removeprefix('<subProcess id="C" >').removesuffix("</subProcess>")
    return f'<process id="C" isExecutable="true">{inner}</process>'
