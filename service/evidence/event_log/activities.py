"""Activities of a case, folded from the moves of its journal: when each was opened, claimed and over, and by whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

COMPLETED, CANCELLED = "completed", "cancelled"
MENDS = frozenset({"variables", "move", "skip", "suspend", "resume", "cancel", "migrate", "undo"})
_ASSIGNMENTS = frozenset({"claim", "unclaim", "assign"})


class Move(NamedTuple):
    """Fields of a journal row. at: ISO 8601 in UTC; opened, closed, jobs, trace: as ``engine.Step`` says."""

    seq: int
    kind: str
    at: str
    actor: str | None
    behalf: str | None
    element: str | None
    token: str | None
    definition: str
    trace: list[str]
    opened: list[list[Any]]
    closed: list[str]
    jobs: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Activity:
    """One element that a case went through, or a mend of the case (its kind is the outcome then).

    element: its id; kind: BPMN's name of its type; opened: when its token came, None where it did not wait; claimed:
    when its task was last claimed; actor: who completed its task; role, organisation: to whom that was addressed.
    """

    seq: int
    element: str
    name: str
    kind: str
    outcome: str
    at: str
    definition: str
    opened: str | None = None
    claimed: str | None = None
    due: str | None = None
    actor: str | None = None
    behalf: str | None = None
    role: str | None = None
    organisation: str | None = None


Describe = Callable[[str, str], tuple[str, str]]
"""Name and type of an element, by the digest of a definition and its id."""


@dataclass(slots=True)
class _Waiting:
    path: str
    opened: str
    role: str | None = None
    organisation: str | None = None
    due: str | None = None
    claimed: str | None = None


def activities(moves: Iterable[Move], describe: Describe) -> Iterator[Activity]:
    """Fold the moves of one case, in order of ``seq``; gateways and what waited in vain beside a task are left out."""
    waiting: dict[str, _Waiting] = {}
    for move in moves:
        if move.kind in _ASSIGNMENTS and move.token in waiting:
            waiting[move.token].claimed = None if move.kind == "unclaim" else move.at
        if move.kind in MENDS:
            yield _mended(move)
        yield from _passed(move, waiting, describe)
        for token in move.closed:
            waiting.pop(token, None)
        for token, path, _kind, due, *_ in move.jobs:
            waiting[token] = _Waiting(path, move.at, due=due)
        for token, path, role, scope, _form, _assignee, due, *_ in move.opened:
            held = waiting.setdefault(token, _Waiting(path, move.at))
            held.path, held.role, held.organisation, held.due = path, role, scope, due


def _mended(move: Move) -> Activity:
    element = (move.element or "").split("/")[-1]
    return Activity(
        move.seq, element, move.kind, "mend", move.kind, move.at, move.definition, actor=move.actor, behalf=move.behalf
    )


def _passed(move: Move, waiting: dict[str, _Waiting], describe: Describe) -> Iterator[Activity]:
    ending = [token for token in dict.fromkeys((move.token, *move.closed)) if token in waiting]
    for line in move.trace:
        path, is_completed = line[1:], line[0] == "+"
        element = path.split("/")[-1]
        name, kind = describe(move.definition, element)
        if kind.endswith("Gateway") or (kind.endswith("Event") and not is_completed):
            continue
        outcome = COMPLETED if is_completed else CANCELLED
        done = Activity(move.seq, element, name, kind, outcome, move.at, move.definition)
        token = next((one for one in ending if waiting[one].path == path), None)
        if token is not None:
            ending.remove(token)
            done = _with_waiting(done, waiting.pop(token))
        if is_completed and _is_by_actor(move, kind, token):
            done = replace(done, actor=move.actor, behalf=move.behalf)
        yield done


def _is_by_actor(move: Move, kind: str, token: str | None) -> bool:
    """Tell whether the actor completed this element; what follows from that is done by the process."""
    if kind == "userTask":
        return move.kind == "complete" and token == move.token
    return kind == "startEvent" and move.seq == 0


def _with_waiting(done: Activity, held: _Waiting) -> Activity:
    return replace(
        done,
        opened=held.opened,
        claimed=held.claimed,
        due=held.due,
        role=held.role,
        organisation=held.organisation,
    )
