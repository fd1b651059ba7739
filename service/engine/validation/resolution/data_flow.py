"""Data flow: the elements that may have written a variable when a token comes to another, over scopes.

A variable that nobody has written has the writer ``UNWRITTEN``; where paths meet, writers are united.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from service.engine.kernel.camunda_extensions import attributes_of, script_in
from service.engine.starlark.linter import lists_set, names_set
from service.engine.validation.allow_list import FLOW_NODES
from service.engine.validation.diagram import Diagram, camunda, children, is_true, kind, process_of, words
from service.engine.validation.elements.flows import is_event_subprocess
from service.engine.validation.files import Bundle
from service.engine.validation.resolution.names import caught
from service.engine.validation.resolution.vocabulary import Names, Vocabulary
from service.engine.validation.scripts import bare

UNWRITTEN, SOMEBODY = 1, 2
FROM_OUTSIDE = frozenset(["messageEventDefinition", "timerEventDefinition", "signalEventDefinition"])
_EQUALS = re.compile(r"(\w+)(?:\s*==\s*[\"'](\w+)[\"'])?")
SCOPES = ("subProcess", "transaction", "adHocSubProcess")

Edges = dict[str, list[tuple[str, str]]]
"""Node → the nodes from which it takes its state, each with ``before``, ``after`` or ``both``."""
State = dict[str, int]
"""Variable → the set of those that may have written it last, a bit for each; what is not there is ``UNWRITTEN``."""


@dataclass(slots=True)
class Writes:
    """The variables that an element writes: always, sometimes, for itself alone; values: those that are known; lists:
    those that hold several values.
    """

    always: set[str] = field(default_factory=set)
    sometimes: set[str] = field(default_factory=set)
    local: set[str] = field(default_factory=set)
    values: dict[str, Names] = field(default_factory=dict)
    lists: set[str] = field(default_factory=set)
    is_open: bool = False  # somebody outside may write anything


class DataFlow:
    """The data flow of one process of a bundle."""

    def __init__(self, bundle: Bundle, d: Diagram, process: Any, known: Vocabulary) -> None:
        self.bundle, self.d, self.process, self.known = bundle, d, process, known
        self.nodes = {n.get("id", ""): n for n in d.nodes() if process_of(n) is process}
        self.payload = {element.get("id", ""): name for element, name in caught(d)}
        self.writes = {name: self._writes(node) for name, node in self.nodes.items()}
        self.bits = {name: 4 << at for at, name in enumerate(self.nodes)}
        topics = {name: known.topics.get(attributes_of(node).topic or "") for name, node in self.nodes.items()}
        self.served = {name: topic for name, topic in topics.items() if topic}
        self.start = self._start()
        self.before: dict[str, State] = {}
        self.after: dict[str, State] = {}
        self._solve()

    @property
    def is_open(self) -> bool:
        """Tell whether somebody outside may write variables that are not known here."""
        return any(writes.is_open for writes in self.writes.values())

    @property
    def written(self) -> set[str]:
        """Every variable that anything writes."""
        found = set(self.start)
        for writes in self.writes.values():
            found |= writes.always | writes.sometimes
        return found

    def is_list(self, variable: str, writers: int) -> bool:
        """Tell whether one of these writers gives a variable several values."""
        begins = children(self.process, "startEvent") if writers & SOMEBODY else ()
        by_start = any(variable in self._form(start).lists for start in begins)
        return by_start or any(bit & writers and variable in self.writes[n].lists for n, bit in self.bits.items())

    def values_of(self, variable: str, writers: int) -> Names | None:
        """The values that a variable can have after these writers; None when one of them may write anything."""
        if writers & SOMEBODY:
            return None
        found: set[str] = set()
        for name in (name for name, bit in self.bits.items() if bit & writers):
            values = self.writes[name].values.get(variable)
            if values is None:
                return None
            found |= values
        return frozenset(found) if found else None

    def _start(self) -> State:
        """The variables of a new case: as this service starts it, or with the start form that a client fills in."""
        described = self.known.processes.get(self.process.get("id", ""))
        starts = children(self.process, "startEvent")
        fields = {key for start in starts for key in self._form(start).always}
        ways: list[set[str]] = []
        if described and (described.starts_with or described.starter):
            ways.append(set(described.starts_with | described.starter))
        if camunda(self.process, "candidateStarterGroups") or not ways:
            ways.append(fields | set(described.starter if described else self.known.starter))
        always = set.intersection(*ways)
        sometimes = set.union(*ways) - always | set(described.may_start_with if described else ())
        return dict.fromkeys(sometimes, SOMEBODY | UNWRITTEN) | dict.fromkeys(always, SOMEBODY)

    def _form(self, node: Any) -> Writes:
        form = self.bundle.forms.get(attributes_of(node).form_key or "")
        found = Writes()
        for one in form.fields if form else ():
            if one.key and not one.readonly:
                found.always.add(one.key)
                if one.type in ("checklist", "dynamiclist"):
                    found.lists.add(one.key)
                if one.options and one.type != "checklist":
                    found.values[one.key] = frozenset(option.value for option in one.options)
        return found

    def _writes(self, node: Any) -> Writes:
        made = self._made_by(node)
        said = attributes_of(node)
        made.local |= set(said.inputs) | set(said.copied_in)
        if said.outputs:
            made.always, made.sometimes, made.values = set(said.outputs), set(), {}
            made.lists = {name for name, text in said.outputs.items() if bare(text) in made.lists or _is_list(text)}
            for name, text in said.outputs.items():
                if "${" not in text:
                    made.values[name] = frozenset([text])
        made.sometimes |= set(said.copied_out)
        for loop in children(node, "multiInstanceLoopCharacteristics", "standardLoopCharacteristics"):
            made.local |= {"loopCounter", "numberOfInstances", "numberOfActiveInstances"}
            made.local |= {"numberOfCompletedInstances", "numberOfTerminatedInstances"}
            made.local |= {camunda(loop, "elementVariable") or "loopCounter"}
        return made

    def _made_by(self, node: Any) -> Writes:
        name, said = kind(node), attributes_of(node)
        if name == "userTask":
            return self._form(node)
        if name == "scriptTask":
            texts = [script_in(script) for script in children(node, "script")]
            lists = {name for text in texts for name in lists_set(text)}
            return Writes(sometimes=set().union(*map(names_set, texts)), lists=lists)
        if name == "businessRuleTask" and said.result:
            return self._decided(said.decision or "", said.result, said.result_shape or "")
        if name in ("serviceTask", "sendTask") and said.topic:
            return self._served(said.topic)
        if name in ("callActivity", "serviceTask") or (name == "businessRuleTask" and not said.decision):
            return Writes(is_open=True)
        return self._received(node)

    def _served(self, topic: str) -> Writes:
        found = self.known.topics.get(topic)
        if found is None:
            return Writes(is_open=True)
        values = {n: v for n, v in found.values.items() if n in found.gives | found.may_give}
        return Writes(set(found.gives), set(found.may_give), values=values)

    def _decided(self, decision: str, result: str, shape: str) -> Writes:
        outputs = self.bundle.outputs(decision)
        values = {result: outputs[0][1]} if len(outputs) == 1 and outputs[0][1] else {}
        is_list = len(outputs) > 1 or shape in ("singleResult", "collectEntries", "resultList")
        return Writes({result}, values=values, lists={result} if is_list else set())

    def _received(self, node: Any) -> Writes:
        name = self.payload.get(node.get("id", ""))
        if name is None:
            return Writes()
        described = self.known.processes.get(self.process.get("id", ""))
        message = described.messages.get(name) if described else None
        return Writes(is_open=True) if message is None else Writes(set(message.gives), set(message.may_give))

    def _solve(self) -> None:
        """Unite what comes along every edge until nothing changes."""
        edges = self._edges()
        root = self.process.get("id", "")
        self.after[root] = self.before[root] = self.start
        behind: dict[str, list[str]] = {}
        for name, sources in edges.items():
            for source, _ in sources:
                behind.setdefault(source, []).append(name)
        order = {name: (name[-1:] in "*~", at) for at, name in enumerate(edges)}  # what unites much comes last
        todo = set(behind.get(root, ()))
        while todo:
            name = min(todo, key=order.__getitem__)
            todo.discard(name)
            states = [state for source, takes in edges[name] for state in self._taken(source, takes)]
            joins = kind(self.nodes[name]) == "parallelGateway" if name in self.nodes else False
            before = _united(states, drops_unwritten=joins)
            if before != self.before.get(name):
                self.before[name], self.after[name] = before, self._transfer(name, before)
                todo.update(behind.get(name, ()))

    def _taken(self, source: str, takes: str) -> list[State]:
        """The states that an edge takes over from its source: before it, after it, or both."""
        found = [self.before.get(source)] if takes in ("before", "both") else []
        found += [self.after.get(source)] if takes in ("after", "both") else []
        return [state for state in found if state is not None]

    def _edges(self) -> Edges:
        """Collect the places from which the state before each node comes.

        ``x>``: a scope left; ``x~``: a scope while a token waits in it; ``x*``: while it runs.
        """
        edges: Edges = {name: [] for name in self.nodes}
        for scope in (self.process, *(n for n in self.nodes.values() if kind(n) in SCOPES)):
            self._enter_and_leave(scope, edges)
        for name, node in self.nodes.items():
            for other in self.d.link_targets(node) if kind(node) == "intermediateThrowEvent" else ():
                edges.setdefault(other, []).append((name, "after"))
            for flow in self.d.out(node):
                edges.setdefault(f"{flow.get('id')}-", []).append((self._left(node), "after"))
                edges.setdefault(flow.get("targetRef", ""), []).append((f"{flow.get('id')}-", "after"))
            for boundary in self.d.boundaries.get(name, ()):
                source = (self._while(name, boundary), "both") if kind(node) in SCOPES else (name, "before")
                edges[boundary.get("id", "")].append(source)
        return edges

    def _enter_and_leave(self, scope: Any, edges: Edges) -> None:
        """Edges into a scope, out of it, and to what runs or comes while it runs."""
        name = scope.get("id", "")
        leaves, runs = edges.setdefault(f"{name}>", []), edges.setdefault(f"{name}*", [(name, "after")])
        waits, is_ad_hoc = edges.setdefault(f"{name}~", []), kind(scope) == "adHocSubProcess"
        if is_ad_hoc or children(scope, "multiInstanceLoopCharacteristics"):
            leaves.append((name, "after"))
        for entry in self._entries(scope):
            edges[entry.get("id", "")].append((f"{name}*" if is_ad_hoc else name, "after"))
        for node in children(scope, *FLOW_NODES):
            inner = node.get("id", "")
            runs.append((f"{inner}*" if kind(node) in SCOPES else inner, "both"))
            if self._waits(node):
                waits.append((f"{inner}~" if kind(node) in SCOPES else inner, "before"))
            if is_event_subprocess(node):
                edges[inner] += [(self._while(name, start), "both") for start in children(node, "startEvent")]
            if not self.d.out(node) and not self.d.link_targets(node):
                leaves.append((self._left(node), "after"))

    def _waits(self, node: Any) -> bool:
        """Tell whether a token can rest at a node while something else comes in."""
        is_open = self.writes[node.get("id", "")].is_open and not self.payload.get(node.get("id", ""))
        rests = kind(node) in (
            *SCOPES,
            "userTask",
            "receiveTask",
            "intermediateCatchEvent",
            "eventBasedGateway",
            "parallelGateway",
        )
        return rests or is_open or camunda(node, "asyncBefore") == "true" or kind(node) == "callActivity"

    def _while(self, scope: str, event: Any) -> str:
        """Choose the state of a scope when an event in or at it comes: from outside only while a token waits."""
        kinds = {kind(definition) for definition in self.d.definitions_of(event)}
        return f"{scope}~" if kinds and kinds <= FROM_OUTSIDE else f"{scope}*"

    def _left(self, node: Any) -> str:
        name: str = node.get("id", "")
        return f"{name}>" if kind(node) in SCOPES else name

    def _entries(self, scope: Any) -> Iterator[Any]:
        """Find the nodes at which a token begins in a scope: starts, and nodes that nothing leads to."""
        for node in children(scope, *FLOW_NODES):
            is_reached = self.d.into(node) or kind(node) == "boundaryEvent" or is_event_subprocess(node)
            if not is_reached and not is_true(node.get("isForCompensation")):
                yield node

    def _transfer(self, name: str, before: State) -> State:
        """The state after a node; what a scope has for itself is seen by all in it."""
        if name not in self.nodes:
            return self._refined(self.d.ids.get(name.rstrip("-")), before) if name.endswith("-") else before
        state, writes = dict(before), self.writes[name]
        for variable in writes.always | (writes.local if kind(self.nodes[name]) in SCOPES else set()):
            state[variable] = self.bits[name]
        for variable in writes.sometimes:
            state[variable] = state.get(variable, UNWRITTEN) | self.bits[name]
        return state

    def _refined(self, flow: Any, before: State) -> State:
        """Along a flow whose condition names a value, what topics give then has been written."""
        text = bare("".join(words(c) for c in children(flow, "conditionExpression"))) if flow is not None else ""
        found = _EQUALS.fullmatch(text)
        if not found:
            return before
        name, value = found[1], found[2] or "True"
        state = dict(before)
        for writer, topic in self.served.items():
            if value in topic.gives_when.get(name, ()):
                for variable in topic.may_give:
                    if state.get(variable, 0) & self.bits[writer]:
                        state[variable] &= ~UNWRITTEN
        return state


def _is_list(text: str) -> bool:
    """Tell whether a parameter gives a list or a mapping that is written out."""
    return "${" in text and bool(lists_set(f"it = {bare(text)}"))


def _united(states: list[State], *, drops_unwritten: bool) -> State:
    """Unite the writers; where all tokens meet, what one of them has surely written is written."""
    found: State = {}
    count: dict[str, int] = {}
    sure: set[str] = set()
    distinct = list({id(state): state for state in states}.values())
    if len(distinct) == 1:
        return dict(distinct[0])
    for state in distinct:
        for variable, writers in state.items():
            found[variable] = found.get(variable, 0) | writers
            count[variable] = count.get(variable, 0) + 1
            if drops_unwritten and not writers & UNWRITTEN:
                sure.add(variable)
    for variable, times in count.items():
        if variable in sure:
            found[variable] &= ~UNWRITTEN
        elif times < len(distinct):
            found[variable] |= UNWRITTEN
    return found
