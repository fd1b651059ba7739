"""A case again from its journal: moment by moment for the eye, and against the plain library for the proof."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from service.engine import journal, run, state, timers
from service.engine.definition import Definition
from service.engine.scopes import Case
from service.engine.scripts import error_in
from service.engine.values import Data, Input, Moment, NoPlace, NoResult, Request, Serve, Step, StepFailed
from service.engine.world import deep_recursion, world

Row = Mapping[str, Any]
Definitions = Callable[[str], Definition]

NOTES = frozenset({"claim", "unclaim", "assign"})
"""Kinds of rows that move a task but not the case: the engine skips them."""


def moments(rows: Iterable[Row], definitions: Definitions) -> list[Moment]:
    """The case after each row: tokens, done elements, data. Raises NoPlace, NoResult or StepFailed for a false journal."""
    found: list[Moment] = []
    done: dict[str, int] = {}
    step: Step | None = None
    for row in rows:
        if row["kind"] not in NOTES:
            step = _again(row, step, definitions)
            for line in step.trace:
                if line[0] == "+":
                    done[line[1:]] = done.get(line[1:], 0) + 1
        tokens = _tokens(step, definitions(row["definition"])) if step else ()
        data, ended = (step.data, step.ended) if step else ({}, False)
        found.append(Moment(row["seq"], row["definition"], tokens, dict(done), dict(data), ended))
    return found


def _tokens(step: Step, definition: Definition) -> tuple[str, ...]:
    """Where the tokens stand: events that merely wait on the border of an activity, or for a scope, have none."""

    def stands(path: str, kind: str) -> bool:
        element = definition.elements[path.split("/")[-1]].type
        return kind != "wait" or element not in ("boundaryEvent", "subProcess")

    return tuple(path for _, path, kind in state.paths(step.state) if stands(path, kind))


def open_tasks(rows: Iterable[Row], definitions: Definitions) -> tuple[str, list[str]]:
    """Shape digest and tokens of the open user tasks after the last row."""
    step: Step | None = None
    for row in rows:
        if row["kind"] not in NOTES:
            step = _again(row, step, definitions)
    if step is None:
        return "", []
    return step.shape, [token for token, _, kind in state.paths(step.state) if kind == "user"]


def re_execute(rows: Iterable[Row], definitions: Definitions) -> list[str]:
    """What differs when the plain library, never saved or shortened, runs the journal; nothing when the journal is true."""
    plain: Plain | None = None
    for row in rows:
        if row["kind"] in NOTES:
            continue
        try:
            plain = plain or Plain(definitions(row["definition"]))
            step = plain.step(input_of(row), recorded(row), _salt(row))
        except (NoPlace, NoResult, StepFailed, ValueError) as error:
            return [f"{row['seq']} {row['kind']} {row.get('element') or ''}: {type(error).__name__} {error}"]
        found = differences(row, step)
        if found:
            return found
    return []


def differences(row: Row, step: Step) -> list[str]:
    """What a row says against what a step did, one text each."""
    told = journal.told_by(step)
    names = ["shape", "trace", "opened", "closed", "jobs", "decisions", "calls"]
    if not journal.is_erased(row):
        names.append("data_digest")
    return [
        f"{row['seq']} {row['kind']} {row.get('element') or ''}: {name} differs: {told[name]} ≠ {row[name]}"
        for name in names
        if told[name] != row[name]
    ]


class Plain:
    """A case run by the library as it is: full tree, full prediction, held in memory, never saved."""

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.case: Case | None = None
        self.tick = self.ids = 0

    def step(self, given: Input, serve: Serve, salt: bytes) -> Step:
        """Apply one input; raises as ``run.step`` does."""
        try:
            before = run.before(self.case)
            world.begin(given.at, serve, self.tick, self.ids, bounded=False)
            with deep_recursion():
                self.case, readdressed = run.apply(self.case, self.definition.plain, self.definition, given)
            return run.outcome(self.case, self.definition, given, before, salt, readdressed, keep=False)
        finally:
            self.tick, self.ids = world.tick, world.ids
            world.close()


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


def recorded(row: Row) -> Serve:
    """Serves topics with the results that a row records, in order; raises NoResult for a call it does not know."""
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
        raise NoResult(f"{request.element} ({request.topic})")

    return serve


def _again(row: Row, before: Step | None, definitions: Definitions) -> Step:
    held = None if before is None else before.state
    return run.step(definitions(row["definition"]), held, input_of(row), recorded(row), _salt(row), definitions)


def _salt(row: Row) -> bytes:
    return base64.b64decode(row["salt"]) if isinstance(row["salt"], str) else b""
