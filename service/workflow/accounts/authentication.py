"""Sign-in with its lock-out, and the change of one's own password (R2, R4; domain.md §5.1)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select

from service.domain.accounts import passwords
from service.errors import N_, InvalidInput, Message, SignInNeeded, TooManyAttempts
from service.models.db.clock import now
from service.models.db.encryption import blind_index
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables import setting
from service.models.tables.attempt import Attempt
from service.models.tables.user import User
from service.workflow.accounts.audit_events import account_event
from service.workflow.accounts.passwords import (
    check_new,
    hash_password,
    is_stale,
    matches,
    needs_rehash,
    replace,
)
from service.workflow.accounts.sessions import Origin, begin

LOCKED = N_("登录失败次数过多，已锁定 30 分钟。请稍后再试，或请安全管理员解锁。")
MAX_FAILURES_OF_SOURCE = 30  # that lock an address: an office shares one, and one forgetful colleague must not lock it
FAILURE, TRY = "sign_in_failure", "sign_in_try"
TRY_LIFETIME = timedelta(seconds=30)  # a check takes some 0.2 s; one that died is counted no longer
BUSY = N_("这个账号同时有多次登录正在核对，请稍后再试。")


class SignInResult(NamedTuple):
    """An account with a session that has just begun: its key is for the browser alone."""

    user: User
    key: str


def sign_in(login: str, password: str, origin: Origin) -> SignInResult:
    """Sign in if the password is right; the answer is the same for a wrong password and an unknown login.

    A password past its days must be changed before anything else. Raises SignInNeeded (with the tries left) and
    TooManyAttempts; both are counted per login and per source.
    """
    user = check_password(login, password, origin.address)
    with transaction(Operation("sign_in", user.id)) as current:
        user.last_login = now()
        user.must_change = user.must_change or is_stale(user)
        if needs_rehash(user):
            user.password_hash = hash_password(password)
        current.add(account_event("sign_in", user, origin.address))
        return SignInResult(user, begin(user, origin))


def change_password(user: User, present: str, new: str, again: str, origin: Origin) -> SignInResult:
    """Change one's own password (S36, S39); every session of the account ends, another begins (R4).

    A wrong present password counts as a failed sign-in, and a lock answers the right one like a wrong one: whoever
    finds a session open must not try passwords out in it. Raises InvalidInput at the field, also with the rule that the
    new password breaks.
    """
    account = session().get_one(User, user.id)
    wrong: dict[str, str | Message] = {}
    try:
        check_password(account.login, present, origin.address, "change_password")
    except SignInNeeded:
        wrong["present"] = N_("现在的密码不对。")
    except TooManyAttempts as locked:
        wrong["present"] = locked.message
    if new != again:
        wrong["again"] = N_("两次输入的新密码不一致。")
    if new == present:
        wrong["new"] = N_("新密码不能与现在的密码相同。")
    if wrong:
        raise InvalidInput(wrong)
    check_new(account, new)
    with transaction(Operation("change_password", user.id)) as current:
        replace(account, new)
        account.must_change = False
        current.add(account_event("change_password", account, origin.address))
        return SignInResult(account, begin(account, origin))


def check_password(login: str, password: str, source: str, action: str = "sign_in") -> User:
    """Find the account if the password is right; leaves a trace only of what fails. Raises as ``sign_in`` does.

    action: what the password is for, as the audit trail tells of a failure.
    """
    account, place = _failure_key(login), f"source:{source}"
    limit = setting.number("sign_in_failures")
    if passwords.locked_until(_failures(place), now(), MAX_FAILURES_OF_SOURCE):
        raise TooManyAttempts(LOCKED)
    failures, try_id = _reserve_try(account, limit)
    user = User.by_login(login)
    if matches(user, password) and user is not None and user.is_active:
        _forget_try(account, try_id, with_failures=bool(failures))
        return user
    if _remember_failure(user, account, place, source, limit, action, try_id):
        raise TooManyAttempts(LOCKED)
    left = limit - sum(at > now() - passwords.FAILURE_WINDOW for at in failures) - 1
    raise SignInNeeded(N_("登录名或密码不对。再错 %(left)s 次将锁定 30 分钟。"), left=max(left, 1))


def unlock_login(user: User) -> None:
    user.locked_until = None
    Attempt.forget(FAILURE, _failure_key(user.login))


def _failure_key(login: str) -> str:
    """The key that failures are counted by; a digest, since people type numbers and passwords into the wrong field."""
    return f"login:{blind_index(login.strip().lower()).hex()}"


def _failures(key: str) -> list[datetime]:
    return Attempt.instants(FAILURE, key, passwords.FAILURE_WINDOW + passwords.LOCK_DURATION)


def _reserve_try(account: str, limit: int) -> tuple[list[datetime], UUID]:
    """Take one of the tries that the login has left, before the slow check; returns the failures so far and its id.

    Guesses sent at once would all be checked before the first was counted; the login's key is locked while its tries
    are counted, and a try whose process died is counted for ``TRY_LIFETIME`` only. Raises TooManyAttempts.
    """
    with transaction(Operation("sign_in_try")) as current:
        _lock_tries(account)
        failures = _failures(account)
        if passwords.locked_until(failures, now(), limit):
            raise TooManyAttempts(LOCKED)
        under_way = Attempt.instants(TRY, account, TRY_LIFETIME)
        if passwords.locked_until([*failures, *under_way], now(), limit):  # were they all wrong
            raise TooManyAttempts(BUSY)
        reserved = Attempt(id=new_id(), kind=TRY, key=account)
        current.add(reserved)
        return failures, reserved.id


def _lock_tries(account: str) -> None:
    """Let nobody else count or change the tries and failures of this login until the transaction ends."""
    session().execute(select(func.pg_advisory_xact_lock(func.hashtext(account))))


def _remember_failure(
    user: User | None, account: str, place: str, source: str, limit: int, action: str, try_id: UUID
) -> bool:
    """Count a failure in the place of its try, in a use case of its own; returns whether it locks the login."""
    with transaction(Operation("sign_in_failed")) as current:
        _lock_tries(account)  # or who counts meanwhile would see neither the failure nor its try
        current.execute(delete(Attempt).where(Attempt.id == try_id))
        current.add_all([Attempt(kind=FAILURE, key=account), Attempt(kind=FAILURE, key=place)])
        current.add(account_event(action, user, source, "refused"))
        current.flush()
        until = passwords.locked_until(_failures(account), now(), limit)
        if until and user is not None:
            user.locked_until = until
    return until is not None


def _forget_try(account: str, try_id: UUID, *, with_failures: bool) -> None:
    with transaction(Operation("sign_in")) as current:
        current.execute(delete(Attempt).where(Attempt.id == try_id))
        if with_failures:
            Attempt.forget(FAILURE, account)
