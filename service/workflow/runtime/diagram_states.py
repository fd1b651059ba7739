"""States that a diagram says, checked against those that rules know of its subject (decision 22)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from service import handlers
from service.engine import Definition, ValidationIssue
from service.infrastructure.translation import catalogue_english

LONGEST_NAME = 30  # characters, as the columns have them


def state_issues(definition: Definition) -> list[ValidationIssue]:
    """Refuse states that rules do not know, names of states that cannot be kept, and state properties without use."""
    return [
        ValidationIssue(definition.main, definition.elements[key].line, key, *texts, rule="states_are_known")
        for key, found in definition.attributes.items()
        for texts in _faults(definition, found.properties)
    ]


def states_said(value: str) -> set[str]:
    """The states that a value can give: itself, or the texts that its expression may come to."""
    if not value.startswith("${"):
        return {value}
    tree = ast.parse(value[2:-1].strip(), mode="eval")
    tests = {id(part) for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)}
    keys = {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return {str(node.value) for node in constants if id(node) not in tests | keys}


def _faults(definition: Definition, properties: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    state, name = properties.get("state"), properties.get("state_name")
    known = handlers.states_of(definition.process)
    if state is not None and known is not None:
        words = "、".join(f"{one.value}（{one.label}）" for one in known)
        english = ", ".join(f"{one.value} ({catalogue_english(one.label) or one.label})" for one in known)
        said = states_said(state)
        for wrong in sorted(said - {str(one.value) for one in known}) or ([state] if not said else []):
            yield (
                f"没有状态“{wrong[:60]}”。",
                f'There is no state "{wrong[:60]}".',
                f"可用：{words}；要用自己的名称，加属性 state_name。",
                f"Known are {english}; for a name of your own add the property state_name.",
            )
    if name is not None and state is None:
        yield (
            "有 state_name 而没有 state。",
            "There is a state_name without a state.",
            "加属性 state，写它按哪个状态计算。",
            "Add the property state: as which state it counts.",
        )
    if name is not None and len(name) > LONGEST_NAME:
        yield (
            f"state_name 超过 {LONGEST_NAME} 个字。",
            f"The state_name has more than {LONGEST_NAME} characters.",
            "写短一些。",
            "Write it shorter.",
        )
