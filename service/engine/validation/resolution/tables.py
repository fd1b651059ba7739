"""Decision tables: facts that are given, outputs that are read, and rules without gap, overlap or idle row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise, product
from math import prod
from typing import Any

from service.engine.dmn.decision_table import Rule, Table
from service.engine.dmn.model import Decision, Model
from service.engine.dmn.refusal import child, children, text_in
from service.engine.feel.values import Budget, FeelError, Scope
from service.engine.validation.diagram import camunda
from service.engine.validation.elements.events import DURATION
from service.engine.validation.files import Bundle
from service.engine.validation.resolution.data_flow import DataFlow, State
from service.engine.validation.resolution.names import meant
from service.engine.validation.resolution.vocabulary import DecisionUse, Names, Values, Vocabulary

MAX_TESTS = 400_000  # of rules against samples
TOO_LARGE = (
    "表太大，或单元格算不出来，没有核对遗漏、重叠和不会命中的规则。",
    "The table is too large, or a cell fails: gaps, overlaps and rules that never hit were not looked for.",
    ("分成几张表即可核对。", "Divide it into several tables to have it checked."),
)
OTHER = "\N{HORIZONTAL ELLIPSIS}"  # any text that no cell names
_STRING = re.compile(r'"((?:\\.|[^"\\])*)"')
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
SINGLE = frozenset(["UNIQUE", "ANY", "FIRST", "PRIORITY"])


def tables_are_used_rightly(bundle: Bundle, known: Vocabulary) -> None:
    """Each decision of the bundle, as this service and the diagrams use it."""
    for file, model in bundle.models.items():
        for name, decision in model.decisions.items():
            used = known.decisions.get(name)
            if used:
                _check_use(bundle, file, model, decision, used)
            if decision.table is not None:
                _check_entries(bundle, file, model, decision, used)
                _check_rules(bundle, file, model, decision, _possible(bundle, name), is_read=used is not None)


def _check_use(bundle: Bundle, file: str, model: Model, decision: Decision, used: DecisionUse) -> None:
    node = model.nodes[decision.id]
    for name in sorted(bundle.facts_of(decision.id) - used.facts) if used.facts else ():
        bundle.refuse(
            file,
            node,
            f"决策读取“{name}”，它不在给出的事实之中。",
            f'The decision reads "{name}", which is none of the facts given to it.',
            meant(name, used.facts),
        )
    for name in sorted(used.outputs.keys() - set(decision.outputs)):
        bundle.refuse(
            file,
            node,
            f"程序要读取输出“{name}”，决策没有这个输出。",
            f'The output "{name}" is read, and the decision does not give it.',
            meant(name, decision.outputs),
        )


def _check_entries(bundle: Bundle, file: str, model: Model, decision: Decision, used: DecisionUse | None) -> None:
    """Values given are among those listed, and those listed among those that are understood."""
    table = child(model.nodes[decision.id], "decisionTable")
    for at, clause in enumerate(children(table, "output")):
        name = clause.get("name") or decision.variable
        understood = used.outputs.get(name, frozenset()) if used else frozenset()
        values = child(clause, "outputValues")
        listed = frozenset(_STRING.findall(text_in(values))) if values is not None else frozenset()
        for value in sorted(listed - understood) if understood else ():
            _refuse_value(bundle, file, clause, value, understood)
        for entry in _entries(table, at) if used and name in used.durations else ():
            if not DURATION.fullmatch(text_in(entry).strip('"')):
                _refuse_value(bundle, file, entry, text_in(entry), frozenset(["P5D", "PT12H"]))
        allowed = listed or understood
        for entry in _entries(table, at) if allowed else ():
            text = text_in(entry)
            if text in ("", "-"):
                continue
            if not _STRING.fullmatch(text):
                bundle.warn(
                    file,
                    entry,
                    f"输出 {name} 应为列出的文字之一，这里是“{text}”。",
                    f'The output {name} should be one of the texts listed; here stands "{text}".',
                    meant(text, allowed),
                )
            for value in sorted(set(_STRING.findall(text)) - allowed):
                _refuse_value(bundle, file, entry, value, allowed)


def _entries(table: Any, at: int) -> list[Any]:
    return [children(rule, "outputEntry")[at] for rule in children(table, "rule")]


def _refuse_value(bundle: Bundle, file: str, node: Any, value: str, allowed: Names) -> None:
    bundle.refuse(file, node, f"没有值“{value}”。", f'There is no value "{value}".', meant(value, allowed))


def _possible(bundle: Bundle, decision: str) -> dict[str, Names]:
    """Variable → its values where diagrams ask the decision, of those variables whose values are all known."""
    found: dict[str, Names] = {}
    for flow in bundle.flows:
        for state in _asked(flow, decision):
            for variable in bundle.facts_of(decision):
                values = flow.values_of(variable, state.get(variable, 0))
                if values is not None:
                    found[variable] = found.get(variable, frozenset()) | values
    return found


def _asked(flow: DataFlow, decision: str) -> Iterator[State]:
    asking = [name for name, node in flow.nodes.items() if camunda(node, "decisionRef") == decision]
    return (flow.before[name] for name in asking if name in flow.before)


def _check_rules(
    bundle: Bundle, file: str, model: Model, decision: Decision, possible: Values, *, is_read: bool
) -> None:
    node = child(model.nodes[decision.id], "decisionTable")
    rules, columns = children(node, "rule"), children(node, "input")
    table = decision.table
    assert table is not None
    _check_texts(bundle, file, columns, rules, possible)
    samples = [_samples(column, rules, at, possible) for at, column in enumerate(columns)]
    if any(some is None for some in samples):
        return
    known = [some or [] for some in samples]
    if prod(map(len, known)) * max(len(rules), 1) > MAX_TESTS:
        bundle.note(file, node, *TOO_LARGE)
        return
    seen: set[int] = set()
    gap: tuple[Any, ...] | None = None
    overlap: tuple[int, int] | None = None
    scope = Scope({}, Budget())
    try:
        for values in product(*known):
            hits = _hits(table, values, scope)
            seen.update(hits[:1] if table.policy == "FIRST" else hits)
            if not hits and (gap is None or OTHER in gap):
                gap = values
            if len(hits) > 1 and table.policy == "UNIQUE":
                overlap = overlap or (hits[0], hits[1])
    except FeelError:
        bundle.note(file, node, *TOO_LARGE)
        return
    if overlap:
        first, second = (rules[at] for at in overlap)
        bundle.refuse(
            file,
            second,
            f"规则 {second.get('id')} 与 {first.get('id')} 会同时命中，而命中策略是 UNIQUE。",
            f"The rules {second.get('id')} and {first.get('id')} hit together, and the hit policy is UNIQUE.",
            ("收窄其中一条，或改变命中策略。", "Narrow one of them, or change the hit policy."),
        )
    _tell_gap(bundle, file, node, columns, gap, table, is_read=is_read)
    for at in sorted(set(range(len(rules))) - seen):
        bundle.warn(
            file,
            rules[at],
            f"规则 {rules[at].get('id')} 永远不会命中。",
            f"The rule {rules[at].get('id')} can never hit.",
            ("改正它，或删去。", "Correct it, or remove it."),
        )


def _check_texts(bundle: Bundle, file: str, columns: list[Any], rules: list[Any], possible: Values) -> None:
    """Texts that a cell compares with are among those that its variable can have."""
    for at, column in enumerate(columns):
        values = possible.get(text_in(child(column, "inputExpression")))
        listed = child(column, "inputValues")
        known = values or (frozenset(_STRING.findall(text_in(listed))) if listed is not None else frozenset())
        for rule in rules if known else ():
            cell = children(rule, "inputEntry")[at]
            for value in sorted(set(_STRING.findall(text_in(cell))) - known):
                _refuse_value(bundle, file, cell, value, known)


def _tell_gap(
    bundle: Bundle,
    file: str,
    node: Any,
    columns: list[Any],
    gap: tuple[Any, ...] | None,
    table: Table,
    *,
    is_read: bool,
) -> None:
    if gap is None or table.policy not in SINGLE or any(output.default for output in table.outputs):
        return
    names = [text_in(child(column, "inputExpression")) for column in columns]
    case = ", ".join(f"{name} = {_written(value)}" for name, value in zip(names, gap, strict=True))
    say = bundle.refuse if is_read and OTHER not in gap else bundle.warn
    say(
        file,
        node,
        f"没有规则适用于：{case}。",
        f"No rule covers: {case}.",
        ("补一条规则，或写 defaultOutputEntry。", "Add a rule, or a defaultOutputEntry."),
    )


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _samples(column: Any, rules: list[Any], at: int, possible: Values) -> list[Any] | None:
    """Values of every kind that the cells of a column can tell apart; None where that is not known."""
    expression = child(column, "inputExpression")
    kind = (expression.get("typeRef") or "").rpartition(":")[2]
    cells = [text_in(children(rule, "inputEntry")[at]) for rule in rules]
    texts = {text for cell in cells for text in _STRING.findall(cell)}
    numbers = sorted({Decimal(text) for cell in cells for text in _NUMBER.findall(_STRING.sub("", cell))})
    if kind == "boolean" or all(cell in ("true", "false", "-", "") for cell in cells):
        return [True, False]
    if kind == "string" or (texts and not numbers):
        listed = child(column, "inputValues")
        values = possible.get(text_in(expression))
        known = values or (frozenset(_STRING.findall(text_in(listed))) if listed is not None else frozenset())
        return sorted(known) if known else [*sorted(texts), OTHER]
    if numbers and not texts:
        between = [(low + high) / 2 for low, high in pairwise(numbers)]
        return [numbers[0] - 1, *numbers, *between, numbers[-1] + 1]
    return [None] if not texts and not numbers and all(cell in ("-", "") for cell in cells) else None


def _hits(table: Table, values: tuple[Any, ...], scope: Scope) -> list[int]:
    return [at for at, rule in enumerate(table.rules) if _holds(rule, values, scope)]


def _holds(rule: Rule, values: tuple[Any, ...], scope: Scope) -> bool:
    return all(test is None or test(value, scope) is True for test, value in zip(rule.tests, values, strict=True))


BUNDLE_RULES = (tables_are_used_rightly,)
