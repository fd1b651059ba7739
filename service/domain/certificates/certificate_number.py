"""Numbers of certificates: 14 digits when issued here, 11 or 14 when typed from an older certificate (S44, §1.4).

A number tells only facts of its issue (province, year, serial), never the present unit or type,
and is never used again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from service.domain.units.provinces import AUTHORITY_CODES
from service.domain.values.validators import normalise
from service.errors import N_, InvalidInput, Message

ACADEMIES = "00"  # stands where others have their province
LAST_SERIAL = 9_999_999
EARLIEST_YEAR = 1000  # of four digits


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
    if not EARLIEST_YEAR <= year <= 9999 or not 1 <= serial <= LAST_SERIAL:
        raise ValueError(f"year or serial out of range: {year}, {serial}")
    digits = f"{province}{year}{serial:07d}"
    return digits + check_digit(digits)


@dataclass(frozen=True, slots=True)
class OwnNumber:
    """The parts of a number of our own form."""

    province: str
    year: int
    serial: int


def read_own_form(number: str) -> OwnNumber | None:
    """Read a number that could be one of ours: its length, province, serial and check digit are right (R78)."""
    if len(number) != 14 or check_digit(number[:13]) != number[13]:
        return None
    own = OwnNumber(number[:2], int(number[2:6]), int(number[6:13]))
    is_ours = own.serial > 0 and own.year >= EARLIEST_YEAR and own.province in (ACADEMIES, *AUTHORITY_CODES)
    return own if is_ours else None


def obstacle_to_typing(number: str, last_given: int | None, today: date) -> Message | None:
    """Return why an older certificate cannot have this number: it is ours, and not given out yet (R78).

    last_given: the last serial given of the number's province and year, None where none was. A past year in which this
    system gave no number is a matter of older schemes.
    """
    own = read_own_form(number)
    if own is None or (own.year < today.year and last_given is None) or own.serial <= (last_given or 0):
        return None
    return Message(
        N_("证书编号 %(number)s 是本系统的编号格式，但这个序号还没有发出，不会印在原有证书上；请对照原证书核对。"),
        number=number,
    )


def parse_certificate_number(text: str | None, field: str = "certificate_number") -> str:
    """Read a number of 11 or 14 digits (R21); the check digit is not verified, older schemes are unknown."""
    number = normalise(text)
    if not re.fullmatch(r"\d{11}|\d{14}", number, re.ASCII):
        raise InvalidInput({field: N_("证书编号应为 11 位或 14 位数字，请对照证书核对。")})
    return number
