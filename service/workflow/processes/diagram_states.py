"""States that a diagram says, checked against those that rules know of its subject (decision 22)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from service import handlers
from service.domain.values.labelled_enum import Labelled
from service.engine import Definition, ValidationIssue
from service.infrastructure.translation import catalogue_english

Texts = tuple[str, str, str, str]

LONGEST_NAME = 30  # characters, as the columns have them


def state_issues(definition: Definition) -> list[ValidationIssue]:
    """Refuse states that rules do not know, names of states that cannot be kept, and state properties without use."""
    return [
        ValidationIssue(definition.main, definition.elements[key].line, key, *texts, rule="states_are_known")
        for key, found in definition.attributes.items()
        for texts in _faults(definition, found.properties)
    ]


def states_said(value: str) -> set[str] | None:
    """The texts that a value can give: itself, or those its expression may come to; None when it can be any."""
    if not value.startswith("${"):
        return {value}
    try:
        return _outcomes(ast.parse(value[2:-1].strip(), mode="eval").body)
    except (LookupError, SyntaxError, ValueError, RecursionError):
        return None


def _outcomes(node: ast.expr) -> set[str]:
    """Raises LookupError for what can be any text."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=one, orelse=other):
            return _outcomes(one) | _outcomes(other)
        case ast.Subscript(value=(ast.List(elts=some) | ast.Tuple(elts=some) | ast.Dict(values=some))):
            return set().union(*map(_outcomes, some))
        case ast.Name(id=variable):
            return set(_values_of(variable))
    raise LookupError


def _values_of(variable: str) -> frozenset[str]:
    """The values that topics say a variable can have. Raises LookupError when they say nothing of it."""
    found = [topic.values[variable] for topic in handlers.declared_topics().values() if variable in topic.values]
    if not found:
        raise LookupError(variable)
    return frozenset().union(*found)


def _faults(definition: Definition, properties: dict[str, str]) -> Iterator[Texts]:
    state, name = properties.get("state"), properties.get("state_name")
    subject = handlers.SUBJECTS.get(definition.process)
    if state is not None and subject is None:
        yield (
            f"流程 {definition.process} 没有可设状态的对象，state 不起作用。",
            f"Process {definition.process} has no subject with a state; the property state is without effect.",
            "删去它；可设状态的流程见 docs/names.md。",
            "Remove it; docs/names.md lists the processes whose subject has states.",
        )
    if state is not None and subject is not None:
        yield from _unknown(state, subject.states)
    if name is not None and subject is not None and not subject.is_named:
        yield (
            "这个流程的状态对外公示，不能另起名称。",
            "The states of this process's subject are shown to the public and cannot be called otherwise.",
            "删去 state_name。",
            "Remove the property state_name.",
        )
    if name is not None and len(name) > LONGEST_NAME:
        yield (
            f"state_name 超过 {LONGEST_NAME} 个字。",
            f"The state_name has more than {LONGEST_NAME} characters.",
            "写短一些。",
            "Write it shorter.",
        )


def _unknown(state: str, states: type[Labelled]) -> Iterator[Texts]:
    words = "、".join(f"{one.value}（{one.label}）" for one in states)
    english = ", ".join(f"{one.value} ({catalogue_english(one.label) or one.label})" for one in states)
    said = states_said(state)
    for wrong in [state] if said is None else sorted(said - {str(one.value) for one in states}):
        yield (
            f"没有状态“{wrong[:60]}”。",
            f'There is no state "{wrong[:60]}".',
            f"可用：{words}；要用自己的名称，加属性 state_name。",
            f"Known are {english}; for a name of your own add the property state_name.",
        )
