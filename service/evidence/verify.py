#!/usr/bin/env python3
"""Check an evidence file of Anpei. Needs Python 3.11 or later and nothing else; shares no line with the service.

    python3 -I verify.py EVIDENCE.zip [--key PUBLIC-KEY-HEX]... [--seals SEALS.jsonl]
    python3 -I verify.py SAMPLE.json --key PUBLIC-KEY-HEX        (a signed random sample of cases)

It checks that every file is the one listed; that the seals are signed (RFC 8032) and agree with each other and with
those you kept (--seals); that every row of every journal stands in the sealed log (RFC 9162); that each journal is one
unbroken chain; and that each case went a way that BPMN 2.0.2, clause 13, allows: a token game over the diagram, with
the recorded results of conditions. Without --key the keys are those in the file, which prove only that it agrees with
itself: ask for the public key by another way. What is not played (said as such): values of data and conditions, and
the elements named in NOT_PLAYED. Instances of a repeated activity are played together. Exit code 1: something differs.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import sys
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from typing import Any

Row = dict[str, Any]
Files = dict[str, bytes]
Flow = tuple[str, str, bool]  # id, target, whether it has a condition
Point = tuple[int, int, int, int]

NOT_PLAYED = {"adHocSubProcess", "complexGateway"}  # and whatever compensates or waits for a condition
NODES = ("Event", "Task", "task", "Gateway", "Process", "Activity", "transaction")
SUBPROCESSES = {"subProcess", "transaction", "callActivity"}
NOTES = {"claim", "unclaim", "assign", "suspend", "resume", "retry", "resolve"}
MOVES = {"start", "complete", "timer", "message", "signal", "external", "error", "job", "readdress", "migrate"}
UNDO, FOLLOWS = "undo", {"job"}  # takes a completion back, with what that brought by itself
HASHED = (  # fields of a row that its hash covers as they stand
    *("case", "seq", "kind", "actor", "behalf", "at", "element", "token", "due", "definition", "trace", "opened"),
    *("closed", "jobs", "decisions", "shape", "shown", "data_digest", "engine", "digest_version"),
)


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# Ed25519, verification only (RFC 8032, 5.1).

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def x_of(y: int, sign: int) -> int:
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        raise ValueError("no point of the curve")
    return P - x if x & 1 != sign else x


def point(data: bytes) -> Point:
    value = int.from_bytes(data, "little")
    y = value & ((1 << 255) - 1)
    x = x_of(y, value >> 255)
    return x, y, 1, x * y % P


def added(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number: int, p: Point) -> Point:
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = added(total, p)
        p, number = added(p, p), number >> 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = (x_of(BASE_Y, 0), BASE_Y, 1, x_of(BASE_Y, 0) * BASE_Y % P)


def is_signed(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        a, r, s = point(key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    except ValueError:
        return False
    if len(key) != 32 or len(signature) != 64 or s >= L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    left, right = times(s, BASE), added(r, times(k, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# The log (RFC 9162, 2.1).


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def is_included(leaf: bytes, index: int, size: int, path: list[bytes], root: bytes) -> bool:
    """2.1.3.2."""
    if not 0 <= index < size:
        return False
    fn, sn, found = index, size - 1, leaf
    for step in path:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            found = node_hash(step, found)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            found = node_hash(found, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and found == root


def is_consistent(size: int, root: bytes, larger: int, larger_root: bytes, path: list[bytes]) -> bool:
    """2.1.4.2."""
    if size == larger:
        return root == larger_root and not path
    if not 0 < size < larger or not path:
        return False
    path = [root, *path] if size & (size - 1) == 0 else list(path)
    fn, sn = size - 1, larger - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old = new = path[0]
    for step in path[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            old, new = node_hash(step, old), node_hash(step, new)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new = node_hash(new, step)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and old == root and new == larger_root


# The journal of a case.


def chain_faults(case: str, rows: list[Row]) -> list[str]:
    before = ""
    for seq, row in enumerate(rows):
        salt = base64.b64decode(row["salt"])
        payload = [(f"data.{name}", value) for name, value in row["data"].items()]
        payload += [(f"calls.{place}", call) for place, call in enumerate(row["calls"])]
        digests = {}
        for name, value in payload:
            inner = hmac.digest(salt, name.encode(), "sha256")
            digests[name] = hmac.digest(inner, canonical(value), "sha256").hex()
        fields = {name: row[name] for name in HASHED if row.get(name) is not None}
        whole = hashlib.sha256(before.encode() + canonical(fields) + canonical(row["digests"])).hexdigest()
        if (row["case"], row["seq"], row["prev"], row["hash"]) != (case, seq, before, whole):
            return [f"row {seq}: changed, missing or out of place"]
        if digests != row["digests"]:
            return [f"row {seq}: values changed"]
        before = row["hash"]
    return [] if rows else ["no rows"]


# Diagrams.


class Node:
    def __init__(self, element: ET.Element, level: Level) -> None:
        self.id, self.kind, self.level = element.get("id", ""), local(element), level
        self.out: list[Flow] = []
        self.into: list[str] = []
        self.inner: Level | str | None = None  # the name of a called process: it is found when it is entered
        self.default, self.host = element.get("default"), element.get("attachedToRef")
        self.interrupts = element.get("cancelActivity", "true") != "false"
        self.starts_alone = element.get("isInterrupting", "true") != "false"
        self.is_handler = element.get("triggeredByEvent") == "true"
        self.is_undoing = element.get("isForCompensation") == "true"
        attributes = {name.rpartition("}")[2]: value for name, value in element.attrib.items()}
        self.is_async = attributes.get("asyncBefore") == "true"
        self.called = attributes.get("calledElement")
        self.wanted, self.given = int(element.get("startQuantity", 1)), int(element.get("completionQuantity", 1))
        self.events = [child for child in element if local(child).endswith("EventDefinition")]
        self.triggers = {local(event)[: -len("EventDefinition")] for event in self.events}
        loops = [child for child in element if local(child).endswith("LoopCharacteristics")]
        self.repeats = local(loops[0])[:5] if loops else None  # multi or stand
        self.tests = bool(loops) and any(local(c) in ("completionCondition", "loopCondition") for c in loops[0])
        self.test_before = bool(loops) and loops[0].get("testBefore") == "true"

    @property
    def is_start(self) -> bool:
        free = not self.into and not self.host and not self.is_handler and not self.is_undoing
        return free and "link" not in self.triggers


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


class Level:
    """A process or subprocess: its nodes and flows, those of inner ones apart."""

    def __init__(self, element: ET.Element, processes: dict[str, Level]) -> None:
        self.nodes: dict[str, Node] = {}
        for child in element:
            if child.get("id") and local(child).endswith(NODES):
                node = self.nodes[child.get("id", "")] = Node(child, self)
                if local(child) in ("subProcess", "transaction", "adHocSubProcess"):
                    node.inner = Level(child, processes)
                elif node.called:
                    node.inner = node.called
        for child in element:
            if local(child) == "sequenceFlow":
                has_condition = any(local(inner) == "conditionExpression" for inner in child)
                flow = (child.get("id", ""), child.get("targetRef", ""), has_condition)
                self.nodes[child.get("sourceRef", "")].out.append(flow)
                self.nodes[flow[1]].into.append(flow[0])
            elif local(child) == "association" and child.get("targetRef") in self.nodes:
                self.nodes[child.get("targetRef", "")].is_undoing = True
        starts = [node for node in self.nodes.values() if node.is_start]
        drawn = [node for node in starts if node.kind == "startEvent"]
        self.starts = drawn + [node for node in starts if node.kind != "startEvent"]


def names_of(files: Files) -> dict[str, str]:
    """Names of messages and signals by id."""
    found: dict[str, str] = {}
    for data in files.values():
        for element in read(data).iter():
            if local(element) in ("message", "signal"):
                found[element.get("id", "")] = element.get("name", element.get("id", ""))
    return found


def read(data: bytes) -> ET.Element:
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("a diagram declares entities")
    return ET.fromstring(data)  # noqa: S314 - without entities there is nothing to expand


class Diagram:
    """The .bpmn files of one definition."""

    def __init__(self, files: Files) -> None:
        self.processes: dict[str, Level] = {}
        self.called: set[str] = set()
        drawn = {name: data for name, data in files.items() if name.endswith(".bpmn")}
        for data in drawn.values():
            for element in read(data).iter():
                if local(element) == "process" and element.get("isExecutable") == "true":
                    self.processes[element.get("id", "")] = Level(element, self.processes)
                self.called |= {v for name, v in element.attrib.items() if name.endswith("calledElement")}
        self.names = names_of(drawn)
        self.unplayed = self.find_unplayed()

    def main(self, process: str | None = None) -> Level:
        return self.processes[process or next(p for p in self.processes if p not in self.called)]

    def find_unplayed(self) -> set[str]:
        found: set[str] = set()
        todo = list(self.processes.values())
        for level in todo:
            for node in level.nodes.values():
                odd = node.kind in NOT_PLAYED or node.is_undoing or node.triggers & {"compensate", "conditional"}
                found |= {node.id} if odd or len(node.triggers) > 1 or "cancel" in node.triggers else set()
                if isinstance(node.inner, Level):
                    todo.append(node.inner)
        return found


# The token game (BPMN 2.0.2, clause 13).


class Fault(Exception):
    pass


class Scope:
    def __init__(self, level: Level, path: str, around: Scope | None = None, host: Node | None = None) -> None:
        self.level, self.path, self.around, self.host = level, path, around, host
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.runs = 0  # (node, flow) -> tokens, never 0; how often it has begun and not ended

    def occupied(self) -> list[Node]:
        return [self.level.nodes[name] for name in {key[0] for key in self.tokens}]

    def at(self, node: Node) -> int:
        return sum(count for (place, _), count in self.tokens.items() if place == node.id)

    def remove(self, key: tuple[str, str]) -> None:
        self.tokens[key] -= 1
        if not self.tokens[key]:
            del self.tokens[key]


class Game:
    def __init__(self, diagram: Diagram, process: str | None = None) -> None:
        self.diagram = diagram
        self.top = Scope(diagram.main(process), "")
        self.scopes = {"": self.top}
        self.users: dict[str, str] = {}
        self.jobs: dict[str, list[str]] = {}
        self.row: Row = {}
        self.bits: list[str] = []
        self.gone: set[str] = set()  # scopes that ended in this row
        self.place, self.over = 0, False

    def play(self, row: Row) -> None:
        """One row of the journal; raises Fault where the recorded way is none that the diagram allows."""
        if row["kind"] in NOTES:
            return
        if self.over:
            raise Fault("moves after its end")
        self.row, self.bits, self.gone = row, list(row["decisions"]), set()
        self.take_input(row)
        for self.place, line in enumerate(row["trace"]):
            if line[0] == "!":
                self.clear(self.top)
            elif line[0] == "+":
                self.pass_on(line[1:])
        for token in row["closed"]:
            self.users.pop(token, None), self.jobs.pop(token, None)
        self.users |= {task[0]: task[1] for task in row["opened"]}
        self.jobs |= {job[0]: job[1:3] for job in row["jobs"]}
        self.settle()

    def migrate(self, diagram: Diagram, goes: dict[str, str]) -> None:
        """Go on by another diagram, each token where the plan leads it."""
        former, self.diagram, self.top = self.scopes, diagram, Scope(diagram.main(), "")
        self.scopes = {"": self.top}
        for path in sorted(former, key=lambda key: key.count("/")):
            place = moved(path, goes)
            outer = former[path].around
            if outer is not None and moved(outer.path, goes) not in self.scopes:
                continue  # nothing was in it: else its outer one would have refused
            scope = self.scope(place) if path and former[path].runs else self.scopes.get(place)
            if scope is None:
                continue
            scope.runs += former[path].runs  # a plan may lead several subprocesses to one
            for (name, flow), count in former[path].tokens.items():
                node = scope.level.nodes.get(goes.get(name, name))
                if count and node is None:
                    raise Fault(f"{path}{name} has a token and is not in the diagram it goes to")
                if count and node is not None:
                    into = entries(former[path].level, flow, scope.level, node, goes)
                    scope.tokens[node.id, min(into, key=lambda one: scope.tokens[node.id, one])] += count
        self.users = {token: moved(path, goes) for token, path in self.users.items()}
        self.jobs = {token: [moved(path, goes), kind] for token, (path, kind) in self.jobs.items()}

    def take_input(self, row: Row) -> None:
        kind, element, token = row["kind"], row["element"], row["token"]
        if kind == "start":
            self.begin_case()
        elif kind == "complete" and self.users.get(token) != element:
            raise Fault(f"{element} {token} was not open")
        elif kind in ("timer", "external") and self.jobs.get(token, [])[:1] != [element]:
            raise Fault(f"no {kind} {token} waited at {element}")
        if kind in ("complete", "external") and "+" + element not in row["trace"]:
            raise Fault(f"{element} was done, and its token did not leave")

    def begin_case(self) -> None:
        starts = self.top.level.starts
        named = [s for s in starts if s.id == self.row["element"] or self.row["element"] in self.names(s)]
        plain = [s for s in starts if not s.triggers]
        first = [line[1:] for line in self.row["trace"][:1]]
        told = [s for s in starts if s.id in first]
        self.top.runs = 1
        for node in (named or plain[:1] or told)[:1] if any(s.kind == "startEvent" for s in starts) else starts:
            self.top.tokens[node.id, ""] += 1

    def names(self, node: Node) -> set[str]:
        refs = {v for e in node.events for name, v in e.attrib.items() if name in ("messageRef", "signalRef")}
        return {self.diagram.names.get(ref.rpartition(":")[2], ref) for ref in refs}

    def scope(self, path: str) -> Scope:
        """The scope of a path that ends with a slash or is empty, begun if its activity has a token for that."""
        found = self.scopes.get(path)
        if found is None:
            outer = self.scope(path[:-1].rpartition("/")[0] + "/" if "/" in path[:-1] else "")
            host = outer.level.nodes.get(path[:-1].rpartition("/")[2])
            if host is None or host.inner is None:
                raise Fault(f"{path} is no subprocess")
            level = host.inner if isinstance(host.inner, Level) else self.diagram.processes[host.inner]
            found = self.scopes[path] = Scope(level, path, outer, host)
        return found

    def begin(self, scope: Scope) -> bool:
        """Begin a subprocess whose activity has a token that has not begun it."""
        host, outer = scope.host, scope.around
        if host is None or outer is None:
            return False
        if host.is_handler:
            if outer.host is not None and not outer.runs and not self.begin(outer):
                return False
            start = scope.level.starts[0]
            self.come(start, host, scope.path[:-1])
            if start.starts_alone:
                self.clear(outer, but=scope.path)
        elif not (outer.at(host) > scope.runs or (host.repeats and self.arrived(outer, host))):
            return False
        scope.runs += 1
        for node in scope.level.starts[:1] if scope.level.starts[0].kind == "startEvent" else scope.level.starts:
            scope.tokens[node.id, ""] += 1
        return True

    def arrived(self, scope: Scope, node: Node) -> bool:
        """Tell whether a token is at a node, once what repeats before it has gone on."""
        return bool(scope.at(node)) or (self.finish_repeated_before(scope, node) and bool(scope.at(node)))

    def finish_repeated_before(self, scope: Scope, node: Node) -> bool:
        """Let what repeats go on, once what comes after it does: how often it repeats follows from data."""
        for host in scope.level.nodes.values():
            if host.repeats and scope.at(host) and any(target == node.id for _, target, _ in host.out):
                inner = self.scopes.get(scope.path + host.id + "/")
                if inner is None or not inner.tokens.total():
                    self.leave(scope, host)
                    return True
        return False

    def pass_on(self, path: str) -> None:
        prefix, _, name = path.rpartition("/")
        prefix += "/" if prefix else ""
        if any(prefix.startswith(dead) for dead in self.gone):
            return  # it threw what ended its own scope
        scope = self.scope(prefix)
        node = scope.level.nodes.get(name)
        if node is None:
            raise Fault(f"{path} is not in the diagram")
        if node.kind == "boundaryEvent":
            return self.at_border(scope, node)
        if node.inner is not None and (node.is_handler or node.kind in SUBPROCESSES):
            return self.end_inner(scope, node, path)
        if scope.host is not None and not self.arrived(scope, node) and node in scope.level.starts:
            self.begin(scope)
        if node.kind in ("parallelGateway", "inclusiveGateway") and len(node.into) > 1:
            self.join(scope, node, path)
        elif node.repeats:
            if not self.arrived(scope, node):
                raise Fault(f"{path} had no token")
            return self.repeat(scope, node)
        else:
            for _ in range(node.wanted):
                self.take(scope, node, path)
        self.come(node, node, path)
        self.leave_or_end(scope, node, path)

    def take(self, scope: Scope, node: Node, path: str) -> None:
        if not self.arrived(scope, node):
            raise Fault(f"{path} had no token")
        scope.remove(next(key for key in scope.tokens if key[0] == node.id))

    def come(self, event: Node, waiting: Node, path: str) -> None:
        """An event comes by its input only."""
        if event.kind not in ("intermediateCatchEvent", "boundaryEvent", "receiveTask") and not waiting.is_handler:
            return
        kind, element = self.row["kind"], self.row["element"]
        if event.triggers == {"timer"} and (kind != "timer" or element not in (path, *self.gates(path, event))):
            raise Fault(f"{path} passed without its time")
        if event.triggers == {"message"} and (kind != "message" or element not in self.names(event)):
            raise Fault(f"{path} passed without its message")

    def gates(self, path: str, event: Node) -> list[str]:
        prefix = path[: -len(event.id)]
        return [prefix + n.id for n in event.level.nodes.values() if any(t == event.id for _, t, _ in n.out)]

    def join(self, scope: Scope, node: Node, path: str) -> None:
        filled = [flow for flow in node.into if scope.tokens[node.id, flow]]
        if node.kind == "parallelGateway" and len(filled) < len(node.into):
            raise Fault(f"{path} went on with {len(filled)} of {len(node.into)} tokens")
        if not filled:
            raise Fault(f"{path} had no token")
        for flow in filled:
            scope.remove((node.id, flow))

    def leave_or_end(self, scope: Scope, node: Node, path: str) -> None:
        if node.kind == "eventBasedGateway":
            return self.choose(scope, node, path)
        if node.kind == "endEvent" and "terminate" in node.triggers:
            return self.clear(scope)
        if "link" in node.triggers and not node.out:
            names = [event.get("name") for event in node.events]
            for other in scope.level.nodes.values():
                if other.out and "link" in other.triggers and [e.get("name") for e in other.events] == names:
                    scope.tokens[other.id, ""] += 1
        self.leave(scope, node, took=True)

    def choose(self, scope: Scope, node: Node, path: str) -> None:
        """The event that came first takes the token of an event-based gateway."""
        prefix = path[: -len(node.id)]
        after = self.row["trace"][self.place + 1 :]
        for flow, target, _ in node.out:
            if "+" + prefix + target in after[:1]:
                scope.tokens[target, flow] += 1
                return
        raise Fault(f"{path} chose nothing")

    def leave(self, scope: Scope, node: Node, took: bool = False) -> None:
        """Tokens for the outgoing flows; conditions by their recorded results."""
        if not took:
            self.take(scope, node, scope.path + node.id)
        for flow, target, _ in self.chosen(node):
            scope.tokens[target, flow] += node.given
            place = scope.level.nodes[target]
            self.gone.discard(f"{scope.path}{target}/")
            if place.repeats == "stand" and place.test_before and place.tests and self.bit(place) == "0":
                self.leave(scope, place)

    def chosen(self, node: Node) -> list[Flow]:
        if node.kind in ("parallelGateway", "eventBasedGateway") or (len(node.out) == 1 and not node.out[0][2]):
            return node.out
        tested = [flow for flow in node.out if flow[2] and flow[0] != node.default]
        plain = [flow for flow in node.out if not flow[2] and flow[0] != node.default]
        default = [flow for flow in node.out if flow[0] == node.default]
        if node.kind == "exclusiveGateway":
            for flow in tested:
                if self.bit(node) == "1":
                    return [flow]
            if not default and (tested or len(plain) != 1):
                raise Fault(f"{node.id} had no way to go")
            return default or plain
        holding = [flow for flow in tested if self.bit(node) == "1"]
        if tested and not holding and not plain and not default:
            raise Fault(f"{node.id} had no way to go")
        return [*plain, *holding] if holding or not tested else [*plain, *default]

    def bit(self, node: Node) -> str:
        if not self.bits:
            raise Fault(f"{node.id} chose without asking its conditions")
        return self.bits.pop(0)

    def repeat(self, scope: Scope, node: Node) -> None:
        """An instance has ended; the recorded condition tells whether another follows."""
        if node.tests and self.bits:
            bit = self.bits.pop(0)
            if bit == ("1" if node.repeats == "multi" else "0"):
                self.end_scope(scope.path + node.id + "/")
                self.leave(scope, node)

    def end_inner(self, scope: Scope, node: Node, path: str) -> None:
        inner = self.scopes.get(path + "/")
        if inner is None or not inner.runs:
            if not (inner or self.scope(path + "/")).level.starts or not self.begin(self.scope(path + "/")):
                raise Fault(f"{path} ended without having begun")
            inner = self.scopes[path + "/"]
        busy = [s for s in self.scopes.values() if s.path.startswith(path + "/") and s.tokens.total()]
        if busy and not node.repeats and inner.runs < 2:
            raise Fault(f"{path} ended while tokens were in it")
        inner.runs -= 1
        if node.is_handler:
            return
        if node.repeats:
            return self.repeat(scope, node)
        self.leave(scope, node)

    def at_border(self, scope: Scope, node: Node) -> None:
        host = scope.level.nodes[node.host or ""]
        if not self.arrived(scope, host):
            raise Fault(f"{scope.path}{node.id} passed while {host.id} had no token")
        self.come(node, node, scope.path + node.id)
        if node.interrupts:
            for key in [key for key in scope.tokens if key[0] == host.id]:
                del scope.tokens[key]
            self.end_scope(scope.path + host.id + "/")
        self.leave(scope, node, took=True)

    def end_scope(self, path: str) -> None:
        for key in [key for key in self.scopes if key.startswith(path)]:
            del self.scopes[key]
        self.gone.add(path)

    def clear(self, scope: Scope, but: str | None = None) -> None:
        scope.tokens.clear()
        for key in [k for k in self.scopes if k != scope.path and k.startswith(scope.path) and k != but]:
            del self.scopes[key]

    def settle(self) -> None:
        """After a row every token rests where it may."""
        if self.bits:
            raise Fault("conditions were asked that no element asks")
        for scope in list(self.scopes.values()):
            for node in scope.occupied():
                if node.repeats and not self.rests(scope, node):
                    self.leave(scope, node)
        for scope in list(self.scopes.values()):
            for node in scope.occupied():
                self.check_rest(scope, node)
        for path in set(self.users.values()):
            outer = self.scopes.get(path.rpartition("/")[0] + "/" if "/" in path else "")
            place = outer.level.nodes.get(path.rpartition("/")[2]) if outer else None
            if outer is None or place is None or not outer.at(place):
                raise Fault(f"{path} is open without a token")
        self.over = not any(scope.tokens.total() for scope in self.scopes.values())

    def check_rest(self, scope: Scope, node: Node) -> None:
        path, count = scope.path + node.id, scope.at(node)
        if not self.rests(scope, node):
            raise Fault(f"{path} holds a token that should have gone on")
        if node.kind == "userTask" and not node.repeats:
            opened = list(self.users.values()).count(path)
            if opened + list(self.jobs.values()).count([path, "async"]) != count:
                raise Fault(f"{path} is open {opened} times, and {count} tokens are there")

    def rests(self, scope: Scope, node: Node) -> bool:
        path = scope.path + node.id
        jobs = [kind for place, kind in self.jobs.values() if place == path]
        if node.kind == "userTask":
            return path in self.users.values() or "async" in jobs
        if "async" in jobs or "external" in jobs or node.kind in ("eventBasedGateway", "receiveTask"):
            return True
        if node.kind == "intermediateCatchEvent":
            return "timer" not in node.triggers or "timer" in jobs
        if node.inner is not None:
            if not node.repeats and path + "/" not in self.scopes:
                self.begin(self.scope(path + "/"))
            return any(s.tokens.total() for s in self.scopes.values() if s.path.startswith(path + "/"))
        if len(node.into) > 1 and node.kind in ("parallelGateway", "inclusiveGateway"):
            filled = {flow for flow in node.into if scope.tokens[node.id, flow]}
            return len(filled) < len(node.into) and (
                node.kind == "parallelGateway" or self.awaited(scope, node, filled)
            )
        return node.wanted > scope.at(node)

    @staticmethod
    def awaited(scope: Scope, join: Node, filled: set[str]) -> bool:
        """13.4.3: a token can still come by an empty flow and by none that is filled."""
        for place in {key[0] for key in scope.tokens} - {join.id}:
            seen: set[str] = set()
            todo = [place]
            while todo:
                here = todo.pop()
                if here in seen or here == join.id:
                    continue
                seen.add(here)
                todo += [target for _, target, _ in scope.level.nodes[here].out]
                todo += [node.id for node in scope.level.nodes.values() if node.host == here]
            reached = {flow for here in seen for flow, target, _ in scope.level.nodes[here].out if target == join.id}
            if reached - filled and not reached & filled:
                return True
        return False


def moved(path: str, goes: dict[str, str]) -> str:
    """A path of elements, each where a plan leads it."""
    return "/".join(goes.get(name, name) for name in path.split("/"))


def entries(former: Level, flow: str, level: Level, node: Node, goes: dict[str, str]) -> list[str]:
    """The flows of a join by which a token may count that came by a flow of another diagram."""
    if len(node.into) < 2 or node.kind not in ("parallelGateway", "inclusiveGateway"):
        return [""]
    source = next((one.id for one in former.nodes.values() if any(out[0] == flow for out in one.out)), "")
    start = goes.get(source, source)
    ends = {out[0]: one.id for one in level.nodes.values() for out in one.out if out[1] == node.id}
    if ends.get(flow) == start:
        return [flow]
    direct = [name for name, before in ends.items() if before == start]
    seen: set[str] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        if here in seen or here == node.id or here not in level.nodes:
            continue
        seen.add(here)
        todo += [out[1] for out in level.nodes[here].out]
        todo += [other.id for other in level.nodes.values() if other.host == here]
    found = direct or [name for name, before in ends.items() if before in seen]
    if not found:
        raise Fault(f"a token that came by {flow} has no place at {node.id}")
    return found


def game_faults(
    rows: list[Row], definitions: dict[str, Files], diagrams: dict[str, Diagram] | None = None
) -> tuple[list[str], list[str]]:
    """Play a case: all that is no way through its diagram, and what was not played.

    definitions: files by digest; diagrams: those read before, which are not read again.
    """
    return played(rows, definitions, {} if diagrams is None else diagrams)[1:]


def played(
    rows: list[Row], definitions: dict[str, Files], known: dict[str, Diagram]
) -> tuple[Game | None, list[str], list[str]]:
    game, digest = None, rows[0]["definition"] if rows else ""
    kept: list[Row] = []
    for row in rows:
        migrates = row["kind"] == "migrate" and game is not None
        if row["kind"] not in MOVES | NOTES | {UNDO} or (row["definition"] != digest and not migrates):
            return game, [], [f"from row {row['seq']} ({row['kind']})"]
        if game is None or migrates:
            digest = row["definition"]
            diagram = known[digest] = known.get(digest) or Diagram(definitions[digest])
            if odd := diagram.unplayed:
                return game, [], [f"the diagram holds {', '.join(sorted(odd))}"]
        try:
            if row["kind"] == UNDO:
                kept = left_by(row, kept)
                game = taken_back(row, game, played(kept, definitions, known)[0])
                continue
            if game is None:
                game = Game(diagram)
            elif migrates:
                game.migrate(diagram, row["data"].get("elements", {}))
            game.play(row)
        except Fault as fault:
            return game, [f"row {row['seq']} {row['kind']}: {fault}"], []
        kept += [row] if row["kind"] not in NOTES else []
    return game, [], []


def left_by(undo: Row, kept: list[Row]) -> list[Row]:
    """The rows that count when one takes a completion back: of its author, if nothing else has happened since."""
    for place, row in enumerate(kept):
        if row["seq"] == undo["data"].get("row"):
            same = all(row[name] == undo[name] for name in ("token", "element", "actor", "definition"))
            alone = {later["kind"] for later in kept[place + 1 :]} <= FOLLOWS
            if row["kind"] == "complete" and same and alone:
                return kept[:place]
    raise Fault("there is no such completion to take back")


def taken_back(undo: Row, left: Game | None, game: Game | None) -> Game:
    """The case as it stood before; its row says what is open again and what is not any more."""
    if left is None or game is None:
        raise Fault("nothing had begun")
    opened, closed = {task[0] for task in undo["opened"]}, set(undo["closed"])
    open_before, open_now = {**left.users, **left.jobs}.keys(), {**game.users, **game.jobs}.keys()
    if opened != game.users.keys() - left.users.keys() or closed != open_before - open_now:
        raise Fault("it says otherwise what is open again")
    return game


# The file.


class Evidence:
    """An evidence file, and what differs in it."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.manifest = json.loads(archive.read("manifest.json"))

    def check(self, keys: list[str], kept: list[Row]) -> None:
        self.check_files()
        head = json.loads(self.archive.read("head.json"))
        self.check_heads(head, keys, kept)
        definitions = self.definitions()
        for case in self.manifest["cases"]:
            try:
                self.check_case(case, head["body"], definitions)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
                self.faults.append(f"case {case}: cannot be read ({type(error).__name__} {error})")

    def check_files(self) -> None:
        listed = self.manifest["files"]
        present = set(self.archive.namelist()) - {"manifest.json"}
        for name in sorted(present ^ set(listed)):
            self.faults.append(f"file {name}: {'missing' if name in listed else 'not listed'}")
        for name in sorted(present & set(listed)):
            if hashlib.sha256(self.archive.read(name)).hexdigest() != listed[name]:
                self.faults.append(f"file {name}: not the one listed")

    def check_heads(self, head: Row, keys: list[str], kept: list[Row]) -> None:
        known = {identity(key): key for key in keys or json.loads(self.archive.read("keys.json")).values()}
        if not keys:
            self.notes.append("the keys are those in the file: they prove nothing of who signed")
        for one in [head, *kept]:
            if not any(is_head_signed(one, name, key) for name, key in known.items()):
                self.faults.append(f"seal {one['body']['size']}: not signed by a key you trust")
        body, proofs = head["body"], json.loads(self.archive.read("consistency.json"))
        for size, root, path in proofs:
            steps = [bytes.fromhex(step) for step in path]
            if not is_consistent(size, bytes.fromhex(root), body["size"], bytes.fromhex(body["root"]), steps):
                self.faults.append(f"seal {size}: is not the beginning of seal {body['size']}")
        roots = {size: root for size, root, _ in proofs} | {body["size"]: body["root"]}
        for one in kept:
            size = one["body"]["size"]
            if one["body"]["log"] != body["log"] or roots.get(size, one["body"]["root"]) != one["body"]["root"]:
                self.faults.append(f"seal {size}: the log is another one than that of the seal you kept")
            elif size > body["size"]:
                self.faults.append(f"seal {size}: the log was longer when you kept its seal")
            elif size not in roots:
                self.notes.append(f"the seal you kept of {size} leaves is not in the file, and was not compared")

    def definitions(self) -> dict[str, Files]:
        found: dict[str, Files] = {}
        for name in self.archive.namelist():
            if name.startswith("definitions/"):
                _, digest, file = name.split("/", 2)
                found.setdefault(digest, {})[file] = self.archive.read(name)
        for digest, files in found.items():
            own = canonical({name: hashlib.sha256(data).hexdigest() for name, data in files.items()})
            if hashlib.sha256(own).hexdigest() != digest:
                self.faults.append(f"definition {digest}: its files are not those it is addressed by")
        return found

    def check_case(self, case: str, body: Row, definitions: dict[str, Files]) -> None:
        rows = [json.loads(line) for line in self.archive.read(f"cases/{case}/journal.jsonl").splitlines()]
        proofs = json.loads(self.archive.read(f"cases/{case}/inclusion.json"))
        faults, unplayed = chain_faults(case, rows), list[str]()
        for row in rows:
            index, path = proofs.get(str(row["seq"]), (None, []))
            leaf = leaf_hash(f"journal {case}/{row['seq']} {row['hash']}".encode())
            steps = [bytes.fromhex(step) for step in path]
            if index is None:
                later = [seq for seq in proofs if int(seq) > row["seq"]]
                (faults if later else self.notes).append(f"case {case}: row {row['seq']} is not sealed yet")
            elif not is_included(leaf, index, body["size"], steps, bytes.fromhex(body["root"])):
                faults.append(f"row {row['seq']}: not the one that was sealed")
        if not faults:
            faults, unplayed = game_faults(rows, definitions)
        self.faults += [f"case {case}: {fault}" for fault in faults]
        self.notes += [f"case {case}: not played, {what}" for what in unplayed]


def identity(key: str) -> str:
    return hashlib.sha256(bytes.fromhex(key)).hexdigest()[:16]


def is_head_signed(head: Row, name: str, key: str) -> bool:
    signature = head["signatures"].get(name)
    return bool(signature) and is_signed(bytes.fromhex(key), canonical(head["body"]), bytes.fromhex(signature))


def sample_faults(document: Row, keys: list[str]) -> list[str]:
    """A signed sample of cases: the signature, and that its cases stand in the order that the seed gives."""
    body, faults = document["body"], list[str]()
    if not any(is_head_signed(document, identity(key), key) for key in keys):
        faults.append("the sample is not signed by a key you trust")
    places = [hashlib.sha256(f"{body['seed']}:{one['case']}".encode()).digest() for one in body["cases"]]
    if places != sorted(places) or [one["position"] for one in body["cases"]] != list(range(1, len(places) + 1)):
        faults.append("the cases do not stand in the order that the seed gives")
    if len(set(places)) != len(places) or len(places) > body["population"]:
        faults.append("a case stands there twice, or more cases than there are")
    return faults


def check_sample(path: str, keys: list[str]) -> int:
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    faults = sample_faults(document, keys)
    for fault in faults:
        print(f"DIFFERENT: {fault}")
    print(f"{len(document['body']['cases'])} sampled cases, {len(faults)} differences")
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("evidence")
    parser.add_argument("--key", action="append", default=[], help="a public key you trust, in hexadecimal digits")
    parser.add_argument("--seals", help="seals you kept, one JSON a line")
    asked = parser.parse_args()
    kept: list[Row] = []
    if asked.seals:
        with open(asked.seals, encoding="utf-8") as lines:
            kept = [head for head in map(json.loads, lines) if "body" in head]
    try:
        if not zipfile.is_zipfile(asked.evidence):
            return check_sample(asked.evidence, asked.key)
        with zipfile.ZipFile(asked.evidence) as archive:
            found = Evidence(archive)
            found.check(asked.key, kept)
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError, AttributeError) as error:
        print(f"DIFFERENT: the file cannot be read ({type(error).__name__} {error})")
        return 1
    for note in found.notes:
        print(f"note: {note}")
    for fault in found.faults:
        print(f"DIFFERENT: {fault}")
    print(f"{len(found.manifest['cases'])} cases, {len(found.faults)} differences")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main())
