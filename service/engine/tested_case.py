"""One case on a version under test, beside what its journal says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import orjson
from SpiffWorkflow.task import Task

from service.engine import engine, migration, replay, state
from service.engine.bpmn import events
from service.engine.bpmn.case_scopes import Case
from service.engine.bpmn.expressions_eval import error_in
from service.engine.bpmn.step_context import StepContext, path_of
from service.engine.definition import Definition
from service.engine.kernel import timers
from service.engine.kernel.canonical_json import canonical, salted
from service.engine.kernel.types import (
    Data,
    Input,
    MissingRecordedResult,
    Request,
    StaleToken,
    StepError,
)
from service.engine.open_work import user_task
from service.engine.replay import Row
from service.engine.tokens import kind_of, number, order_of, tokens_in

Place = tuple[str, str | None]  # path, and the kind of tokens there
ENDLESS = "新版本自行往前走，没有尽头。"
MENDS = frozenset({"migrate", "move", "skip", "variables", "undo"})
"""Kinds of rows after which a case stands where its inputs alone do not lead it: it is tested from the last of them."""
OWN_MOVES = 1_000  # that a version may make in one case beside those recorded; more are an endless loop
AT = {"complete": "user", "timer": "wait", "external": "external", "error": None, "job": "async"}


class Kind(StrEnum):
    """Kinds of outcomes. timing: a timer fires earlier or later; stuck: somebody is waited for of whom history
    says nothing; no_place: a recorded input that nobody waits for; no_result: a topic that was not served then.
    """

    SAME = "same"
    PATH = "path"
    TIMING = "timing"
    DATA = "data"
    STUCK = "stuck"
    NO_PLACE = "no_place"
    NO_RESULT = "no_result"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first difference. element: its id, in the version under test or, of what it lacks, in that of the case.

    seq: the row at which they part; old, new: ways, ``+`` and ``?`` before the paths of what ended and of tasks that
    opened.
    """

    kind: Kind
    element: str = ""
    seq: int | None = None
    detail: str = ""
    old: tuple[str, ...] = ()
    new: tuple[str, ...] = ()


@dataclass(slots=True)
class TestedCase:
    """One case on the definition under test, beside what its journal says."""

    definition: Definition
    old: Definition
    plan: migration.Plan
    rows: Sequence[Row]
    stored: Callable[[], bytes]  # how the recorded run ended
    case: Case | None = None
    context: StepContext | None = None
    first: Outcome | None = None
    want: list[str] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)  # tokens of user tasks that opened
    told: set[str] = field(default_factory=set)  # the same in the journal
    missing: list[str] = field(default_factory=list)  # lines of the journal that the version under test lacks so far
    surplus: list[str] = field(default_factory=list)  # its own that the journal lacks so far
    compared: int = 0  # lines of its own
    results: dict[tuple[str, str], list[Data]] = field(default_factory=dict)
    external: set[tuple[str, str]] = field(default_factory=set)
    dues: set[tuple[str, str]] = field(default_factory=set)
    doors: set[str] = field(default_factory=set)
    recorded: dict[Place, list[str]] = field(default_factory=dict)  # tokens by place, in the order in which they came
    played: dict[Place, list[str]] = field(default_factory=dict)
    left: int = OWN_MOVES
    steps: int = 0

    def __post_init__(self) -> None:
        results = defaultdict(list)
        for row in self.rows:
            for element, topic, result in row["calls"]:
                results[self._mapped(element), topic].append(result)
            for token, element, *_ in row["opened"]:
                _note(self.recorded, (self._mapped(element), "user"), token)
            for token, element, kind, due, topic in row["jobs"]:
                self._note_job(token, self._mapped(element), kind, due, topic)
        self.results = dict(results)
        self.steps = self.rows[0]["seq"] if self.rows else 0

    def _note_job(self, token: str, path: str, kind: str, due: str | None, topic: str | None) -> None:
        _note(self.recorded, (path, "wait" if kind == "timer" else kind), token)
        if kind == "external":
            self.external.add((path, topic or ""))
        elif kind == "async":
            self.doors.add(path)
        else:
            self.dues.add((path, due or ""))

    def _mapped(self, path: str) -> str:
        return "/".join(map(self.plan.target, path.split("/"))) if self.plan.elements else path

    def take(self, stored: bytes, row: Row) -> None:
        """Begin from a stored state of the version that the case has. Raises MigrationRefused, StepError."""
        context = self._context(timers.from_text(row["at"]))
        with context.guard():
            case = state.load(stored, self.old, self.old.compact_specs, context)
            for task in sorted(tokens_in(case), key=lambda task: order_of(task.token)):
                path = self._mapped(path_of(task))
                _note(self.recorded, (path, kind_of(task)), task.token)
                if (due := task.internal_data.get("due")) is not None:
                    self.dues.add((path, due))
                if kind_of(task) == "user":
                    self.known.add(task.token)
            self.told |= self.known
            if not case.completed:
                specs = self.definition.compact_specs
                case = migration.migrate(self.old, self.definition, specs, case, self.plan, context)
            self.case = case
            events.drain(case)
        self._tell()

    def _context(self, at: datetime) -> StepContext:
        if self.context is None:
            self.context = StepContext(at, self._serve, bounded=True)
        self.context.begin(at, self._serve, bounded=True)
        return self.context

    def outcome(self) -> Outcome:
        """Give all inputs, as far as they have a place."""
        row: Row = {}
        try:
            for row in self.rows:
                if row["kind"] not in replay.NOTES:
                    self._fire_timers(row)
                    self._give(row)
                    self._compare(row)
                if self.first is not None:
                    break  # what comes after it follows from it
        except MissingRecordedResult as missing:
            self._differ(Kind.NO_RESULT, str(missing).partition(" ")[0], row)
        except StepError as error:
            self._differ(Kind.ERROR, error.element, row, str(error))
        except StaleToken:
            self._no_place(row)
        return self._end(row)

    def _end(self, row: Row) -> Outcome:
        self.got += [line for line in self.context.trace if line[0] == "+"] if self.first and self.context else []
        if self.first is None and (self.missing or self.surplus):
            self._differ_in_length(row)
        if self.first is None and self._has_other_data():
            self._differ(Kind.DATA, "", row)
        found = self.first or Outcome(Kind.SAME)
        return Outcome(found.kind, found.element, found.seq, found.detail, tuple(self.want), tuple(self.got))

    def _serve(self, request: Request) -> Data | None:
        left = self.results.get((request.element, request.topic))
        if left:
            result = left.pop(0)
            if (error := error_in(result)) is not None:
                raise error
            return result
        if (request.element, request.topic) in self.external:
            return None
        raise MissingRecordedResult(f"{request.element} ({request.topic})")

    def _fire_timers(self, row: Row) -> None:
        """Let fall due what the recorded run did not set, up to the instant of its next input."""
        while self.first is None and (due := min(self._due(row["at"]), default=None)):
            at, _, token, path = due
            self._differ(Kind.TIMING, path, row)
            self._apply(Input("timer", row["seq"], timers.from_text(at), token, path))

    def _due(self, upto: str) -> Iterator[tuple[str, tuple[int, int], str, str]]:
        for task in tokens_in(self.case) if self.case and not self.case.completed else ():
            due = task.internal_data.get("due")
            if due is not None and due <= upto and kind_of(task) == "wait" and (path_of(task), due) not in self.dues:
                yield due, order_of(task.token), task.token, path_of(task)

    def _give(self, row: Row) -> None:
        if self.first is not None:
            return None
        given = replay.input_of(row)
        token, element = given.token, given.element
        if given.kind in AT:
            element = self._mapped(given.element or "")
            found = self._find(given, element)
            if found is None:
                return self._no_place(row) if given.kind != "job" else None
            due = found.internal_data.get("due")
            if given.kind == "timer" and (due is None or (due != row["due"] and due > row["at"])):
                return self._differ(Kind.TIMING, element, row)
            token = found.token
        elif given.kind == "start" and element:
            element = self.plan.target(element)
        self._apply(
            Input(given.kind, given.seq, given.at, token if given.kind in AT else None, element, None, given.data)
        )

    def _find(self, given: Input, element: str) -> Task | None:
        """The token that an input moves: at its place the one that came there as the recorded one did, first or second
        or later, else the oldest; ids say nothing, for they count all tokens of a step.
        """
        wanted = AT[given.kind]
        if self.case is None or self.case.completed:
            return None
        found = [
            task
            for task in tokens_in(self.case)
            if (wanted is None or kind_of(task) == wanted) and path_of(task) == element
        ]
        wanted_token = self._counterpart(given.token, element)
        found.sort(key=lambda task: (task.token != wanted_token, order_of(task.token)))
        return found[0] if found else None

    def _counterpart(self, token: str | None, path: str) -> str | None:
        for place, tokens in self.recorded.items():
            if place[0] == path and token in tokens:
                return next(iter(self.played.get(place, [])[tokens.index(token) :]), None)
        return None

    def _apply(self, given: Input) -> None:
        """Give an input, and what follows of itself where the recorded run waited for nothing."""
        following: Input | None = given
        while following is not None:
            context = self._context(given.at)
            with context.guard():
                specs = self.definition.compact_specs
                self.case = engine.apply_input(self.definition, specs, self.case, following, context).case
            self._tell()
            following = self._let_in(given)
            self.left -= following is not None
            if self.left < 0:
                raise StepError(ENDLESS, following.element or "" if following else "")

    def _let_in(self, given: Input) -> Input | None:
        """The input that lets a token in which waits at a door that the recorded run did not have."""
        for task in tokens_in(self.case) if self.case and not self.case.completed else ():
            if kind_of(task) == "async" and path_of(task) not in self.doors:
                return Input("job", given.seq, given.at, task.token, path_of(task))
        return None

    def _tell(self) -> None:
        """Number new tokens, by steps of which one row may have several; tell what ended and which tasks opened."""
        assert self.case is not None
        self.got += [line for line in self.case.context.trace if line[0] == "+"]
        self.case.context.trace.clear()
        self.steps += 1
        for task in [] if self.case.completed else number(self.case, self.steps):
            _note(self.played, (path_of(task), kind_of(task)), task.token)
            if task.token not in self.known and kind_of(task) == "user":
                self.known.add(task.token)
                self.got.append("?" + user_task(task, self.definition).element)

    def _compare(self, row: Row) -> None:
        """Compare what both have done and opened; in which order says nothing, for tokens beside each other take turns.
        One may be ahead of the other.
        """
        lines = [line[0] + self._mapped(line[1:]) for line in row["trace"] if line[0] == "+"]
        for task in row["opened"]:
            if task[0] not in self.told:
                self.told.add(task[0])
                lines.append("?" + self._mapped(task[1]))
        self.want += lines
        missing, surplus = self.missing + lines, self.surplus + self.got[self.compared :]
        self.compared = len(self.got)
        self.missing = _without(missing, surplus)
        self.surplus = _without(surplus, missing)
        if self.missing and self.surplus and self.first is None:
            self._differ_at(self.missing[0], self.surplus[0], row)

    def _differ_at(self, expected: str, found: str, row: Row) -> None:
        if expected[0] == "?" and last(expected) not in self.definition.elements:
            self._differ(Kind.NO_PLACE, expected[1:], row)
        elif found[0] == "?" and self._is_new(found):
            self._differ(Kind.STUCK, found[1:], row)
        else:
            self._differ(Kind.PATH, found[1:], row)

    def _differ_in_length(self, row: Row) -> None:
        lacking = self.missing[0][1:] if self.missing else ""
        if self.surplus:
            self._differ(Kind.PATH, self.surplus[0][1:], row)
        elif last(lacking) not in self.definition.elements and not self._stands_at(only_new=True):
            is_start = self.missing[0][0] == "+" and last(lacking) in self._starts()
            self._differ(Kind.NO_PLACE if is_start else Kind.PATH, lacking, row)
        else:
            self._differ(Kind.STUCK, self._stands_at() or self.missing[0][1:], row)

    def _starts(self) -> set[str]:
        """The start events of the recorded version, as the one under test would call them."""
        return {self.plan.target(one.id) for one in self.old.elements.values() if one.type == "startEvent"}

    def _no_place(self, row: Row) -> None:
        new = self._stands_at(only_new=True)
        place = self._mapped(row["element"] or "") if row["kind"] in AT else row["element"] or ""
        self._differ(Kind.STUCK if new else Kind.NO_PLACE, new or place, row)

    def _stands_at(self, *, only_new: bool = False) -> str:
        """The element at which the case waits, one that history does not know if there is any; '' nowhere."""
        if self.case is None or self.case.completed:
            return ""
        places = [path_of(task) for task in tokens_in(self.case) if kind_of(task) in ("user", "wait", "external")]
        new = [path for path in places if self._is_new(path)]
        return next(iter(new if only_new else new + places), "")

    def _is_new(self, path: str) -> bool:
        return last(path) not in {self.plan.target(element) for element in self.old.elements}

    def _differ(self, kind: Kind, path: str, row: Row, detail: str = "") -> None:
        self.first = self.first or Outcome(kind, last(path), row.get("seq"), detail)

    def _has_other_data(self) -> bool:
        moved = [row for row in self.rows if row["kind"] not in replay.NOTES]
        if self.case is None or not moved:
            return False
        tokens = [] if self.case.completed else sorted(tokens_in(self.case), key=lambda task: order_of(task.token))
        values = [self.case.data, [state.own_values(task) for task in tokens]]
        if salted(replay.salt_of(moved[-1]), values) == moved[-1]["data_digest"]:
            return False
        return self._values() != self._recorded_values()

    def _values(self) -> bytes:
        """The variables of the process, and those at tokens by path: events that wait have none."""
        assert self.case is not None
        tokens = [] if self.case.completed else tokens_in(self.case)
        return _canonical(self.case.data, ((path_of(task), state.own_values(task)) for task in tokens))

    def _recorded_values(self) -> bytes:
        stored = self.stored()
        _, _, data, rows, _ = orjson.loads(stored)
        places = (self._mapped(path) for _, path, _ in state.paths(stored))
        return _canonical(data, zip(places, (row[6] or [] for row in rows), strict=True))


def _canonical(data: Data, own: Iterable[tuple[str, list[Data]]]) -> bytes:
    """Variables, in an order that does not depend on when tokens came."""
    held = sorted(canonical([path, values]) for path, values in own if any(values))
    return canonical(data) + b"\n" + b"\n".join(held)


def _without(lines: list[str], others: list[str]) -> list[str]:
    """The lines that others lack, as often as they lack them."""
    if lines == others:
        return []
    left, found = Counter(others), []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            found.append(line)
    return found


def _note(places: dict[Place, list[str]], place: Place, token: str) -> None:
    tokens = places.setdefault(place, [])
    if token not in tokens:
        tokens.append(token)


def last(path: str) -> str:
    return path.lstrip("+?").rpartition("/")[2]
