"""Converts text that somebody typed or sent, and nothing else does. Text that is no such value is None, never a fault.

A value is judged as it is used: nothing is cut off before it is looked at, however long the text is.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import orjson

MAX_DIGITS = 18  # of a whole number; more than any column or counter holds
MAX_NUMBER_LENGTH = 400  # characters of a decimal number; longer ones cost time and mean nothing
_DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[-+]?[0-9]{1,4})?", re.IGNORECASE)

INSTANTS = ("%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d")
"""Forms in which REST clients write an instant."""


def as_id(text: object) -> UUID | None:
    """Read the id of a row, in any of the ways in which a UUID is written."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def as_whole(text: str, least: int, most: int) -> int | None:
    """Read a whole number of at most 18 ASCII digits that lies between ``least`` and ``most``."""
    if not re.fullmatch(rf"-?[0-9]{{1,{MAX_DIGITS}}}", text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def as_decimal(text: str) -> Decimal | None:
    """Read a finite number in ASCII digits; what a sheet or a program has written with an exponent is one too."""
    if len(text) > MAX_NUMBER_LENGTH or not _DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def as_json(text: str) -> tuple[Any] | None:
    """Read JSON as case data have it, without fractions; in a tuple, since ``null`` is a value too."""
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    unread = [found]
    while unread:
        one = unread.pop()
        if isinstance(one, float):
            return None
        unread += one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
    return (found,)


def as_date(text: str) -> date | None:
    """Read a civil date in a form of ISO 8601."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def as_instant(text: str) -> datetime | None:
    """Read an instant in ISO 8601; it has an offset only if the text has one."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def as_camunda_instant(text: str) -> datetime | None:
    """Read an instant such as ``2026-11-24T00:00:00.000+0000``; offset, time and fractions may be missing."""
    for form in INSTANTS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    return None
