"""The flows that the replay shows as taken, against those by which the independent game moves its tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.engine import read_definition, replay
from service.engine.conformance.cases import Cases
from service.evidence import verify
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_domain import domain
from tests.unit.test_engine_equivalence import SHIPPED, shipped
from tests.unit.test_independent_game import Rows, walked


class Told(verify.Game):
    """The game, which tells by which flows its tokens leave."""

    def __init__(self, diagram: verify.Diagram) -> None:
        super().__init__(diagram)
        self.taken: set[str] = set()

    def chosen(self, node: verify.Node) -> list[verify.Flow]:
        """Note the flows that a token takes."""
        found = super().chosen(node)
        if node.kind != "eventBasedGateway":
            self.taken |= {flow[0] for flow in found}
        return found

    def choose(self, scope: verify.Scope, node: verify.Node, path: str) -> None:
        """Note the flow to the event that came first."""
        before = set(scope.tokens)
        super().choose(scope, node, path)
        self.taken |= {flow for _, flow in set(scope.tokens) - before}


def differences(definition: Any, rows: Rows) -> tuple[list[str], int]:
    """Rows in which the two tell other flows, and how many flows were compared."""
    game = Told(verify.Diagram(dict(definition.files)))
    found: list[str] = []
    compared = 0
    for row, now in replay.run(rows, lambda _digest: definition):
        game.taken = set()
        game.play(row)
        compared += len(game.taken)
        if game.taken != set(now.flows):
            found.append(f"row {row['seq']}: game {sorted(game.taken)}, replay {sorted(set(now.flows))}")
    return found, compared


@pytest.mark.parametrize("drawn", SHAPES, ids=[drawn.name for drawn in SHAPES])
def test_the_flows_of_every_shape_are_those_of_the_independent_game(drawn: Any) -> None:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(6):
        found, compared = differences(definition, walked(definition, seed, drawn.data))
        assert found == [], f"seed {seed}"
        assert compared


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_flows_of_every_shipped_diagram_are_those_of_the_independent_game(path: Path) -> None:
    definition = shipped(path)
    for seed in range(4):
        found, compared = differences(definition, walked(definition, seed, domain(definition), knows_all=True))
        assert found == [], f"seed {seed}"
        assert compared


BACK_EDGE = """<?xml version="1.0"?>
<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t">
<process id="P" isExecutable="true">
<startEvent id="s"/><sequenceFlow id="f1" sourceRef="s" targetRef="draft"/>
<userTask id="draft"/><sequenceFlow id="f2" sourceRef="draft" targetRef="g"/>
<exclusiveGateway id="g" default="f4"/>
<sequenceFlow id="f3" sourceRef="g" targetRef="draft"><conditionExpression>again</conditionExpression></sequenceFlow>
<sequenceFlow id="f4" sourceRef="g" targetRef="x"/>
<exclusiveGateway id="x" default="f6"/>
<sequenceFlow id="f5" sourceRef="x" targetRef="e"><conditionExpression>short</conditionExpression></sequenceFlow>
<sequenceFlow id="f6" sourceRef="x" targetRef="e"/>
<endEvent id="e"/>
</process></definitions>"""


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ([(False, True)], [{"f1"}, {"f2", "f4", "f5"}]),
        ([(False, False)], [{"f1"}, {"f2", "f4", "f6"}]),
        ([(True, False), (False, True)], [{"f1"}, {"f2", "f3"}, {"f2", "f4", "f5"}]),
    ],
)
def test_neither_a_way_back_nor_the_other_of_two_flows_is_told(answers: Any, taken: Any) -> None:
    cases = Cases({"m.bpmn": BACK_EDGE.encode()})
    case = cases.start("P", {"again": False, "short": False})
    for again, short in answers:
        token = next(iter(case.users))
        cases.move(case, "complete", token=token, element="draft", data={"again": again, "short": short})
    assert case.ended
    assert [set(now.flows) for _, now in replay.run(case.rows, lambda _digest: case.definition)] == taken


def test_the_page_draws_what_it_is_told() -> None:
    text = Path("service/static/js/diagram.js").read_text(encoding="utf-8")
    assert "flows" in text.partition("markFlows")[2].partition("\n}")[0]
