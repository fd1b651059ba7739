"""Migrations at random points of random walks, between a drawing and what became of it: whoever may go goes on as the new
drawing says, by the stored engine, in memory and by the independent game; whoever may not is told where.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import Any

import orjson
import pytest
from lxml import etree

from service.engine import (
    Definition,
    Input,
    MigrationRefused,
    Plan,
    StaleToken,
    StepError,
    journal,
    propose,
    read_definition,
    replay,
    state,
    step,
)
from service.engine.backtest import Backtest
from service.engine.migration import problems_of_plan
from service.engine.tested_case import Kind
from service.errors import DefinitionRefused
from service.evidence import verify
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import Play
from tests.unit.engine_shapes import Shape, shape
from tests.unit.engine_walk import Walk

WAITS = shape(
    "waits",
    "s start\nf and\nw events\nt catch-timer PT1H\nm catch-message paid\nx xor\n"
    "r receive go\nk catch-message word\nj and\nz user\ne end",
    "s>f>w; w>t>x; w>m>x; f>r>k>j; x>j>z>e",
)
WALKED = [WAITS, *SHAPES]
NAMES = [drawn.name for drawn in SHAPES]
AT = ("waits", "boundaries", "calling", "inclusive", "parallel", "listening", "turns", "instances_of_subprocess")
"""Drawings whose walks, when they are migrated, have stood at ..."""
STOOD = {
    "boundaryEvent wait",
    "callActivity sub",
    "eventBasedGateway wait",
    "inclusiveGateway join",
    "intermediateCatchEvent wait",
    "parallelGateway join",
    "receiveTask wait",
    "subProcess instance sub",
    "subProcess loop",
    "subProcess sub",
    "subProcess wait",
    "userTask instance user",
    "userTask loop",
    "userTask user",
}
"""... each of these: the element, an instance of it or the whole, and as what the engine keeps its token."""
BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
SEEDS = 4
REFERENCES = ("sourceRef", "targetRef", "attachedToRef", "default", "activityRef")


class Drawing:
    """A diagram that somebody changes."""

    def __init__(self, drawn: Shape, seed: int) -> None:
        self.random, self.files, self.name = random.Random(seed), dict(drawn.files), drawn.name
        self.file = f"{drawn.name}.bpmn"
        self.root = etree.fromstring(self.files[self.file])
        self.goes: dict[str, str] = {}

    def all(self, *kinds: str) -> list[Any]:
        return [node for kind in kinds for node in self.root.iter(BPMN + kind)]

    def flow(self, level: Any, source: str, target: str) -> None:
        etree.SubElement(level, BPMN + "sequenceFlow", id=f"flow_{source}_{target}", sourceRef=source, targetRef=target)

    def rename(self) -> bool:
        node = self.random.choice(
            self.all("userTask", "intermediateCatchEvent", "parallelGateway", "subProcess", "boundaryEvent")
        )
        old = node.get("id")
        for one in self.root.iter():
            for name in ("id", *REFERENCES):
                if one.get(name) == old:
                    one.set(name, f"{old}_renamed")
        self.goes[old] = f"{old}_renamed"
        return True

    def insert(self) -> bool:
        flow = self.random.choice(self.all("sequenceFlow"))
        level, target = flow.getparent(), flow.get("targetRef")
        etree.SubElement(level, BPMN + "userTask", id="inserted").set(
            "{http://camunda.org/schema/1.0/bpmn}candidateGroups", "office"
        )
        flow.set("targetRef", "inserted")
        self.flow(level, "inserted", target)
        return True

    def remove(self) -> bool:
        """Take a step out whose only flows become one."""
        flows = self.all("sequenceFlow")
        into = {
            node.get("id"): [f for f in flows if f.get("targetRef") == node.get("id")]
            for node in self.all("userTask", "scriptTask")
        }
        out = {name: [f for f in flows if f.get("sourceRef") == name] for name in into}
        held = {node.get("attachedToRef") for node in self.all("boundaryEvent")}
        fit = [n for n in into if len(into[n]) == len(out[n]) == 1 and n not in held]
        if not fit:
            return False
        name = self.random.choice(fit)
        into[name][0].set("targetRef", out[name][0].get("targetRef"))
        for gone in (out[name][0], next(n for n in self.root.iter() if n.get("id") == name)):
            gone.getparent().remove(gone)
        return True

    def border(self) -> bool:
        """Put a timer that does not interrupt on a step."""
        host = self.random.choice(self.all("userTask", "subProcess"))
        return self.event_on(host, "timerEventDefinition", "timeDuration", "PT1H")

    def event_on(self, host: Any, kind: str, *texts: str) -> bool:
        """Put an event that does not interrupt on a step."""
        if host.get("triggeredByEvent"):
            return False
        level = host.getparent()
        event = etree.SubElement(
            level, BPMN + "boundaryEvent", id="reminder", attachedToRef=host.get("id"), cancelActivity="false"
        )
        told = etree.SubElement(event, BPMN + kind)
        if texts:
            etree.SubElement(told, BPMN + texts[0]).text = texts[1]
        else:
            told.set("messageRef", "never")
            self.root.insert(0, etree.Element(BPMN + "message", id="never", name="never"))
        etree.SubElement(level, BPMN + "endEvent", id="reminded")
        self.flow(level, "reminder", "reminded")
        return True

    def branch(self) -> bool:
        """Put a step beside another, between a fork and a join."""
        flow = self.random.choice([f for f in self.all("sequenceFlow") if not len(f)] or [None])
        if flow is None:
            return False
        level, target = flow.getparent(), flow.get("targetRef")
        for name in ("fork", "meet"):
            etree.SubElement(level, BPMN + "parallelGateway", id=name)
        etree.SubElement(level, BPMN + "userTask", id="beside").set(
            "{http://camunda.org/schema/1.0/bpmn}candidateGroups", "office"
        )
        flow.set("targetRef", "fork")
        for source, end in (("fork", "beside"), ("beside", "meet"), ("fork", "meet"), ("meet", target)):
            self.flow(level, source, end)
        return True

    def version(self) -> Definition:
        files = self.files | {self.file: etree.tostring(self.root)}
        return read_definition(files, self.name, validate=True, deployment_rules=False)


CHANGES = ("rename", "insert", "remove", "border", "branch")


def changed(drawn: Shape, change: str, seed: int) -> tuple[Definition, Plan] | None:
    drawing = Drawing(drawn, seed)
    try:
        if not getattr(drawing, change)():
            return None
        new = drawing.version()
    except (DefinitionRefused, IndexError):
        return None
    old = read_definition(drawn.files, drawn.name, validate=False)
    return new, Plan({**propose(old, new).elements, **drawing.goes})


class Migrated(Walk):
    """A walk that goes on by another version."""

    def migrate(self, new: Definition, plan: Plan) -> None:
        given = Input("migrate", self.seq, self.at, data=plan.to_data())
        done = step(new, self.state, given, self.remember, b"s" * 16, self.definition)
        row = journal.step_row(journal.Envelope("case", "somebody", self.rows[-1]["hash"], b"s" * 16), new, given, done)
        before = {*self.users, *self.jobs}
        self.definition = new
        self.take(done, row)
        if not done.trace:
            lost = before - {*self.users, *self.jobs}
            assert all(token in done.closed or token in done.jobs_cleared for token in lost)


def places(definition: Definition, stored: bytes) -> set[str]:
    """Constructs at which the tokens of a case rest, an event subprocess that listens among them."""
    *_, rows, arrivals = orjson.loads(stored)
    tokens = [(name, kind) for _, _, name, kind, *_ in rows] + [(name, "join") for _, name, _ in arrivals]
    found = set()
    for name, kind in tokens:
        element, _, inner = name.partition(" [")
        if element in definition.elements:
            found.add(f"{definition.elements[element].type}{' instance' if inner else ''} {kind}")
    return found


def walk_on(drawn: Shape) -> Counter[tuple[str, str]]:
    """Migrate walks of a drawing by every change; how many went, and how many were refused."""
    seen: Counter[tuple[str, str]] = Counter()
    old = read_definition(drawn.files, drawn.name, validate=False)
    for change in CHANGES:
        for seed in range(SEEDS):
            if (found := changed(drawn, change, seed)) is None:
                continue
            new, plan = found
            walk = Migrated(old, seed, drawn.data)
            walk.reference = None
            walk.run(random.Random(seed).randrange(1, 12))
            if walk.ended or walk.state is None:
                continue
            stood, rows = walk.state, len(walk.rows)
            seen.update(("stood", place) for place in places(old, stood))
            try:
                walk.migrate(new, plan)
            except MigrationRefused as refused:
                seen["refused", change] += 1
                assert (walk.state, len(walk.rows)) == (stood, rows)
                assert refused.element in {**old.elements, **new.elements}  # noqa: PT017 - whoever goes raises nothing
                continue
            except StepError:
                continue  # what ran by itself failed, as it may by data that the new drawing reads
            seen["went", change] += 1
            try:
                while walk.seq < 40 and not walk.ended and walk.move():
                    pass
            except (StaleToken, StepError):
                pass
            versions = {version.digest: version for version in (old, new)}
            assert journal.verify_chain(walk.rows) is None
            assert replay.re_execute(walk.rows, versions.__getitem__) == [], (change, seed)
            files = {digest: dict(version.files) for digest, version in versions.items()}
            assert verify.game_faults(walk.rows, files)[0] == [], (change, seed)

    return seen


@pytest.mark.parametrize("drawn", WALKED, ids=[drawn.name for drawn in WALKED])
def test_walks_go_on_by_what_became_of_their_drawing(drawn: Shape) -> None:
    walk_on(drawn)


def test_such_walks_stand_everywhere_make_every_change_and_most_go() -> None:
    seen = sum((walk_on(drawn) for drawn in WALKED if drawn.name in AT), Counter[tuple[str, str]]())
    assert {place for what, place in seen if what == "stood"} >= STOOD
    assert all(seen["went", change] > 5 for change in CHANGES), seen
    assert seen["refused", "remove"], seen


FORKED = shape("case", "s start\nf and\na user\nb user\nj and\nz user\ne end", "s>f>a>j; f>b>j; j>z>e")
STRAIGHT = shape("case", "s start\na user\nb user\nz user\ne end", "s>a>b>z>e")
ONE_WAY = shape("case", "s start\nf and\na user\nj and\nz user\ne end", "s>f>a>j; j>z>e")


def moved(case: Play, new: Shape, goes: dict[str, str] | None = None, recompute: tuple[str, ...] = ()) -> Any:
    to = read_definition(new.files, new.name, validate=False)
    plan = Plan({**propose(case.definition, to).elements, **(goes or {})}, frozenset(recompute))
    given = Input("migrate", len(case.rows), case.at, data=plan.to_data())
    return to, step(to, case.state, given, case.serve, b"salt", case.definition)


def test_a_join_that_nobody_could_fill_is_refused() -> None:
    case = Play(STRAIGHT)
    case.start()
    with pytest.raises(MigrationRefused) as refused:
        moved(case, FORKED)
    assert refused.value.element == "j"


def test_a_join_that_has_all_it_needs_goes_on_at_once() -> None:
    case = Play(FORKED)
    case.start()
    case.complete("a")
    with pytest.raises(MigrationRefused) as refused:
        moved(case, ONE_WAY)  # a token stands at b, which is gone
    assert refused.value.element == "b"
    case.complete("b")
    assert case.open == ["z"]


TIMED = "s start\nt catch-timer {}\nb user\ne end"


@pytest.mark.parametrize(("recompute", "hours"), [((), 1), (("t",), 5)])
def test_a_timer_keeps_its_due_unless_the_plan_says_otherwise(recompute: tuple[str, ...], hours: int) -> None:
    case = Play(shape("case", TIMED.format("PT1H"), "s>t>b>e"))
    begun = case.start()
    _, done = moved(case, shape("case", TIMED.format("PT5H"), "s>t>b>e"), recompute=recompute)
    due = {job.token: job.due for job in (*begun.jobs_set, *done.jobs_set)}
    assert {token: (at - case.at).total_seconds() / 3600 for token, at in due.items()} == {
        begun.jobs_set[0].token: hours
    }
    assert done.jobs_cleared == ((begun.jobs_set[0].token,) if recompute else ())


def test_an_event_on_a_border_that_is_gone_is_dropped_and_a_new_one_waits() -> None:
    with_timer = shape("case", "s start\na user\nt boundary-timer a PT1H\nb user\ne end\nf end", "s>a>e; t>b>f")
    with_message = shape("case", "s start\na user\nm boundary-message a go\nb user\ne end\nf end", "s>a>e; m>b>f")
    case = Play(with_timer)
    begun = case.start()
    _, done = moved(case, with_message)
    assert (done.jobs_cleared, done.awaited, done.closed) == ((begun.jobs_set[0].token,), ("message:go",), ())
    assert [task.token for task in done.readdressed] == [begun.opened[0].token]


def test_an_event_that_has_come_does_not_wait_again() -> None:
    reminded = shape("case", "s start\na user\nt boundary-timer a PT1H non\nb user\ne end\nf end", "s>a>e; t>b>f")
    case = Play(reminded)
    case.start()
    case.fire("t")
    other = shape("case", "s start\na user\nt boundary-timer a PT2H non\nb user\ne end\nf end", "s>a>e; t>b>f")
    _, done = moved(case, other)
    assert (done.jobs_set, done.awaited) == ((), ())


def test_a_way_back_leads_to_what_went_there_or_asks() -> None:
    drawn = shape("case", "s start\na user\nb user\nz user\ne end", "s>a>b>z>e")
    old = read_definition(drawn.files, "case", validate=False)
    for goes in itertools.product(("a", "b", "z", "new", ""), repeat=3):
        plan = Plan(dict(zip("abz", goes, strict=True)))
        back = plan.reversed(old)
        for target in {*goes} - {""}:
            sources = [one for one in "abz" if plan.target(one) == target]
            assert back.target(target) == (sources[0] if len(sources) == 1 else ""), goes


ALTERNATIVES = ("t", "u", "m", "g")
EVENTS = "s start\nw events\nt catch-timer PT1H\nu catch-timer PT5H\nm catch-message paid\ng catch-signal closed\n" + (
    "tb user\nub user\nmb user\ngb user\ne end"
)


@pytest.mark.parametrize("order", list(itertools.permutations(ALTERNATIVES)))
def test_an_event_gateway_waits_for_the_same_in_whatever_order_it_is_drawn(order: tuple[str, ...]) -> None:
    for comes in ("timer", "message", "signal"):
        case = Play(shape("case", EVENTS, "s>w; " + "; ".join(f"w>{one}>{one}b>e" for one in ALTERNATIVES)))
        begun = case.start()
        new = shape("case", EVENTS, "s>w; " + "; ".join(f"w>{one}>{one}b>e" for one in order))
        case.definition, done = moved(case, new)
        assert [(job.token, job.due) for job in (*begun.jobs_set, *done.jobs_set)] == [
            (job.token, job.due) for job in begun.jobs_set
        ]
        case.state = done.state
        name = {"timer": None, "message": "paid", "signal": "closed"}[comes]
        if name is None:
            (job,) = begun.jobs_set
            opened = case.put("timer", token=job.token, element="w", due=job.due).opened
        else:
            opened = case.put(comes, element=name).opened
        assert [task.element for task in opened] == [{"timer": "tb", "message": "mb", "signal": "gb"}[comes]]


@pytest.mark.parametrize(
    ("topic", "expected"),
    [("first.external", ("first.external", [])), ("other.external", ("other.external", [])), ("inside", (None, ["b"]))],
)
def test_work_outside_begins_anew_where_its_topic_is_another(
    topic: str, expected: tuple[str | None, list[str]]
) -> None:
    drawn = "s start\nx service {}\nb user\ne end"
    case = Play(
        shape("case", drawn.format("first.external"), "s>x>b>e"),
        lambda request: None if request.topic.endswith("external") else {},
    )
    begun = case.start()
    _, done = moved(case, shape("case", drawn.format(topic), "s>x>b>e"))
    last = {job.token: job.topic for job in (*begun.jobs_set, *done.jobs_set)}
    for token in done.jobs_cleared:
        if token not in {job.token for job in done.jobs_set}:
            del last[token]
    assert (next(iter(last.values()), None), [task.element for task in done.opened]) == expected


@pytest.mark.parametrize("name", ["s", "a", "z", "gone"])
def test_only_what_waits_for_an_event_is_counted_anew(name: str) -> None:
    drawn = shape("case", TIMED.format("PT1H"), "s>t>b>e")
    old = read_definition(drawn.files, "case", validate=False)
    assert list(problems_of_plan(old, old, Plan({}, frozenset({name, "t"})))) == [name]


BESIDE = "s start\na user\nb user\n{} \nc user\ne end\nf end"


@pytest.mark.parametrize(
    "before", ["boundary-timer a PT1H non", "boundary-message a go non", "boundary-timer b PT1H non"]
)
@pytest.mark.parametrize(
    "after", ["boundary-timer a PT1H non", "boundary-message a go non", "boundary-timer b PT1H non"]
)
def test_an_event_by_a_known_id_waits_where_it_is_another(before: str, after: str) -> None:
    flows = "s>a>b>e; t>c>f"
    case = Play(shape("case", BESIDE.format(f"t {before}"), flows))
    case.start()
    if before.endswith("a PT1H non"):
        case.fire("t")
    elif "a" in before.split():
        case.put("message", element="go")
    goes = {} if before.startswith("boundary-timer") or before == after else {"t": ""}
    _, done = moved(case, shape("case", BESIDE.format(f"t {after}"), flows), goes)
    waits = [kind for _, path, kind in state.paths(done.state) if path == "t"]
    is_new_here = before != after and " a " in after
    keeps = before == after == "boundary-message a go non"
    assert bool(waits) is (is_new_here or keeps), (before, after)


THREE = shape("case", "s start\nf and\na user\nb user\nc user\nj and\nz user\ne end", "s>f>a>j; f>b>j; f>c>j; j>z>e")
TWO = shape(
    "case",
    "s start\nf and\na user\nb user\nx xor\nc user\nj and\nz user\ne end",
    "s>f>a>x>j; f>b>x; f>c>j; j>z>e",
)


@pytest.mark.parametrize("done", [done for n in range(3) for done in itertools.permutations("abc", n)])
def test_a_join_that_would_get_too_many_by_one_flow_is_refused(done: tuple[str, ...]) -> None:
    case = Play(THREE)
    case.start()
    for element in done:
        case.complete(element)
    if {"a", "b"} <= {*done}:
        with pytest.raises(MigrationRefused) as refused:
            moved(case, TWO)
        assert refused.value.element == "j"
    else:
        moved(case, TWO)


INNER = {one: (f"{one}s start\n{one}a user\n{one}e end", f"{one}s>{one}a>{one}e") for one in "pqx"}
APART = shape("case", "s start\nf and\np sub\nq sub\ng xor\nz user\ne end", "s>f>p>g; f>q>g; g>z>e", INNER)
TOGETHER = shape("case", "s start\nf and\nu user\nx sub\nz user\ne end", "s>f>x; f>u>x; x>z>e", INNER)
MEETING = {one + end: "x" + end for one in "pq" for end in ("", "s", "a", "e")}
DIRECT = shape("case", "s start\nf and\na user\nj and\nz user\ne end", "s>f>j; f>j; f>a>j; j>z>e")
WIDER = shape("case", "s start\nf and\na user\nb user\nj and\nz user\ne end", "s>f>j; f>j; f>a>b>j; j>z>e")


@pytest.mark.parametrize(
    ("old", "new", "goes"),
    [(APART, TOGETHER, MEETING), (DIRECT, DIRECT, {}), (DIRECT, WIDER, {}), (WIDER, WIDER, {})],
)
@pytest.mark.parametrize("seed", range(6))
def test_the_game_follows_what_meets_in_one_place(old: Shape, new: Shape, goes: dict[str, str], seed: int) -> None:
    files = {name: text + b"<!-- -->" for name, text in new.files.items()}
    versions = [read_definition(old.files, "case", validate=False), read_definition(files, "case", validate=False)]
    for moment in range(1, 4):
        walk = Migrated(versions[0], seed, {})
        walk.reference = None
        walk.run(moment)
        if walk.ended:
            break
        walk.migrate(versions[1], Plan(goes))
        while not walk.ended and walk.move():
            pass
        by_digest = {version.digest: version for version in versions}
        assert replay.re_execute(walk.rows, by_digest.__getitem__) == []
        drawn = {digest: dict(version.files) for digest, version in by_digest.items()}
        assert (verify.game_faults(walk.rows, drawn), walk.ended) == (([], []), True)


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_a_walk_that_is_tested_on_its_own_drawing_is_the_same(drawn: Shape) -> None:
    old = read_definition(drawn.files, drawn.name, validate=False)
    again = read_definition(
        {name: text + b"<!-- -->" for name, text in drawn.files.items()}, drawn.name, validate=False
    )
    test = Backtest(again, lambda _digest: old)
    for seed in range(10):
        walk = Walk(old, seed, drawn.data)
        walk.reference = None
        walk.run(40)
        if walk.rows:
            assert test.test(walk.rows).kind == Kind.SAME
