"""Mends: each at each kind of place where a case may stand, the stored engine beside a ReferenceRun, and proved again."""

from __future__ import annotations

import contextlib
from collections import Counter

import pytest

from service.engine import (
    MendRefused,
    StaleToken,
    Standing,
    StepError,
    journal,
    read_definition,
    replay,
    standing,
)
from tests.unit.engine_catalogue import SHAPES
from tests.unit.engine_play import Play
from tests.unit.engine_shapes import Shape, shape
from tests.unit.engine_walk import Walk

NAMES = [drawn.name for drawn in SHAPES]
INNER = {"p": ("ps start\ni user\npe end", "ps>i>pe")}
CALLED = {"checked": ("cs start\nk user\nce end", "cs>k>ce")}

# Kind of place: the case, the element at which it stands, and the user tasks that are open once that is skipped.
PLACES: dict[str, tuple[Shape, str, list[str]]] = {
    "user task": (shape("case", "s start\na user\nb user\ne end", "s>a>b>e"), "a", ["b"]),
    "user task with events on its border": (
        shape("case", "s start\na user\nt boundary-timer a PT1H\nb user\nc user\ne end\nf end", "s>a>b>e;t>c>f"),
        "a",
        ["b"],
    ),
    "timer": (shape("case", "s start\nt catch-timer PT1H\nb user\ne end", "s>t>b>e"), "t", ["b"]),
    "message": (shape("case", "s start\nm catch-message go\nb user\ne end", "s>m>b>e"), "m", ["b"]),
    "receive task": (shape("case", "s start\nm receive go\nb user\ne end", "s>m>b>e"), "m", ["b"]),
    "external work": (shape("case", "s start\nx service far\nb user\ne end", "s>x>b>e"), "x", ["b"]),
    "a job's door": (
        shape("case", "s start\nx service work @asyncBefore=true\nb user\ne end", "s>x>b>e"),
        "x",
        ["b"],
    ),
    "multiple instances": (
        shape("case", "s start\na user *par 3\nb user\ne end", "s>a>b>e"),
        "a",
        ["b"],
    ),
    "subprocess": (shape("case", "s start\np sub\nb user\ne end", "s>p>b>e", inner=INNER), "p", ["b"]),
    "inside a subprocess": (shape("case", "s start\np sub\nb user\ne end", "s>p>b>e", inner=INNER), "p/i", ["b"]),
    "call activity": (
        shape("case", "s start\np call checked\nb user\ne end", "s>p>b>e", called=CALLED),
        "p",
        ["b"],
    ),
    "inside a called process": (
        shape("case", "s start\np call checked\nb user\ne end", "s>p>b>e", called=CALLED),
        "p/k",
        ["b"],
    ),
    "parallel join": (
        shape("case", "s start\nf and\na user\nj and\nb user\ne end", "s>f>a>j;f>j;j>b>e"),
        "j",
        ["a", "b"],
    ),
    "inclusive join": (
        shape("case", "s start\nf and\na user\nj or\nb user\ne end", "s>f>a>j;f>j;j>b>e"),
        "j",
        ["a", "b"],
    ),
}


def begun(name: str) -> tuple[Play, str]:
    drawn, element, _ = PLACES[name]
    case = Play(drawn, lambda request: None if request.topic == "far" else {})
    case.start(x=1)
    return case, element


def places(case: Play) -> list[Standing]:
    assert case.state is not None
    return list(standing(case.definition, case.state, case.at))


def at(case: Play, element: str) -> Standing:
    """Where the case stands at this element; of an activity that repeats the activity, not one of its instances."""
    found = [one for one in places(case) if one.element == element]
    return next((one for one in found if one.kind == "loop"), found[0])


def proved(case: Play) -> None:
    assert journal.verify_chain(case.rows) is None
    assert replay.re_execute(case.rows, lambda _digest: case.definition) == []
    assert replay.replay_frames(case.rows, lambda _digest: case.definition)[-1].ended is (case.last and case.last.ended)


@pytest.mark.parametrize("name", PLACES)
def test_a_skipped_place_is_left_by_its_flows_with_nothing_done(name: str) -> None:
    case, element = begun(name)
    place = at(case, element)
    assert place.can_skip
    done = case.put("skip", token=place.token or None, element=element, data={"reason": "r"})
    assert case.open == PLACES[name][2]
    assert f"+{element}" not in done.trace or place.kind == "join"
    assert done.data == {"x": 1}
    for open_task in list(case.open):
        case.complete(open_task)
    assert case.last is not None
    assert case.last.ended or name.endswith("join")
    proved(case)


@pytest.mark.parametrize("name", PLACES)
def test_a_token_is_moved_to_each_element_of_its_scope(name: str) -> None:
    _, element = begun(name)
    tried = 0
    for target in at(begun(name)[0], element).targets:
        case, _ = begun(name)
        place = at(case, element)
        done = case.put("move", token=place.token or None, element=element, data={"to": target, "reason": "r"})
        assert f"+{element}" not in done.trace[:1]
        level = element.rpartition("/")[0]
        reached = f"{level}/{target}" if level else target
        stands = {one.element for one in places(case)} if not done.ended else set()
        assert reached in stands or f"+{reached}" in done.trace
        if name not in ("parallel join", "inclusive join"):
            assert place.token not in {one.token for one in places(case)} or done.ended
        proved(case)
        tried += 1
    assert tried >= 1


@pytest.mark.parametrize("name", PLACES)
def test_a_cancelled_case_is_over_and_takes_nothing_more(name: str) -> None:
    case, _ = begun(name)
    done = case.put("cancel", data={"reason": "r"})
    assert done.ended
    assert (case.open, case.jobs, done.awaited) == ([], {}, ())
    assert all(line.startswith("-") for line in done.trace)
    with pytest.raises(StaleToken):
        case.put("variables", data={"values": {"x": 2}})
    proved(case)


@pytest.mark.parametrize("name", PLACES)
def test_a_changed_variable_is_what_the_case_goes_on_with(name: str) -> None:
    case, _ = begun(name)
    stood = [(one.token, one.element) for one in places(case)]
    done = case.put("variables", data={"values": {"x": 7, "new": [1]}, "reason": "r"})
    assert done.data == {"x": 7, "new": [1]}
    assert [(one.token, one.element) for one in places(case)] == stood
    assert done.trace == ()
    proved(case)


def test_a_variable_is_changed_in_the_scope_that_has_it() -> None:
    drawn = shape("case", "s start\na user <own=${x} @assignee=${own}\ne end", "s>a>e")
    case = Play(drawn)
    case.start(x="1")
    done = case.put("variables", data={"values": {"own": "2"}})
    assert [task.assignee for task in done.readdressed] == ["2"]
    proved(case)


def test_a_changed_variable_wakes_who_waits_for_a_condition() -> None:
    drawn = shape("case", "s start\na user\nk boundary-conditional a\nb user\ne end\nf end", "s>a>e;k>b>f")
    text = b"<bpmn:conditionalEventDefinition><bpmn:condition>x == 2</bpmn:condition></bpmn:conditionalEventDefinition>"
    drawn.files["case.bpmn"] = drawn.files["case.bpmn"].replace(b"<bpmn:conditionalEventDefinition/>", text)
    case = Play(drawn)
    case.start(x=1)
    case.put("variables", data={"values": {"x": 2}})
    assert case.open == ["b"]
    proved(case)


REFUSED: dict[str, tuple[Shape, str, str, str | None]] = {
    "a start": (PLACES["user task"][0], "a", "move", "s"),
    "an event on a border": (PLACES["user task with events on its border"][0], "a", "move", "t"),
    "a join": (PLACES["parallel join"][0], "a", "move", "j"),
    "another scope": (PLACES["subprocess"][0], "p", "move", "i"),
    "no element": (PLACES["user task"][0], "a", "move", "nothing"),
    "an event-based gateway": (
        shape(
            "case",
            "s start\nw events\nt catch-timer P1D\nm catch-message go\nb user\nc user\ne end",
            "s>w>t>b>e;w>m>c>e",
        ),
        "w",
        "skip",
        None,
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_is_refused_and_nothing_happens(name: str) -> None:
    drawn, element, kind, target = REFUSED[name]
    case = Play(drawn)
    case.start(x=1)
    before, rows = case.state, len(case.rows)
    with pytest.raises(MendRefused):
        case.put(kind, token=at(case, element).token, element=element, data={"to": target})
    with pytest.raises(StaleToken):
        case.put("skip", token="99.9", element=element)
    assert (case.state, len(case.rows)) == (before, rows)
    assert target not in at(case, element).targets


class MendedWalk(Walk):
    """A random walk, at each step of which somebody may mend what stands there; both engines take the same mend."""

    kinds: Counter[tuple[str, str]]

    def move(self) -> bool:
        if self.random.random() < 0.5 and self.state is not None and self.mend():
            return True
        return super().move()

    def mend(self) -> bool:
        assert self.state is not None
        choices = []
        for one in standing(self.definition, self.state, self.at):
            choices += [("move", one, target) for target in one.targets]
            choices += [("skip", one, None)] * (3 * one.can_skip)
        if not choices:
            return False
        kind, one, target = self.random.choice(choices)
        if self.random.random() < 0.03:
            self.put("cancel", data={"reason": "r"})
            return True
        with contextlib.suppress(StepError):  # a condition fails there, or an output is missing: nothing happened
            self.put(kind, token=one.token or None, element=one.element, data={"to": target} if target else {})
            self.kinds[kind, one.kind] += 1
        return True


@pytest.mark.parametrize("drawn", SHAPES, ids=NAMES)
def test_mended_walks_run_alike_stored_and_in_memory(drawn: Shape) -> None:
    definition = read_definition(drawn.files, drawn.name, validate=False)
    for seed in range(12):
        walk = MendedWalk(definition, seed, drawn.data)
        walk.kinds = Counter()
        walk.run(25)
        assert journal.verify_chain(walk.rows) is None
        assert replay.re_execute(walk.rows, lambda _digest: definition) == []


def test_such_walks_mend_every_kind_of_place() -> None:
    seen: Counter[tuple[str, str]] = Counter()
    for drawn in SHAPES:
        definition = read_definition(drawn.files, drawn.name, validate=False)
        for seed in range(40):
            walk = MendedWalk(definition, seed, drawn.data)
            walk.kinds, walk.reference = seen, None
            walk.run(25)
    kinds = {"user", "wait", "sub", "loop", "external", "async", "join"}
    assert {place for kind, place in seen if kind == "skip"} >= kinds
    assert {place for kind, place in seen if kind == "move"} >= kinds


def test_a_case_that_moved_while_suspended_is_found() -> None:
    case = Play(PLACES["user task"][0])
    case.start(x=1)
    held = {**case.rows[0], "kind": "suspend", "seq": 1}
    case.complete("a")
    moved = {**case.rows[1], "seq": 2}
    assert replay.re_execute([case.rows[0], held, moved], lambda _digest: case.definition) == [
        "2 complete a: the case was suspended"
    ]
