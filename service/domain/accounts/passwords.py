"""Passwords and lock-outs (domain.md §5.1): what a good one is, a first one, and when failures lock.

Hashing is elsewhere.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta

from service.domain.accounts.roles import ADMINISTRATORS, UNIT_ROLES, Role
from service.errors import N_, InvalidInput, Message

MIN_LENGTH, MAX_LENGTH = 10, 128
REMEMBERED_PASSWORDS = 5  # earlier ones that may not come back
LIFETIME = timedelta(days=90)  # of those of operators and administrators; 0 days in the settings: without end
WARNING_DAYS = 7  # days before its end
MAX_FAILURES, FAILURE_WINDOW, LOCK_DURATION = 5, timedelta(minutes=15), timedelta(minutes=30)
MAX_SESSION_DURATION = timedelta(hours=12)

_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")
_LOOKALIKES = str.maketrans("@$!013457", "asioleast")
_COMMON = re.compile(
    "password|passwort|passwd|welcome|letmein|iloveyou|administrator|admin|root|user|guest|test|login|"
    "qwertyuiop|qwerty|qwer|asdfghjkl|asdf|zxcvbnm|zxcv|qaz|wsx|edc|abcdefg|abcd|abc|"
    "woaini|mima|anpei|minbao|gongxinbu|12345?6?7?8?9?0?|123|7?6?5?4?321"
)
_ALPHABETS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")  # without look-alikes


def check_password(password: str, login: str, field: str = "new_password") -> None:
    """Raise ``InvalidInput`` with the first rule a new password breaks (R2).

    10 to 128 characters, three of lower case, upper case, digits and signs, not holding the login, not common.
    """
    problem = _weakness(unicodedata.normalize("NFC", password), login)
    if problem is not None:
        raise InvalidInput({field: problem})


def make_first_password() -> str:
    """A random password to be shown once and changed at first sign-in (R2):
    14 characters, ~80 bits, easy to read out.
    """
    chosen = [secrets.choice(alphabet) for alphabet in _ALPHABETS]
    chosen += [secrets.choice("".join(_ALPHABETS)) for _ in range(14 - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def has_lifetime(role: Role) -> bool:
    """Tell whether passwords of the role grow stale: those of authorities,
    institutions and administrators (§5.1), not of units.
    """
    return role not in UNIT_ROLES


def is_stale(changed_at: datetime, now: datetime, lifetime: timedelta = LIFETIME) -> bool:
    """Tell whether it is older than its lifetime and must be changed at the next sign-in;
    a lifetime of nothing has no end.
    """
    return bool(lifetime) and now - changed_at > lifetime


def days_left(changed_at: datetime, now: datetime, lifetime: timedelta = LIFETIME) -> int | None:
    """Whole days until it grows stale, from 7 down to 0; None earlier, or when it never does."""
    left = (changed_at + lifetime - now) // timedelta(days=1)
    return max(left, 0) if lifetime and left <= WARNING_DAYS else None


def locked_until(failures: Iterable[datetime], now: datetime, limit: int = MAX_FAILURES) -> datetime | None:
    """Until when sign-in is locked: 30 minutes from the failure that was the ``limit``-th within 15;
    None when it is not.

    failures: instants since the last success, of one account or of one source.
    """
    recent = sorted(failures)
    for first, last in zip(recent, recent[limit - 1 :], strict=False):
        if last - first <= FAILURE_WINDOW and last + LOCK_DURATION > now:
            return last + LOCK_DURATION
    return None


def idle_limit(role: Role) -> timedelta:
    """The longest idle time of a session: 15 minutes for administrators, 30 for others."""
    return timedelta(minutes=15 if role in ADMINISTRATORS else 30)


def _weakness(password: str, login: str) -> str | Message | None:
    if len(password) < MIN_LENGTH:
        return Message(N_("密码至少 %(shortest)s 位。"), shortest=MIN_LENGTH)
    if len(password) > MAX_LENGTH:
        return Message(N_("密码最多 %(longest)s 位。"), longest=MAX_LENGTH)
    if sum(re.search(kind, password) is not None for kind in _CLASSES) < 3:
        return N_("密码应包含大写字母、小写字母、数字、符号中的至少三种。")
    if login and login.lower() in password.lower():
        return N_("密码不能包含登录名。")
    if _is_common(password):
        return N_("这个密码太常见，容易被猜中，请换一个。")
    return None


def _is_common(password: str) -> bool:
    """Tell whether it is a common word with some digits and signs about it, or a few characters over and over."""
    plain = password.lower()
    for spelling in (plain, plain.translate(_LOOKALIKES)):
        spans = [found.span() for found in _COMMON.finditer(spelling)]
        rest = [c for i, c in enumerate(plain) if not any(begin <= i < end for begin, end in spans)]
        if spans and sum(c.isalpha() for c in rest) < 3:
            return True
    return len(set(plain)) < 5
