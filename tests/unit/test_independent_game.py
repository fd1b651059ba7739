"""The token game of the stand-alone verifier: every way of the engine is allowed, and none that a broken engine goes."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from service.engine import read_definition, replay
from service.engine.bpmn import gateways
from service.engine.bpmn.case_scopes import follow
from service.evidence import verify
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_domain import domain
from tests.unit.engine_walk import Walk
from tests.unit.test_engine_equivalence import SHIPPED, shipped

NAMES = [drawn.name for drawn in SHAPES]
Rows = list[dict[str, Any]]


def walked(definition: Any, seed: int, data: dict[str, list[Any]], knows_all: bool = False) -> Rows:
    walk = Walk(definition, seed, data)
    walk.reference = None
    if knows_all:
        walk.serve = lambda request: walk.all_fields()
    walk.run(40)
    return list(json.loads(json.dumps(walk.rows)))


def played(definition: Any, rows: Rows) -> tuple[list[str], list[str]]:
    return verify.game_faults(rows, {definition.digest: dict(definition.files)})


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_every_way_through_a_shape_is_allowed(drawn: Any) -> None:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(12):
        rows = walked(definition, seed, drawn.data)
        assert verify.chain_faults("case", rows) == []
        assert played(definition, rows) == ([], [])


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_diagram_is_played_whole(path: Path) -> None:
    definition = shipped(path)
    for seed in range(10):
        assert played(definition, walked(definition, seed, domain(definition), knows_all=True)) == ([], [])


def broken_choice(self: Any, task: Any) -> bool:
    name = self.default_task_spec or self.cond_task_specs[-1][1]
    follow(task, [self._wf_spec.task_specs[name]])
    return True


def test_cases_of_an_engine_with_broken_gateways_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exclusive gateway that always takes its default, a parallel one that waits for nobody: re-execution, which
    shares them, finds nothing; the game names every case whose way is another."""
    drawn = {shape.name: read_definition(shape.files, shape.name, validate=False) for shape in SHAPES}
    data = {shape.name: shape.data for shape in SHAPES}
    walks = [(name, seed) for name in drawn for seed in range(3)]
    right = {walk: [row["trace"] for row in walked(drawn[walk[0]], walk[1], data[walk[0]])] for walk in walks}
    monkeypatch.setattr(gateways.ExclusiveGateway, "_run_hook", broken_choice)
    monkeypatch.setattr(gateways.ParallelGateway, "_complete", lambda self, workflow, arrived: arrived[:1])
    changed, named = set(), set()
    for name, seed in walks:
        rows = walked(drawn[name], seed, data[name])
        assert replay.re_execute(rows, lambda digest, name=name: drawn[name]) == []
        changed |= {(name, seed)} if [row["trace"] for row in rows] != right[name, seed] else set()
        named |= {(name, seed)} if played(drawn[name], rows)[0] else set()
    assert len(changed) > 20
    assert changed <= named


@pytest.mark.parametrize(
    "drawn", [s for s in SHAPES if s.name in ("parallel", "boundaries", "subprocess", "inclusive")]
)
def test_every_line_taken_out_of_a_way_or_added_to_it_is_a_fault(drawn: Any) -> None:
    """Each completed element of each row is left out, and each is told twice."""
    definition = read_definition(drawn.files, drawn.name, validate=False)
    rows = max((walked(definition, seed, drawn.data) for seed in range(6)), key=len)
    tried = 0
    for number, row in enumerate(rows):
        for place, line in enumerate(row["trace"]):
            if line[0] != "+":
                continue
            for trace in ([line, line], []):
                forged = json.loads(json.dumps(rows))
                forged[number]["trace"][place : place + 1] = trace
                assert played(definition, forged)[0], (number, line, trace)
                tried += 1
    assert tried > 10


def test_the_verifier_needs_the_standard_library_alone() -> None:
    tree = ast.parse(Path(verify.__file__).read_text())
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_the_verifier_shares_no_line_with_the_service() -> None:
    """Lines of thought: what stands by chance in both, as an import does, is short."""
    own = Path(verify.__file__)
    lines = {line.strip() for line in own.read_text().splitlines() if len(line.strip()) > 40}
    for file in own.parents[1].rglob("*.py"):
        if file != own:
            shared = lines & {line.strip() for line in file.read_text().splitlines()}
            assert not shared, (file.name, shared)
