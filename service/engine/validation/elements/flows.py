"""Sequence flows, gateways, start and end: the shape of a process and of each subprocess (BPMN 2.0 §8.4.13, §10)."""

from __future__ import annotations

from typing import Any

from service.engine.validation.allow_list import (
    ACTIVITIES,
    EVENT_DEFINITIONS,
    FLOW_NODES,
    GATEWAYS,
    SUBPROCESSES,
)
from service.engine.validation.diagram import (
    Diagram,
    an,
    children,
    is_true,
    kind,
    name_of,
)


def levels(d: Diagram) -> list[Any]:
    """Every process and subprocess that has content."""
    drawn = [level for level in d.all("process", *SUBPROCESSES) if level not in d.documentation]
    return [level for level in drawn if children(level, *FLOW_NODES)]


def sequence_flows_stay_in_scope(d: Diagram) -> None:
    """A sequence flow joins two nodes of the same process or subprocess, and is drawn in it."""
    for flow in d.all("sequenceFlow"):
        ends = [d.ids.get(flow.get(name, "")) for name in ("sourceRef", "targetRef")]
        if None not in ends and {id(end.getparent()) for end in ends if end is not None} != {id(flow.getparent())}:
            d.refuse(
                flow,
                "顺序流越过了流程或子流程的边界。",
                "The sequence flow crosses the border of a process or subprocess.",
                "让顺序流两端在同一层。",
                "Join two nodes of the same level.",
            )


def scopes_start_and_end(d: Diagram) -> None:
    """Start and end events of a level: none of both, or each that the standard demands (§10.5.2, §10.5.4, §13.3.4)."""
    for level in levels(d):
        if kind(level) == "adHocSubProcess":
            continue
        starts = children(level, "startEvent")
        if is_event_subprocess(level):
            _require_one_start(d, level, len(starts) == 1, "事件子流程", "An event subprocess")
        elif kind(level) != "process":
            _require_one_start(d, level, len(starts) <= 1, "子流程", "A subprocess")
        if bool(starts) != bool(children(level, "endEvent")) and not _starts_by_receiving(level):
            _warn_of_missing_end(d, level, "结束" if starts else "开始", "end" if starts else "start")
        plain = [start for start in starts if not children(start, *EVENT_DEFINITIONS, "eventDefinitionRef")]
        if kind(level) == "process" and len(plain) > 1:
            d.warn(
                level,
                f"流程有 {len(plain)} 个普通开始事件：启动时不指明，就从第一个({name_of(plain[0])})开始。",
                f"The process has {len(plain)} plain start events: a case that names none begins at the first,"
                f" {name_of(plain[0])}.",
                "只留一个，或启动时指明。",
                "Keep one, or name one when a case is started.",
            )


def levels_hold_work(d: Diagram) -> None:
    """In a level without a start, and with nothing that could begin, a token has nowhere to go (§10.5.2)."""
    called = {call.get("calledElement") for call in d.all("callActivity")}
    drawn = [level for level in d.all(*SUBPROCESSES, "process") if level not in d.documentation]
    for level in drawn:
        nodes = children(level, *FLOW_NODES)
        if kind(level) == "process" and not nodes and level.get("id") not in called:
            continue  # the inside of a pool that is not shown
        if all(is_event_subprocess(node) or undoes(node) for node in nodes):
            d.warn(
                level,
                f"{kind(level)} 是空的，或只有事件子流程：令牌直接通过。",
                f"The {kind(level)} is empty, or holds event subprocesses only: a token passes straight through.",
                "画出内容，或改为任务。",
                "Draw its content, or use a task.",
            )


def ends_are_reached(d: Diagram) -> None:
    """A level from whose start no path leads to an end goes round until an event ends it."""
    for level in levels(d):
        nodes = {node.get("id"): node for node in children(level, *FLOW_NODES)}
        leaves = [n for n in nodes.values() if not (d.onward(n) or is_event_subprocess(n) or undoes(n))]
        inside = [n for n in nodes.values() if not (is_event_subprocess(n) or undoes(n))]
        if inside and not leaves:
            d.warn(
                level,
                f"{kind(level)} 里没有路通向终点：它一直循环，除非有事件结束它。",
                f"No path in the {kind(level)} leads to an end: it goes round until an event ends it.",
                "画一条通向结束事件的路。",
                "Draw a way to an end event.",
            )


def complex_joins_say_when(d: Diagram) -> None:
    """A complex gateway with several incoming flows says when it is activated (BPMN 2.0 table 10.120)."""
    for gateway in d.all("complexGateway"):
        if len(d.into(gateway)) > 1 and not children(gateway, "activationCondition"):
            d.refuse(
                gateway,
                "汇合的复杂网关没有写明激活条件。",
                "The complex gateway joins flows and does not say when it is activated.",
                "写上 activationCondition,例如 activationCount >= 2。",
                "Write an activationCondition, for example activationCount >= 2.",
            )


def _require_one_start(d: Diagram, level: Any, sound: bool, zh: str, en: str) -> None:
    if not sound:
        d.refuse(
            level,
            f"{zh}应有且只有一个开始事件。",
            f"{en} needs exactly one start event (§13.3.4).",
            "只画一个开始事件。",
            "Draw exactly one start event.",
        )


def _warn_of_missing_end(d: Diagram, level: Any, zh: str, en: str) -> None:
    other_zh, other_en = ("开始", "start") if en == "end" else ("结束", "end")
    does = (
        ("没有下文的元素就是终点", "elements that nothing follows end their token")
        if en == "end"
        else ("没有来路的元素同时开始", "elements that nothing leads to begin together")
    )
    d.warn(
        level,
        f"{kind(level)} 有{other_zh}事件而没有{zh}事件：{does[0]}。",
        f"The {kind(level)} has {an(other_en)} event but no {en} event: {does[1]} (§10.5).",
        f"画出{zh}事件。",
        f"Draw {an(en)} event.",
    )


def starts_by_receiving(node: Any) -> bool:
    """A receive task whose message begins a case (§10.3.3)."""
    return kind(node) == "receiveTask" and is_true(node.get("instantiate"))


def _starts_by_receiving(level: Any) -> bool:
    return any(starts_by_receiving(node) for node in children(level, "receiveTask"))


def begins_here(d: Diagram, node: Any) -> bool:
    """Tell whether a token comes here without a flow: in a level without start event, or by the message received."""
    if starts_by_receiving(node):
        return True
    if undoes(node) or kind(node) not in (*ACTIVITIES, *GATEWAYS):
        return False
    return not children(node.getparent(), "startEvent")


def is_event_subprocess(node: Any) -> bool:
    """A subprocess that an event triggers."""
    return kind(node) == "subProcess" and is_true(node.get("triggeredByEvent"))


def nodes_are_connected(d: Diagram) -> None:
    """Start events, boundary events and links that are caught have no incoming flow, end events and links that are
    thrown no outgoing; all others have both, but where a token begins or ends without an event.
    """
    for node in d.nodes():
        into, out = d.into(node), d.out(node)
        free = kind(node.getparent()) == "adHocSubProcess"
        may_stop = free and (kind(node) != "boundaryEvent" or undoes(node))
        if bool(into) != _may_be_entered(node) and (into or not (free or begins_here(d, node))):
            _refuse_flows(d, node, "进入", "incoming", missing=not into)
        if bool(out) != _may_be_left(node) and not (may_stop and not out):
            if out or kind(node) not in (*ACTIVITIES, *GATEWAYS):
                _refuse_flows(d, node, "离开", "outgoing", missing=not out)
            elif children(node.getparent(), "endEvent"):
                d.warn(
                    node,
                    f"{kind(node)} 没有离开的顺序流：令牌在这里结束。",
                    f"Nothing follows the {kind(node)}: its token ends here (§10.5.4).",
                    "接到结束事件。",
                    "Lead it to an end event.",
                )


def undoes(node: Any) -> bool:
    """Tell whether this is no part of the flow: it undoes an activity, or leads to what undoes it."""
    leads = kind(node) == "boundaryEvent" and bool(children(node, "compensateEventDefinition"))
    return leads or is_true(node.get("isForCompensation"))


def _may_be_entered(node: Any) -> bool:
    links = kind(node) == "intermediateCatchEvent" and bool(children(node, "linkEventDefinition"))
    outside = is_event_subprocess(node) or undoes(node) or starts_by_receiving(node)
    return not (kind(node) in ("startEvent", "boundaryEvent") or outside or links)


def _may_be_left(node: Any) -> bool:
    links = kind(node) == "intermediateThrowEvent" and bool(children(node, "linkEventDefinition"))
    return not (kind(node) == "endEvent" or is_event_subprocess(node) or undoes(node) or links)


def _refuse_flows(d: Diagram, node: Any, zh: str, en: str, *, missing: bool) -> None:
    d.refuse(
        node,
        f"{kind(node)} {'缺少' if missing else '不能有'}{zh}的顺序流。",
        f"The {kind(node)} {'needs an' if missing else 'must not have an'} {en} sequence flow.",
        "补上顺序流。" if missing else "删去该顺序流。",
        "Draw the flow." if missing else "Remove the flow.",
    )


def nodes_are_reached(d: Diagram) -> None:
    """Every node can be reached from its level's start event or from a boundary event."""
    for level in levels(d):
        nodes = {node.get("id"): node for node in children(level, *FLOW_NODES)}
        free = kind(level) == "adHocSubProcess"
        begin = [
            node
            for node in nodes.values()
            if kind(node) == "startEvent"
            or is_event_subprocess(node)
            or (free and not d.into(node) and kind(node) != "boundaryEvent" and not undoes(node))
            or (not d.into(node) and begins_here(d, node))
        ]
        seen: set[str] = set()
        while begin:
            node = begin.pop()
            name = node.get("id", "")
            if name in seen:
                continue
            seen.add(name)
            begin += d.boundaries.get(name, [])
            begin += [nodes[target] for target in d.onward(node) if target in nodes]
        for name, node in nodes.items():
            if name not in seen and not undoes(node):
                d.refuse(
                    node,
                    "从开始事件走不到这个元素。",
                    "No path leads from the start event to this element.",
                    "接上顺序流，或删去它。",
                    "Connect it, or remove it.",
                )


def conditions_belong_to_splits(d: Diagram) -> None:
    """Conditions only on one of several flows out of an exclusive or inclusive gateway, or out of an activity."""
    for flow in d.all("sequenceFlow"):
        source = d.ids.get(flow.get("sourceRef", ""))
        if source is None or not children(flow, "conditionExpression"):
            continue
        several = len(d.out(source)) > 1
        if several and kind(source) in ("exclusiveGateway", "inclusiveGateway", "complexGateway", *ACTIVITIES):
            continue
        if several and kind(source) == "parallelGateway":
            d.warn(
                flow,
                "并行网关的出口不看条件。",
                "The condition of a flow out of a parallel gateway is not asked (§13.4.1).",
                "删去条件，或改用包容网关。",
                "Remove the condition, or use an inclusive gateway.",
            )
            continue
        d.refuse(
            flow,
            f"从 {kind(source)} 出来的这条顺序流不能带条件。",
            f"This flow out of {an(kind(source))} may not have a condition.",
            "用排他网关分支，或删去条件。",
            "Branch with an exclusive gateway, or remove the condition.",
        )


def exclusive_splits_have_conditions(d: Diagram) -> None:
    """A flow out of a choosing gateway without condition: alone it is the default, else it holds always (§8.4.13)."""
    for gateway in d.all("exclusiveGateway", "inclusiveGateway"):
        flows = d.out(gateway)
        if len(flows) < 2:
            continue
        bare = [f for f in flows if f.get("id") != gateway.get("default") and not children(f, "conditionExpression")]
        for flow in bare:
            zh, en = _meaning(gateway, flow, bare)
            d.warn(
                flow,
                f"网关有多条出口，这条没有条件也不是默认出口：{zh}。",
                f"The gateway has several flows, and this one has no condition and is not the default: {en}.",
                "写上条件，或设为默认出口。",
                "Give it a condition, or make it the default flow.",
            )


def _meaning(gateway: Any, flow: Any, bare: list[Any]) -> tuple[str, str]:
    if len(bare) == 1 and gateway.get("default") is None:
        return "按默认出口执行", "it is read as the default"
    if kind(gateway) == "inclusiveGateway":
        return "总是走", "it is taken always"
    if flow is bare[0]:
        return "轮到它时总是走它", "it is taken whenever its turn comes"
    return f"永远走不到，因为 {name_of(bare[0])} 总在它前面", f"it is never taken, {name_of(bare[0])} comes before it"


def defaults_are_own(d: Diagram) -> None:
    """A default flow begins at its node and has no condition."""
    for node in d.nodes():
        flow = d.ids.get(node.get("default", ""))
        if flow is None or kind(flow) != "sequenceFlow":
            continue
        if flow.get("sourceRef") != node.get("id") or children(flow, "conditionExpression"):
            d.refuse(
                node,
                f"默认出口 {name_of(flow)} 不从这里出发，或带有条件。",
                f"The default flow {name_of(flow)} does not begin here, or has a condition.",
                "选本元素的一条无条件顺序流。",
                "Choose a flow of this element that has no condition.",
            )


def gateways_branch_or_join(d: Diagram) -> None:
    """A gateway has several flows on at least one side, and those its gatewayDirection says."""
    for gateway in d.all(*GATEWAYS):
        into, out = len(d.into(gateway)), len(d.out(gateway))
        if into < 2 and out < 2:
            d.refuse(
                gateway,
                "网关既不分支也不汇合。",
                "The gateway neither splits nor joins.",
                "删去该网关。",
                "Remove the gateway.",
            )
        fits = {"Converging": into > 1 and out <= 1, "Diverging": into <= 1 and out > 1, "Mixed": into > 1 and out > 1}
        if not fits.get(gateway.get("gatewayDirection"), True):
            d.refuse(
                gateway,
                f"网关方向 {gateway.get('gatewayDirection')} 与 {into} 进 {out} 出不符。",
                f"gatewayDirection {gateway.get('gatewayDirection')}"
                f" does not fit {into} incoming and {out} outgoing flows.",
                "改正方向，或删去该属性。",
                "Correct the direction, or remove the attribute.",
            )


def event_gateways_wait_for_events(d: Diagram) -> None:
    """An event-based gateway leads to two or more catch events or receive tasks that nothing else leads to."""
    for gateway in d.all("eventBasedGateway"):
        targets = [d.ids[f.get("targetRef")] for f in d.out(gateway) if f.get("targetRef") in d.ids]
        kinds = {kind(target) for target in targets}
        definitions = [[kind(one) for one in d.definitions_of(target)] for target in targets]
        messages = [found for found in definitions if "messageEventDefinition" in found]
        wrong = [
            len(targets) < 2,
            any(len(found) > 1 for found in definitions),
            not kinds <= {"intermediateCatchEvent", "receiveTask"},
            "receiveTask" in kinds and bool(messages),
            any(len(d.into(target)) != 1 for target in targets),
            any(d.boundaries.get(t.get("id", "")) for t in targets if kind(t) == "receiveTask"),
        ]
        if any(wrong):
            d.refuse(
                gateway,
                "事件网关的出口必须是两个以上只由它到达的捕获事件(或接收任务，不能与消息事件混用，不带边界事件)。",
                "An event-based gateway must lead to two or more catch events that only it leads to "
                "(or receive tasks: not mixed with message events, and without boundary events).",
                "改为中间捕获事件。",
                "Use intermediate catch events.",
            )


RULES = (
    sequence_flows_stay_in_scope,
    scopes_start_and_end,
    levels_hold_work,
    ends_are_reached,
    complex_joins_say_when,
    nodes_are_connected,
    nodes_are_reached,
    conditions_belong_to_splits,
    exclusive_splits_have_conditions,
    defaults_are_own,
    gateways_branch_or_join,
    event_gateways_wait_for_events,
)
