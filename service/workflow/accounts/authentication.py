"""Sign-in with its lock-out, and the change of one's own password (R2, R4; domain.md §5.1)."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import delete

from service.domain.accounts import passwords
from service.domain.accounts.attempts import SIGN_INS, source_of
from service.errors import N_, Conflict, InvalidInput, Message, SignInNeeded, TooManyAttempts
from service.models.db.clock import now
from service.models.db.encryption import blind_index
from service.models.db.ids import new_id
from service.models.db.session import session
from service.models.db.transaction import Operation, transaction
from service.models.tables.accounts.attempt import Attempt
from service.models.tables.accounts.user import User
from service.models.tables.system import setting
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
SLOWED = N_("这个网络地址登录失败较多，请 %(seconds)s 秒后再试。")
FAILURE, TRY, SUCCESS = "sign_in_failure", "sign_in_try", "sign_in_success"
FAMILIAR_FOR = timedelta(days=90)  # since an account last signed in from a source
FAMILIAR_STEP = timedelta(days=1)  # an account is noted once a day
TRY_LIFETIME = timedelta(seconds=30)  # a check takes some 0.2 s; one that died is counted no longer
BUSY = N_("这个账号同时有多次登录正在核对，请稍后再试。")


class SignInResult(NamedTuple):
    """An account with a session that has just begun: its key is for the browser alone."""

    user: User
    key: str


def sign_in(login: str, password: str, origin: Origin) -> SignInResult:
    """Sign in if the password is right; the answer is the same for a wrong password and an unknown login.

    A password past its days must be changed before anything else. Raises SignInNeeded (with the tries left) and
    TooManyAttempts; both are counted per login and per source. Five failures lock a login; thirty slow a source
    down, but for the accounts that have signed in there before.
    """
    user = check_password(login, password, origin.address)
    checked = user.password_hash
    with transaction(Operation("sign_in", user.id)) as current:
        user.take_turn()
        if user.password_hash != checked or not user.is_active:
            raise Conflict  # it was reset or disabled while the password was checked
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
    keys = _keys(login, source)
    limit = setting.number("sign_in_failures")
    failures, tries = _reserve_try(keys, limit)
    user = User.by_login(login)
    if matches(user, password) and user is not None and user.is_active:
        _forget_try(keys, tries, with_failures=bool(failures))
        return user
    if until := _remember_failure(user, keys, source, limit, action, tries):
        raise TooManyAttempts(LOCKED, _seconds(until))
    left = limit - sum(at > now() - passwords.FAILURE_WINDOW for at in failures) - 1
    raise SignInNeeded(N_("登录名或密码不对。再错 %(left)s 次将锁定 30 分钟。"), left=max(left, 1))


def unlock_login(user: User) -> None:
    user.locked_until = None
    Attempt.forget(FAILURE, _account_key(user.login))


def forget_old_attempts() -> None:
    """Delete the attempts that count no longer, those of public queries too, and sign-ins long ago."""
    with transaction(Operation("forget_attempts")):
        Attempt.forget_before(now() - FAMILIAR_STEP, kept={SUCCESS: now() - FAMILIAR_FOR})


class _Keys(NamedTuple):
    """The keys by which attempts are counted: of the login, of the source, and of the one at the other."""

    account: str
    source: str
    familiar: str


def _account_key(login: str) -> str:
    """The key that failures are counted by; a digest, since people type numbers and passwords into the wrong field."""
    return f"login:{_digest(login)}"


def _keys(login: str, address: str) -> _Keys:
    source = source_of(address)
    return _Keys(_account_key(login), f"source:{source}", f"familiar:{_digest(f'{login}@{source}')}")


def _digest(text: str) -> str:
    return blind_index(text.strip().lower()).hex()


def _failures(key: str) -> list[datetime]:
    return Attempt.instants(FAILURE, key, passwords.FAILURE_WINDOW + passwords.LOCK_DURATION)


def _reserve_try(keys: _Keys, limit: int) -> tuple[list[datetime], list[UUID]]:
    """Take a try that login and source have left, before the slow check; the login's failures and the try's ids.

    Guesses sent at once would all be checked before the first was counted; login and source are locked while their
    tries are counted, and a try whose process died is counted for ``TRY_LIFETIME`` only. Raises TooManyAttempts.
    """
    with transaction(Operation("sign_in_try")) as current:
        Attempt.lock(keys.account, keys.source)
        failures = _failures(keys.account)
        if until := passwords.locked_until(failures, now(), limit):
            raise TooManyAttempts(LOCKED, _seconds(until))
        under_way = Attempt.instants(TRY, keys.account, TRY_LIFETIME)
        if passwords.locked_until([*failures, *under_way], now(), limit):  # were they all wrong
            raise TooManyAttempts(BUSY)
        if not Attempt.count(SUCCESS, keys.familiar, FAMILIAR_FOR):
            _keep_pace(keys.source)
        reserved = [Attempt(id=new_id(), kind=TRY, key=key) for key in (keys.account, keys.source)]
        current.add_all(reserved)
        return failures, [one.id for one in reserved]


def _keep_pace(source: str) -> None:
    """Let nobody who is not known there try faster than the failures of the source allow. Raises TooManyAttempts."""
    attempts = [*_failures(source), *Attempt.instants(TRY, source, TRY_LIFETIME)]
    if until := SIGN_INS.waits_until(attempts, now()):
        raise TooManyAttempts(SLOWED, _seconds(until), seconds=_seconds(until))


def _seconds(until: datetime) -> int:
    """Whole seconds until then."""
    return math.ceil((until - now()).total_seconds())


def _remember_failure(
    user: User | None, keys: _Keys, address: str, limit: int, action: str, tries: list[UUID]
) -> datetime | None:
    """Count a failure in the place of its try, in a use case of its own; returns until when it locks the login."""
    with transaction(Operation("sign_in_failed")) as current:
        Attempt.lock(keys.account, keys.source)  # or who counts meanwhile would see neither the failure nor its try
        current.execute(delete(Attempt).where(Attempt.id.in_(tries)))
        current.add_all([Attempt(kind=FAILURE, key=key) for key in (keys.account, keys.source)])
        current.add(account_event(action, user, address, "refused"))
        current.flush()
        until = passwords.locked_until(_failures(keys.account), now(), limit)
        if until and user is not None:
            current.refresh(user)  # each of several failures at once sets the lock
            user.locked_until = until
    return until


def _forget_try(keys: _Keys, tries: list[UUID], *, with_failures: bool) -> None:
    """The password was right: begin the count of the login anew, and know it at this source from now on."""
    with transaction(Operation("sign_in")) as current:
        current.execute(delete(Attempt).where(Attempt.id.in_(tries)))
        if with_failures:
            Attempt.forget(FAILURE, keys.account)
        if not Attempt.count(SUCCESS, keys.familiar, FAMILIAR_STEP):
            Attempt.forget(SUCCESS, keys.familiar)
            current.add(Attempt(kind=SUCCESS, key=keys.familiar))
