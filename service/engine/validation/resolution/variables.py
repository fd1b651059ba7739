"""Variables: what an element reads has been written on every path to it, with values that it can have."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from service.engine.forms.attributes import did_you_mean, nearest
from service.engine.forms.defaults import variables_in
from service.engine.kernel.camunda_extensions import attributes_of, script_in
from service.engine.starlark.linter import names_bound
from service.engine.validation.allow_list import CONDITIONS
from service.engine.validation.diagram import Diagram, children, kind, words
from service.engine.validation.files import Bundle
from service.engine.validation.resolution.data_flow import SOMEBODY, UNWRITTEN, DataFlow, State
from service.engine.validation.resolution.names import meant
from service.engine.validation.resolution.vocabulary import Names, Vocabulary
from service.engine.validation.scripts import BUILTINS, TIMES, bare

Said = tuple[str, str]


def variables_are_written(bundle: Bundle, known: Vocabulary) -> None:
    """Everything that is read in every process: expressions, scripts, topics, tables."""
    for d in bundle.diagrams:
        for process in d.all("process"):
            if process.get("isExecutable") not in ("false", "0"):
                flow = DataFlow(bundle, d, process, known)
                bundle.flows.append(flow)
                Reading(bundle, d, flow, known).check()


class Reading:
    """The variables that the elements of one process read, held against its data flow."""

    def __init__(self, bundle: Bundle, d: Diagram, flow: DataFlow, known: Vocabulary) -> None:
        self.bundle, self.d, self.flow, self.known = bundle, d, flow, known
        self.written, self.is_open = flow.written, flow.is_open
        self.read: set[str] = set()

    def check(self) -> None:
        """Check each element that a token reaches."""
        for name, node in self.flow.nodes.items():
            if name in self.flow.before:
                before = self._with_inputs(name, node, self.flow.before[name])
                self._check_attributes(node, self.flow.before[name])
                self._check_work(node, before)
                self._check_conditions(node, self.flow.after[name])

        self._check_unread()

    def _check_unread(self) -> None:
        """A variable that nobody reads and that is nearly one that somebody reads is a slip; others are noted."""
        for node in self.flow.nodes.values():
            said = attributes_of(node)
            for name in sorted(set(said.outputs) - self.read):
                if close := nearest(name, self.read):
                    self.d.warn(node, *_unread(name), *did_you_mean(close))
            form = self.bundle.forms.get(said.form_key or "")
            for name in (one.key for one in (form.fields if form else ()) if one.key and one.key not in self.read):
                close = nearest(name, self.read)
                remedy = did_you_mean(close) if close else ONLY_PEOPLE
                severity = "warning" if close else "note"
                self.bundle.tell_field(said.form_key or "", name, *_unread(name), remedy, severity)

    def _with_inputs(self, name: str, node: Any, before: State) -> State:
        return before | dict.fromkeys(self.flow.writes[name].local, SOMEBODY)

    def _check_attributes(self, node: Any, before: State) -> None:
        said = attributes_of(node)
        seen = self._with_inputs(node.get("id", ""), node, before)
        for what, text in (
            ("candidateGroups", said.role),
            ("assignee", said.assignee),
            ("dueDate", said.due),
            ("followUpDate", said.follow_up),
            ("priority", said.priority),
        ):
            if text and "${" in text:
                self._read(node, bare(text), seen, what)
        for what, text in said.properties.items():
            if what in ("scope", "summary", "batch"):
                self._read(node, bare(text), seen, what)
        for what, text in said.inputs.items():
            if "${" in text:
                self._read(node, bare(text), before, what)
        self._check_outputs(node, seen)
        for loop in children(node, "multiInstanceLoopCharacteristics"):
            for count in children(loop, "loopCardinality"):
                self._read(node, bare(words(count)), before, "loopCardinality")

    def _check_outputs(self, node: Any, seen: State) -> None:
        """Output parameters, and a state that is an expression, see what the activity itself has given."""
        said = attributes_of(node)
        given = self.known.topics.get(said.topic or "")
        own = dict.fromkeys(given.gives | given.may_give, SOMEBODY) if given else {}
        for what, text in (*said.outputs.items(), ("state", said.properties.get("state", ""))):
            if "${" in text:
                self._read(node, bare(text), seen | self._own(node) | own, what)

    def _own(self, node: Any) -> State:
        form = self.bundle.forms.get(attributes_of(node).form_key or "")
        return {one.key: SOMEBODY for one in form.fields if one.key} if form else {}

    def _check_work(self, node: Any, before: State) -> None:
        said = attributes_of(node)
        if topic := self.known.topics.get(said.topic or ""):
            for name in sorted(topic.needs | topic.reads):
                is_optional = name not in topic.needs
                self._require(
                    node, name, before, f"主题 {said.topic} ", f"The topic {said.topic}", optional=is_optional
                )
            self._check_values(node, before, topic.values, topic.tells_apart, topic.needs | topic.reads)
            self._check_texts(node, before, topic.texts)
        if said.decision and kind(node) == "businessRuleTask":
            for name in sorted(self.bundle.facts_of(said.decision)):
                self._require(node, name, before, f"决策 {said.decision} ", f"The decision {said.decision}")
        form = self.bundle.forms.get(said.form_key or "") if kind(node) == "userTask" else None
        for one in form.fields if form else ():
            for name in sorted(variables_in(str(one.default))) if one.is_computed else ():
                said_of = f"字段 {one.key} 的 defaultValue ", f"defaultValue of the field {one.key}"
                self._require(node, name, before, *said_of, optional=True)
        for script in children(node, "script"):
            text = script_in(script)
            for name in sorted(_names(text, "exec") - names_bound(text)):
                self._require(node, name, before, "脚本", "The script")
        self._check_times(node, before)

    def _check_texts(self, node: Any, before: State, texts: Mapping[str, Callable[[str], Names]]) -> None:
        """Texts name variables that are written, and none that is personal."""
        for what, text in attributes_of(node).inputs.items():
            for name in sorted(texts[what](text)) if what in texts and "${" not in text else ():
                if name in self.bundle.personal:
                    self.d.refuse(
                        node,
                        f"{what} 用到个人信息字段 {name}。",
                        f"{what} names the personal field {name}.",
                        "改用编号或结论。",
                        "Name ids or decisions.",
                    )
                elif self.flow.is_list(name, before.get(name, 0)):
                    self.d.refuse(
                        node,
                        f"{what} 用到变量 {name}，它不是一个值，填不进文字。",
                        f"{what} names the variable {name}, which is no single value and cannot stand in a text.",
                        '用脚本拼成文字，如 words = "、".join(kinds)，再用 {words}。',
                        'Join it by a script, such as words = ", ".join(kinds), and name {words}.',
                    )
                else:
                    self._require(node, name, before, f"{what} ", what)

    def _check_times(self, node: Any, before: State) -> None:
        """A timer is read when its event begins to wait: at a border, when the activity begins."""
        state = self.flow.before.get(node.get("attachedToRef", ""), before)
        for definition in self.d.definitions_of(node):
            for time in children(definition, *TIMES):
                if "${" in words(time):
                    self._read(node, bare(words(time)), state, kind(time))

    def _check_values(self, node: Any, before: State, values: Any, apart: Any, read: Names) -> None:
        for name in sorted(read & (values.keys() | apart.keys())):
            possible = self.flow.values_of(name, before.get(name, 0))
            for value in sorted((possible or frozenset()) - values[name]) if name in values else ():
                self._refuse_value(node, name, value, values[name])
            for value in sorted(apart.get(name, frozenset()) - possible) if possible is not None else ():
                self.d.warn(
                    node,
                    f"程序要辨别 {name} 的值“{value}”，而它不会有这个值。",
                    f'The handler looks for the value "{value}" of {name}, which it cannot have.',
                    *meant(value, possible or ()),
                )

    def _refuse_value(self, element: Any, name: str, value: str, known: Names) -> None:
        self.d.refuse(
            element,
            f"变量 {name} 没有值“{value}”。",
            f'The variable {name} cannot have the value "{value}" here.',
            *meant(value, known),
        )

    def _check_conditions(self, node: Any, after: State) -> None:
        for flow in self.d.out(node):
            for condition in children(flow, "conditionExpression"):
                text = bare(words(condition))
                self._read(flow, text, after, "条件", "The condition")
                self._compare(flow, text, after)
        for loop in children(node, "standardLoopCharacteristics", "multiInstanceLoopCharacteristics"):
            for condition in children(loop, *CONDITIONS):
                seen = dict.fromkeys(self.written | self.flow.writes[node.get("id", "")].local, SOMEBODY)
                self._read(loop, bare(words(condition)), seen, kind(condition))

    def _compare(self, flow: Any, text: str, after: State) -> None:
        """Values in a condition are among those that the variable can have there."""
        for name, value in _compared(text):
            values = self.flow.values_of(name, after.get(name, 0))
            if values is not None and value not in values:
                self._refuse_value(flow, name, value, values)

    def _read(self, element: Any, text: str, state: State, what: str, what_en: str = "") -> None:
        for name in sorted(_names(text, "eval")):
            self._require(element, name, state, what if what_en else f"{what} ", what_en or what)

    def _require(self, element: Any, name: str, state: State, zh: str, en: str, *, optional: bool = False) -> None:
        self.read.add(name)
        writers = state.get(name, UNWRITTEN)
        if not writers & UNWRITTEN or (optional and writers != UNWRITTEN):
            return
        if writers != UNWRITTEN:
            self.d.warn(
                element,
                f"{zh}读取变量 {name}，它不是在每条路径上都已写入。",
                f"{en} reads the variable {name}, which has not been written on every path to here.",
                "在到达这里之前写入它。",
                "Write it before this is reached.",
            )
            return
        say = self.d.warn if optional or self.is_open or name in self.written else self.d.refuse
        say(
            element,
            f"{zh}读取变量 {name}，到这里之前没有谁写入它。",
            f"{en} reads the variable {name}, which nobody has written before.",
            *meant(name, [one for one, by in state.items() if by != UNWRITTEN]),
        )


ONLY_PEOPLE = ("只给人看，不必改。", "Only people read it; nothing need be changed.")


def _unread(name: str) -> Said:
    return f"写入的变量 {name} 没有谁读取。", f"The variable {name} is written, and nothing reads it."


def _names(text: str, mode: str) -> Names:
    """The variables that a piece of Starlark reads and does not bind itself."""
    try:
        tree = ast.parse(text.strip(), mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {argument.arg for node in ast.walk(tree) if isinstance(node, ast.arguments) for argument in node.args}
    return frozenset(node.id for node in names if isinstance(node.ctx, ast.Load)) - bound - BUILTINS


def _compared(text: str) -> Iterator[tuple[str, str]]:
    """Each variable that is compared with a text, and the text."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            sides = [node.left, node.comparators[0]]
            names = [side.id for side in sides if isinstance(side, ast.Name)]
            texts = [
                leaf for side in sides for leaf in (side.elts if isinstance(side, ast.List | ast.Tuple) else [side])
            ]
            for leaf in texts:
                if names and isinstance(leaf, ast.Constant) and isinstance(leaf.value, str):
                    yield names[0], leaf.value


BUNDLE_RULES = (variables_are_written,)
