"""A token game of our own, written from clause 13 of BPMN 2.0 and §10.4.1 on data; knows nothing of ``service.engine``.

It plays a ``process_model`` in simulated time and tells what its scripts trace.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

from tests.conformance.process_model import Event, Level, Node, Repetition
from tests.conformance.reference_state import Activity, Names, Scope, Token, TooMuch

MAX_EVENTS = 120
ERROR = "ERROR_thrownErrorEvent"


class Game:
    """Play a process from its start until nothing is left to happen; ``traced`` is what its scripts told."""

    def __init__(self, main: Level, data: dict[str, int], begin: str | None = None) -> None:
        self.traced: list[str] = []
        self.time = 0
        self.agenda: list[tuple[int, int, Callable[[], None]]] = []
        self.order = count()
        self.main = Scope(main, Names(None, dict(data), is_process=True))
        self.begin(self.main, begin)
        self.settle()
        for _ in range(MAX_EVENTS):
            if not self.agenda:
                return
            self.time, _, happens = heapq.heappop(self.agenda)
            if self.agenda and self.agenda[0][0] == self.time:
                raise TooMuch
            happens()
            self.settle()
        raise TooMuch

    def later(self, wait: int, happens: Callable[[], None]) -> None:
        heapq.heappush(self.agenda, (self.time + wait, next(self.order), happens))

    # Scopes.

    def begin(self, scope: Scope, at: str | None = None) -> None:
        scope.listens = list(scope.level.listeners)
        for listener in scope.listens:
            if listener[0].kind == "timer":
                self.arm_listener(scope, listener)
        if scope.level.enough:
            self.enable(scope)
        else:
            self.go_on(scope, at or scope.level.start)

    def enable(self, scope: Scope) -> None:
        """§13.3.5: the activities of an ad-hoc subprocess that nothing leads to, all or the next in order."""
        assert scope.level.enough is not None
        nodes = list(scope.level.nodes.values())
        if scope.level.enough.in_order:
            nodes = [nodes[scope.place % len(nodes)]]
            scope.place += 1
        for node in nodes:
            if scope.alive:
                self.enter(scope, node, "")

    def ask(self, scope: Scope) -> None:
        """§13.3.5: an activity has ended; whether that is enough."""
        enough = scope.level.enough
        if enough and not scope.is_enough and scope.names.holds(enough.until):
            scope.is_enough = True
            if enough.cancels:
                self.clear(scope)

    def arm_listener(self, scope: Scope, listener: tuple[Event, Level]) -> None:
        self.arm(listener[0], lambda: listener in scope.listens, lambda: self.handle(scope, listener))

    def arm(self, event: Event, waits: Callable[[], bool], happens: Callable[[], None]) -> None:
        """A timer that fires once or, when it interrupts nothing, as often as it says."""

        def fires(left: int) -> None:
            if waits():
                if left > 1:
                    self.later(event.wait, lambda: fires(left - 1))
                happens()

        self.later(event.wait, lambda: fires(1 if event.interrupts else event.times))

    def handle(self, scope: Scope, listener: tuple[Event, Level]) -> None:
        """An event subprocess begins: an interrupting one ends all else in its scope first."""
        event, level = listener
        if event.interrupts:
            self.clear(scope)
        elif event.kind == "timer" and event.times == 1:
            scope.listens.remove(listener)
        run = Scope(level, Names(scope.names), of_handler=scope)
        scope.handlers.append(run)
        self.begin(run)

    def clear(self, scope: Scope) -> None:
        """End everything in a scope, the scope itself goes on."""
        scope.listens, scope.tokens = [], []
        for activity in list(scope.activities):
            self.end_activity(activity)
        for handler in list(scope.handlers):
            self.kill(handler)
        scope.activities, scope.handlers = [], []

    def kill(self, scope: Scope) -> None:
        self.clear(scope)
        scope.alive = False

    def end_activity(self, activity: Activity) -> None:
        activity.alive = False
        for run in activity.runs:
            self.kill(run)
        if activity in activity.scope.activities:
            activity.scope.activities.remove(activity)

    def close_if_done(self, scope: Scope) -> None:
        """Complete a scope without tokens; while only handlers run, no other can begin (§13.5.4)."""
        if not scope.alive or scope.tokens or scope.activities:
            return
        if scope.level.enough and not scope.is_enough:
            return self.enable(scope)
        scope.listens = []
        if scope.handlers:
            return
        scope.alive = False
        if scope.activity is not None and scope.activity.node.kind == "sub" and scope.memories:
            if scope.activity.node.repetition:
                scope.then = {**scope.names.facts(), **scope.names.values}
            scope.activity.scope.memories.append(scope)
        if scope.of_handler is not None:
            scope.of_handler.handlers.remove(scope)
            self.close_if_done(scope.of_handler)
        elif scope.activity is not None:
            self.instance_done(scope.activity, scope)

    # Tokens.

    def go_on(self, scope: Scope, source: str, flows: list[Any] | None = None) -> None:
        for _, target, _ in scope.level.out(source) if flows is None else flows:
            if scope.alive:
                self.enter(scope, scope.level.nodes[target], source)

    def enter(self, scope: Scope, node: Node, by: str) -> None:
        getattr(self, f"enter_{node.kind}")(scope, node, by)

    def enter_script(self, scope: Scope, node: Node, by: str) -> None:
        for facts in self.instances_at_once(node.repetition):
            names = Names(scope.names, facts=lambda f=facts: f) if node.repetition else scope.names
            if node.parameters:
                names = Names(names, {name: names.sum(value) for name, value in node.parameters.items()})
            self.script_runs(node, names)
        if node.undo is not None:
            scope.memories.append(node.undo)
        flows = scope.level.out(node.id)  # §13.3.1: those without condition, and those whose condition holds
        self.go_on(scope, node.id, [flow for flow in flows if flow[2] is None or scope.names.holds(flow[2])])
        if not flows:
            self.close_if_done(scope)

    def script_runs(self, node: Node, names: Names) -> None:
        for write in node.writes:
            names.write(write.target, names.sum(write.value))
        self.traced.append(f"{node.id} {names.read(node.told)}")

    @staticmethod
    def instances_at_once(repetition: Repetition | None) -> list[dict[str, int]]:
        """A script takes no time: its instances run one after the other."""
        if repetition is None:
            return [{}]
        items = repetition.items or range(repetition.count)
        return [{"loopCounter": n} | ({"it": item} if repetition.items else {}) for n, item in enumerate(items)]

    def enter_wait(self, scope: Scope, node: Node, by: str) -> None:
        token = Token(node.id)
        scope.tokens.append(token)
        wait = node.wait + (node.by_counter * scope.names.read("loopCounter") if node.by_counter else 0)
        self.later(wait, lambda: self.leave(scope, token))

    def leave(self, scope: Scope, token: Token) -> None:
        if token in scope.tokens:
            scope.tokens.remove(token)
            self.go_on(scope, token.at)
            self.close_if_done(scope)

    def enter_xor(self, scope: Scope, node: Node, by: str) -> None:
        flows = scope.level.out(node.id)
        chosen = next((f for f in flows if f[2] and scope.names.holds(f[2])), flows[-1])
        self.go_on(scope, node.id, [chosen])

    def enter_and(self, scope: Scope, node: Node, by: str) -> None:
        """Goes on with one token of each incoming flow."""
        scope.tokens.append(Token(node.id, by))
        waiting = {source: self.arrived(scope, node, source) for source, _, _ in scope.level.into(node.id)}
        if all(waiting.values()):
            for tokens in waiting.values():
                scope.tokens.remove(tokens[0])
            self.go_on(scope, node.id)

    @staticmethod
    def arrived(scope: Scope, node: Node, source: str) -> list[Token]:
        return [token for token in scope.tokens if token.at == node.id and token.by == source]

    def enter_jump(self, scope: Scope, node: Node, by: str) -> None:
        self.go_on(scope, node.id)

    enter_land = enter_jump

    def enter_some(self, scope: Scope, node: Node, by: str) -> None:
        """§13.4.5: activated once enough have come; one of each flow is taken."""
        scope.tokens.append(Token(node.id, by))
        if node.id not in scope.received:
            self.activate(scope, node)

    def activate(self, scope: Scope, node: Node) -> None:
        came = [token for token in scope.tokens if token.at == node.id]
        if len(came) >= node.wanted and came:
            scope.received[node.id] = {token.by for token in came}
            for source in scope.received[node.id]:
                scope.tokens.remove(self.arrived(scope, node, source)[0])
            self.go_on(scope, node.id)

    def reset_in(self, scope: Scope) -> bool:
        """§13.4.5: reset when no token can come by the flows that gave none."""
        for identity, received in list(scope.received.items()):
            node = scope.level.nodes[identity]
            sources = {source for source, _, _ in scope.level.into(identity)}
            late = {source for source in sources - received if self.arrived(scope, node, source)}
            if self.awaited(scope, node, received | late, sources - received - late):
                continue
            for source in late:
                scope.tokens.remove(self.arrived(scope, node, source)[0])
            del scope.received[identity]
            self.activate(scope, node)
            self.close_if_done(scope)
            return True
        return False

    def awaited(self, scope: Scope, node: Node, filled: set[str], empty: set[str]) -> bool:
        """§13.4.3: a token can reach an empty incoming flow and no filled one."""
        places = [token.at for token in scope.tokens if token.at != node.id]
        places += [activity.node.id for activity in scope.activities]
        reached = [self.reach(scope.level, place, node.id) for place in places]
        return any(found & empty and not found & filled for found in reached)

    def enter_or(self, scope: Scope, node: Node, by: str) -> None:
        if len(scope.level.into(node.id)) > 1:
            scope.tokens.append(Token(node.id, by))  # whether it goes on is asked when all have moved
        else:
            flows = scope.level.out(node.id)
            chosen = [f for f in flows if f[2] and scope.names.holds(f[2])]
            self.go_on(scope, node.id, chosen or flows[-1:])

    def settle(self) -> None:
        """Let inclusive joins go on until none can."""
        while any(self.join_in(scope) or self.reset_in(scope) for scope in self.scopes(self.main)):
            pass

    def scopes(self, scope: Scope) -> list[Scope]:
        inner = [run for activity in scope.activities for run in activity.runs] + scope.handlers
        return [scope, *(one for each in inner if each.alive for one in self.scopes(each))]

    def join_in(self, scope: Scope) -> bool:
        """§13.4.3: a join waits for a token that can reach an empty incoming flow and no filled one."""
        for node in scope.level.nodes.values():
            if node.kind != "or" or len(scope.level.into(node.id)) < 2:
                continue
            sources = [source for source, _, _ in scope.level.into(node.id)]
            filled = {source for source in sources if self.arrived(scope, node, source)}
            empty = set(sources) - filled
            if filled and not self.awaited(scope, node, filled, empty):
                for source in filled:
                    scope.tokens.remove(self.arrived(scope, node, source)[0])
                self.go_on(scope, node.id)
                self.close_if_done(scope)
                return True
        return False

    @staticmethod
    def reach(level: Level, place: str, join: str) -> set[str]:
        """The nodes from which a token at ``place`` can enter the join, having passed it never."""
        seen, todo = set(), [place]
        while todo:
            here = todo.pop()
            if here in seen or here == join:
                continue
            seen.add(here)
            todo += [target for _, target, _ in level.out(here)]
            todo += [node.id for node in level.nodes.values() if node.host == here]
        return {source for source, _, _ in level.into(join) if source in seen}

    # Ends and what is thrown.

    def enter_end(self, scope: Scope, node: Node, by: str) -> None:
        if node.throws == "terminate":
            self.clear(scope)
            scope.memories = []
        elif node.throws == "error":
            return self.error(scope)
        elif node.throws == "escalation":
            self.escalate(scope)
        self.close_if_done(scope)

    def enter_throw(self, scope: Scope, node: Node, by: str) -> None:
        token = Token(node.id)
        scope.tokens.append(token)
        if node.throws == "compensate":
            self.compensate(scope)
        else:
            self.escalate(scope)
        if token in scope.tokens:
            scope.tokens.remove(token)
            self.go_on(scope, node.id)

    def compensate(self, scope: Scope) -> None:
        """§10.7: undo what has ended in the scope, the last first; in a handler also what has in the scope around it."""
        here: Scope | None = scope
        while here is not None:
            self.undo(here, here.names)
            here = here.of_handler

    def undo(self, scope: Scope, names: Names) -> None:
        undone, scope.memories = scope.memories[::-1], []
        for memory in undone:
            if isinstance(memory, Scope):
                self.undo(memory, Names(names, memory.then) if memory.then else names)
            else:
                self.script_runs(memory, names)

    def error(self, scope: Scope) -> None:
        """Ends all up to the scope that catches it, or the whole case."""
        if not self.caught(scope, "error"):
            self.kill(self.main)
            self.traced.append(ERROR)

    def escalate(self, scope: Scope) -> None:
        self.caught(scope, "escalation")

    def caught(self, scope: Scope, kind: str) -> bool:
        """From inside out: in each scope its event subprocesses, then the boundary events of the activity around it."""
        here: Scope | None = scope
        while here is not None:
            listener = next((found for found in here.listens if found[0].kind == kind), None)
            if listener is not None:
                self.handle(here, listener)
                return True
            activity = None if here.of_handler else here.activity
            if activity is not None:
                border = [n for n in activity.scope.level.nodes.values() if n.host == activity.node.id]
                node = next((n for n in border if n.event and n.event.kind == kind), None)
                if node is not None:
                    self.at_border(activity, node)
                    return True
            here = here.around
        return False

    def at_border(self, activity: Activity, node: Node) -> None:
        assert node.event is not None
        scope = activity.scope
        if node.event.interrupts:
            self.end_activity(activity)
        self.go_on(scope, node.id)
        self.close_if_done(scope)

    # Activities.

    def enter_sub(self, scope: Scope, node: Node, by: str) -> None:
        activity = Activity(node, scope)
        scope.activities.append(activity)
        repetition = node.repetition
        activity.total = len(repetition.items) or repetition.count if repetition and repetition.kind != "loop" else 1
        if repetition and (not activity.total or (repetition.test_before and not self.again(activity))):
            return self.activity_done(activity)
        for border in scope.level.nodes.values():
            if border.host == node.id and border.event and border.event.kind == "timer":
                self.arm(border.event, lambda: activity.alive, lambda b=border: self.at_border(activity, b))
        for index in range(activity.total if repetition and repetition.kind == "par" else 1):
            self.run_instance(activity, index)

    enter_call = enter_free = enter_sub

    def again(self, activity: Activity) -> bool:
        repetition = activity.node.repetition
        assert repetition is not None
        assert repetition.go_on is not None
        return Names(activity.scope.names, facts=lambda: {"loopCounter": activity.done}).holds(repetition.go_on)

    def run_instance(self, activity: Activity, index: int) -> None:
        node, repetition = activity.node, activity.node.repetition
        names = activity.scope.names
        if repetition is not None:
            values = {"it": repetition.items[index]} if repetition.items else {}
            names = Names(names, values, facts=lambda: self.facts(activity, index))
        if node.parameters or node.results:
            values = {name: names.sum(value) for name, value in node.parameters.items()}
            names = Names(names, values, is_process=True, is_closed=bool(node.parameters))
        assert node.body is not None
        run = Scope(node.body, names, activity)
        activity.runs.append(run)
        self.begin(run)

    @staticmethod
    def facts(activity: Activity, index: int) -> dict[str, int]:
        assert activity.node.repetition is not None
        if activity.node.repetition.kind == "loop":
            return {"loopCounter": activity.done}
        active = sum(run.alive for run in activity.runs)
        told = {"loopCounter": index}
        for prefix in ("numberOf", "nrOf"):
            told |= {
                f"{prefix}Instances": activity.total,
                f"{prefix}CompletedInstances": activity.done,
                f"{prefix}ActiveInstances": active,
            }
        return told

    def instance_done(self, activity: Activity, run: Scope) -> None:
        node, repetition = activity.node, activity.node.repetition
        own, names = run.names, run.names
        if node.parameters or node.results:
            assert names.outer is not None
            names = names.outer
            seen = Names(names, own.values)
            for name, value in node.results.items():
                names.write(name, seen.sum(value))
        activity.done += 1
        if repetition is None:
            return self.activity_done(activity)
        if repetition.kind == "loop":
            if self.again(activity):
                return self.run_instance(activity, activity.done)
            return self.activity_done(activity)
        self.throw_from(activity, names)
        if not activity.alive:
            return None
        if activity.done == activity.total or (repetition.until and names.holds(repetition.until)):
            return self.activity_done(activity)
        if repetition.kind == "seq":
            self.run_instance(activity, activity.done)

    def throw_from(self, activity: Activity, names: Names) -> None:
        """§10.3.8: what instances throw as they end; the activity's own border catches it and interrupts nothing."""
        repetition, scope = activity.node.repetition, activity.scope
        assert repetition is not None
        if not repetition.behavior or (repetition.behavior == "One" and activity.done > 1):
            return
        if repetition.behavior == "Complex" and not (repetition.when and names.holds(repetition.when)):
            return
        border = [node for node in scope.level.nodes.values() if node.host == activity.node.id]
        own = next((node for node in border if node.event and node.event.kind == "escalation"), None)
        if own is not None:
            self.go_on(scope, own.id)
        else:
            self.caught(scope, "escalation")

    def activity_done(self, activity: Activity) -> None:
        self.end_activity(activity)
        self.ask(activity.scope)
        self.go_on(activity.scope, activity.node.id)
        self.close_if_done(activity.scope)
