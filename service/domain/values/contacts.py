"""Mail addresses and telephone numbers, as typed and as shown."""

from __future__ import annotations

import re
import unicodedata

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


def normalise(text: str | None) -> str:
    """Write a number as it is compared: half-width, without spaces and hyphens, in capitals."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text or "")).upper()


def parse_phone(text: str | None, field: str = "phone") -> str:
    """Read a telephone number: a mainland mobile, or a landline with area code; '' when none was typed."""
    number = normalise(text)
    if number and not re.fullmatch(r"(\+86)?1\d{10}|0\d{9,11}", number, re.ASCII):
        raise InvalidInput({field: N_("请填写 11 位手机号码，或带区号的固定电话，如 053112345678。")})
    return number.removeprefix("+86")
