"""The facts that decide which actions on an enrolment are possible now: state, awaited messages, scope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.permissions import Action
from service.models.db.session import session
from service.models.queries.scope import visible_to
from service.models.tables.accounts.user import User
from service.models.tables.certificates.certificate import Certificate
from service.models.tables.runtime.case import Case
from service.models.tables.training.training import Enrollment, Score


@dataclass(frozen=True, slots=True)
class EnrollmentFacts:
    """awaited: messages its case waits for; actions: those in whose scope it is for the user."""

    id: UUID
    state: str
    awaited: frozenset[str]
    has_score: bool
    is_unapproved: bool  # its certificate still waits for approval
    actions: frozenset[Action]


def facts_of_enrollments(user: User, ids: Collection[UUID], actions: Sequence[Action]) -> list[EnrollmentFacts]:
    """Read the facts of enrolments that the user sees, and which of ``actions`` the user has on each, in one query."""
    score = select(Score.id).where(Score.enrollment_id == Enrollment.id)
    making = select(Certificate.id).where(Certificate.enrollment_id == Enrollment.id, Certificate.state == "issued")
    query = (
        select(
            Enrollment.id,
            Enrollment.state,
            Case.awaited,
            score.exists(),
            making.exists(),
            *(visible_to(user, Enrollment, action).label(action) for action in actions),
        )
        .join(Case, Case.id == Enrollment.case_id)
        .where(Enrollment.id.in_(list(ids)))
    )
    return [
        EnrollmentFacts(
            key,
            state,
            frozenset(awaited),
            has_score,
            is_unapproved,
            frozenset(action for action, is_in_scope in zip(actions, scopes, strict=True) if is_in_scope),
        )
        for key, state, awaited, has_score, is_unapproved, *scopes in (tuple(row) for row in session().execute(query))
    ]
