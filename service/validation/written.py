"""Dates and numbers as people write them: the one reader of pages, sheets, REST and filters."""

from __future__ import annotations

import re
from datetime import date

from service.validation.characters import strip_unseen
from service.validation.typed_text import as_date

_DATE = re.compile(
    r"(?P<year>[0-9]{4})(?:(?P<sign>[-/.])(?P<month>[0-9]{1,2})(?P=sign)(?P<day>[0-9]{1,2})"
    r"|年(?P<month2>[0-9]{1,2})月(?P<day2>[0-9]{1,2})[日号]?|(?P<month3>[0-9]{2})(?P<day3>[0-9]{2}))"
    r"(?:[T ]0{1,2}:00(?::00(?:\.0+)?)?)?"
)
_APOSTROPHES = "'`´‘’ʹʼ"  # before a number: the sign by which a sheet is told that it is a text
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    **dict.fromkeys((*range(0x2010, 0x2016), 0x2212, 0xFE63), ord("-")),
    0x3000: ord(" "),
}
_SCIENTIFIC = re.compile(r"[0-9](\.[0-9]+)?E\+?[0-9]{1,2}", re.IGNORECASE)


def plain_number(text: str) -> str:
    """Write what was typed for a number half-width, without unseen characters, blanks around it and apostrophe."""
    return strip_unseen(text).translate(_HALF_WIDTH).strip().lstrip(_APOSTROPHES).strip()


def is_scientific(text: str) -> bool:
    """Tell whether a text is a long number that a sheet has rounded: ``3.70E+17``."""
    return _SCIENTIFIC.fullmatch(plain_number(text)) is not None


def read_date(text: str) -> date | None:
    """Read a civil date in any of the unambiguous forms; None for anything else, and for a day that is none.

    ``2027-12-31``, ``2027/1/5``, ``2027.1.5``, ``2027年12月31日``, ``20271231``; midnight may stand behind it.
    """
    found = _DATE.fullmatch(re.sub(r"\s*([-/.年月日号])\s*", r"\1", plain_number(text)))
    if found is None:
        return None
    month = found["month"] or found["month2"] or found["month3"]
    day = found["day"] or found["day2"] or found["day3"]
    return as_date(f"{found['year']}-{month:0>2}-{day:0>2}")
