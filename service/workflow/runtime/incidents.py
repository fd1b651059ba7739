"""Incidents: cases that could not go on, remembered until somebody has them tried again."""

from __future__ import annotations

from uuid import UUID

from service.models.db.ids import new_id
from service.models.db.transaction import Operation, transaction
from service.models.tables.runtime.case import Incident
from service.models.tables.runtime.case_statements import COUNT_INCIDENT


def record_incident(case_id: UUID, element: str, message: str, job_id: UUID | None = None) -> None:
    """Record that a case could not go on, as a use case of its own: the failed one was rolled back."""
    with transaction(Operation("incident", case_id=case_id)) as current:
        current.add(
            Incident(id=new_id(), case_id=case_id, job_id=job_id, element=element[:200], message=message[:4000])
        )
        current.execute(COUNT_INCIDENT, {"case": case_id, "by": 1})
