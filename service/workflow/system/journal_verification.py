"""The auditor's proof: the latest cases are run again from their journals, and the attempt is remembered."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import NotAllowed
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.runtime.case import Case
from service.models.tables.system.audit import AuditEvent
from service.workflow.runtime import history
from service.workflow.system.proof import begin_snapshot

CASES_CHECKED = 50  # by one click, within seconds; all of them: ``anpei verify``


def verify_latest(user: User) -> tuple[int, list[UUID]]:
    """Verify the journals of the cases that moved last: how many they were, and those that differ.

    Raises NotAllowed.
    """
    if not may(Role(user.role), Action.READ_AUDIT):
        raise NotAllowed
    user_id, organisation_id = user.id, user.organisation_id
    begin_snapshot()  # people go on working meanwhile
    chosen = list(session().scalars(select(Case.id).order_by(Case.moved_at.desc()).limit(CASES_CHECKED)))
    wrong = sorted({found.case_id for found in history.verify(chosen) if found.case_id})
    session().rollback()
    with transaction(Operation("verify_journal", user_id)) as current:
        detail = {"cases": len(chosen), "differences": [str(one) for one in wrong]}
        outcome = "different" if wrong else "ok"
        current.add(
            AuditEvent(
                action="verify_journal",
                actor_id=user_id,
                organisation_id=organisation_id,
                outcome=outcome,
                detail=detail,
            )
        )
    return len(chosen), wrong
