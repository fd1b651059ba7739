"""Changes of the version in force of a process, as the audit trail tells them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service.models.db.session import session
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent
from service.operations.deployments import DEPLOY, RESTORE


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the version in force: what the audit trail says of it. who: an account, else the system's user."""

    at: Any
    is_new: bool
    who: str
    detail: dict[str, Any]


def changes(key: str) -> list[Change]:
    """The changes of the version in force of a process, the latest first."""
    query = (
        select(AuditEvent, User.display_name)
        .outerjoin(User, User.id == AuditEvent.actor_id)
        .where(AuditEvent.action.in_((DEPLOY, RESTORE)), AuditEvent.detail["process"].astext == key)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .limit(50)
    )
    return [
        Change(event.at, event.action == DEPLOY, name or str(event.detail.get("who", "")), event.detail)
        for event, name in session().execute(query)
    ]
