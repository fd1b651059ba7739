"""Ad-hoc subprocesses: what they need, and what the engine executes inside them (BPMN 2.0 §10.3.5)."""

from __future__ import annotations

from service.engine.validation.allow_list import ACTIVITIES
from service.engine.validation.diagram import Diagram, children
from service.engine.validation.elements.flows import is_event_subprocess, undoes


def ad_hoc_subprocesses_say_when(d: Diagram) -> None:
    """An ad-hoc subprocess has activities, neither start nor end events, and a completion condition
    (BPMN 2.0 §10.3.5, table 10.22).
    """
    for level in d.all("adHocSubProcess"):
        if not children(level, *ACTIVITIES) or children(level, "startEvent", "endEvent"):
            d.refuse(
                level,
                "即席子流程应有活动，且不能有开始或结束事件。",
                "An ad-hoc subprocess needs activities and may have neither start nor end events.",
                "画出活动，删去开始和结束事件。",
                "Draw activities, and remove start and end events.",
            )
        if not children(level, "completionCondition"):
            d.refuse(
                level,
                "即席子流程没有写明何时完成(BPMN 2.0 表 10.22)。",
                "The ad-hoc subprocess does not say when it is complete (BPMN 2.0 table 10.22).",
                "写上 completionCondition。",
                "Write a completionCondition.",
            )


def ad_hoc_subprocesses_hold_what_runs(d: Diagram) -> None:
    """Inside an ad-hoc subprocess the engine knows no event subprocesses, and undoes nothing where the rest is
    cancelled.
    """
    for level in d.all("adHocSubProcess"):
        for node in children(level, "subProcess"):
            if is_event_subprocess(node):
                d.refuse(
                    node,
                    "即席子流程内不执行事件子流程。",
                    "The engine executes no event subprocess inside an ad-hoc subprocess.",
                    "把事件子流程移到外面一层。",
                    "Move the event subprocess to the level around it.",
                )
        if level.get("cancelRemainingInstances") == "false":
            continue
        for event in d.all("boundaryEvent"):
            if level in event.iterancestors() and undoes(event):
                d.refuse(
                    event,
                    "即席子流程取消其余活动时，其中的活动不能补偿。",
                    "Activities of an ad-hoc subprocess that cancels the remaining ones cannot be compensated.",
                    '写上 cancelRemainingInstances="false",或去掉补偿。',
                    'Write cancelRemainingInstances="false", or take the compensation away.',
                )


RULES = (
    ad_hoc_subprocesses_say_when,
    ad_hoc_subprocesses_hold_what_runs,
)
