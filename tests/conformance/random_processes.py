"""Draws random processes with data: blocks in blocks, every kind of activity, event and repetition the engine runs."""

from __future__ import annotations

import random
from itertools import count

from tests.conformance.process_model import Enough, Event, Level, Node, Repetition, Sum, Test, Write

VARIABLES = ("a", "b", "c")
DEEPEST = 3
LONGEST = 90_000  # seconds of one wait


class Drawing:
    """One process and those it calls."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.ids = count()
        self.spent = 0
        self.data = {name: self.random.randrange(5) for name in VARIABLES}
        self.main = self.level("P", 0, frozenset(VARIABLES))
        self.begin = self.more_starts() if self.chance(0.2) else None

    def name(self, kind: str) -> str:
        return f"{kind}{next(self.ids)}"

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def level(self, identity: str, depth: int, known: frozenset[str], first: Node | None = None) -> Level:
        """A process or subprocess; ``first`` comes right after its start."""
        level = Level(identity)
        here = self.add(level, Node(self.name("s"), "start"))
        if first is not None:
            here = self.follow(level, here, first)
        here = self.blocks(level, here, depth, known, is_straight=True)
        self.follow(level, here, Node(self.name("e"), "end", throws=self.ending(depth)))
        if depth < DEEPEST:
            for kind in ("timer", "error", "escalation"):
                if self.chance(0.12):
                    event = self.event(kind)
                    level.listeners.append((event, self.level(self.name("L"), depth + 1, known, self.wait())))
        return level

    def more_starts(self) -> str | None:
        """Further start events, plain ones and such that wait for a signal; at which the case begins, if one is named."""
        level, first = self.main, self.main.start
        source, target, test = next(flow for flow in level.flows if flow[0] == first)
        merge = self.add(level, Node(self.name("m"), "xor"))
        level.flows[level.flows.index((source, target, test))] = (source, merge, None)
        level.flows.append((merge, target, None))
        starts = [Node(self.name("s"), "start", throws=self.random.choice(["", "signal"])) for _ in range(2)]
        for start in starts:
            self.follow(level, self.follow(level, self.add(level, start), self.wait()), level.nodes[merge])
        return self.random.choice([None, *(start.id for start in starts)])

    def ending(self, depth: int) -> str:
        return self.random.choice(["", "", "", "", "escalation", "terminate", "error" if depth else ""])

    def add(self, level: Level, node: Node) -> str:
        level.nodes[node.id] = node
        return node.id

    def follow(self, level: Level, before: str, node: Node, test: Test | None = None) -> str:
        level.flows.append((before, self.add(level, node), test))
        return node.id

    def blocks(self, level: Level, here: str, depth: int, known: frozenset[str], *, is_straight: bool) -> str:
        """Some blocks after ``here``; straight where no other token runs beside in the same scope."""
        for _ in range(self.random.randint(1, 3)):
            self.spent += 1
            small = ["script", "script", "pause", "throw", "jump", "undo"]
            large = ["split", "choice", "parallel", "some", "inclusive", "cycle", "sub", "sub", "call", "free"]
            kind = self.random.choice(small + (large if depth < DEEPEST and self.spent < 22 else []))
            here = getattr(self, kind)(level, here, depth, known, is_straight)
        return here

    # Small ones.

    def wait(self, by_counter: int = 0) -> Node:
        return Node(self.name("w"), "wait", wait=self.random.randint(1, LONGEST), by_counter=by_counter)

    def sum(self, known: frozenset[str]) -> Sum:
        variable = self.random.choice(sorted(known)) if known and self.chance(0.8) else ""
        return Sum(self.random.randrange(1, 4), variable)

    def test(self, known: frozenset[str]) -> Test:
        variable = self.random.choice(sorted(known))
        if self.chance(0.5):
            return Test(variable, "==", self.random.randrange(2), 2)
        return Test(variable, self.random.choice(["<", ">="]), self.random.randrange(8))

    def script(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        node = Node(self.name("t"), "script")
        if self.chance(0.2):
            node.parameters = {self.random.choice(["p", *VARIABLES[:1]]): self.sum(known)}
        seen = known | set(node.parameters)
        node.told = self.random.choice(sorted(seen))
        if self.chance(0.15):  # instances at the same instant tell what no other changes
            items = tuple(self.random.sample(range(9), 3))
            node.repetition = self.random.choice([Repetition("seq", items=items), Repetition("par", count=3)])
            node.told = "it" if node.repetition.items else "loopCounter"
            name = self.random.choice(VARIABLES)
            node.writes = (Write(name, Sum(2, name)),) if name in known and name not in node.parameters else ()
        else:
            writes = [Write(self.random.choice(sorted(seen)), self.sum(seen)) for _ in range(self.random.randint(0, 2))]
            node.writes = tuple(writes)
            if self.chance(0.3):
                told, target = self.random.choice(sorted(known)), self.random.choice(sorted(known))
                node.undo = Node(self.name("t"), "script", writes=(Write(target, self.sum(known)),), told=told)
        return self.follow(level, here, node)

    def pause(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        return self.follow(level, here, self.wait())

    def throw(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        return self.follow(level, here, Node(self.name("h"), "throw", throws="escalation"))

    def jump(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """A pair of links."""
        throw = self.follow(level, here, Node(self.name("j"), "jump"))
        return self.follow(level, throw, Node(self.name("k"), "land"))

    def undo(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """Undo all that has ended in the scope."""
        return self.follow(level, here, Node(self.name("h"), "throw", throws="compensate"))

    # Gateways.

    def choice(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """One of two ways; one of them may end otherwise."""
        split = self.follow(level, here, Node(self.name("x"), "xor"))
        ends = []
        for test in (self.test(known), None):
            node = self.wait()
            way = self.follow(level, split, node, test)
            ends.append(self.blocks(level, way, depth + 1, known, is_straight=is_straight))
        thrown = ["error", "terminate"] if depth else ["terminate"]
        if is_straight:
            thrown += ["escalation", ""]
        if self.chance(0.3):
            self.follow(level, ends.pop(), Node(self.name("e"), "end", throws=self.random.choice(thrown)))
        return self.meet(level, ends, "xor")

    def split(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """Several ways out of an activity, some by condition; one goes on, the others end where nothing follows."""
        node = Node(self.name("t"), "script", told=self.random.choice(sorted(known)))
        self.follow(level, here, node)
        for _ in range(self.random.randint(1, 2)):
            way = self.follow(level, node.id, self.wait(), self.test(known) if self.chance(0.6) else None)
            self.script(level, way, depth, known, False)
        return self.follow(level, node.id, self.wait())

    def meet(self, level: Level, ends: list[str], kind: str) -> str:
        if len(ends) == 1:
            return self.follow(level, ends[0], self.wait())
        join = self.add(level, Node(self.name("m"), kind))
        level.flows += [(end, join, None) for end in ends]
        return self.follow(level, join, self.wait())

    def parallel(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        split = self.follow(level, here, Node(self.name("g"), "and"))
        ways = [self.follow(level, split, self.wait()) for _ in range(self.random.randint(2, 3))]
        ends = [self.blocks(level, way, depth + 1, known, is_straight=False) for way in ways]
        return self.meet(level, ends, "and")

    def some(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """Parallel ways of which some are enough."""
        split = self.follow(level, here, Node(self.name("g"), "and"))
        ways = [self.follow(level, split, self.wait()) for _ in range(self.random.randint(2, 3))]
        ends = [self.blocks(level, way, depth + 1, known, is_straight=False) for way in ways]
        here = self.meet(level, ends, "some")
        join = level.into(here)[0][0]
        level.nodes[join].wanted = self.random.randint(1, len(ends))
        return here

    def inclusive(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        split = self.follow(level, here, Node(self.name("o"), "or"))
        tests = [*(self.test(known) for _ in range(self.random.randint(1, 2))), None]
        ways = [self.follow(level, split, self.wait(), test) for test in tests]
        ends = [self.blocks(level, way, depth + 1, known, is_straight=False) for way in ways]
        return self.meet(level, ends, "or")

    def cycle(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """Back to where it began, a number of times that a variable of its own counts."""
        counter = self.name("n")
        zero, more = Write(counter, Sum(0)), Write(counter, Sum(1, counter))
        here = self.follow(level, here, Node(self.name("t"), "script", writes=(zero,), told=counter))
        merge = self.follow(level, here, Node(self.name("m"), "xor"))
        here = self.blocks(level, merge, depth + 1, known, is_straight=is_straight)
        here = self.follow(level, here, Node(self.name("t"), "script", writes=(more,), told=counter))
        back = self.follow(level, here, Node(self.name("x"), "xor"))
        level.flows.append((back, merge, Test(counter, "<", self.random.randint(1, 3))))
        return self.follow(level, back, self.wait())

    # Activities.

    def repetition(self, known: frozenset[str]) -> Repetition | None:
        kind = self.random.choice(["", "par", "seq", "loop"])
        if kind == "loop":
            go_on = Test("loopCounter", "<", self.random.randint(0, 3))
            return Repetition(kind, go_on=go_on, test_before=self.chance(0.5))
        if not kind:
            return None
        found = Repetition(kind, count=self.random.randint(0, 3))
        if self.chance(0.5):
            found.items = tuple(self.random.sample(range(9), self.random.randint(1, 3)))
        if self.chance(0.4):
            name = self.random.choice(["numberOfCompletedInstances", "nrOfCompletedInstances", "loopCounter"])
            found.until = Test(name, ">=", self.random.randint(1, 2))
        if self.chance(0.4):
            found.behavior = self.random.choice(["One", "None", "Complex"])
            found.when = Test("numberOfCompletedInstances", "==", self.random.randint(1, 3))
        return found

    def inner(self, identity: str, repetition: Repetition | None, depth: int, known: frozenset[str]) -> Level:
        step = self.random.randint(LONGEST, 2 * LONGEST) if repetition else 0
        if repetition:
            known |= {"loopCounter", *(["it"] if repetition.items else [])}
        return self.level(identity, depth + 1, known, self.wait(step))

    def sub(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        repetition = self.repetition(known)
        node = Node(self.name("S"), "sub", repetition=repetition)
        node.body = self.inner(node.id, repetition, depth, known)
        return self.with_border(level, self.follow(level, here, node), node, depth, known)

    def free(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        """An ad-hoc subprocess whose activities count what they have done."""
        counter = self.name("n")
        zero = Node(self.name("t"), "script", writes=(Write(counter, Sum(0)),), told=counter)
        here = self.follow(level, here, zero)
        enough = Enough(Test(counter, ">=", self.random.randint(1, 6)), self.chance(0.5), self.chance(0.5))
        body = Level(self.name("F"), enough=enough)
        for _ in range(self.random.randint(1, 3)):
            inner = Node(self.name("S"), "sub")
            inner.body = Level(inner.id)
            at = self.follow(inner.body, self.add(inner.body, Node(self.name("s"), "start")), self.wait())
            more = Node(self.name("t"), "script", writes=(Write(counter, Sum(1, counter)),), told=counter)
            at = self.follow(inner.body, at, more)
            thrown = self.random.choice(["", "", "escalation", "terminate"])
            self.follow(inner.body, at, Node(self.name("e"), "end", throws=thrown))
            self.add(body, inner)
        node = Node(body.id, "free", body=body)
        return self.with_border(level, self.follow(level, here, node), node, depth, known)

    def call(self, level: Level, here: str, depth: int, known: frozenset[str], is_straight: bool) -> str:
        repetition = self.repetition(known)
        node = Node(self.name("C"), "call", repetition=repetition)
        seen = (
            known | ({"loopCounter"} if repetition else set()) | ({"it"} if repetition and repetition.items else set())
        )
        inside = seen
        if self.chance(0.5):
            node.parameters = (
                {"p": self.sum(seen), "loopCounter": Sum(0, "loopCounter")} if repetition else {"p": self.sum(seen)}
            )
            inside = frozenset(node.parameters)
        if self.chance(0.5):
            node.results = {self.random.choice(VARIABLES): self.sum(inside)}
        step = self.random.randint(LONGEST, 2 * LONGEST) if repetition else 0
        node.body = self.level(self.name("Q"), depth + 1, frozenset(inside), self.wait(step))
        return self.with_border(level, self.follow(level, here, node), node, depth, known)

    def event(self, kind: str) -> Event:
        interrupts = kind == "error" or self.chance(0.5)
        times = 1 if interrupts else self.random.randint(1, 3)
        return Event(kind, interrupts, self.random.randint(1, 3 * LONGEST), times)

    def with_border(self, level: Level, here: str, node: Node, depth: int, known: frozenset[str]) -> str:
        """The activity with boundary events; the flow of one that interrupts comes back behind it."""
        ends = [here]
        for kind in ("timer", "error", "escalation"):
            if not self.chance(0.3):
                continue
            event = self.event(kind)
            border = self.add(level, Node(self.name("b"), "boundary", host=node.id, event=event))
            way = self.script(level, self.follow(level, border, self.wait()), depth, known, False)
            if event.interrupts:
                ends.append(way)
            else:
                self.follow(level, way, Node(self.name("e"), "end"))
        return self.meet(level, ends, "xor") if len(ends) > 1 else here
