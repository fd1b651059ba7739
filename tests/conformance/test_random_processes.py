"""Random processes with data against the reference game: the same traces with the same values, every journal proved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from service.engine.conformance.cases import BEGIN, Cases
from service.errors import DefinitionRefused
from tests.conformance.process_model import Level, bpmn
from tests.conformance.random_processes import Drawing
from tests.conformance.reference_game import Game
from tests.conformance.reference_state import TooMuch

EACH, SEEDS = 30, 10
CENTURY = timedelta(days=100 * 366)


def drawings(seed: int) -> Iterator[tuple[int, Drawing, list[str]]]:
    """Processes that the game plays to their end, with what it says of them."""
    while True:
        drawn = Drawing(seed)
        try:
            game = Game(drawn.main, drawn.data, drawn.begin)
        except TooMuch:
            game = None
        if game is not None and game.traced:
            yield seed, drawn, sorted(game.traced)
        seed += 1


def played(drawn: Drawing) -> list[str]:
    """What the engine traces; asserts that the gate accepts and that the journal proves the run."""
    cases = Cases({"m.bpmn": bpmn(drawn.main)})
    try:
        case = cases.start("P", dict(drawn.data), drawn.begin)
    except DefinitionRefused as refused:
        raise AssertionError([problem.text("en") for problem in refused.problems]) from refused
    cases.settle(BEGIN + CENTURY)
    assert not case.incident, case.incident
    assert cases.audit() == []
    return sorted(cases.tokens)


def kinds_in(level: Level) -> Counter[str]:
    """How often what is drawn is drawn."""
    found: Counter[str] = Counter()
    for node in level.nodes.values():
        found[node.kind] += 1
        if node.kind == "script":
            out = level.out(node.id)
            found["script split"] += len(out) > 1
            found["script condition"] += any(test for _, _, test in out)
            found["script end"] += not out
        if node.body and node.body.enough:
            found[f"free in order {node.body.enough.in_order} cancels {node.body.enough.cancels}"] += 1
        if node.throws:
            found[f"{node.kind} {node.throws}"] += 1
        if node.undo:
            found["undo"] += 1
        if node.event:
            found[f"boundary {node.event.kind} {node.event.interrupts}"] += 1
        if node.repetition:
            found[f"{node.kind} {node.repetition.kind}"] += 1
            found[f"behavior {node.repetition.behavior}"] += 1
        if node.body:
            found += kinds_in(node.body)
    for event, handler in level.listeners:
        found[f"listener {event.kind} {event.interrupts}"] += 1
        found += kinds_in(handler)
    return found


@pytest.mark.parametrize("batch", range(SEEDS))
def test_random_processes_trace_what_the_reference_game_says(batch: int) -> None:
    for _, (seed, drawn, expected) in zip(range(EACH), drawings(batch * 10_000), strict=False):
        assert played(drawn) == expected, f"seed {seed}: make fuzz SEED={seed} COUNT=1"


def test_the_drawings_hold_every_construct() -> None:
    found: Counter[str] = Counter()
    for batch in range(SEEDS):
        for _, (_, drawn, _) in zip(range(EACH), drawings(batch * 10_000), strict=False):
            found += kinds_in(drawn.main)
            found["begins elsewhere"] += drawn.begin is not None
    wanted = {"start", "end", "script", "wait", "throw", "xor", "and", "or", "some", "sub", "call", "boundary"}
    wanted |= {f"{kind} {loop}" for kind in ("sub", "call") for loop in ("par", "seq", "loop")}
    wanted |= {"script par", "script seq", "throw escalation", "throw compensate", "jump", "land", "undo"}
    wanted |= {"script split", "script condition", "script end"}
    wanted |= {f"end {thrown}" for thrown in ("terminate", "error", "escalation")}
    wanted |= {"free", "start signal", "begins elsewhere", "behavior One", "behavior None", "behavior Complex"}
    for place in ("boundary", "listener"):
        wanted |= {f"{place} {kind} {manner}" for kind in ("timer", "escalation") for manner in (True, False)}
        wanted.add(f"{place} error True")
    assert {kind: n for kind in sorted(wanted) if (n := found[kind]) < 10} == {}
