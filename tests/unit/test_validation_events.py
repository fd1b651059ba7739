"""Events: each trigger only where the engine executes it, named as it must be, timers in ISO 8601."""

from __future__ import annotations

import pytest

from service.engine.validation.elements.events import ALONE, BEYOND, PLACES
from tests.unit.validation_diagrams import TIMER, boundary, chain, flow, problems, process, said, sub, task

ROOT = (
    '<message id="m" name="paid"/><signal id="sg" name="alarm"/><error id="er" name="bad" errorCode="E1"/>'
    '<escalation id="es" name="up" escalationCode="C1"/>'
)
TRIGGERS = {
    "none": "",
    "message": '<messageEventDefinition messageRef="m"/>',
    "timer": TIMER,
    "signal": '<signalEventDefinition signalRef="sg"/>',
    "error": '<errorEventDefinition errorRef="er"/>',
    "escalation": '<escalationEventDefinition escalationRef="es"/>',
    "conditional": '<conditionalEventDefinition><condition xsi:type="bpmn:tFormalExpression">x == 1</condition></conditionalEventDefinition>',
    "terminate": "<terminateEventDefinition/>",
    "link": '<linkEventDefinition name="l"/>',
    "compensate": "<compensateEventDefinition/>",
    "cancel": "<cancelEventDefinition/>",
    "eventDefinitionRef": "<eventDefinitionRef>td</eventDefinitionRef>",
    "multiple": '<messageEventDefinition messageRef="m"/><signalEventDefinition signalRef="sg"/>',
}
DEFINED = TIMER.replace(">", ' id="td">', 1)
REFERRED = {"eventDefinitionRef": "timer"}


def event_subprocess(trigger: str, interrupting: str) -> str:
    start = f'<startEvent id="ev.s" isInterrupting="{interrupting}">{trigger}</startEvent>'
    inner = sub("ev", chain(task("ev_t")), 'triggeredByEvent="true"')
    return inner.replace('<startEvent id="ev.s"/>', start)


def body_with(place: str, trigger: str) -> str:
    """A process with an event of this trigger at this place."""
    inner = sub("p", chain(task("i")))
    if trigger == TRIGGERS["compensate"] and "boundary" in place:  # leads to what undoes, by no flow
        host = inner if "subprocess" in place else task("a")
        manner = 'cancelActivity="false"' if place.startswith("non") else ""
        name = "p" if "subprocess" in place else "a"
        event = f'<boundaryEvent id="b" attachedToRef="{name}" {manner}>{trigger}</boundaryEvent>'
        undo = task("u", attributes='isForCompensation="true"')
        return chain(host) + event + undo + '<association id="as" sourceRef="b" targetRef="u"/>'
    if trigger == TRIGGERS["link"] and place.startswith("intermediate"):
        pair = [task("c", "intermediateThrowEvent", inner=trigger), task("d", "intermediateCatchEvent", inner=trigger)]
        return chain(*pair).replace(flow("c", "d"), "")
    return {
        "start": chain(task("a")).replace('<startEvent id="s"/>', f'<startEvent id="s">{trigger}</startEvent>'),
        "subprocess start": chain(
            inner.replace('<startEvent id="p.s"/>', f'<startEvent id="p.s">{trigger}</startEvent>')
        ),
        "interrupting event subprocess start": chain(task("a")) + event_subprocess(trigger, "true"),
        "non-interrupting event subprocess start": chain(task("a")) + event_subprocess(trigger, "false"),
        "intermediate catch": chain(task("c", "intermediateCatchEvent", inner=trigger)),
        "intermediate throw": chain(task("c", "intermediateThrowEvent", inner=trigger)),
        "end": chain(task("a")).replace('<endEvent id="e"/>', f'<endEvent id="e">{trigger}</endEvent>'),
        "interrupting boundary of a task": chain(task("a")) + boundary("b", "a", trigger),
        "non-interrupting boundary of a task": chain(task("a")) + boundary("b", "a", trigger, 'cancelActivity="false"'),
        "interrupting boundary of a subprocess": chain(inner) + boundary("b", "p", trigger),
        "non-interrupting boundary of a subprocess": chain(inner)
        + boundary("b", "p", trigger, 'cancelActivity="false"'),
    }[place]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_is_accepted_exactly_where_the_table_says(place: str, trigger: str) -> None:
    text = said(process(body_with(place, TRIGGERS[trigger]), ROOT + DEFINED))
    trigger = REFERRED.get(trigger, trigger)
    if trigger == "cancel":  # also needs a transaction, see below
        text = "\n".join(line for line in text.splitlines() if "belongs into a transaction" not in line)
    assert ("this trigger of an event" in text) is (trigger not in PLACES[place]), text
    assert ("engine does not execute" in text) is (trigger in BEYOND.get(place, ())), text
    if trigger in PLACES[place]:
        assert not text


@pytest.mark.parametrize(
    ("place", "trigger", "reason"),
    [
        ("intermediate catch", '<messageEventDefinition messageRef="ghost"/>', "not in the file"),
        ("intermediate catch", '<messageEventDefinition messageRef="sg"/>', "not allowed here"),
        ("end", "<errorEventDefinition/>", "names no error"),
        ("end", "<escalationEventDefinition/>", "names no escalation"),
        ("intermediate catch", "<eventDefinitionRef>ghost</eventDefinitionRef>", "not in the file"),
        ("intermediate catch", "<eventDefinitionRef>m</eventDefinitionRef>", "not allowed here"),
        ("intermediate throw", '<messageEventDefinition messageRef="typed"/>', "operation"),
    ],
)
def test_an_event_names_what_it_means(place: str, trigger: str, reason: str) -> None:
    more = '<itemDefinition id="i"/><message id="typed" name="t" itemRef="i"/>'
    assert reason in said(process(body_with(place, trigger), ROOT + more))


def test_only_transactions_are_cancelled_and_from_inside() -> None:
    def transaction(inner: str, event: str) -> bytes:
        body = sub("p", inner).replace("<subProcess", "<transaction").replace("</subProcess", "</transaction")
        return process(chain(body) + event)

    cancel = chain(task("i")).replace('<endEvent id="e"/>', f'<endEvent id="e">{TRIGGERS["cancel"]}</endEvent>')
    caught = boundary("b", "p", TRIGGERS["cancel"])
    assert not problems(transaction(cancel, caught))
    assert "cancel boundary event" in said(transaction(cancel, ""))
    assert "cancel boundary event" in said(process(chain(sub("p", chain(task("i")))) + caught))
    assert "cancel boundary event" in said(process(cancel))
    assert not problems(process(chain(task("i")), '<cancelEventDefinition id="unused"/>'))


def test_an_event_with_several_triggers_only_throws_what_ends_nothing() -> None:
    assert not problems(process(body_with("intermediate throw", TRIGGERS["multiple"]), ROOT))
    assert "several definitions" in said(process(body_with("end", TRIGGERS["terminate"] + TRIGGERS["signal"]), ROOT))
    assert "several definitions" in said(process(body_with("end", TRIGGERS["error"] + TRIGGERS["signal"]), ROOT))


SINGLE = [name for name in TRIGGERS if name not in ("none", "multiple", "eventDefinitionRef")]


@pytest.mark.parametrize("parallel", ["true", "false"])
@pytest.mark.parametrize("place", [place for place in PLACES if "multiple" in PLACES[place]])
@pytest.mark.parametrize("trigger", SINGLE)
def test_what_stands_beside_others_may_stand_there_alone(trigger: str, place: str, parallel: str) -> None:
    """Issue 10: each kind of definition beside a signal, at each place, one of them or all of them."""
    other = TRIGGERS["message"] if trigger == "signal" else TRIGGERS["signal"]
    throws = place in ("intermediate throw", "end")
    body = body_with(place, TRIGGERS[trigger] + other)
    if not throws:
        mark = next(name for name in ('id="b"', 'id="c"', 'id="ev.s"', 'id="s"') if name in body)
        body = body.replace(mark, f'{mark} parallelMultiple="{parallel}"', 1)
    fits = trigger in PLACES[place] and trigger not in ALONE
    if trigger == "error":
        fits = fits and not throws and parallel == "false"
    if place == "start":
        fits = fits and parallel == "false"
    assert (not problems(process(body, ROOT))) is fits, said(process(body, ROOT))


@pytest.mark.parametrize(
    ("thrown", "caught", "accepted"),
    [("l", ("l",), True), ("l", ("k",), False), ("l", ("l", "l"), False), ("l", (), False), ("l", ("l", "k"), False)],
)
def test_links_come_in_pairs(thrown: str, caught: tuple[str, ...], accepted: bool) -> None:
    throw = task("c", "intermediateThrowEvent", inner=f'<linkEventDefinition name="{thrown}"/>')
    catches = [
        task(f"d{n}", "intermediateCatchEvent", inner=f'<linkEventDefinition name="{name}"/>')
        for n, name in enumerate(caught)
    ]
    ways = "".join(f'{one}<endEvent id="e{n}"/>{flow(f"d{n}", f"e{n}")}' for n, one in enumerate(catches))
    body = f'<startEvent id="s"/>{throw}{flow("s", "c")}{ways}<endEvent id="e"/>'.replace('<endEvent id="e"/>', "")
    body += "" if caught else '<endEvent id="e"/>'
    refused = [problem for problem in problems(process(body)) if "link" in problem.en]
    assert (not refused) is accepted
    assert (not problems(process(body))) is accepted


def test_links_do_not_cross_levels() -> None:
    link = '<linkEventDefinition name="l"/>'
    inside = sub("p", chain(task("i")) + task("d", "intermediateCatchEvent", inner=link) + task("w") + flow("d", "w"))
    body = chain(inside, task("c", "intermediateThrowEvent", inner=link))
    assert "catching link" in said(process(body))


def test_a_condition_is_written() -> None:
    body = body_with("intermediate catch", "<conditionalEventDefinition/>")
    assert problems(process(body))


def test_a_boundary_error_event_may_catch_every_error() -> None:
    assert not problems(process(body_with("interrupting boundary of a task", "<errorEventDefinition/>")))


def test_names_and_codes_are_unambiguous() -> None:
    assert "same name" in said(process(chain(task("a")), ROOT + '<message id="m2" name="paid"/>'))
    assert "same errorCode" in said(process(chain(task("a")), ROOT + '<error id="e2" errorCode="E1"/>'))


def test_a_boundary_event_sits_on_an_activity_of_its_level() -> None:
    inner = sub("p", chain(task("i")))
    assert "level" in said(process(chain(inner) + boundary("b", "i", TIMER)))
    assert "not allowed here" in said(process(chain(task("a")) + boundary("b", "s", TIMER)))
    assert "not in the file" in said(process(chain(task("a")) + boundary("b", "ghost", TIMER)))


@pytest.mark.parametrize(
    ("time", "accepted"),
    [
        ("<timeDuration>PT1S</timeDuration>", True),
        ("<timeDuration>PT1.5S</timeDuration>", True),
        ("<timeDuration>PT1.S</timeDuration>", False),
        ("<timeDuration>PT1.5M</timeDuration>", False),
        ("<timeDuration>P1Y2M3DT4H5M6S</timeDuration>", True),
        ("<timeDuration>P2W</timeDuration>", True),
        ("<timeDuration>${due_in}</timeDuration>", True),
        ("<timeDuration>PT</timeDuration>", False),
        ("<timeDuration>P1M2</timeDuration>", False),
        ("<timeDuration>1 day</timeDuration>", False),
        ("<timeDuration>&quot;PT1S&quot;</timeDuration>", True),
        ("<timeDuration>&quot;PT1S</timeDuration>", False),
        ("<timeDuration>&quot;1 day&quot;</timeDuration>", False),
        ("<timeDuration/>", False),
        ("<timeDate>2026-03-01T09:00:00</timeDate>", True),
        ("<timeDate>2026-03-01T09:00:00+08:00</timeDate>", True),
        ("<timeDate>2026-03-01</timeDate>", True),
        ("<timeDate>2026-13-01</timeDate>", False),
        ("<timeDate>2026-02-30</timeDate>", False),
        ("<timeDate>tomorrow</timeDate>", False),
        ("<timeCycle>R3/PT1S</timeCycle>", False),
        ("", False),
        ("<timeDuration>PT1S</timeDuration><timeDate>2026-03-01</timeDate>", False),
    ],
)
def test_timers_are_iso_8601(time: str, accepted: bool) -> None:
    timer = f"<timerEventDefinition>{time}</timerEventDefinition>"
    assert (not problems(process(body_with("intermediate catch", timer)))) is accepted


@pytest.mark.parametrize(
    ("cycle", "accepted"),
    [("R3/PT1S", True), ("R/P1D", True), ("R3/1S", False), ("R3/PT0S", False), ("0 0 * * *", False)],
)
def test_cycles_stand_on_non_interrupting_events(cycle: str, accepted: bool) -> None:
    timer = f"<timerEventDefinition><timeCycle>{cycle}</timeCycle></timerEventDefinition>"
    assert (not problems(process(body_with("non-interrupting boundary of a task", timer)))) is accepted
    assert problems(process(body_with("interrupting boundary of a task", timer)))
