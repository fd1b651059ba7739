"""How an account is reached: mail addresses as typed and as shown. Telephone numbers: identity.py."""

from __future__ import annotations

import re

from service.errors import N_, InvalidInput

LONGEST = 100
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@([A-Za-z0-9-]+\.)+[A-Za-z]{2,}"
)


def parse_mail(text: str | None, field: str = "mail") -> str:
    """Read a mail address of at most 100 characters; '' when none was typed."""
    typed = (text or "").strip().replace("＠", "@")
    if typed and (len(typed) > LONGEST or not ADDRESS.fullmatch(typed)):
        raise InvalidInput({field: N_("请填写正确的邮箱地址，如 name@example.cn。")})
    return typed


def mask_mail(address: str) -> str:
    """Hide all but the first character before the @."""
    name, sign, host = address.partition("@")
    return f"{name[:1]}***{sign}{host}" if address else ""
