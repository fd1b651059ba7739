"""Tasks, loops, multi-instance, call activities, lanes, and which processes of a file are executed."""

from __future__ import annotations

import re
from typing import Any

from service.engine.validation.allow_list import ACTIVITIES, EVENT_DEFINITIONS, FLOW_NODES
from service.engine.validation.diagram import (
    Diagram,
    an,
    camunda,
    children,
    is_true,
    kind,
    words,
)
from service.engine.validation.elements.flows import is_event_subprocess, starts_by_receiving

MAX_INSTANCES = 1000  # each is a token of the stored state
MAX_TURNS = 1000  # of a loop
MAX_TOKENS = 100  # that arrive or leave together


def tasks_say_what_to_do(d: Diagram) -> None:
    """A task that does not say what does it: somebody outside does, or nobody has to."""
    both = ('camunda:type="external" 和 camunda:topic', 'camunda:type="external" and camunda:topic')
    worker = ("等外部程序处理", "it waits for an external worker")
    passes = ("令牌直接通过", "its token passes straight through")
    rule = ("camunda:decisionRef 和 camunda:resultVariable", "camunda:decisionRef and camunda:resultVariable")
    wanted = [
        *((t, camunda(t, "type") == "external" and camunda(t, "topic"), both, worker) for t in d.all("serviceTask")),
        *((t, camunda(t, "decisionRef"), rule, worker) for t in d.all("businessRuleTask")),
        *((t, any(words(s) for s in children(t, "script")), SCRIPT, passes) for t in d.all("scriptTask")),
        *((t, t.get("calledElement"), ("calledElement", "calledElement"), worker) for t in d.all("callActivity")),
    ]
    for task, has, (zh, en), (does_zh, does_en) in wanted:
        if not has:
            topic = f"(主题 {task.get('id')})", f" under the topic {task.get('id')}"
            named = topic if does_zh == worker[0] else ("", "")
            d.warn(
                task,
                f"{kind(task)} 没有写明做什么，缺少{zh}:{does_zh}{named[0]}。",
                f"The {kind(task)} does not say what to do, it lacks {en}: {does_en}{named[1]}.",
                f"补上{zh}。",
                f"Add {en}.",
            )
    for task in d.all("businessRuleTask"):
        if camunda(task, "decisionRef") and not camunda(task, "resultVariable"):
            d.refuse(
                task,
                "决策的结果没有去处，缺少camunda:resultVariable。",
                "The result of the decision goes nowhere: it lacks camunda:resultVariable.",
                "补上camunda:resultVariable。",
                "Add camunda:resultVariable.",
            )


OURS = ("##unspecified", "##Unspecified", "##WebService", "##HumanTaskWebService")


def implementations_are_ours(d: Diagram) -> None:
    """``implementation`` may be any technology's URI (§10.3.3): here the kind of a task says how it is done."""
    for task in d.all("userTask", "serviceTask", "sendTask", "receiveTask", "businessRuleTask"):
        value = task.get("implementation", OURS[0])
        if value not in OURS:
            d.warn(
                task,
                f"implementation=“{value[:60]}”不起作用：按 {kind(task)} 的办法执行。",
                f'implementation="{value[:60]}" is without effect: it is done as {an(kind(task))} is.',
                f"改为 {OURS[0]}。",
                f"Write {OURS[0]}.",
            )


SCRIPT = ("脚本内容", "a script")


def quantities_are_positive(d: Diagram) -> None:
    """``startQuantity`` and ``completionQuantity`` count tokens (§10.3, table 10.3); to what undoes an activity none
    come by a flow, and none leave it (§10.7.1).
    """
    for node in d.all(*ACTIVITIES):
        wanted = {node.get(name, "1").strip() for name in ("startQuantity", "completionQuantity")}
        if is_true(node.get("isForCompensation")) and wanted != {"1"}:
            d.refuse(
                node,
                "补偿活动没有进出的顺序流(BPMN 2.0 §10.7.1),不能写令牌数量。",
                "No flow leads to or from an activity for compensation (BPMN 2.0 §10.7.1): it counts no tokens.",
                "删去 startQuantity 和 completionQuantity。",
                "Remove startQuantity and completionQuantity.",
            )
            continue
        for name in ("startQuantity", "completionQuantity"):
            value = node.get(name, "1").strip()
            if not (re.fullmatch(r"\d{1,3}", value) and 1 <= int(value) <= MAX_TOKENS):
                d.refuse(
                    node,
                    f"{name}=“{value[:20]}”不在 1 到 {MAX_TOKENS} 之间。",
                    f'{name}="{value[:20]}" is not between 1 and {MAX_TOKENS}.',
                    "改正该值。",
                    "Correct it.",
                )


def receiving_starts_stand_alone(d: Diagram) -> None:
    """A receive task that instantiates begins a process, and is neither repeated nor interrupted (§10.3.3)."""
    for task in d.all("receiveTask"):
        odd = children(task, "standardLoopCharacteristics", "multiInstanceLoopCharacteristics")
        if starts_by_receiving(task) and (
            odd or d.boundaries.get(task.get("id", "")) or kind(task.getparent()) != "process"
        ):
            d.refuse(
                task,
                "启动流程的接收任务只能直接放在流程中，不能重复，也不能有边界事件。",
                "A receive task that instantiates stands directly in a process, without loop or boundary event.",
                "改用消息开始事件。",
                "Use a message start event.",
            )


def loops_are_bounded(d: Diagram) -> None:
    """A loop has a condition; a maximum, if any, is positive and moderate."""
    for loop in d.all("standardLoopCharacteristics"):
        maximum = loop.get("loopMaximum")
        turns = int(maximum) if maximum and re.fullmatch(r"-?\d{1,9}", maximum.strip()) else None
        if maximum is not None and (turns is None or not 1 <= turns <= MAX_TURNS):
            d.refuse(
                loop,
                f"loopMaximum 应在 1 到 {MAX_TURNS} 之间。",
                f"loopMaximum must be between 1 and {MAX_TURNS}.",
                "改正该值。",
                "Correct it.",
            )
        if not children(loop, "loopCondition"):
            d.refuse(
                loop,
                "循环没有条件，不会结束(BPMN 2.0 §10.3.8)。",
                "The loop has no condition and would not end (BPMN 2.0 §10.3.8).",
                "写上 loopCondition。",
                "Write a loopCondition.",
            )


def instances_are_counted(d: Diagram) -> None:
    """A multi-instance activity has a cardinality or a collection, not both; a number written out is moderate."""
    for loop in d.all("multiInstanceLoopCharacteristics"):
        counts = children(loop, "loopCardinality")
        if bool(counts) == bool(camunda(loop, "collection")):
            d.refuse(
                loop,
                "多实例应有基数或集合，且只有其一。",
                "A multi-instance activity needs a cardinality or a collection, not both.",
                "写上 loopCardinality 或 camunda:collection。",
                "Write a loopCardinality or a camunda:collection.",
            )
        for count in counts:
            value = words(count)
            if re.fullmatch(r"-?\d+", value) and not (len(value) < 9 and 0 <= int(value) <= MAX_INSTANCES):
                d.refuse(
                    count,
                    f"基数 {value[:20]} 不在 0 到 {MAX_INSTANCES} 之间。",
                    f"The cardinality {value[:20]} is not between 0 and {MAX_INSTANCES}.",
                    "减少实例数。",
                    "Use fewer instances.",
                )


THROWN_BY_INSTANCES = ("messageEventDefinition", "signalEventDefinition", "escalationEventDefinition")


def behaviors_name_their_events(d: Diagram) -> None:
    """Instances that throw say what: a message, signal or escalation (BPMN 2.0 table 10.29)."""
    for loop in d.all("multiInstanceLoopCharacteristics"):
        behavior = loop.get("behavior", "All")
        if behavior in ("One", "None"):
            events = [d.resolve(loop.get(f"{behavior.lower()}BehaviorEventRef"))]
        elif behavior == "Complex":
            rules = children(loop, "complexBehaviorDefinition")
            thrown = [event for rule in rules for event in children(rule, "event")]
            events = [one for event in thrown for one in d.definitions_of(event)] or [None]
        else:
            continue
        if any(event is None or kind(event) not in THROWN_BY_INSTANCES for event in events):
            d.refuse(
                loop,
                f"多实例的 behavior“{behavior}”没有指明抛出的消息、信号或升级。",
                f'The behavior "{behavior}" does not name the message, signal or escalation that instances throw.',
                "指明事件定义，或改为 All。",
                "Refer to an event definition, or write All.",
            )


def event_subprocesses_have_a_trigger(d: Diagram) -> None:
    """The start event of an event subprocess has a trigger."""
    for level in d.all("subProcess"):
        for start in children(level, "startEvent") if is_event_subprocess(level) else ():
            if not children(start, *EVENT_DEFINITIONS, "eventDefinitionRef"):
                d.refuse(
                    start,
                    "事件子流程的开始事件没有触发方式。",
                    "The start event of an event subprocess has no trigger.",
                    "选择消息或定时器。",
                    "Choose a message or a timer.",
                )


def processes_are_executable(d: Diagram) -> None:
    """At least one process of the file may be executed; ``isExecutable="false"`` says it may not."""
    executed = [p for p in d.all("process") if not _says_no(p) and children(p, *FLOW_NODES)]
    if not executed:
        where = d.all("process")[0] if d.all("process") else d.root
        d.refuse(
            where,
            "文件中没有可执行的流程。",
            "The file has no process that may be executed.",
            '画出流程，并设 isExecutable="true"。',
            'Draw a process and set isExecutable="true".',
        )
    for process in d.all("process"):
        if not process.get("id"):
            d.refuse(process, "流程没有 id。", "The process has no id.", "写上 id。", "Give it an id.")
    for node in (*d.nodes(), *d.all("sequenceFlow")):
        if not node.get("id"):
            d.refuse(node, f"{kind(node)} 没有 id。", f"The {kind(node)} has no id.", "写上 id。", "Give it an id.")


def _says_no(process: Any) -> bool:
    value = process.get("isExecutable")
    return value is not None and not is_true(value)


def lanes_partition(d: Diagram) -> None:
    """A node stands in at most one lane of a set, and in the lane's own process."""
    for lane_set in d.all("laneSet", "childLaneSet"):
        seen: set[str] = set()
        process = lane_set.getparent() if kind(lane_set) == "laneSet" else None
        for lane in children(lane_set, "lane"):
            for ref in children(lane, "flowNodeRef"):
                node = d.resolve(words(ref))
                outside = node is not None and process is not None and process not in node.iterancestors()
                if outside or words(ref) in seen:
                    d.refuse(
                        lane,
                        f"元素“{words(ref)}”同时在两个泳道中，或不属于本流程。",
                        f'The element "{words(ref)}" stands in two lanes, or in another process.',
                        "每个元素只放在一个泳道。",
                        "Put each element into one lane.",
                    )
                seen.add(words(ref))


RULES = (
    tasks_say_what_to_do,
    implementations_are_ours,
    quantities_are_positive,
    receiving_starts_stand_alone,
    loops_are_bounded,
    instances_are_counted,
    behaviors_name_their_events,
    event_subprocesses_have_a_trigger,
    processes_are_executable,
    lanes_partition,
)
