"""A case again from its journal: moment by moment for the eye, and against the plain library for the proof."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from service.engine import engine, journal, state
from service.engine.bpmn.case_scopes import Case
from service.engine.bpmn.expressions_eval import error_in
from service.engine.bpmn.step_context import deep_recursion, step_context
from service.engine.definition import Definition
from service.engine.kernel import timers
from service.engine.kernel.types import (
    Data,
    Input,
    MissingRecordedResult,
    ReplayFrame,
    Request,
    StaleToken,
    Step,
    StepError,
    TopicHandler,
)

Row = Mapping[str, Any]
Definitions = Callable[[str], Definition]

NOTES = frozenset({"claim", "unclaim", "assign"})
"""Kinds of rows that move a task but not the case: the engine skips them."""


@dataclass(frozen=True, slots=True)
class _Point:
    """The case after one row that is still in force."""

    seq: int
    step: Step
    done: dict[str, int]


def replay_frames(rows: Iterable[Row], definitions: Definitions) -> list[ReplayFrame]:
    """The case after each row: tokens, done elements, data. Raises StaleToken, MissingRecordedResult or StepError for a false journal."""
    found: list[ReplayFrame] = []
    for row, points in _run(rows, definitions):
        here = points[-1] if points else None
        tokens = _tokens(here.step, definitions(row["definition"])) if here else ()
        data, ended = (here.step.data, here.step.ended) if here else ({}, False)
        found.append(
            ReplayFrame(row["seq"], row["definition"], tokens, dict(here.done) if here else {}, dict(data), ended)
        )
    return found


def open_tasks(rows: Iterable[Row], definitions: Definitions) -> tuple[str, list[str]]:
    """Shape digest and tokens of the open user tasks after the last row."""
    points = _last(rows, definitions)
    if not points:
        return "", []
    step = points[-1].step
    return step.shape, [token for token, _, kind in state.paths(step.state) if kind == "user"]


def undo(rows: Sequence[Row], target: int, given: Input, definitions: Definitions, salt: bytes) -> Step:
    """The step that takes back every input from row ``target`` on: the case is again as it was before it.

    Its row is made with ``target``. Raises StaleToken when the case had not begun before the target. What handlers did
    to business rows is taken back by whoever calls this.
    """
    points = _last(rows, definitions)
    kept = [point for point in points if point.seq < target]
    if not kept:
        raise StaleToken(f"undo {target}")
    return engine.restore(definitions(rows[-1]["definition"]), kept[-1].step.state, points[-1].step.state, given, salt)


def _run(rows: Iterable[Row], definitions: Definitions) -> Iterator[tuple[Row, list[_Point]]]:
    """Each row with the points in force after it, by the compact engine."""
    points: list[_Point] = []
    for row in rows:
        if row["kind"] == "undo":
            points = [point for point in points if point.seq < row["target"]]
        elif row["kind"] not in NOTES:
            before = points[-1] if points else None
            held = before.step.state if before else None
            step = engine.step(
                definitions(row["definition"]), held, input_of(row), recorded_handler(row), _salt(row), definitions
            )
            done = Counter(before.done if before else {})
            done.update(line[1:] for line in step.trace if line[0] == "+")
            points = [*points, _Point(row["seq"], step, dict(done))]
        yield row, points


def _last(rows: Iterable[Row], definitions: Definitions) -> list[_Point]:
    """The points in force after the last row."""
    found: list[_Point] = []
    for _, points in _run(rows, definitions):
        found = points
    return found


def _tokens(step: Step, definition: Definition) -> tuple[str, ...]:
    """Where the tokens stand: events that merely wait on the border of an activity, or for a scope, have none."""

    def stands(path: str, kind: str) -> bool:
        element = definition.elements[path.split("/")[-1]].type
        return kind != "wait" or element not in ("boundaryEvent", "subProcess")

    return tuple(path for _, path, kind in state.paths(step.state) if stands(path, kind))


def re_execute(rows: Iterable[Row], definitions: Definitions) -> list[str]:
    """What differs when the plain library, never saved or shortened, runs the journal; nothing when the journal is true."""
    plain: ReferenceRun | None = None
    kept: list[Row] = []
    told: tuple[Any, Any] = ("", "")
    for row in rows:
        try:
            if row["kind"] in NOTES:
                found = _named(row, dict(zip(("shape", "data_digest"), told, strict=True)))
            elif row["kind"] == "undo":
                kept = [earlier for earlier in kept if earlier["seq"] < row["target"]]
                plain = _rerun(kept, definitions)
                found = _named(row, plain.digests(_salt(row)))
            else:
                plain = plain or ReferenceRun(definitions(row["definition"]))
                found = differences(row, plain.step(input_of(row), recorded_handler(row), _salt(row)))
                kept.append(row)
        except (StaleToken, MissingRecordedResult, StepError, ValueError) as error:
            return [f"{_name(row)}: {type(error).__name__} {error}"]
        if found:
            return found
        told = row["shape"], row["data_digest"]
    return []


def _rerun(rows: Sequence[Row], definitions: Definitions) -> ReferenceRun:
    if not rows:
        raise StaleToken("nothing is left")
    plain = ReferenceRun(definitions(rows[0]["definition"]))
    for row in rows:
        plain.step(input_of(row), recorded_handler(row), _salt(row))
    return plain


def differences(row: Row, step: Step) -> list[str]:
    """What a row says against what a step did, one text each."""
    told = journal.step_fields(step)
    if journal.is_erased(row):
        del told["data_digest"]
    return _named(row, told)


def _named(row: Row, told: Mapping[str, Any]) -> list[str]:
    return [
        f"{_name(row)}: {name} differs: {value} ≠ {row[name]}" for name, value in told.items() if value != row[name]
    ]


def _name(row: Row) -> str:
    return f"{row['seq']} {row['kind']} {row.get('element') or ''}".strip()


class ReferenceRun:
    """A case run by the library as it is: full tree, full prediction, held in memory, never saved."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.case: Case | None = None
        self.tick = self.ids = 0

    def step(self, given: Input, serve: TopicHandler, salt: bytes) -> Step:
        """Apply one input; raises as ``engine.step`` does."""
        try:
            before = engine.before(self.case)
            step_context.begin(given.at, serve, self.tick, self.ids, bounded=False)
            with deep_recursion():
                self.case, readdressed = engine.apply_input(self.case, self.definition.plain, self.definition, given)
            return engine.build_step(self.case, self.definition, given, before, salt, readdressed, keep=False)
        finally:
            self.tick, self.ids = step_context.tick, step_context.ids
            step_context.close()

    def digests(self, salt: bytes) -> dict[str, str]:
        """Shape and data digest of the case as it is."""
        assert self.case is not None
        shape, data_digest = engine.digests_of(self.case, self.definition, salt)
        return {"shape": shape, "data_digest": data_digest}


def input_of(row: Row) -> Input:
    """The input that a row records."""
    due = row.get("due")
    return Input(
        kind=row["kind"],
        seq=row["seq"],
        at=timers.from_text(row["at"]),
        token=row.get("token"),
        element=row.get("element"),
        due=timers.from_text(due) if due else None,
        data=dict(row["data"]),
    )


def recorded_handler(row: Row) -> TopicHandler:
    """Serves topics with the results that a row records, in order; raises MissingRecordedResult for a call it does not know."""
    results: dict[tuple[str, str], list[Data]] = {}
    for element, topic, result in row["calls"]:
        results.setdefault((element, topic), []).append(result)
    external = {(job[1], job[4]) for job in row["jobs"] if job[2] == "external"}

    def serve(request: Request) -> Data | None:
        left = results.get((request.element, request.topic))
        if left:
            result = left.pop(0)
            error = error_in(result)
            if error is not None:
                raise error
            return result
        if (request.element, request.topic) in external:
            return None
        raise MissingRecordedResult(f"{request.element} ({request.topic})")

    return serve


def _salt(row: Row) -> bytes:
    return base64.b64decode(row["salt"]) if isinstance(row["salt"], str) else b""
