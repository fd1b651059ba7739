"""The characters that a text may hold, as patterns that hold in Python and in JSON Schema."""

from __future__ import annotations

import re

# Controls, zero-width characters that make two names look alike, and marks that turn the direction of writing.
_REFUSED = r"\u007f-\u009f\u00ad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff"
LINE = rf"^[^\u0000-\u001f{_REFUSED}]*$"
PRINTABLE = r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"  # what may be sent for a name or number
LINES = rf"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f{_REFUSED}]*$"
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON cannot hold one, so the patterns above need not name it

_ZERO_WIDTH = dict.fromkeys((0x200B, 0x2060, 0xFEFF))  # come along unseen when a text is pasted
# Nothing in a name or a number, though they may be something in a text: hyphens, joiners, directions of writing.
_UNSEEN = dict.fromkeys(
    (0xAD, 0x034F, 0x061C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, 0x2800, 0x3164, 0xFE0E, 0xFE0F, 0xFEFF, 0xFFA0)
) | dict.fromkeys(
    code
    for first, last in ((0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xFFF0, 0xFFFB), (0xE0000, 0xE00FF))
    for code in range(first, last + 1)
)


def tidy(text: str) -> str:
    """Trim a text that a person typed; zero-width characters fall away, every line ends with a line feed."""
    return text.translate(_ZERO_WIDTH).replace("\r\n", "\n").strip()


def strip_unseen(text: str) -> str:
    """Take the characters that nobody sees out of a name or a number (R81)."""
    return text.translate(_UNSEEN)


def is_storable(text: str, pattern: str = LINES) -> bool:
    """Tell whether a text of one line (``LINE``) or several can be stored and read without deceit."""
    return re.fullmatch(pattern, text) is not None and not _SURROGATE.search(text)
