"""The engine against a ReferenceRun, input by input, on every shipped diagram and every shape of the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.engine import Definition, journal, read_definition, replay
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_domain import domain
from tests.unit.engine_walk import Walk

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {
    path.name: path.read_bytes() for folder in ("processes", "forms") for path in sorted((ROOT / folder).glob("*.*"))
}
SHIPPED = sorted((ROOT / "processes").glob("*.bpmn"))
NAMES = [drawn.name for drawn in SHAPES]


def shipped(path: Path) -> Definition:
    return read_definition(
        {path.name: path.read_bytes()} | {name: data for name, data in BESIDE.items() if not name.endswith(".bpmn")}
    )


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_shapes_run_alike_stored_and_in_memory(drawn) -> None:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    walks = [Walk(definition, seed, drawn.data).run() for seed in range(12)]
    assert sum(walk.ended for walk in walks) >= 6
    assert max(walk.largest for walk in walks) < 2048
    for walk in walks[:4]:
        assert journal.verify_chain(walk.rows) is None
        assert replay.re_execute(walk.rows, lambda digest: definition) == []


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_diagrams_run_alike_stored_and_in_memory(path: Path) -> None:
    definition = shipped(path)
    values = domain(definition)
    seen: set[str] = set()
    for seed in range(20):
        walk = Walk(definition, seed, values)
        walk.serve = lambda request, walk=walk: walk.all_fields()
        walk.run(60)
        seen |= {line[1:] for row in walk.rows for line in row["trace"]}
        assert walk.rows, "not even the start went through"
        assert walk.largest < 4096
    assert len(seen) > len(definition.elements) / 3


def test_there_are_enough_shapes() -> None:
    assert len(SHAPES) >= 20
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_walks_reach_every_element_of_a_shape(drawn) -> None:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    unseen = {element.id for element in definition.elements.values() if element.type != "process"}
    for seed in range(40):
        if not unseen:
            break
        walk = Walk(definition, seed, drawn.data)
        walk.reference = None
        walk.run()
        unseen -= {line[1:].rsplit("/", 1)[-1] for row in walk.rows for line in row["trace"]}
    assert unseen == set()
