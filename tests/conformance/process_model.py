"""Processes as plain data, and as BPMN: what the random generator draws and the reference game plays.

Every wait has a length of its own, so that of two things that matter one is always first; where tokens part, each
begins with a wait.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.conformance.scenarios import ROOT
from tests.unit.validation_diagrams import condition, flow
from tests.unit.validation_diagrams import process as file_of

COMPARISONS = {"==": "==", "<": "&lt;", ">=": "&gt;="}


@dataclass(frozen=True)
class Test:
    """``variable comparison number``, of the variable modulo ``modulo`` when that is given."""

    variable: str
    comparison: str
    number: int
    modulo: int = 0

    def xml(self) -> str:
        left = f"{self.variable} % {self.modulo}" if self.modulo else self.variable
        return f"{left} {COMPARISONS[self.comparison]} {self.number}"


@dataclass(frozen=True)
class Sum:
    """A number, with a variable added when one is named."""

    number: int
    variable: str = ""

    def text(self) -> str:
        return f"{self.variable} + {self.number}" if self.variable else str(self.number)


@dataclass(frozen=True)
class Write:
    """``target = sum``."""

    target: str
    value: Sum


@dataclass
class Repetition:
    """par or seq (``count`` times, or for each of ``items``), or a loop while ``go_on`` holds."""

    kind: str
    count: int = 0
    items: tuple[int, ...] = ()
    until: Test | None = None
    go_on: Test | None = None
    test_before: bool = False
    behavior: str = ""
    when: Test | None = None

    def xml(self) -> str:
        if self.kind == "loop":
            assert self.go_on is not None
            before = "true" if self.test_before else "false"
            inner = f"<loopCondition>{self.go_on.xml()}</loopCondition>"
            return f'<standardLoopCharacteristics testBefore="{before}">{inner}</standardLoopCharacteristics>'
        over = f'camunda:collection="${{{list(self.items)}}}" camunda:elementVariable="it"' if self.items else ""
        inner = "" if self.items else f"<loopCardinality>{self.count}</loopCardinality>"
        inner += f"<completionCondition>{self.until.xml()}</completionCondition>" if self.until else ""
        sequential = "true" if self.kind == "seq" else "false"
        name = "multiInstanceLoopCharacteristics"
        if self.behavior in ("One", "None"):
            over += f' behavior="{self.behavior}" {self.behavior.lower()}BehaviorEventRef="es_thrown"'
        elif self.behavior:
            assert self.when is not None
            over += ' behavior="Complex"'
            thrown = f"<condition>{self.when.xml()}</condition><event>{THROWN['escalation']}</event>"
            rule = f"<complexBehaviorDefinition>{thrown}</complexBehaviorDefinition>"
            inner = inner.replace("<completionCondition", f"{rule}<completionCondition") if self.until else inner + rule
        return f'<{name} isSequential="{sequential}" {over}>{inner}</{name}>'


@dataclass
class Event:
    """The trigger of a boundary event or an event subprocess: a wait, an error or an escalation."""

    kind: str
    interrupts: bool
    wait: int = 0
    times: int = 1

    def xml(self) -> str:
        if self.kind == "timer":
            cycle = f"<timeCycle>R{self.times}/PT{self.wait}S</timeCycle>"
            once = f"<timeDuration>PT{self.wait}S</timeDuration>"
            return f"<timerEventDefinition>{cycle if self.times > 1 else once}</timerEventDefinition>"
        return THROWN[self.kind]


THROWN = {
    "error": '<errorEventDefinition errorRef="er"/>',
    "escalation": '<escalationEventDefinition escalationRef="es"/>',
    "terminate": "<terminateEventDefinition/>",
    "compensate": "<compensateEventDefinition/>",
    "signal": '<signalEventDefinition signalRef="sig"/>',
}


@dataclass
class Node:
    """A flow node.

    kind: start, end, script, wait, xor, and, or, some, sub, free, call, throw, jump, land, boundary. ``some`` goes on with
    ``wanted`` of its flows; the flow from a jump to its landing is drawn as a pair of links; ``undo`` undoes a script.
    """

    id: str
    kind: str
    writes: tuple[Write, ...] = ()
    told: str = ""
    parameters: dict[str, Sum] = field(default_factory=dict)
    results: dict[str, Sum] = field(default_factory=dict)
    wait: int = 0
    by_counter: int = 0
    throws: str = ""
    wanted: int = 0
    undo: Node | None = None
    body: Level | None = None
    repetition: Repetition | None = None
    host: str = ""
    event: Event | None = None


@dataclass
class Enough:
    """When an ad-hoc subprocess is complete, and how it goes on until then."""

    until: Test
    in_order: bool
    cancels: bool


@dataclass
class Level:
    """A process or subprocess: nodes, flows (the last out of a choosing gateway is its default), listeners in it;
    ``enough`` of an ad-hoc subprocess.
    """

    id: str
    enough: Enough | None = None
    nodes: dict[str, Node] = field(default_factory=dict)
    flows: list[tuple[str, str, Test | None]] = field(default_factory=list)
    listeners: list[tuple[Event, Level]] = field(default_factory=list)

    def out(self, node: str) -> list[tuple[str, str, Test | None]]:
        return [f for f in self.flows if f[0] == node]

    def into(self, node: str) -> list[tuple[str, str, Test | None]]:
        return [f for f in self.flows if f[1] == node]

    @property
    def start(self) -> str:
        return next(node.id for node in self.nodes.values() if node.kind == "start")


def bpmn(main: Level) -> bytes:
    """The whole as a file: called processes beside the main one."""
    called: list[Level] = []
    body = _level(main, called)
    root = ROOT + '<escalationEventDefinition id="es_thrown" escalationRef="es"/>'
    for one in called:  # grows while it is read: called processes call others
        root += f'<process id="{one.id}" isExecutable="true">{_level(one, called)}</process>'
    return file_of(body, root)


def _level(level: Level, called: list[Level], trigger: Event | None = None) -> str:
    out = "".join(_node(level, node, called, trigger) for node in level.nodes.values())
    for place, (source, target, test) in enumerate(level.flows):
        if level.nodes[source].kind == "jump":
            continue
        name = f'id="{source}_{target}"'
        out += flow(source, target, condition(test.xml()) if test else "").replace(name, f'id="{level.id}_f{place}"', 1)
    undone = [node for node in level.nodes.values() if node.undo]
    out += "".join(_undoing(node, called) for node in undone)
    for event, handler in level.listeners:
        out += f'<subProcess id="{handler.id}" triggeredByEvent="true">{_level(handler, called, event)}</subProcess>'
    for node in undone:
        out += (
            f'<association id="as_{node.id}" sourceRef="bu_{node.id}" targetRef="{node.undo.id if node.undo else ""}"/>'
        )
    return out


def _undoing(node: Node, called: list[Level]) -> str:
    assert node.undo is not None
    handler = _activity(node.undo, called).replace(" id=", ' isForCompensation="true" id=', 1)
    event = f'<boundaryEvent id="bu_{node.id}" attachedToRef="{node.id}">{THROWN["compensate"]}</boundaryEvent>'
    return event + handler


def _node(level: Level, node: Node, called: list[Level], trigger: Event | None) -> str:
    if node.kind == "start" and node.throws:
        return f'<startEvent id="{node.id}">{THROWN[node.throws]}</startEvent>'
    if node.kind == "start":
        manner = f' isInterrupting="{"true" if trigger.interrupts else "false"}"' if trigger else ""
        return f'<startEvent id="{node.id}"{manner}>{trigger.xml() if trigger else ""}</startEvent>'
    if node.kind in ("end", "throw"):
        tag = "endEvent" if node.kind == "end" else "intermediateThrowEvent"
        return f'<{tag} id="{node.id}">{THROWN.get(node.throws, "")}</{tag}>'
    if node.kind == "jump":
        target = level.out(node.id)[0][1]
        link = f'<linkEventDefinition name="{target}"/>'
        return f'<intermediateThrowEvent id="{node.id}">{link}</intermediateThrowEvent>'
    if node.kind == "land":
        return (
            f'<intermediateCatchEvent id="{node.id}"><linkEventDefinition name="{node.id}"/></intermediateCatchEvent>'
        )
    if node.kind == "some":
        wanted = f"<activationCondition>activationCount &gt;= {node.wanted}</activationCondition>"
        return f'<complexGateway id="{node.id}">{wanted}</complexGateway>'
    if node.kind == "boundary":
        assert node.event is not None
        stays = "" if node.event.interrupts else ' cancelActivity="false"'
        return f'<boundaryEvent id="{node.id}" attachedToRef="{node.host}"{stays}>{node.event.xml()}</boundaryEvent>'
    if node.kind == "wait":
        length = f'${{"PT" + str({node.wait} + {node.by_counter} * loopCounter) + "S"}}' if node.by_counter else ""
        timer = f"<timeDuration>{length or f'PT{node.wait}S'}</timeDuration>"
        return f'<intermediateCatchEvent id="{node.id}"><timerEventDefinition>{timer}</timerEventDefinition></intermediateCatchEvent>'
    if node.kind in GATEWAYS:
        last = [n for n, f in enumerate(level.flows) if f[0] == node.id][-1:]
        splits = node.kind != "and" and len(level.out(node.id)) > 1
        default = f' default="{level.id}_f{last[0]}"' if splits else ""
        return f'<{GATEWAYS[node.kind]} id="{node.id}"{default}/>'
    return _activity(node, called)


GATEWAYS = {"xor": "exclusiveGateway", "and": "parallelGateway", "or": "inclusiveGateway"}


def _activity(node: Node, called: list[Level]) -> str:
    mapped = "".join(
        f'<camunda:{kind} name="{name}">${{{value.text()}}}</camunda:{kind}>'
        for kind, values in (("inputParameter", node.parameters), ("outputParameter", node.results))
        for name, value in values.items()
    )
    mapped = f"<extensionElements><camunda:inputOutput>{mapped}</camunda:inputOutput></extensionElements>" * bool(
        mapped
    )
    loop = node.repetition.xml() if node.repetition else ""
    if node.kind == "script":
        lines = [f"{write.target} = {write.value.text()}" for write in node.writes]
        lines.append(f"trace('{node.id} ' + str({node.told}))")
        return f'<scriptTask id="{node.id}">{mapped}{loop}<script>{chr(10).join(lines)}</script></scriptTask>'
    assert node.body is not None
    if node.kind == "call":
        called.append(node.body)
        return f'<callActivity id="{node.id}" calledElement="{node.body.id}">{mapped}{loop}</callActivity>'
    if node.body.enough:
        enough = node.body.enough
        manner = f'ordering="{"Sequential" if enough.in_order else "Parallel"}"'
        manner += f' cancelRemainingInstances="{str(enough.cancels).lower()}"'
        until = f"<completionCondition>{enough.until.xml()}</completionCondition>"
        return f'<adHocSubProcess id="{node.id}" {manner}>{_level(node.body, called)}{until}</adHocSubProcess>'
    return f'<subProcess id="{node.id}">{loop}{_level(node.body, called)}</subProcess>'
