"""Run a case again from its journal: row by row to show it, and once more without stored states to check it."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.engine import engine, journal, state
from service.engine.bpmn.case_scopes import Case
from service.engine.bpmn.expressions_eval import error_in
from service.engine.bpmn.step_context import StepContext, deep_recursion
from service.engine.bpmn.taken_flows import taken_flows
from service.engine.definition import Definition
from service.engine.kernel import timers
from service.engine.kernel.types import (
    Data,
    Input,
    MigrationRefused,
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

UNDO = "undo"
"""Kind of the row that takes a completion back; ``row`` of its data is the ``seq`` of that completion."""
FOLLOWS = frozenset({"job"})
"""Kinds of rows that a completion brings by itself, and that are taken back with it."""
NOTES = frozenset({"claim", "unclaim", "assign", "suspend", "resume", "retry", "resolve"})
"""Kinds of rows that move a task, or hold the case, but do not move it: the engine skips them."""
WHILE_SUSPENDED = frozenset({"variables", "move", "skip", "cancel", "readdress", "migrate"})
"""Kinds of inputs that also a suspended case takes."""


@dataclass(slots=True)
class Progress:
    """The case after the rows read so far; flows: those taken in the last row."""

    step: Step | None = None
    done: Counter[str] = field(default_factory=Counter)
    flows: tuple[str, ...] = ()
    before: list[tuple[int, Step | None, Counter[str]]] = field(default_factory=list)
    """Of each row that moved the case and was not taken back: how the case stood before it."""


def replay_frames(rows: Iterable[Row], definitions: Definitions) -> list[ReplayFrame]:
    """Show the case after each row: tokens, done elements, data, and the flows taken.

    Raises StaleToken, MissingRecordedResult or StepError for a journal that cannot be.
    """
    return [_frame(row, now, definitions(row["definition"])) for row, now in run(rows, definitions)]


def _frame(row: Row, now: Progress, definition: Definition) -> ReplayFrame:
    if now.step is None:
        return ReplayFrame(row["seq"], row["definition"], (), {}, {}, False, ())
    tokens, data = _tokens(now.step, definition), dict(now.step.data)
    return ReplayFrame(row["seq"], row["definition"], tokens, dict(now.done), data, now.step.ended, now.flows)


def run(rows: Iterable[Row], definitions: Definitions) -> Iterator[tuple[Row, Progress]]:
    """Step through the rows by stored states, as production does."""
    now, source = Progress(), None
    for row in rows:
        now.flows = ()
        if row["kind"] not in NOTES:
            stored = now.step.state if now.step else None
            definition = definitions(row["definition"])
            if row["kind"] == UNDO:
                _take_back(now, row, definition)
                yield row, now
                continue
            left = source if row["kind"] == "migrate" else None
            now.before.append((row["seq"], now.step, now.done.copy()))
            now.step = engine.step(definition, stored, input_of(row), recorded_handler(row), salt_of(row), left)
            source = definition
            now.flows = tuple(taken_flows(now.step.moves, definition.flows))
            now.done.update(line[1:] for line in now.step.trace if line[0] == "+")
        yield row, now


def _take_back(now: Progress, row: Row, definition: Definition) -> None:
    """Let the case stand as before the row that this one takes back."""
    left = now.step
    while now.before and left is not None:
        seq, step, done = now.before.pop()
        if seq == row["data"].get("row") and step is not None:
            now.step, now.done = engine.undo(definition, left.state, step.state, input_of(row), salt_of(row)), done
            return
    raise StaleToken(f"{_name(row)}：没有可撤回的办理")


def state_before(rows: Iterable[Row], definitions: Definitions, seq: int) -> bytes:
    """The stored state of a case before one of its rows."""
    *_, (_, last) = run((row for row in rows if row["seq"] < seq), definitions)
    assert last.step is not None
    return last.step.state


def _tokens(step: Step, definition: Definition) -> tuple[str, ...]:
    """List the paths at which tokens rest; events that wait on an activity's border or for a scope have none."""

    def rests(path: str, kind: str) -> bool:
        element = definition.elements[path.split("/")[-1]].type
        return kind != "undo" and (kind != "wait" or element not in ("boundaryEvent", "subProcess"))

    return tuple(path for _, path, kind in state.paths(step.state) if rests(path, kind))


def re_execute(rows: Iterable[Row], definitions: Definitions) -> list[str]:
    """Run a journal in one ReferenceRun and list what differs from its rows, up to the first row that does."""
    return [fault for _, _, faults in re_executed(list(rows), definitions) for fault in faults]


def re_executed(rows: Sequence[Row], definitions: Definitions) -> Iterator[tuple[Row, Step | None, list[str]]]:
    """Run a journal in one ReferenceRun: each row with its step, None for a note, and what differs; the first row that
    differs is the last. The last step has the state to store.

    The rules are those of production; stored states and the short prediction are not used.
    """
    run: ReferenceRun | None = None
    carried = {"shape": "", "data_digest": ""}
    moves = [row["seq"] for row in rows if row["kind"] not in NOTES]
    kept: list[Row] = []
    suspended = False
    for row in rows:
        if suspended and row["kind"] not in NOTES | WHILE_SUSPENDED:
            yield row, None, [f"{_name(row)}: the case was suspended"]
            return
        suspended = {"suspend": True, "resume": False}.get(row["kind"], suspended)
        step, found = None, []
        try:
            if row["kind"] in NOTES:
                found = _differing(row, carried)
            else:
                run, definition = run or ReferenceRun(definitions(row["definition"])), definitions(row["definition"])
                keep = row["seq"] == moves[-1]
                if row["kind"] == UNDO:
                    kept = left_by(row, kept)
                    run, step = _without(run, kept, row, definitions, keep)
                else:
                    kept.append(row)
                    step = run.step(input_of(row), recorded_handler(row), salt_of(row), keep, definition)
                found = _differing(row, journal.step_fields(step))
        except (StaleToken, MigrationRefused, MissingRecordedResult, StepError, ValueError) as error:
            found = [f"{_name(row)}: {type(error).__name__} {error}"]
        yield row, step, found
        if found:
            return
        carried = {name: row[name] for name in carried}


def left_by(undo: Row, kept: Sequence[Row]) -> list[Row]:
    """The rows that count when one takes a completion back. Raises StaleToken unless nothing but what that completion
    brought has happened since, in the same version.
    """
    taken = next((n for n, row in enumerate(kept) if row["seq"] == undo["data"].get("row")), 0)
    first, *later = kept[taken:] or [undo]
    names = ("kind", "token", "element", "actor", "definition")
    told = ["complete", *(undo.get(name) for name in names[1:])]
    if not taken or [first.get(name) for name in names] != told or {row["kind"] for row in later} - FOLLOWS:
        raise StaleToken(f"{_name(undo)}：没有可撤回的办理")
    return list(kept[:taken])


def _without(
    run: ReferenceRun, kept: Sequence[Row], undo: Row, definitions: Definitions, keep: bool
) -> tuple[ReferenceRun, Step]:
    """Run a case that was taken back once more from its start, by the rows that count."""
    again = ReferenceRun(definitions(kept[0]["definition"]))
    for row in kept:
        again.step(input_of(row), recorded_handler(row), salt_of(row), to=definitions(row["definition"]))
    assert again.case is not None
    assert run.case is not None
    again.case.context.begin(input_of(undo).at, recorded_handler(undo), bounded=False)
    step = engine.restored(again.definition, run.case, again.case, input_of(undo), salt_of(undo), keep)
    return again, step


def _differing(row: Row, expected: Mapping[str, Any]) -> list[str]:
    return [
        f"{_name(row)}: {name} differs: {value} ≠ {row[name]}" for name, value in expected.items() if value != row[name]
    ]


def _name(row: Row) -> str:
    return f"{row['seq']} {row['kind']} {row.get('element') or ''}".strip()


class ReferenceRun:
    """A case held in memory from its start to its end: full task tree, full prediction, never saved nor loaded.

    Parser, gateways, joins and all other elements are those of production. A run shows that the compact state and the
    short prediction lose nothing; it does not show that an element does what BPMN says.
    """

    def __init__(self, definition: Definition) -> None:
        self.definition = definition
        self.case: Case | None = None

    def step(
        self, given: Input, serve: TopicHandler, salt: bytes, keep: bool = False, to: Definition | None = None
    ) -> Step:
        """Apply one input; raises as ``engine.step`` does. to: the version that a migration leads to."""
        source = None
        if given.kind == "migrate" and to is not None:
            source, self.definition = self.definition, to
        context = self.case.context if self.case else StepContext(given.at, serve)
        context.begin(given.at, serve, bounded=False)
        with context.guard():
            with deep_recursion():
                applied = engine.apply_input(
                    self.definition, self.definition.reference_specs, self.case, given, context, source
                )
            self.case = applied.case
            return engine.build_step(applied, salt, keep=keep)


def input_of(row: Row) -> Input:
    """Return the input that a row records."""
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
    """Serve topics with the results that a row records, in order; raises MissingRecordedResult for any other call."""
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


def salt_of(row: Row) -> bytes:
    """The salt of a row."""
    return base64.b64decode(row["salt"])
