"""HTTP Basic for the API: the slow check of a password is remembered for a few minutes,
per process and never the password.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import timedelta

from flask import request

from service.domain.accounts import privacy
from service.errors import N_, NotAllowed, SignInNeeded
from service.models.db.clock import now
from service.models.queries.accounts.credential_stamp import CredentialStamp, credential_stamp, detached_copy
from service.models.tables.accounts.user import User
from service.workflow.accounts import authentication, passwords
from service.workflow.authorization import obstacle_before_record

CACHE_LIFETIME = timedelta(minutes=5)
MAX_REMEMBERED = 4096  # remembered at most; beyond that the oldest go
UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - an address for the record, when the server names none


@dataclass(frozen=True, slots=True)
class KnownCredentials:
    """Credentials found right, until an instant of the monotonic clock."""

    account: User
    until: float


class CredentialCache:
    """Credentials that were found right within the last five minutes.

    Each is known by a digest, under a key of this process, over the password and the account's stamp: whatever changes
    the account (password, role, state, epoch) or its organisation is therefore asked for again by itself.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, KnownCredentials] = {}
        self._lock = threading.Lock()

    def recall(self, stamp: CredentialStamp, password: str) -> User | None:
        """Return the account, if these credentials were found right within the last five minutes."""
        known = self._known.get(self._digest(stamp, password))
        return known.account if known and known.until > time.monotonic() else None

    def remember(self, stamp: CredentialStamp, password: str, account: User) -> None:
        """Take them as right for five minutes."""
        with self._lock:
            self._known[self._digest(stamp, password)] = KnownCredentials(
                account, time.monotonic() + CACHE_LIFETIME.total_seconds()
            )
            while len(self._known) > MAX_REMEMBERED:
                del self._known[next(iter(self._known))]

    def forget(self) -> None:
        """Forget all."""
        self._known.clear()

    def _digest(self, stamp: CredentialStamp, password: str) -> bytes:
        return hmac.digest(self._key, "\0".join((*map(str, stamp), password)).encode(), "sha256")


credential_cache = CredentialCache()
_checking = threading.Lock()  # a program that sends many requests at once has its password checked once


def authenticate() -> User:
    """Return the account of the request's credentials, its unit's record complete (R3). Raises as ``identify``."""
    account = identify()
    if why := obstacle_before_record(account, ()):
        raise NotAllowed(why)
    return account


def identify() -> User:
    """Return the account of the request's credentials. Raises SignInNeeded, TooManyAttempts, or NotAllowed before the
    first password was changed (R2), once the present one is past its days, or before the privacy notice was read.
    """
    given = request.authorization
    if given is None or given.type != "basic" or not given.username or given.password is None or "\0" in given.username:
        raise SignInNeeded(N_("请用 HTTP Basic 提供账号和密码。"))
    account = _recall(given.username, given.password)
    if account is None:
        with _checking:
            account = _recall(given.username, given.password) or _check(given.username, given.password)
    if passwords.is_stale(account):
        raise NotAllowed(N_("密码已过有效期，请先在网页上登录并更换。"))
    if account.must_change:
        raise NotAllowed(N_("请先在网页上登录并修改初始密码。"))
    if account.privacy_version < privacy.VERSION:
        raise NotAllowed(N_("请先在网页上登录，阅读个人信息处理告知。"))
    return account


def _recall(login: str, password: str) -> User | None:
    """Return the account, if these credentials were found right a short while ago and it is not locked since."""
    stamp = credential_stamp(login)
    return credential_cache.recall(stamp, password) if stamp and _is_free(stamp) else None


def _check(login: str, password: str) -> User:
    """Return the account, after the slow check, which counts failures."""
    account = detached_copy(authentication.check_password(login, password, request.remote_addr or UNKNOWN_ADDRESS))
    if stamp := credential_stamp(login):
        credential_cache.remember(stamp, password, account)
    return account


def _is_free(stamp: CredentialStamp) -> bool:
    """Tell whether it is neither disabled nor locked at this moment."""
    return stamp.state == "active" and (stamp.locked_until is None or stamp.locked_until <= now())
