"""Random graphs of tasks and gateways, no two alike, against a token game of twenty lines: the same tasks, as often."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.conformance.scenarios import run, t
from tests.unit.validation_diagrams import condition, flow

MAX_TOKENS = 150
GRAPHS = 40


@dataclass
class Graph:
    """Nodes (task, parallel or exclusive gateway) and flows between them; of each exclusive choice the outcome."""

    kinds: dict[str, str]
    flows: list[tuple[str, str]]
    true: dict[tuple[str, str], bool] = field(default_factory=dict)

    def out(self, node: str) -> list[tuple[str, str]]:
        return [f for f in self.flows if f[0] == node]

    def into(self, node: str) -> list[tuple[str, str]]:
        return [f for f in self.flows if f[1] == node]

    def chosen(self, node: str) -> list[tuple[str, str]]:
        """Where a token goes on: everywhere, or out of an exclusive gateway the first true flow, else the last (default)."""
        flows = self.out(node)
        if self.kinds[node] != "exclusive" or len(flows) < 2:
            return flows
        return [next((f for f in flows[:-1] if self.true[f]), flows[-1])]

    def xml(self) -> str:
        out = '<startEvent id="s"/><endEvent id="e"/>'
        for node, kind in self.kinds.items():
            default = (
                f' default="{node}_{self.out(node)[-1][1]}"' if kind == "exclusive" and len(self.out(node)) > 1 else ""
            )
            out += t(node) if kind == "task" else f'<{kind}Gateway id="{node}"{default}/>'
        for source, target in self.flows:
            several = self.kinds.get(source) == "exclusive" and len(self.out(source)) > 1
            decided = several and (source, target) != self.out(source)[-1]
            out += flow(source, target, condition(str(self.true[source, target])) if decided else "")
        return out


def token_game(graph: Graph) -> Counter[str] | None:
    """How often each task runs, or None when it is too often."""
    marked, done, steps = Counter({graph.out("s")[0]: 1}), Counter[str](), 0
    while True:
        for node, kind in graph.kinds.items():
            full = [f for f in graph.into(node) if marked[f]]
            if not full or (kind == "parallel" and len(full) < len(graph.into(node))):
                continue
            marked -= Counter(full if kind == "parallel" else full[:1])
            marked += Counter(graph.chosen(node))
            done[node] += kind == "task"
            steps += 1
            break
        else:
            return +done
        if steps > MAX_TOKENS:
            return None


def draw(rng: random.Random) -> Graph:
    """A graph without loops, every node on a way from start to end, gateways with several flows on one side."""
    names = [f"n{n}" for n in range(rng.randint(3, 8))]
    kinds = {name: rng.choice(["task", "task", "parallel", "exclusive"]) for name in names}
    flows = []
    for place, name in enumerate(names):
        later = names[place + 1 :]
        flows += [
            (name, to) for to in rng.sample(later, min(1 if kinds[name] == "task" else rng.randint(1, 3), len(later)))
        ]
    reached, left = {b for _, b in flows}, {a for a, _ in flows}
    first = [name for name in names if name not in reached]
    kinds["fork"] = "parallel"
    flows = [
        ("s", "fork"),
        *(("fork", name) for name in first),
        *flows,
        *((name, "e") for name in names if name not in left),
    ]
    graph = Graph(kinds, flows)
    graph.true = {f: rng.random() < 0.5 for f in flows}
    return graph


def is_sound(graph: Graph) -> bool:
    return all(
        kind == "task" or len(graph.into(name)) > 1 or len(graph.out(name)) > 1 for name, kind in graph.kinds.items()
    )


def graphs(seed: int) -> Iterator[tuple[Graph, Counter[str]]]:
    rng = random.Random(seed)
    while True:
        graph = draw(rng)
        if is_sound(graph) and (expected := token_game(graph)) is not None:
            yield graph, expected


@pytest.mark.parametrize("seed", range(4))
def test_random_graphs_run_as_the_token_game_says(seed: int) -> None:
    shapes: dict[str, int] = defaultdict(int)
    for _, (graph, expected) in zip(range(GRAPHS), graphs(seed), strict=False):
        assert run(graph.xml()).split() == sorted(expected.elements()), graph
        shapes[str(graph.flows)] += 1
    assert len(shapes) > GRAPHS // 2
