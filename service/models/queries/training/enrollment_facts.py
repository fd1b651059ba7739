"""What decides which acts on an enrolment are possible now: its state, what its case waits for, whose it is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from service.models.db.session import session
from service.models.queries.scope import linked_academies
from service.models.tables.case import Case
from service.models.tables.certificate import Certificate
from service.models.tables.organisation import Organisation
from service.models.tables.training import Enrollment, Score
from service.models.tables.user import User


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """awaited: messages its case waits for; is_linked: of an academy linked to the reader's institution."""

    id: UUID
    state: str
    awaited: frozenset[str]
    has_score: bool
    is_unapproved: bool  # its certificate still waits for approval
    unit_id: UUID
    parent_id: UUID | None
    authority_id: UUID | None
    is_academy: bool
    is_linked: bool


def facts_of_enrollments(user: User, ids: Collection[UUID]) -> list[EnrollmentFacts]:
    """The facts of enrolments that the user sees, in one query."""
    score = select(Score.id).where(Score.enrollment_id == Enrollment.id)
    making = select(Certificate.id).where(Certificate.enrollment_id == Enrollment.id, Certificate.state == "issued")
    query = (
        select(
            Enrollment.id,
            Enrollment.state,
            Case.awaited,
            score.exists(),
            making.exists(),
            Organisation.id,
            Organisation.parent_id,
            Organisation.authority_id,
            Organisation.kind == "academy",
            Organisation.id.in_(linked_academies(user)),
        )
        .join(Case, Case.id == Enrollment.case_id)
        .join(Organisation, Organisation.id == Enrollment.unit_id)
        .where(Enrollment.id.in_(list(ids)))
    )
    rows = (tuple(row) for row in session().execute(query))
    return [EnrollmentFacts(key, state, frozenset(awaited), *more) for key, state, awaited, *more in rows]
