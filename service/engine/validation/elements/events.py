"""Rules for events: where each may stand, what it must name, and how timers are written (BPMN 2.0 §10.5)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from service.engine.kernel.diagram_reader import MADE
from service.engine.kernel.synonyms import WITHIN
from service.engine.kernel.timers import can_fall_due, parse_cycle
from service.engine.validation.allow_list import EVENTS, SUBPROCESSES, THROWS
from service.engine.validation.diagram import (
    Diagram,
    an,
    camunda,
    children,
    is_true,
    kind,
    words,
)
from service.engine.validation.elements.flows import is_event_subprocess

_WAITS = ("message", "timer", "signal", "conditional", "multiple")
PLACES: dict[str, tuple[str, ...]] = {
    "start": ("none", "message", "signal", "multiple"),
    "subprocess start": ("none",),
    "interrupting event subprocess start": (*_WAITS, "error", "escalation"),
    "non-interrupting event subprocess start": (*_WAITS, "escalation"),
    "intermediate catch": (*_WAITS, "link"),
    "intermediate throw": ("none", "message", "signal", "escalation", "link", "compensate", "multiple"),
    "end": ("none", "message", "terminate", "error", "escalation", "signal", "cancel", "compensate", "multiple"),
    "interrupting boundary of a task": (*_WAITS, "error", "escalation", "compensate"),
    "non-interrupting boundary of a task": (*_WAITS, "escalation"),
    "interrupting boundary of a subprocess": (*_WAITS, "error", "escalation", "cancel", "compensate"),
    "non-interrupting boundary of a subprocess": (*_WAITS, "escalation"),
}
"""Place of an event → the triggers with which the engine executes it as BPMN 2.0 says."""

BEYOND: dict[str, tuple[str, ...]] = {
    "start": ("timer", "conditional"),
    "interrupting event subprocess start": ("compensate",),
}
"""Triggers that BPMN 2.0 has at a place and the engine does not execute (table 10.86)."""

ALONE = ("none", "link", "cancel", "compensate", "terminate", "multiple")
"""Triggers that an event has alone."""
END_SOMETHING = ("error",)
"""Triggers that can be neither thrown beside others nor waited for together with others."""

PLACE_ZH = {
    "start": "流程的开始事件",
    "subprocess start": "子流程的开始事件",
    "interrupting event subprocess start": "中断型事件子流程的开始事件",
    "non-interrupting event subprocess start": "非中断型事件子流程的开始事件",
    "intermediate catch": "中间捕获事件",
    "intermediate throw": "中间抛出事件",
    "end": "结束事件",
    "interrupting boundary of a task": "任务上的中断型边界事件",
    "non-interrupting boundary of a task": "任务上的非中断型边界事件",
    "interrupting boundary of a subprocess": "子流程上的中断型边界事件",
    "non-interrupting boundary of a subprocess": "子流程上的非中断型边界事件",
}


def place_of(d: Diagram, event: Any) -> str:
    """The row of PLACES that an event belongs to."""
    parent = event.getparent()
    if kind(event) == "startEvent":
        if kind(parent) == "process":
            return "start"
        if not is_event_subprocess(parent):
            return "subprocess start"
        return f"{'' if _is_interrupting(event, 'isInterrupting') else 'non-'}interrupting event subprocess start"
    if kind(event) == "boundaryEvent":
        host = d.ids.get(event.get("attachedToRef", ""))
        inside = host is not None and kind(host) in (*SUBPROCESSES, "callActivity")
        manner = "" if _is_interrupting(event, "cancelActivity") else "non-"
        return f"{manner}interrupting boundary of a {'subprocess' if inside else 'task'}"
    return {"intermediateCatchEvent": "intermediate catch", "intermediateThrowEvent": "intermediate throw"}.get(
        kind(event), "end"
    )


def _is_interrupting(event: Any, attribute: str) -> bool:
    return is_true(event.get(attribute, "true"))


def triggers_of(d: Diagram, event: Any) -> list[str]:
    """``timer``, ``message``, … of each definition of an event."""
    return [kind(definition).removesuffix("EventDefinition") for definition in d.definitions_of(event)]


def trigger_of(d: Diagram, event: Any) -> str:
    """``timer``, ``message``, … or ``none``; ``multiple`` when there are several definitions."""
    found = triggers_of(d, event)
    return "multiple" if len(found) > 1 else found[0] if found else "none"


def event_definitions_are_executable_here(d: Diagram) -> None:
    """The trigger of every event is allowed at its place."""
    for event in d.all(*EVENTS):
        place, trigger = place_of(d, event), trigger_of(d, event)
        if trigger not in PLACES[place]:
            allowed = trigger in BEYOND.get(place, ())
            d.refuse(
                event,
                f"{'引擎不执行' if allowed else 'BPMN 2.0 不允许(§10.5.1)'}{PLACE_ZH[place]}"
                f"的这种触发方式：{trigger}。",
                f"{'The engine' if allowed else 'BPMN 2.0 (§10.5.1)'} does not {'execute' if allowed else 'allow'}"
                f" this trigger of an event ({place}): {trigger}{' (§10.5.2)' if allowed else ''}.",
                f"此处可用：{'、'.join(PLACES[place]) or '无'}。",
                f"Allowed here: {', '.join(PLACES[place]) or 'none at all'}.",
            )


def several_definitions_go_together(d: Diagram) -> None:
    """Each of several definitions may stand at that place alone, and may stand beside others (BPMN 2.0 §10.5.3)."""
    for event in d.all(*EVENTS):
        place, found = place_of(d, event), triggers_of(d, event)
        throws, together = kind(event) in THROWS, is_true(event.get("parallelMultiple"))
        wrong = {one for one in found if one in ALONE or one not in PLACES[place]}
        if throws or together:
            wrong |= set(found) & set(END_SOMETHING)
        if len(found) > 1 and (wrong or (together and place == "start")):
            names = ", ".join(sorted(wrong)) or "parallelMultiple"
            d.refuse(
                event,
                f"有多个定义的事件在此处不能包含：{names}。",
                f"An event with several definitions may not have this here: {names}.",
                "拆成几个事件。",
                "Use several events.",
            )


def escalations_can_come(d: Diagram) -> None:
    """Nothing in a task throws an escalation but its instances, when their behavior says so."""
    for event in d.all("boundaryEvent"):
        host = d.ids.get(event.get("attachedToRef", ""))
        if "escalation" not in triggers_of(d, event) or host is None or kind(host) in (*SUBPROCESSES, "callActivity"):
            continue
        if not any(loop.get("behavior", "All") != "All" for loop in children(host, "multiInstanceLoopCharacteristics")):
            d.warn(
                event,
                f"{kind(host)} 里没有什么会抛出升级：这个事件不会发生。",
                f"Nothing in {an(kind(host))} throws an escalation: this event never comes.",
                "删去它，或改用子流程。",
                "Remove it, or draw a subprocess.",
            )


def conditions_are_written(d: Diagram) -> None:
    """A conditional event has a condition."""
    for definition in d.all("conditionalEventDefinition"):
        if not any(words(condition) for condition in children(definition, "condition")):
            d.refuse(
                definition,
                "条件事件没有条件。",
                "The conditional event has no condition.",
                "写上 condition。",
                "Write a condition.",
            )


def links_come_in_pairs(d: Diagram) -> None:
    """Each link that is thrown leads to the one catching link of its name on its level (BPMN 2.0 §10.5.5)."""
    for throw in d.all("intermediateThrowEvent"):
        if children(throw, "linkEventDefinition") and len(d.link_targets(throw)) != 1:
            d.refuse(
                throw,
                "这个链接在同一层没有同名的捕获链接事件，或不止一个。",
                "On this level there is not exactly one catching link event of this name.",
                "画出一个同名的捕获链接事件。",
                "Draw one catching link event of the same name.",
            )
    reached = {target for throw in d.all("intermediateThrowEvent") for target in d.link_targets(throw)}
    for catch in d.all("intermediateCatchEvent"):
        if children(catch, "linkEventDefinition") and catch.get("id") not in reached:
            d.refuse(
                catch,
                "没有同名的抛出链接事件通向这里。",
                "No throwing link event of this name leads here.",
                "画出同名的抛出链接事件，或删去它。",
                "Draw a throwing link event of the same name, or remove this one.",
            )


def cancel_events_belong_to_transactions(d: Diagram) -> None:
    """A cancel end event stands directly in a transaction that has a cancel boundary event,
    which only transactions have.
    """
    for definition in d.all("cancelEventDefinition"):
        event = definition.getparent()
        if kind(event) not in EVENTS:
            continue
        if kind(event) == "boundaryEvent":
            host = d.ids.get(event.get("attachedToRef", ""))
            sound = host is not None and kind(host) == "transaction"
        else:
            around = event.getparent()
            caught = d.boundaries.get(around.get("id", ""), [])
            sound = kind(around) == "transaction" and any(children(b, "cancelEventDefinition") for b in caught)
        if not sound:
            d.refuse(
                event,
                "取消事件只能用在事务内(该事务带有取消边界事件)或事务的边界上。",
                "A cancel event belongs into a transaction that has a cancel boundary event, or on its border.",
                "改用错误事件，或补上取消边界事件。",
                "Use an error event, or add the cancel boundary event.",
            )


def boundary_events_attach_in_same_scope(d: Diagram) -> None:
    """A boundary event stands on the level of the activity it is attached to."""
    for event in d.all("boundaryEvent"):
        host = d.ids.get(event.get("attachedToRef", ""))
        if host is not None and (host.getparent() is not event.getparent() or is_event_subprocess(host)):
            d.refuse(
                event,
                "边界事件与它附着的活动不在同一层，或附着在事件子流程上。",
                "The boundary event is not on the level of its activity, or sits on an event subprocess.",
                "附着到同一层的活动上。",
                "Attach it to an activity of its level.",
            )


NAMED = {
    "messageEventDefinition": ("messageRef", "name", "消息", "message"),
    "signalEventDefinition": ("signalRef", "name", "信号", "signal"),
    "escalationEventDefinition": ("escalationRef", "escalationCode", "升级", "escalation"),
    "errorEventDefinition": ("errorRef", "errorCode", "错误", "error"),
    "sendTask": ("messageRef", "name", "消息", "message"),
    "receiveTask": ("messageRef", "name", "消息", "message"),
}
MAY_CATCH_ALL = ("errorEventDefinition", "escalationEventDefinition")


def event_definitions_have_references(d: Diagram) -> None:
    """Messages and signals have a name, errors and escalations a code;
    only a catching error or escalation may name none.
    """
    used = d.referred_definitions()
    for name, (attribute, key, zh, en) in NAMED.items():
        for element in d.all(name):
            catching = name in MAY_CATCH_ALL and kind(element.getparent()) in ("boundaryEvent", "startEvent")
            unused = kind(element.getparent()) == "definitions" and element.get("id") not in used
            if unused or (catching and element.get(attribute) is None):
                continue
            target = d.resolve(element.get(attribute))
            if target is None or not (target.get(key) or "").strip():
                d.refuse(
                    element,
                    f"没有指明{zh}，或该{zh}没有 {key}。",
                    f"It names no {en}, or the {en} has no {key}.",
                    f"指明一个带 {key} 的{zh}。",
                    f"Refer to {an(en)} that has a {key}.",
                )


def events_name_what_they_wait_for(d: Diagram) -> None:
    """An event or task that names no message or signal has one of its own, called as it is."""
    for name in ("messageEventDefinition", "signalEventDefinition", "sendTask", "receiveTask"):
        for element in d.all(name):
            if element.get(MADE) == "name" and camunda(element, "type") != "external":
                target = d.resolve(element.get(NAMED[name][0]))
                value = "" if target is None else target.get("name")
                d.warn(
                    element,
                    f"没有指明{NAMED[name][2]}，按元素的 id 命名为“{value}”。",
                    f'It names no {NAMED[name][3]}: it has one of its own, "{value}", after the element.',
                    f"指明{NAMED[name][2]}。",
                    f"Refer to {an(NAMED[name][3])}.",
                )


def signals_that_stay_are_told(d: Diagram) -> None:
    """A signal of the scope ``processInstance``, as Flowable has it, is no broadcast as §10.5.5 says."""
    for signal in d.all("signal"):
        if signal.get(WITHIN):
            d.warn(
                signal,
                "信号只送到抛出它的那件业务之内，包括它调用的流程。",
                "The signal stays within the case that throws it, the processes it calls included.",
                "要送给所有人，就删去 scope。",
                "Remove the scope to reach everybody.",
            )


def event_names_are_unambiguous(d: Diagram) -> None:
    """Two messages, signals, errors or escalations do not share a name or code: the engine tells them apart by it."""
    for name, key in (
        ("message", "name"),
        ("signal", "name"),
        ("error", "errorCode"),
        ("escalation", "escalationCode"),
    ):
        seen: set[str] = set()
        for element in d.all(name):
            value = (element.get(key) or "").strip()
            if value and value in seen:
                d.refuse(
                    element,
                    f"两个 {name} 的 {key} 相同：“{value}”。",
                    f'Two {name} elements have the same {key}: "{value}".',
                    "改成不同的名称，或合并为一个。",
                    "Name them differently, or use one.",
                )
            seen.add(value)


_NUMBER = r"\d{1,6}"
DURATION = re.compile(
    rf"P(?=\d|T\d)(?:(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}D)?(?:T(?=\d)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}(?:[.,]\d{{1,6}})?S)?)?|{_NUMBER}W)"
)
INSTANT = re.compile(
    r"\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
    r"(?:T(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?:Z|[+-](?:0\d|1[0-4]):[0-5]\d)?)?"
)
CYCLE = re.compile(rf"R(?:[1-9]\d{{0,3}})?/(?:{INSTANT.pattern}/)?{DURATION.pattern}")
EXPRESSION = re.compile(r"\$\{.+\}", re.DOTALL)
TIMERS: dict[str, tuple[re.Pattern[str], Callable[[str], object], str]] = {
    "timeDate": (INSTANT, can_fall_due, "2026-03-01T09:00:00"),
    "timeDuration": (DURATION, can_fall_due, "P3D、PT2H"),
    "timeCycle": (CYCLE, lambda text: parse_cycle(text) and can_fall_due(text.rpartition("/")[2]), "R3/P1D"),
}
"""Notation of each kind of time, what reads it, and an example."""


def timers_are_iso_8601(d: Diagram) -> None:
    """A timer has one date, duration or cycle, in ISO 8601 (or an expression that gives it)."""
    used = d.referred_definitions()
    for timer in d.all("timerEventDefinition"):
        if kind(timer.getparent()) == "definitions" and timer.get("id") not in used:
            continue
        times = children(timer, *TIMERS)
        if len(times) != 1:
            d.refuse(
                timer,
                "定时器应有且只有一个时刻、时长或周期(BPMN 2.0 §10.5.5)。",
                "A timer needs exactly one date, duration or cycle (BPMN 2.0 §10.5.5).",
                "写上 timeDate、timeDuration 或 timeCycle。",
                "Write a timeDate, timeDuration or timeCycle.",
            )
        for time in times:
            _check_time(d, time)


def _check_time(d: Diagram, time: Any) -> None:
    value = words(time)
    pattern, parsed, example = TIMERS[kind(time)]
    event = time.getparent().getparent()
    alone = kind(event) in EVENTS and len(d.definitions_of(event)) == 1
    if kind(time) == "timeCycle" and not (alone and place_of(d, event).startswith("non-interrupting")):
        d.refuse(
            time,
            "引擎只在非中断型边界事件或事件子流程上执行周期定时器，且须是其唯一的定义。",
            "The engine executes timer cycles only on non-interrupting boundary events or event subprocesses, "
            "as their only definition.",
            "改用 timeDuration。",
            "Use a timeDuration.",
        )
    elif not (pattern.fullmatch(value) and parsed(value)) and not (
        EXPRESSION.fullmatch(value) and kind(time) != "timeCycle"
    ):
        d.refuse(
            time,
            f"“{value[:60]}”不是 ISO 8601 的 {kind(time)}。",
            f'"{value[:60]}" is not an ISO 8601 {kind(time)}.',
            f"例如 {example}。",
            f"For example {example.replace('、', ' or ')}.",
        )


RULES = (
    event_definitions_are_executable_here,
    escalations_can_come,
    several_definitions_go_together,
    conditions_are_written,
    links_come_in_pairs,
    cancel_events_belong_to_transactions,
    boundary_events_attach_in_same_scope,
    event_definitions_have_references,
    events_name_what_they_wait_for,
    signals_that_stay_are_told,
    event_names_are_unambiguous,
    timers_are_iso_8601,
)
