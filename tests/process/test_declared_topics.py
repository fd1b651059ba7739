"""The variables that a topic declares are those that its handler reads and writes: the gate checks diagrams by them."""

from __future__ import annotations

import ast
import inspect
from collections import defaultdict
from typing import Any

import pytest

from service.handlers import registry
from tests.builders.open_tasks import stand_at_every_task
from tests.builders.stage import make_stage
from tests.conftest import DEMONSTRATED


class Watched(dict[str, Any]):
    """Data that remembers which of its variables were asked for."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(data)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def test_handlers_read_and_write_what_their_topics_declare(
    app: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: dict[str, set[str]] = defaultdict(set)
    given: dict[str, list[set[str]]] = defaultdict(list)

    def watched(topic: str, handler: registry.Handler) -> registry.Handler:
        def handle(context: Any, data: dict[str, Any]) -> dict[str, Any]:
            seen = Watched(data)
            answer = handler(context, seen)
            read[topic] |= seen.read
            given[topic].append(set(answer))
            return answer

        return handle

    for topic, handler in registry.topics().items():
        monkeypatch.setitem(registry._handlers, topic, watched(topic, handler))
    clock.move_to(DEMONSTRATED)
    stand_at_every_task(make_stage(), clock)
    assert len(given) >= 25
    wrong = []
    for topic, answers in given.items():
        declared = registry.declared_topics()[topic]
        wrong += [f"{topic} reads {name}" for name in read[topic] - declared.needs - declared.reads]
        for answer in answers:
            wrong += [f"{topic} does not give {name}" for name in declared.gives - answer]
            wrong += [f"{topic} gives {name}" for name in answer - declared.gives - declared.may_give]
    assert sorted(set(wrong)) == []


def _read_in(function: Any) -> set[str]:
    """The variables that the text of a handler asks for by name."""
    found = set()
    for node in ast.walk(ast.parse(inspect.getsource(function))):
        if isinstance(node, ast.Subscript) and _is_data(node.value) and isinstance(node.slice, ast.Constant):
            found.add(str(node.slice.value))
        elif isinstance(node, ast.Call):
            arguments = [one.value for one in node.args if isinstance(one, ast.Constant)]
            is_get = isinstance(node.func, ast.Attribute) and node.func.attr == "get" and _is_data(node.func.value)
            is_text = isinstance(node.func, ast.Name) and node.func.id == "typed_text"
            found |= {str(arguments[0])} if (is_get or is_text) and arguments else set()
    return found


def _is_data(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "data"


def _given_in(function: Any) -> set[str]:
    """The variables that a handler returns by name."""
    returned = [node.value for node in ast.walk(ast.parse(inspect.getsource(function))) if isinstance(node, ast.Return)]
    keys = [key for value in returned if isinstance(value, ast.Dict) for key in value.keys]
    return {str(key.value) for key in keys if isinstance(key, ast.Constant)}


@pytest.mark.parametrize("topic", sorted(registry.topics()))
def test_the_text_of_a_handler_names_no_other_variable_than_its_topic(topic: str) -> None:
    handler, declared = registry.topics()[topic], registry.declared_topics()[topic]
    assert _read_in(handler) - declared.needs - declared.reads == set()
    assert _given_in(handler) - declared.gives - declared.may_give == set()
