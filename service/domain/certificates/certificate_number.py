"""Numbers of certificates: 14 digits when issued here, 11 or 14 when typed from an older certificate (S44, §1.4).

A number tells only facts of its issue (province, year, serial), never the present unit or type,
and is never used again.
"""

from __future__ import annotations

import re
import unicodedata

from service.domain.units.provinces import AUTHORITY_CODES
from service.errors import N_, InvalidInput

ACADEMIES = "00"  # stands where others have their province
LAST_SERIAL = 9_999_999


def check_digit(digits: str) -> str:
    """The check digit of ISO 7064 MOD 11,10 (GB/T 17710)."""
    product = 10
    for digit in digits:
        product = ((product + int(digit)) % 10 or 10) * 2 % 11
    return str((1 - product) % 10)


def issue(province: str, year: int, serial: int) -> str:
    """The number of a new certificate: ``PP YYYY NNNNNNN C``.

    province: of the unit at issue, ``00`` for academies; serial: from 1 within (province, year). ``ValueError`` for
    anything else, since no person types these.
    """
    if province != ACADEMIES and province not in AUTHORITY_CODES:
        raise ValueError(f"no such province: {province}")
    if not 1000 <= year <= 9999 or not 1 <= serial <= LAST_SERIAL:
        raise ValueError(f"year or serial out of range: {year}, {serial}")
    digits = f"{province}{year}{serial:07d}"
    return digits + check_digit(digits)


def parse_certificate_number(text: str | None, field: str = "certificate_number") -> str:
    """Read a number of 11 or 14 digits (R21); the check digit is not verified, older schemes are unknown."""
    number = re.sub(r"\s", "", unicodedata.normalize("NFKC", text or ""))
    if not re.fullmatch(r"\d{11}|\d{14}", number, re.ASCII):
        raise InvalidInput({field: N_("证书编号应为 11 位或 14 位数字，请对照证书核对。")})
    return number
