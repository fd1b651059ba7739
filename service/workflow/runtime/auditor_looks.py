"""Looks of an auditor: each leaves an event of its own (domain.md §9)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.domain.accounts.roles import Role
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent


def record_look(
    user: User, action: str, object_type: str, object_id: UUID | None = None, detail: dict[str, Any] | None = None
) -> None:
    """Remember what an auditor looks at; the looks of others are their work, and leave none."""
    if user.role != Role.AUDIT_ADMIN:
        return
    with transaction(Operation(action, user.id)) as current:
        current.add(AuditEvent.by(user, action, object_type, object_id, detail=detail or {}))
