"""Incidents: cases that could not go on, remembered until somebody has them tried again."""

from __future__ import annotations

from uuid import UUID

from service.errors import N_, Conflict
from service.models.db.clock import now
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.queries.scope import get_or_404_in_scope
from service.models.tables.case import Case, Incident, Job, JobState
from service.models.tables.case_statements import COUNT_INCIDENT
from service.models.tables.user import User


def record_incident(case_id: UUID, element: str, message: str, job_id: UUID | None = None) -> None:
    """Record that a case could not go on, as a use case of its own: the failed one was rolled back."""
    with transaction(Operation("incident", case_id=case_id)) as current:
        current.add(
            Incident(id=new_id(), case_id=case_id, job_id=job_id, element=element[:200], message=message[:4000])
        )
        current.execute(COUNT_INCIDENT, {"case": case_id, "by": 1})


def retry_incident(user: User, incident_id: UUID) -> None:
    """Resolve an incident of a case in scope and try its failed job again.

    Raises Conflict when it is resolved already.
    """
    incident = session().get(Incident, incident_id)
    if incident is not None:
        get_or_404_in_scope(user, Case, incident.case_id)
    with transaction(Operation("retry incident", user.id)) as current:
        if incident is None or incident.resolved_at is not None:
            raise Conflict(N_("这个故障已经处理过了。"))
        incident.resolved_at, incident.resolved_by = now(), user.id
        current.execute(COUNT_INCIDENT, {"case": incident.case_id, "by": -1})
        job = current.get(Job, incident.job_id) if incident.job_id else None
        if job is not None and job.state == JobState.FAILED:
            job.state, job.retries, job.run_at = JobState.PENDING, 3, now()
