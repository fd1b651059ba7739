"""Compensation: each event leads to one activity that undoes another, and is thrown where something can be undone."""

from __future__ import annotations

from typing import Any

from service.engine.validation.allow_list import ACTIVITIES, SUBPROCESSES, THROWS
from service.engine.validation.diagram import Diagram, children, is_true, kind
from service.engine.validation.elements.flows import is_event_subprocess, undoes


def compensation_is_associated(d: Diagram) -> None:
    """A compensation boundary event is associated with one activity for compensation on its level, and each such
    activity with one event; it has no events on its border (BPMN 2.0 §10.7.1).
    """
    reached: list[str] = []
    for event in d.all("boundaryEvent"):
        if not undoes(event):
            continue
        found = [a.get("targetRef") for a in d.all("association") if a.get("sourceRef") == event.get("id")]
        target = d.ids.get(found[0]) if len(found) == 1 else None
        fits = target is not None and is_true(target.get("isForCompensation"))
        if target is None or not fits or target.getparent() is not event.getparent():
            d.refuse(
                event,
                "补偿边界事件应恰好关联同一层的一个补偿活动(isForCompensation)。",
                "A compensation boundary event must be associated with one activity for compensation on its level.",
                "从事件向补偿活动画一条关联。",
                "Draw an association from the event to that activity.",
            )
        reached += found
    for activity in d.all(*ACTIVITIES):
        if not is_true(activity.get("isForCompensation")):
            continue
        if reached.count(activity.get("id", "")) != 1 or d.boundaries.get(activity.get("id", "")):
            d.refuse(
                activity,
                "补偿活动应恰好由一个补偿边界事件关联，且自身不带边界事件。",
                "An activity for compensation belongs to one compensation boundary event, and has no boundary events.",
                "补上关联，或删去 isForCompensation。",
                "Draw the association, or remove isForCompensation.",
            )


def compensation_reaches_its_activity(d: Diagram) -> None:
    """An event that names what is undone names an activity of its scope that can be (BPMN 2.0 table 10.88)."""
    for definition in d.all("compensateEventDefinition"):
        event, named = definition.getparent(), definition.get("activityRef")
        if kind(event) not in THROWS or not named:
            continue
        activity = d.resolve(named)
        if activity is None or activity.getparent() not in _scopes(event) or not _can_be_undone(d, activity):
            d.refuse(
                event,
                "activityRef 应是同一范围内带补偿事件的活动或子流程。",
                "activityRef must name an activity of this scope that has a compensation event, or a subprocess.",
                "改正 activityRef,或删去它以补偿整个范围。",
                "Correct it, or remove it to compensate the whole scope.",
            )


def _scopes(event: Any) -> list[Any]:
    """The level of an event and, in an event subprocess, the level around it."""
    found = [event.getparent()]
    while is_event_subprocess(found[-1]):
        found.append(found[-1].getparent())
    return found


def _can_be_undone(d: Diagram, activity: Any) -> bool:
    events = d.boundaries.get(activity.get("id", ""), [])
    inside = kind(activity) in SUBPROCESSES and not is_event_subprocess(activity)
    return inside or any(children(event, "compensateEventDefinition") for event in events)


RULES = (compensation_is_associated, compensation_reaches_its_activity)
