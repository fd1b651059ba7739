"""Preferences of an account: language, theme and text size, and the assent to the privacy notice."""

from __future__ import annotations

from service.domain.accounts.privacy import VERSION
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.workflow.accounts.audit_events import account_event


def accept_privacy(user: User) -> None:
    """Remember that the reader has read the privacy notice in force."""
    account = session().get_one(User, user.id)
    with transaction(Operation("accept_privacy", user.id)) as current:
        account.take_turn()
        account.privacy_version = VERSION
        current.add(account_event("accept_privacy", account, None, about=account))


def set_preferences(user: User, chosen: dict[str, str]) -> None:
    """Remember language, theme and text size with the account."""
    account = session().get_one(User, user.id)
    with transaction(Operation("set_preferences", user.id)):
        account.take_turn()
        account.preferences = {**account.preferences, **chosen}
