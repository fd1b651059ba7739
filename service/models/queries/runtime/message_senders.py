"""The case that sent a message to another, its step, and whose act caused it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.runtime.case import Case, Job, JournalRow
from service.models.tables.system.audit import RowChange

RECEIVED = ("message", "signal")


@dataclass(frozen=True, slots=True)
class Sender:
    """The origin of a message. case_id: None where nobody's case sent it; step: from 1."""

    case_id: UUID | None
    process: str
    step: int
    actor_id: UUID | None


def senders_of(case_id: UUID, rows: Iterable[JournalRow]) -> dict[int, Sender]:
    """The sender of each message that a case received from a job, by the number of its row; one query."""
    received = [row for row in rows if row.kind in RECEIVED and row.actor_id is None]
    if not received:
        return {}
    query = (
        select(Job.kind, Job.name, Job.payload, Job.created_at, RowChange, Case.process)
        .join(RowChange, RowChange.row_id == Job.id)
        .outerjoin(Case, Case.id == RowChange.case_id)
        .where(Job.case_id == case_id, Job.kind.in_(RECEIVED), RowChange.table_name == Job.__tablename__)
        .order_by(Job.created_at, Job.id)
    )
    left = list(session().execute(query))
    found = {}
    for row in received:
        sent = next((one for one in left if _is_sent_as(one, row)), None)
        if sent is not None:
            left.remove(sent)
            change, process = sent.RowChange, sent.process or ""
            found[row.seq] = Sender(change.case_id, process, (change.seq or 0) + 1, change.actor_id)
    return found


def _is_sent_as(sent: Any, row: JournalRow) -> bool:
    told = row.record.get("data") or {}
    return (sent.kind, sent.name) == (row.kind, row.element) and sent.payload == told and sent.created_at <= row.at
