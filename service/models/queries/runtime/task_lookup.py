"""The open tasks behind persons, enrolments and certificates,
asked for by the step of the diagram that is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.queries.training.class_list import open_tasks
from service.models.tables.accounts.user import User
from service.models.tables.certificates.reissue import Reissue
from service.models.tables.runtime.case import Task, TaskState
from service.models.tables.training.training import Enrollment


def step_of_case(user: User, case_id: UUID | None, element: str) -> UUID | None:
    """The user's open task of this element in a case; None when another acts next."""
    found = open_tasks(user, [case_id], element).get(case_id) if case_id else None
    return found.id if found else None


def steps_of_enrollments(user: User, enrollment_ids: Iterable[UUID], element: str) -> dict[UUID, UUID]:
    """The user's open task of this element by enrolment, for those in scope whose turn it is."""
    query = select(Enrollment.id, Enrollment.case_id).where(
        visible_to(user, Enrollment), Enrollment.id.in_(list(enrollment_ids))
    )
    cases = {row.case_id: row.id for row in session().execute(query)}
    return {cases[case_id]: task.id for case_id, task in open_tasks(user, cases, element).items()}


def enrollments_of_tasks(task_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The enrolment that each task, open or done, is about."""
    query = select(Task.id, Enrollment.id).join(Enrollment, Enrollment.case_id == Task.case_id)
    return {row[0]: row[1] for row in session().execute(query.where(Task.id.in_(list(task_ids))))}


def enrollments_of_cases(case_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """The enrolment that each case is about."""
    query = select(Enrollment.case_id, Enrollment.id).where(Enrollment.case_id.in_(list(case_ids)))
    return {row[0]: row[1] for row in session().execute(query)}


def cases_of_certificate(certificate: Any) -> list[UUID]:
    """The cases that may wait for a step about a certificate: its reissue, and the enrolment that made it."""
    reissued = select(Reissue.case_id).where(Reissue.new_certificate_id == certificate.id)
    made = select(Enrollment.case_id).where(Enrollment.id == certificate.enrollment_id)
    return [*session().scalars(reissued), *session().scalars(made)]


def only_task_of(user: User, case_id: UUID) -> UUID | None:
    """Find the open task of a case where that is addressed to the user, and no other waits for anybody."""
    query = select(Task.id, visible_to(user, Task)).where(Task.case_id == case_id, Task.state == TaskState.OPEN)
    found = session().execute(query.limit(2)).all()
    return found[0][0] if len(found) == 1 and found[0][1] else None
