"""Decision models: decisions with what they require, read from XML, evaluated over facts (DMN 1.5, clauses 6, 10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from service.engine.dmn.boxed import BoxedExpressions
from service.engine.dmn.decision_table import Row, Table, read_table
from service.engine.dmn.item_types import ItemTypes, from_data, to_data
from service.engine.dmn.refusal import Refused, Several, child, children, local, refuse
from service.engine.feel.calls import Evaluate, defined
from service.engine.feel.compiler import Words
from service.engine.feel.lexer import plain_name
from service.engine.feel.types import ANY, Type
from service.engine.feel.values import Budget, FeelError, Function, Scope, Value
from service.engine.kernel.types import Data, ValidationIssue
from service.engine.kernel.xml_reader import parse
from service.errors import DefinitionRefused


class Facts(Mapping[str, Value]):
    """The data of a case as FEEL values, made when they are looked at."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.data = data

    def __getitem__(self, name: str) -> Value:
        return from_data(self.data[name])

    def __contains__(self, name: object) -> bool:
        return name in self.data

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)


@dataclass(slots=True)
class Run:
    """One evaluation: the facts, what has been decided so far, and what it may still cost."""

    facts: Mapping[str, Any]
    budget: Budget = field(default_factory=Budget)
    decided: dict[str, Value] = field(default_factory=dict)


MOST_REQUIRED = 50  # decisions of which each requires the next: reading them, and deciding, goes that deep

Provide = Callable[[Run], Value]


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that others require, under its name: an input, a decision, a knowledge model or a service."""

    name: str
    provide: Provide
    type: Type | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision: its logic, what it requires, and the type of its result."""

    id: str
    name: str
    variable: str
    logic: Evaluate
    table: Table | None
    requires: tuple[Requirement, ...]
    type: Type | None

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the results; a single one without a name bears that of the decision."""
        names = tuple(column.name for column in self.table.outputs) if self.table else ("",)
        return tuple(name or self.variable for name in names)

    @property
    def gives_several(self) -> bool:
        """True where the result is a list of hits."""
        return self.table is not None and self.table.gives_several

    def value(self, run: Run) -> Value:
        """The result as a FEEL value, decided once in a run. Raises FeelError."""
        if self.id not in run.decided:
            value = self.logic(self.scope(run))
            run.decided[self.id] = self.type.converted(value) if self.type else value
        return run.decided[self.id]

    def scope(self, run: Run) -> Scope:
        """The names that the logic sees: those it requires, then the facts."""
        names = {each.name: each.provide(run) for each in self.requires}
        return Scope(names, run.budget, Scope(Facts(run.facts), run.budget))

    def rows(self, facts: Mapping[str, Any]) -> list[Data]:
        """The outputs of the rules that hit, one object each; of other logic the one value. Raises ValueError."""
        try:
            run = Run(facts)
            if self.table is None:
                return [{self.variable: to_data(self.value(run))}]
            return [self._data(row) for row in self.table.rows(self.scope(run))]
        except FeelError as error:
            raise ValueError(str(error)) from error
        except RecursionError as error:
            raise ValueError("表达式嵌套过深") from error

    def _data(self, row: Row) -> Data:
        return {name or self.variable: to_data(value) for name, value in row.items()}


def evaluate(decision: Decision, facts: Mapping[str, Any]) -> Data:
    """Output name → value, for several hits a list of values; None where no rule hits.

    Raises ValueError when a fact is missing, the hits break the table's policy, or an expression has no value.
    """
    found = decision.rows(facts)
    if decision.gives_several:
        return {name: [row[name] for row in found] for name in decision.outputs}
    return found[0] if found else dict.fromkeys(decision.outputs)


class Model:
    """The content of one file, read element by element; what cannot be read is refused with those that require it."""

    def __init__(self, data: bytes, file: str) -> None:
        self.file, self.root = file, parse(data, file)
        self.nodes = {node.get("id"): node for node in self.root if local(node) in _READ and node.get("id")}
        self.types = ItemTypes(self.root)
        self.boxed = BoxedExpressions(self.types)
        self.spellings = self.types.spellings | {
            node.get("name") or "" for node in self.root.iter() if local(node) in ("variable", "formalParameter")
        } - {""}
        self.made: dict[str, Any] = {}
        self.refused: dict[str, list[Refused]] = {}
        self.open: set[str] = set()
        self._refuse_doubled()
        for node in self.nodes.values():
            self._try(node)
        for node in children(self.root, "decision"):
            if not node.get("id"):
                self.refused[""] = [refuse(node, "决策没有 id。", "The decision has no id.")]

    @property
    def decisions(self) -> dict[str, Decision]:
        """The decisions that can be executed, by id."""
        return {name: made for name, made in self.made.items() if isinstance(made, Decision)}

    def problems(self) -> list[ValidationIssue]:
        """All that is refused, each with its place."""
        return [self._issue(name, each) for name, all_ in self.refused.items() for each in all_ if not each.follows]

    def _issue(self, name: str, refused: Refused) -> ValidationIssue:
        remedies = ("按支持的写法修改决策表。", "Write the table in the supported form.")
        return ValidationIssue(self.file, refused.line, name, refused.zh, refused.en, *remedies)

    def _refuse_doubled(self) -> None:
        """Refuse an id that two elements have: one of them would be lost."""
        for node in self.root:
            name = node.get("id")
            if local(node) in _READ and name and node is not self.nodes[name]:
                self.refused[name] = [refuse(node, f"id {name} 用了两次。", f"The id {name} is used twice.")]

    def _try(self, node: Any) -> None:
        name = node.get("id")
        try:
            self._element(name)
        except Refused as refused:
            self.refused.setdefault(name, [refused])
        except Several as several:
            self.refused.setdefault(name, several.refusals)

    def _element(self, name: str) -> Any:
        if name in self.refused:
            raise Refused(0, f"所需的 {name} 有误。", f"{name}, which it requires, is refused.", follows=True)
        if name not in self.made:
            node = self.nodes[name]
            if name in self.open:
                raise refuse(node, f"{name} 以自身为前提。", f"{name} requires itself.")
            if len(self.open) == MOST_REQUIRED:
                raise refuse(
                    node,
                    f"{name} 之前层层相依，超过 {MOST_REQUIRED} 层。",
                    f"{name} is required through more than {MOST_REQUIRED} others.",
                )
            self.open.add(name)
            try:
                self.made[name] = _READ[local(node)](self, node)
            except Several as several:
                self.refused[name] = several.refusals
                raise
            except Refused as refused:  # told where it is; whatever requires this element only follows
                self.refused[name] = [refused]
                raise Refused(refused.line, refused.zh, refused.en, follows=True) from refused
            finally:
                self.open.discard(name)
        return self.made[name]

    def _required(self, node: Any) -> list[Requirement]:
        kinds = ("requiredInput", "requiredDecision", "requiredKnowledge")
        requirements = children(node, "informationRequirement", "knowledgeRequirement")
        references = [reference for each in requirements for reference in children(each, *kinds)]
        return [self._requirement(self._target(reference)) for reference in references]

    def _target(self, reference: Any) -> str:
        space, _, name = (reference.get("href") or "").rpartition("#")
        if name not in self.nodes or (space and space != self.root.get("namespace")):
            raise refuse(
                reference, f"找不到所需的 {name}(不支持引入别的文件)。", f"{name} is required but not in this file."
            )
        return name

    def _requirement(self, name: str) -> Requirement:
        made = self._element(name)
        if isinstance(made, Decision):
            return Requirement(made.variable, made.value, made.type)
        found: Requirement = made
        return found

    def _words(self, required: list[Requirement], *more: str) -> Words:
        names = frozenset((*(each.name for each in required), *map(plain_name, more)))
        return Words(names, self.spellings, self._type)

    def _type(self, name: str) -> Type | None:
        return self.types.find(name)

    def _decision(self, node: Any) -> Decision:
        required = self._required(node)
        words, variable = self._words(required), child(node, "variable")
        name = plain_name(node.get("name") or node.get("id"))
        called = plain_name(variable.get("name") or "") if variable is not None else ""
        type_ = self.types.of(variable) if variable is not None else None
        found = child(node, "decisionTable")
        if found is not None:
            table = read_table(found, words, self.types)
            return Decision(node.get("id"), name, called or name, table.value, table, tuple(required), type_)
        logic = self.boxed.inside(node, words)
        return Decision(node.get("id"), name, called or name, logic, None, tuple(required), type_)

    def _input(self, node: Any) -> Requirement:
        variable = child(node, "variable")
        name = plain_name((variable.get("name") if variable is not None else "") or node.get("name") or "")
        type_ = self.types.of(variable) if variable is not None else None
        return Requirement(name, partial(_fact, name, type_), type_)

    def _knowledge(self, node: Any) -> Requirement:
        name, logic = plain_name(node.get("name") or node.get("id")), child(node, "encapsulatedLogic")
        if logic is None:
            raise refuse(node, f"知识模型 {name} 没有内容。", f"The knowledge model {name} has no logic.")
        required = self._required(node)
        function = self.boxed.function(logic, self._words(required, name), name, self._given(node, logic))

        def provide(run: Run) -> Value:
            names = {each.name: each.provide(run) for each in required}
            made = function(Scope(names, run.budget))
            names[name] = made
            return made

        return Requirement(name, provide)

    def _given(self, node: Any, logic: Any) -> Type | None:
        """The type of what a knowledge model gives: of its logic, or by its variable."""
        variable = child(node, "variable")
        declared = self.types.of(variable) if variable is not None else None
        if declared is not None and declared.name == "function":
            declared = declared.of
        return self.types.of(logic) or declared

    def _service(self, node: Any) -> Requirement:
        name = plain_name(node.get("name") or node.get("id"))
        inputs = [self._requirement(self._target(each)) for each in children(node, "inputData")]
        decided = [self._element(self._target(each)) for each in children(node, "inputDecision")]
        outputs = [self._element(self._target(each)) for each in children(node, "outputDecision")]
        if not outputs or not all(isinstance(each, Decision) for each in (*outputs, *decided)):
            raise refuse(
                node, f"决策服务 {name} 没有输出决策。", f"The decision service {name} has no output decision."
            )
        names = tuple(each.name for each in inputs) + tuple(each.variable for each in decided)
        types = tuple(each.type or ANY for each in (*inputs, *decided))

        def serve(scope: Scope) -> Value:
            given = {each.id: scope.find(each.variable) for each in decided}
            run = Run({each.name: scope.find(each.name) for each in inputs}, scope.budget, given)
            values = {each.variable: each.value(run) for each in outputs}
            return values if len(outputs) > 1 else values[outputs[0].variable]

        def provide(run: Run) -> Function:
            return defined(name, names, types, None, serve, Scope({}, run.budget))

        return Requirement(name, provide)


_READ: dict[str, Callable[[Model, Any], Any]] = {
    "decision": Model._decision,
    "inputData": Model._input,
    "businessKnowledgeModel": Model._knowledge,
    "decisionService": Model._service,
}


def _fact(name: str, type_: Type | None, run: Run) -> Value:
    if name not in run.facts:
        raise FeelError(f"没有名为 {name} 的数据")
    try:
        value = from_data(run.facts[name], type_)
    except FeelError as error:
        raise FeelError(f"数据 {name} 的{error}") from error
    return type_.converted(value) if type_ else value


def read_decisions(data: bytes, file: str) -> dict[str, Decision]:
    """Decision id → decision. Raises DefinitionRefused with every problem."""
    model = Model(data, file)
    if problems_ := _deployable(model):
        raise DefinitionRefused(problems_)
    return model.decisions


def problems(data: bytes, file: str) -> list[ValidationIssue]:
    """List what the validation refuses in a DMN file."""
    try:
        return _deployable(Model(data, file))
    except DefinitionRefused as refused:
        return list(refused.problems)


def _deployable(model: Model) -> list[ValidationIssue]:
    """The problems of a model, and outputs that cannot become variables of a case."""
    found = model.problems()
    for name, decision in model.decisions.items():
        if decision.table and not all(output.isidentifier() for output in decision.outputs):
            found.append(
                ValidationIssue(
                    model.file,
                    model.nodes[name].sourceline or 0,
                    name,
                    "每个输出应有不同的简单名称。",
                    "Every output needs a plain name of its own.",
                    "名称只用字母、数字和下划线。",
                    "Use letters, digits and underscores only.",
                )
            )
    return found
