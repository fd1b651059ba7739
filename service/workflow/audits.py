"""The auditor's proof: the latest cases are run again from their journals, and the attempt is remembered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from service.domain.permissions import Action, may
from service.domain.roles import Role
from service.errors import NotAllowed
from service.models import AuditEvent, Case, Cause, User, session, transaction
from service.workflow import history

CHECKED = 50  # cases of one click; all of them: ``anpei verify``


def verify_latest(user: User) -> tuple[int, list[UUID]]:
    """Verify the journals of the cases that moved last: how many they were, and those that differ. Raises NotAllowed."""
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    user_id, organisation_id = user.id, user.organisation_id
    chosen = list(session().scalars(select(Case.id).order_by(Case.moved_at.desc()).limit(CHECKED)))
    wrong = sorted({found.case_id for found in history.verify(chosen)})
    with transaction(Cause("verify_journal", user_id)) as current:
        detail = {"cases": len(chosen), "differences": [str(one) for one in wrong]}
        outcome = "different" if wrong else "ok"
        current.add(AuditEvent(action="verify_journal", actor_id=user_id, organisation_id=organisation_id, outcome=outcome, detail=detail))  # fmt: skip
    return len(chosen), wrong
