"""The variables that a topic declares are those that its handler reads and writes: the gate checks diagrams by them."""

from __future__ import annotations

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
    assert len(given) > len(registry.topics()) / 2
    wrong = []
    for topic, answers in given.items():
        declared = registry.declared_topics()[topic]
        wrong += [f"{topic} reads {name}" for name in read[topic] - declared.needs - declared.reads]
        for answer in answers:
            wrong += [f"{topic} does not give {name}" for name in declared.gives - answer]
            wrong += [f"{topic} gives {name}" for name in answer - declared.gives - declared.may_give]
    assert sorted(set(wrong)) == []


def test_every_topic_declares_something_or_needs_nothing() -> None:
    assert set(registry.declared_topics()) == set(registry.topics())
