"""Parts of processes that begin at one element and end at one: one for each kind of thing that a diagram can hold."""

from __future__ import annotations

import re

from tests.conformance.scenarios import (
    CANCEL,
    ERROR,
    ESCALATION,
    SIGNAL,
    STAYS,
    after,
    around,
    every,
    graph,
    instances,
    line,
    listening,
    loop,
    t,
    throw,
    timer,
    transaction,
    wait,
)
from tests.unit.validation_diagrams import script, sub, task

UNDONE = "<compensateEventDefinition/>"
AD_HOC = '<adHocSubProcess id="{0}">{1}<completionCondition>1 == 1</completionCondition></adHocSubProcess>'
MERGE = '<exclusiveGateway id="{0}"/>'


def border(name: str, host: str, trigger: str, attributes: str = "") -> str:
    return f'<boundaryEvent id="{name}" attachedToRef="{host}" {attributes}>{trigger}</boundaryEvent>'


def behind_border(n: str, host: str, trigger: str, attributes: str = "") -> str:
    """Both ways, out of the activity and out of its border, meet behind it."""
    return host + border(f"{n}b", n, trigger, attributes) + MERGE.format(f"{n}m") + graph(f"{n}>{n}m", f"{n}b>{n}m")


def ways(n: str, kind: str, *nodes: str) -> str:
    """A split and a join of this kind, with these nodes between."""
    names = [re.findall(r' id="(\w+)"', node)[0] for node in nodes]
    between = graph(*(edge for name in names for edge in (f"{n}>{name}", f"{name}>{n}m")))
    return f'<{kind} id="{n}"/><{kind} id="{n}m"/>' + "".join(nodes) + between


def long(n: str, *nodes: str) -> str:
    """A subprocess that takes nine seconds."""
    return sub(n, line(timer(f"{n}w", 9), *nodes))


PARTS = {
    "script": lambda n: t(n),
    "none": lambda n: task(n),
    "manual": lambda n: task(n, "manualTask"),
    "send": lambda n: task(n, "sendTask", 'messageRef="msg"'),
    "throw": lambda n: throw(n, ""),
    "signal": lambda n: throw(n, SIGNAL),
    "escalation": lambda n: throw(n, ESCALATION),
    "timer": lambda n: timer(n, 2),
    "sub": lambda n: sub(n, line(t(f"{n}i"))),
    "transaction": lambda n: transaction(n, line(t(f"{n}i"))),
    "ad hoc": lambda n: AD_HOC.format(n, t(f"{n}i")),
    "call": lambda n: f'<callActivity id="{n}" calledElement="C"/>',
    "par": lambda n: script(n, f"trace('{n}')").replace(">", ">" + instances("<loopCardinality>3</loopCardinality>"), 1),
    "seq": lambda n: sub(n, instances("<loopCardinality>2</loopCardinality>", 'isSequential="true"') + line(t(f"{n}i"))),
    "loop": lambda n: sub(n, loop("loopCounter &lt; 2") + line(wait(f"{n}v", 1), t(f"{n}i"))),
    "interrupted": lambda n: behind_border(n, long(n, t(f"{n}i")), after(2)),
    "accompanied": lambda n: behind_border(n, long(n, t(f"{n}i")), after(2), STAYS),
    "several times": lambda n: behind_border(n, long(n, t(f"{n}i")), every(2, 3), STAYS),
    "conditional": lambda n: behind_border(
        n, sub(n, line(script(f"{n}i", f"v{n} = True"), timer(f"{n}w", 1), t(f"{n}j"))),
        f'<conditionalEventDefinition><condition>v{n}</condition></conditionalEventDefinition>',
    ),
    "failed": lambda n: behind_border(n, sub(n, line(timer(f"{n}w", 1), end=ERROR)), ERROR),
    "escalated": lambda n: behind_border(n, sub(n, line(timer(f"{n}w", 1), throw(f"{n}i", ESCALATION))), ESCALATION, STAYS),
    "cancelled": lambda n: behind_border(n, transaction(n, line(timer(f"{n}w", 1), end=CANCEL)), CANCEL),
    "repeated and interrupted": lambda n: behind_border(
        n, sub(n, instances("<loopCardinality>2</loopCardinality>") + line(timer(f"{n}w", 9))), after(2)
    ),
    "event subprocess": lambda n: around(n, line(timer(f"{n}w", 9)), listening(f"{n}l", after(2), t(f"{n}i"))),
    "event subprocess beside": lambda n: around(
        n, line(timer(f"{n}w", 9)), listening(f"{n}l", after(2), t(f"{n}i"), stays=True)
    ),
    "parallel": lambda n: ways(n, "parallelGateway", t(f"{n}x"), timer(f"{n}y", 1)),
    "inclusive": lambda n: ways(n, "inclusiveGateway", t(f"{n}x"), timer(f"{n}y", 1)),
    "exclusive": lambda n: ways(n, "exclusiveGateway", t(f"{n}x"), timer(f"{n}y", 1)),
    "complex": lambda n: ways(n, "complexGateway", t(f"{n}x"), timer(f"{n}y", 1)).replace(
        f'<complexGateway id="{n}m"/>',
        f'<complexGateway id="{n}m"><activationCondition>activationCount &gt;= 1</activationCondition></complexGateway>',
    ),
    "event-based": lambda n: f'<eventBasedGateway id="{n}"/>' + timer(f"{n}x", 1) + timer(f"{n}y", 2) + MERGE.format(f"{n}m")
    + graph(f"{n}>{n}x", f"{n}>{n}y", f"{n}x>{n}m", f"{n}y>{n}m"),
    "undone": lambda n: t(n) + border(f"{n}b", n, UNDONE) + throw(f"{n}m", UNDONE) + graph(f"{n}>{n}m")
    + task(f"{n}u", "scriptTask", 'isForCompensation="true"', f"<script>trace('{n}u')</script>")
    + f'<association id="{n}a" sourceRef="{n}b" targetRef="{n}u"/>',
}  # fmt: skip


def exit_of(part: str, name: str) -> str:
    """The element at which a part ends."""
    return f"{name}m" if f'id="{name}m"' in part else name


def apart(drawn: str) -> tuple[str, str]:
    """What is drawn without its associations, which stand behind all else; and these."""
    note = r"<association[^>]*/>"
    return re.sub(note, "", drawn), "".join(re.findall(note, drawn))
