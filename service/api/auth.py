"""HTTP Basic for the API: the slow check of a password is remembered for a few minutes, per process and never the password."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from datetime import timedelta

from flask import request

from service.errors import N_, NotAllowed, SignInNeeded
from service.models import User, now
from service.workflow import accounts

MEMORY = timedelta(minutes=5)
MOST = 4096  # remembered at most; beyond that the oldest go
NOWHERE = "0.0.0.0"  # noqa: S104 - an address for the record, when the server names none


class Memory:
    """Which credentials were found right a short while ago.

    A digest, under a key of this process, over password, stored hash and epoch stands for the credentials: a changed
    password or an ended session is therefore forgotten by itself.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._until: dict[bytes, float] = {}
        self._lock = threading.Lock()

    def knows(self, user: User, password: str) -> bool:
        """Whether these credentials were found right within the last five minutes."""
        return self._until.get(self._digest(user, password), 0.0) > time.monotonic()

    def remember(self, user: User, password: str) -> None:
        """Take them as right for five minutes."""
        with self._lock:
            self._until[self._digest(user, password)] = time.monotonic() + MEMORY.total_seconds()
            while len(self._until) > MOST:
                del self._until[next(iter(self._until))]

    def forget(self) -> None:
        """Forget all."""
        self._until.clear()

    def _digest(self, user: User, password: str) -> bytes:
        parts = (str(user.id), user.password_hash, str(user.epoch), password)
        return hmac.digest(self._key, "\0".join(parts).encode(), "sha256")


memory = Memory()


def authenticate() -> User:
    """The account of the request's credentials. Raises SignInNeeded, TooManyAttempts, or NotAllowed before the first
    password was changed (R2)."""
    given = request.authorization
    if given is None or given.type != "basic" or given.username is None or given.password is None:
        raise SignInNeeded(N_("请用 HTTP Basic 提供账号和密码。"))
    account = User.by_login(given.username)
    if account is None or not _is_free(account) or not memory.knows(account, given.password):
        account = accounts.check_password(given.username, given.password, request.remote_addr or NOWHERE)
        memory.remember(account, given.password)
    if account.must_change:
        raise NotAllowed(N_("请先在网页上登录并修改初始密码。"))
    return account


def _is_free(account: User) -> bool:
    """Neither disabled nor locked at this moment."""
    return account.state == "active" and (account.locked_until is None or account.locked_until <= now())
