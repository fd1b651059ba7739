"""Back-test: the recorded inputs of a case, given to another version of its diagram, in memory; no handler runs.

People, messages and results of topics come from the journal, in their order. Timers that the recorded run set fire
where it fired them; others by a clock that goes from one recorded instant to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any

import orjson
from SpiffWorkflow.task import Task

from service.engine import engine, migration, replay, state
from service.engine.bpmn.case_scopes import Case
from service.engine.bpmn.expressions_eval import error_in
from service.engine.bpmn.step_context import StepContext, path_of
from service.engine.definition import Definition, read_definition
from service.engine.kernel import timers
from service.engine.kernel.canonical_json import salted
from service.engine.kernel.types import (
    Data,
    Input,
    MigrationRefused,
    MissingRecordedResult,
    Request,
    StaleToken,
    StepError,
)
from service.engine.open_work import user_task
from service.engine.tokens import kind_of, number, order_of, tokens_in

Row = Mapping[str, Any]
Definitions = Callable[[str], Definition]
MENDS = frozenset({"migrate", "move", "skip", "variables"})
"""Kinds of rows after which a case stands where its inputs alone do not lead it: it is tested from the last of them."""
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
class Backtest:
    """Tests cases against one definition; ``definitions`` finds those that their journals name."""

    definition: Definition
    definitions: Definitions
    plans: dict[str, migration.Plan] = field(default_factory=dict)

    def test(self, rows: Sequence[Row]) -> Outcome:
        """Give one case's inputs to the definition, all of them or those after its last mend."""
        moved = [n for n, row in enumerate(rows) if row["kind"] in MENDS]
        begun = moved[-1] + 1 if moved else 0
        digest = rows[max(begun - 1, 0)]["definition"]
        old = self.definitions(digest)
        plan = self.plans.setdefault(digest, migration.propose(old, self.definition))
        run = _Run(self.definition, old, plan, rows[begun:])
        try:
            if begun:
                run.take(self._mended(rows[:begun]), rows[begun - 1])
        except MigrationRefused as refused:
            return Outcome(Kind.NO_PLACE, refused.element, rows[begun - 1]["seq"], str(refused))
        return run.outcome()

    def _mended(self, rows: Sequence[Row]) -> bytes:
        """The stored state after the last of these rows, by the versions that they name."""
        *_, (_, last) = replay.run(rows, self.definitions)
        assert last.step is not None
        return last.step.state


@dataclass(slots=True)
class _Run:
    """One case on the definition under test, beside what its journal says."""

    definition: Definition
    old: Definition
    plan: migration.Plan
    rows: Sequence[Row]
    case: Case | None = None
    context: StepContext | None = None
    first: Outcome | None = None
    want: list[str] = field(default_factory=list)
    got: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)  # tokens of user tasks that opened
    told: set[str] = field(default_factory=set)  # the same in the journal
    compared: int = 0
    results: dict[tuple[str, str], list[Data]] = field(default_factory=dict)
    external: set[tuple[str, str]] = field(default_factory=set)
    dues: set[tuple[str, str]] = field(default_factory=set)
    doors: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        results = defaultdict(list)
        for row in self.rows:
            for element, topic, result in row["calls"]:
                results[self._mapped(element), topic].append(result)
            for _, element, kind, due, topic in row["jobs"]:
                self._note_job(self._mapped(element), kind, due, topic)
        self.results = dict(results)

    def _note_job(self, path: str, kind: str, due: str | None, topic: str | None) -> None:
        if kind == "external":
            self.external.add((path, topic or ""))
        elif kind == "async":
            self.doors.add(path)
        else:
            self.dues.add((path, due or ""))

    def _mapped(self, path: str) -> str:
        return "/".join(map(self.plan.target, path.split("/"))) if self.plan.elements else path

    def take(self, stored: bytes, row: Row) -> None:
        """Begin from a stored state of the version that the case has. Raises MigrationRefused."""
        context = self._context(timers.from_text(row["at"]))
        case = state.load(stored, self.old, self.old.compact_specs, context)
        if not case.completed:
            specs = self.definition.compact_specs
            case = migration.migrate(self.old, self.definition, specs, case, self.plan, context)
        self.case = case
        self._number(row["seq"])
        self.told |= self.known
        self.got.clear()
        for task in tokens_in(case):
            if (due := task.internal_data.get("due")) is not None:
                self.dues.add((path_of(task), due))

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
        except MissingRecordedResult as missing:
            self._differ(Kind.NO_RESULT, str(missing).partition(" ")[0], row)
        except StepError as error:
            self._differ(Kind.ERROR, error.element, row, str(error))
        except StaleToken:
            self._no_place(row)
        return self._end(row)

    def _end(self, row: Row) -> Outcome:
        self.got += [line for line in self.context.trace if line[0] == "+"] if self.first and self.context else []
        if self.first is None and len(self.want) != len(self.got):
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
        while due := min(self._due(row["at"]), default=None):
            at, _, token, path = due
            self._differ(Kind.TIMING, path, row)
            self._apply(Input("timer", row["seq"], timers.from_text(at), token, path))

    def _due(self, upto: str) -> Iterator[tuple[str, tuple[int, int], str, str]]:
        for task in tokens_in(self.case) if self.case and not self.case.completed else ():
            due = task.internal_data.get("due")
            if due is not None and due <= upto and kind_of(task) == "wait" and (path_of(task), due) not in self.dues:
                yield due, order_of(task.token), task.token, path_of(task)

    def _give(self, row: Row) -> None:
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
        """The token that an input moves: the recorded one where it stands there, else the oldest of its kind."""
        wanted = AT[given.kind]
        if self.case is None or self.case.completed:
            return None
        found = [
            task
            for task in tokens_in(self.case)
            if (wanted is None or kind_of(task) == wanted) and path_of(task) == element
        ]
        found.sort(key=lambda task: (task.token != given.token, order_of(task.token)))
        return found[0] if found else None

    def _apply(self, given: Input) -> None:
        context = self._context(given.at)
        with context.guard():
            specs = self.definition.compact_specs
            self.case = engine.apply_input(self.definition, specs, self.case, given, context).case
            self.got += [line for line in context.trace if line[0] == "+"]
            context.trace.clear()
            self._number(given.seq)
        for task in list(tokens_in(self.case)) if not self.case.completed else ():
            if kind_of(task) == "async" and path_of(task) not in self.doors:
                self._apply(Input("job", given.seq, given.at, task.token, path_of(task)))
                return

    def _number(self, seq: int) -> None:
        """Number new tokens, and tell of the user tasks among them."""
        assert self.case is not None
        for task in [] if self.case.completed else number(self.case, seq):
            if task.token not in self.known and kind_of(task) == "user":
                self.known.add(task.token)
                self.got.append("?" + user_task(task, self.definition).element)

    def _compare(self, row: Row) -> None:
        self.want += [line[0] + self._mapped(line[1:]) for line in row["trace"] if line[0] == "+"]
        for task in row["opened"]:
            if task[0] not in self.told:
                self.told.add(task[0])
                self.want.append("?" + self._mapped(task[1]))
        if self.first is not None:
            return
        both = min(len(self.want), len(self.got))
        while self.compared < both:
            expected, found = self.want[self.compared], self.got[self.compared]
            if expected != found:
                return self._differ_at(expected, found, row)
            self.compared += 1

    def _differ_at(self, expected: str, found: str, row: Row) -> None:
        if expected[0] == "?" and _last(expected) not in self.definition.elements:
            self._differ(Kind.NO_PLACE, expected[1:], row)
        elif found[0] == "?" and self._is_new(found):
            self._differ(Kind.STUCK, found[1:], row)
        else:
            self._differ(Kind.PATH, found[1:], row)

    def _differ_in_length(self, row: Row) -> None:
        both = min(len(self.want), len(self.got))
        if len(self.got) > both:
            self._differ(Kind.PATH, self.got[both][1:], row)
        else:
            self._differ(Kind.STUCK, self._stands_at() or self.want[both][1:], row)

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
        return _last(path) not in {self.plan.target(element) for element in self.old.elements}

    def _differ(self, kind: Kind, path: str, row: Row, detail: str = "") -> None:
        self.first = self.first or Outcome(kind, _last(path), row.get("seq"), detail)

    def _has_other_data(self) -> bool:
        moved = [row for row in self.rows if row["kind"] not in replay.NOTES]
        if self.case is None or not moved:
            return False
        tokens = [] if self.case.completed else sorted(tokens_in(self.case), key=lambda task: order_of(task.token))
        values = [self.case.data, [state.own_values(task) for task in tokens]]
        return salted(replay.salt_of(moved[-1]), values) != moved[-1]["data_digest"]


_tests: list[Backtest] = []  # of this process


def enter(bundle: Mapping[str, bytes], process: str, versions: Mapping[str, tuple[Mapping[str, bytes], str]]) -> None:
    """Prepare a process for ``test_slice``: the version under test, and by digest those that journals name."""

    @cache
    def version(digest: str) -> Definition:
        files, key = versions[digest]
        return read_definition(files, key, validate=False)

    _tests[:] = [Backtest(read_definition(bundle, process, validate=False), version)]


def test_slice(cases: Sequence[tuple[str, Sequence[str]]]) -> list[tuple[str, str, str]]:
    """Test some cases, each with the records of its journal as JSON: case, kind of outcome, element."""
    found = []
    for case, records in cases:
        outcome = _tests[0].test([orjson.loads(record) for record in records])
        found.append((case, str(outcome.kind), outcome.element))
    return found


def _last(path: str) -> str:
    return path.lstrip("+?").rpartition("/")[2]
