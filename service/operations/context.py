"""Context of a handler: the case and its actor, and the messages it leaves for other cases."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from service.models.db.ids import new_id


@dataclass(slots=True)
class Context:
    """The case that is moved. ``at`` and ``today`` are the input's, never the wall clock's.

    element: path of the one that is served;
    actor_id: the user who acts, None for the system; behalf_id: the user acted for; decide: evaluates a decision of the
    case's own bundle, by id, on given facts; pending_jobs: rows of the messages sent, written with the step itself.
    """

    case_id: UUID
    process: str
    business_key: str | None
    seq: int
    at: datetime
    today: date
    actor_id: UUID | None = None
    behalf_id: UUID | None = None
    decide: Callable[[str, dict[str, Any]], dict[str, Any]] | None = None
    pending_jobs: list[dict[str, Any]] = field(default_factory=list)
    element: str = ""

    @property
    def doers(self) -> frozenset[UUID]:
        """The accounts that separation of duties takes for the doer: who acts, and for whom (R84)."""
        return frozenset(key for key in (self.actor_id, self.behalf_id) if key)

    def send_message(self, case_id: UUID, name: str, data: dict[str, Any] | None = None, kind: str = "message") -> None:
        """Leave a message (or signal) for another case, delivered after the commit.

        Equal ones are sent once, and those still undelivered are delivered together (design.md, invariant 2).
        """
        payload = data or {}
        key = hashlib.sha256(json.dumps([kind, name, payload], sort_keys=True).encode()).hexdigest()
        if any(job["case_id"] == str(case_id) and job["coalesce"] == key for job in self.pending_jobs):
            return
        job = {"id": str(new_id()), "case_id": str(case_id), "kind": kind, "name": name, "element": ""}
        self.pending_jobs.append({**job, "payload": payload, "coalesce": key})

    def leave_effect(self, name: str, payload: dict[str, Any], due: datetime | None = None) -> None:
        """Leave an effect outside the database for the worker, after the commit; one that fails is this case's.

        due: the instant before which it waits.
        """
        job = {"id": str(new_id()), "case_id": str(self.case_id), "kind": "effect", "name": name, "element": ""}
        self.pending_jobs.append({**job, "payload": payload, "due_at": due.isoformat() if due else None})


@dataclass(slots=True)
class TaskSubject:
    """Columns of inbox and case lists, and the organisations whose scope the case is in. facts: plain JSON."""

    subject: str = ""
    summary: str = ""
    unit_name: str = ""
    batch: str | None = None
    batch_title: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    unit_id: UUID | None = None
    authority_id: UUID | None = None
    institution_id: UUID | None = None
    organiser_id: UUID | None = None
