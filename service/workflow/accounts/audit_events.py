"""Events about accounts, as the audit trail keeps them."""

from __future__ import annotations

from service.models.tables.audit import AuditEvent
from service.models.tables.user import User


def account_event(
    action: str,
    user: User | None,
    source: str | None,
    outcome: str = "ok",
    about: User | None = None,
    detail: dict[str, str] | None = None,
) -> AuditEvent:
    """An event of an account, or one about another account. source: the address it came from."""
    return AuditEvent(
        action=action,
        actor_id=user.id if user else None,
        organisation_id=user.organisation_id if user else None,
        source=source,
        outcome=outcome,
        object_type="user" if about else None,
        object_id=about.id if about else None,
        detail=detail or {},
    )
