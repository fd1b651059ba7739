"""Passwords of accounts: hashing, changing, which may not come back, and when one is stale (R2; domain.md §5.1)."""

from __future__ import annotations

import threading
from datetime import timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from service.domain.accounts import passwords
from service.domain.accounts.roles import Role
from service.errors import N_, InvalidInput, Message
from service.models.db.clock import now
from service.models.db.session import session
from service.models.tables.accounts.user import FormerPassword, User
from service.models.tables.system import setting

_hasher = PasswordHasher()
_checking = threading.Lock()  # a check wants 64 MB and all cores: one at a time in a process
_HASH_OF_NOBODY = (  # of a random text that was thrown away: an unknown login is to take as long as a known one
    "$argon2id$v=19$m=65536,t=3,p=4$bEOfQRGzHryDjkJTm4l2Jw$G+6Jo6w/a5JVYFcgppernrXkD/CfYOJ+TlmcLcbI8Z4"
)


def hash_password(password: str) -> str:
    """The hash that is stored of a password (argon2id)."""
    return _hasher.hash(password)


def needs_rehash(user: User) -> bool:
    """Tell whether the hash was made with weaker parameters than today's."""
    return _hasher.check_needs_rehash(user.password_hash)


def matches(user: User | None, password: str) -> bool:
    """Tell whether this is the account's password; takes the same time when there is no account (argon2, ~130 ms)."""
    return _is_of(user.password_hash if user else _HASH_OF_NOBODY, password)


def is_stale(user: User) -> bool:
    """Tell whether the password has been used for longer than the policy allows for the role."""
    return passwords.has_lifetime(Role(user.role)) and passwords.is_stale(user.password_at, now(), _lifetime())


def days_left(user: User) -> int | None:
    """The days that the password may still be used, in the last 7 of them; None before that."""
    if user.must_change or not passwords.has_lifetime(Role(user.role)):
        return None
    return passwords.days_left(user.password_at, now(), _lifetime())


def check_new(user: User, new: str) -> None:
    """Raise InvalidInput with the rule that a new password breaks, the five before the present one included."""
    passwords.check_password(new, user.login, "new")
    if any(
        _is_of(former.password_hash, new) for former in FormerPassword.of(user.id)[: passwords.REMEMBERED_PASSWORDS]
    ):
        raise InvalidInput(
            {"new": Message(N_("最近用过的 %(n)s 个密码不能再用，请换一个。"), n=passwords.REMEMBERED_PASSWORDS)}
        )


def replace(user: User, new: str) -> None:
    """Put another password in the place of the present one, which is remembered; sessions end. Inside a transaction."""
    current = session()
    current.add(FormerPassword(user_id=user.id, password_hash=user.password_hash))
    current.flush()
    for forgotten in FormerPassword.of(user.id)[passwords.REMEMBERED_PASSWORDS :]:
        current.delete(forgotten)
    user.password_hash, user.password_at = _hasher.hash(new), now()
    user.epoch += 1


def _lifetime() -> timedelta:
    return timedelta(days=setting.number("password_days"))


def _is_of(hashed: str, password: str) -> bool:
    try:
        with _checking:
            return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
