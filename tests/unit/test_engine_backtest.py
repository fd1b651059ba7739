"""Back-tests of random walks at every moment, migrated on their way or not, on drawings that change nothing, on one with
a timer more, and on those that differ.
"""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from service.engine import Definition, MigrationRefused, Plan, StaleToken, StepError, engine, read_definition
from service.engine.backtest import Backtest
from service.engine.kernel.timers import from_text
from service.engine.tested_case import Kind
from service.errors import DefinitionRefused
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_shapes import Shape, shape
from tests.unit.test_engine_migration import BPMN, NAMES, Drawing, Migrated

CAMUNDA = "{http://camunda.org/schema/1.0/bpmn}"
HARMLESS = ("rename", "watch", "door")


class Draft(Drawing):
    """A diagram that somebody changes so that no case goes another way."""

    def watch(self) -> bool:
        """Let a step be told of what never comes."""
        return self.event_on(self.random.choice(self.all("userTask", "subProcess")), "messageEventDefinition")

    def door(self) -> bool:
        """Let tokens wait before a step where they did not, and go in at once where they waited."""
        node = self.random.choice(self.all("userTask", "scriptTask", "serviceTask"))
        was = node.get(CAMUNDA + "asyncBefore") == "true"
        node.set(CAMUNDA + "asyncBefore", "false" if was else "true")
        return True


def drafts(drawn: Shape, changes: tuple[str, ...], seed: int) -> Any:
    """Each change that fits, with the version it makes and where elements go."""
    for change in changes:
        drawing = Draft(drawn, seed)
        try:
            if getattr(drawing, change)():
                yield change, drawing.version(), drawing
        except (DefinitionRefused, IndexError):
            continue


def walked(drawn: Shape, old: Definition, seed: int) -> tuple[list[dict[str, Any]], dict[str, tuple[Definition, Plan]]]:
    """The journal of a walk, which for odd seeds changes to other ids, and the versions in it, each with the way from
    the ids of the drawing.
    """
    walk = Migrated(old, seed, drawn.data)
    walk.reference = None
    known = {old.digest: (old, Plan())}
    walk.run(random.Random(seed).randrange(1, 12) if seed % 2 else 30)
    if seed % 2 and not walk.ended and walk.state:
        for _, new, drawing in drafts(drawn, ("rename",), seed):
            try:
                walk.migrate(new, Plan(drawing.goes))
                known[new.digest] = new, Plan({there: here for here, there in drawing.goes.items()})
                while walk.seq < 30 and not walk.ended and walk.move():
                    pass
            except (MigrationRefused, StaleToken, StepError):
                pass
    return walk.rows, known


def backtest_of(new: Definition, goes: dict[str, str], known: dict[str, tuple[Definition, Plan]]) -> Backtest:
    plans = {}
    for digest, (version, back) in known.items():
        through = {one: goes.get(back.target(one), back.target(one)) for one in version.elements}
        plans[digest] = Plan({one: to for one, to in through.items() if one != to})
    return Backtest(new, lambda digest: known[digest][0], plans)


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_what_changes_no_way_makes_no_difference_at_any_moment(drawn: Shape) -> None:
    old = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(6):
        rows, known = walked(drawn, old, seed)
        for change, new, drawing in drafts(drawn, HARMLESS, seed):
            test = backtest_of(new, drawing.goes, known)
            for moment in range(len(rows), 0, -3):
                if change == "door" and waits_at_a_door(rows[:moment]):
                    continue  # until the worker comes
                found = test.test(rows[:moment])
                assert found.kind == Kind.SAME, (change, seed, moment, found)


def waits_at_a_door(rows: list[dict[str, Any]]) -> bool:
    set_jobs = {job[0] for row in rows for job in row["jobs"] if job[2] == "async"}
    return bool(set_jobs - {token for row in rows for token in (row["token"], *row["closed"])})


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_a_timer_that_is_new_fires_once_its_time_has_come(drawn: Shape) -> None:
    old = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(10):
        rows, known = walked(drawn, old, seed)
        for _, new, drawing in drafts(drawn, ("border",), seed):
            (host,) = (
                node.get("attachedToRef") for node in drawing.all("boundaryEvent") if node.get("id") == "reminder"
            )
            (node,) = (node for node in drawing.root.iter() if node.get("id") == host)
            if node.tag != BPMN + "userTask" or node.get(CAMUNDA + "asyncBefore"):
                continue  # of others the journal does not tell when they began
            test = backtest_of(new, {}, known)
            for moment in range(len(rows), 0, -2):
                last = rows[moment - 1]["definition"]
                hosts = {one for one in known[last][0].elements if test.plans[last].target(one) == host}
                at = first_due(rows[:moment], hosts)
                found = test.test(rows[:moment])
                expected = ("same", "", None) if at is None else ("timing", "reminder", at)
                assert (found.kind, found.element, found.seq) == expected, (seed, moment, found)


def first_due(rows: list[dict[str, Any]], hosts: set[str]) -> int | None:
    """The first row an hour and more after a task of these opened, or after the migration, while it is open."""
    begun = max([n for n, row in enumerate(rows) if row["kind"] == "migrate"], default=0)
    since: dict[str, Any] = {}
    for place, row in enumerate(rows):
        at = from_text(row["at"])
        if place > begun and any(begun + timedelta(hours=1) <= at for begun in since.values()):
            return int(row["seq"])
        for token in row["closed"]:
            since.pop(token, None)
        since |= {task[0]: at for task in row["opened"] if task[1].split("/")[-1] in hosts}
        since = {token: at if place == begun else was for token, was in since.items()}
    return None


REFUSED_WITHOUT_START = {"event_gateway", "loop_back", "parallel_in_loop", "boundaries", "deciding", "waits"}


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_a_start_event_that_is_gone_has_no_place_for_the_start(drawn: Shape) -> None:
    """No case is said to stand at a new element where none was drawn."""
    old = read_definition(drawn.files, drawn.name, validate=False)
    drawing = Drawing(drawn, 0)
    gone = {node.get("id") for node in drawing.all("process")[0].findall(BPMN + "startEvent")}
    for node in list(drawing.root.iter(BPMN + "startEvent", BPMN + "sequenceFlow")):
        if gone & {node.get("id"), node.get("sourceRef")}:
            node.getparent().remove(node)
    try:
        new = drawing.version()
    except DefinitionRefused:
        assert drawn.name in REFUSED_WITHOUT_START
        return
    assert drawn.name not in REFUSED_WITHOUT_START
    rows, known = walked(drawn, old, 0)
    found = backtest_of(new, {}, known).test(rows)
    assert found.kind in (Kind.NO_PLACE, Kind.ERROR), found
    assert found.element in {*gone, ""}, found


CHANGED = ("insert", "remove", "border", "branch", "door", "watch")


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_nothing_is_given_once_a_case_differs(drawn: Shape, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int] = []
    apply = engine.apply_input
    monkeypatch.setattr(engine, "apply_input", lambda *of: given.append(of[3].seq) or apply(*of))
    old = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(4):
        rows, known = walked(drawn, old, seed)
        for change, new, _ in drafts(drawn, CHANGED, seed):
            del given[:]
            found = backtest_of(new, {}, known).test(rows)
            begun = max([row["seq"] for row in rows if row["kind"] == "migrate"], default=-1)
            told = [seq for seq in given if seq > begun]
            assert max(told, default=0) <= (rows[-1]["seq"] if found.seq is None else found.seq), (change, seed, found)


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_a_journal_that_cannot_be_is_the_fault_of_its_case_alone(drawn: Shape) -> None:
    old = read_definition(drawn.files, drawn.name, validate=False)
    rows, known = walked(drawn, old, 1)
    test = backtest_of(old, {}, known)
    chosen = random.Random(drawn.name)
    for name in rows[-1]:
        lost = [dict(row) for row in rows]
        chosen.choice(lost).pop(name)
        assert test.test(lost).kind in Kind
    strange = [{**row, "definition": "0" * 64} for row in rows]
    assert (test.test(strange).kind, test.test(strange).detail) == (Kind.ERROR, "KeyError")


def test_a_version_that_goes_round_for_ever_is_an_error() -> None:
    drawn = shape("case", "s start\na user\ne end", "s>a>e")
    endless = shape("case", "s start\na user\nx xor\ny task @asyncBefore=true\ne end", "s>a>x>[1 == 2]e; x>[*]y>x")
    old = read_definition(drawn.files, drawn.name, validate=False)
    rows, known = walked(drawn, old, 0)
    found = backtest_of(read_definition(endless.files, "case", validate=False), {}, known).test(rows)
    assert (found.kind, found.element) == (Kind.ERROR, "y"), found
