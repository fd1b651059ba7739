"""Accounts at the command line of the server, for when nobody can sign in."""

from __future__ import annotations

from service.domain.accounts import passwords
from service.errors import N_, NotFound
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.user import User
from service.workflow.accounts.administration import give_first_password
from service.workflow.accounts.audit_events import account_event
from service.workflow.accounts.authentication import unlock_login


def unlock_account(login: str, who: dict[str, str]) -> None:
    """End a lock (``anpei unlock``). who: the account of the operating system, as the audit trail keeps it."""
    user = _account(login)
    with transaction(Operation("unlock")) as current:
        unlock_login(user)
        current.add(account_event("unlock", None, None, about=user, detail=who))


def reset_account(login: str, who: dict[str, str]) -> str:
    """Give an account a first password without an assent (``anpei reset-password``); returns it."""
    user, first = _account(login), passwords.make_first_password()
    with transaction(Operation("reset_password")) as current:
        give_first_password(user, first)
        current.add(account_event("reset_password", None, None, about=user, detail=who))
    return first


def _account(login: str) -> User:
    user = User.by_login(login)
    if user is None:
        raise NotFound(N_("没有这个登录名的账号。"))
    return user
