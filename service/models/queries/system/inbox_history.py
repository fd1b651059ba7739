"""The inbox as it was at an instant: what was open, before whom, and who had it in hand."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_

from service.models.db.session import session
from service.models.queries.runtime.actors import ActorHistory
from service.models.tables.runtime.case import JournalRow, Task
from service.models.tables.runtime.process import DefinitionVersion
from service.validation.typed_text import as_id

MOST = 500
"""Tasks that are listed, the oldest."""
NOTES = ("claim", "unclaim", "assign")


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that was open at an instant. step: of the case, from 1, in which it opened; assignee: who had it then;
    moved: it was addressed anew since, so that the organisation is that of today.
    """

    case_id: UUID
    step: int
    name: str
    process: str
    process_name: str
    subject: str
    unit_name: str
    role: str
    organisation: str
    opened_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    assignee: str
    moved: bool


def open_then(addresses: Sequence[tuple[UUID, str]], at: datetime) -> list[OpenTask]:
    """Tasks of these organisations and roles that were open at an instant, the oldest first."""
    query = (
        select(Task, DefinitionVersion.name)
        .join(DefinitionVersion, DefinitionVersion.digest == Task.definition)
        .where(
            tuple_(Task.organisation_id, Task.role).in_(list(addresses)),
            Task.opened_at <= at,
            or_(Task.closed_at.is_(None), Task.closed_at > at),
        )
        .order_by(Task.opened_at, Task.id)
        .limit(MOST)
    )
    found = list(session().execute(query))
    held, steps, moved = _journal_of({task.case_id for task, _ in found}, at)
    people = {key for key in held.values() if key}
    names = ActorHistory(people, {task.organisation_id for task, _ in found})
    return [
        OpenTask(
            task.case_id,
            steps.get((task.case_id, task.token), 0) + 1,
            task.name,
            task.process,
            process_name,
            task.subject,
            task.unit_name,
            task.role,
            names.name(task.organisation_id, at),
            task.opened_at,
            task.due_at,
            task.closed_at,
            names.name(held.get((task.case_id, task.token)), at),
            task.case_id in moved,
        )
        for task, process_name in found
    ]


_Places = dict[tuple[UUID, str], Any]


def _journal_of(cases: Collection[UUID], at: datetime) -> tuple[_Places, dict[tuple[UUID, str], int], set[UUID]]:
    """Read who had each token in hand at an instant, in which row it opened, and cases addressed anew since."""
    held: _Places = {}
    steps: dict[tuple[UUID, str], int] = {}
    moved: set[UUID] = set()
    record = JournalRow.record
    query = (
        select(
            JournalRow.case_id,
            JournalRow.seq,
            JournalRow.at,
            JournalRow.kind,
            record["token"].astext,
            record["data"]["assignee"].astext,
            record["opened"],
        )
        .where(JournalRow.case_id.in_(cases))
        .order_by(JournalRow.case_id, JournalRow.seq)
    )
    for case_id, seq, when, kind, token, assignee, opened in session().execute(query):
        if when > at:
            moved |= {case_id} if kind == "readdress" else set()
            continue
        for entry in opened or ():
            held.setdefault((case_id, entry[0]), as_id(entry[5]))
            steps.setdefault((case_id, entry[0]), seq)
        if kind in NOTES:
            held[case_id, token] = as_id(assignee)
    return held, steps, moved
