"""What a handler is given beside the token's data, and what it may leave behind: messages to other cases, outside effects."""

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
    """The case being moved and who moves it; ``at`` and ``today`` are the input's, never the wall clock's.

    actor_id: the person who acts, None for the system; behalf_id: for whom he acts; decide: a decision of the case's
    own bundle, by its id, on given facts; left: the jobs left so far, written together with the step itself.
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
    left: list[dict[str, Any]] = field(default_factory=list)

    def send(self, case_id: UUID, name: str, data: dict[str, Any] | None = None, kind: str = "message") -> None:
        """Leave a message (or signal) for another case; delivered after the commit, equal ones at once (invariant 2)."""
        payload = data or {}
        key = hashlib.sha256(json.dumps([kind, name, payload], sort_keys=True).encode()).hexdigest()
        if not any(job["case_id"] == str(case_id) and job["coalesce"] == key for job in self.left):
            self._leave(kind, name, case_id, payload, key)

    def effect(self, name: str, payload: dict[str, Any]) -> None:
        """Leave an outside effect (a mail, a file) to be done at least once after the commit."""
        self._leave("effect", name, self.case_id, payload, None)

    def _leave(self, kind: str, name: str, case_id: UUID, payload: dict[str, Any], key: str | None) -> None:
        given = {"id": str(new_id()), "case_id": str(case_id), "kind": kind, "name": name, "element": ""}
        self.left.append({**given, "payload": payload, "coalesce": key})


@dataclass(slots=True)
class TaskSubject:
    """What the inbox and case lists show of a case, and whose it is (scope). facts: further inbox columns, plain JSON."""

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
