"""Events about accounts, as the audit trail keeps them."""

from __future__ import annotations

from service.models.tables.accounts.user import User
from service.models.tables.system.audit import AuditEvent


def account_event(
    action: str,
    user: User | None,
    source: str | None,
    outcome: str = "ok",
    about: User | None = None,
    detail: dict[str, str] | None = None,
) -> AuditEvent:
    """An event of an account, or one about another account. source: the address it came from."""
    whom = ("user", about.id) if about else ()
    return AuditEvent.by(user, action, *whom, source=source, outcome=outcome, detail=detail or {})
