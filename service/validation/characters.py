"""The characters that a text may hold, as patterns that hold in Python and in JSON Schema."""

from __future__ import annotations

import re

# Controls, zero-width characters that make two names look alike, and marks that turn the direction of writing.
_REFUSED = r"\u007f-\u009f\u00ad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff"
LINE = rf"^[^\u0000-\u001f{_REFUSED}]*$"
LINES = rf"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f{_REFUSED}]*$"
_SURROGATE = re.compile(r"[\ud800-\udfff]")  # JSON cannot hold one, so the patterns above need not name it
_ZERO_WIDTH = dict.fromkeys((0x200B, 0x2060, 0xFEFF))  # come along unseen when a text is pasted


def tidy(text: str) -> str:
    """Trim a text that a person typed; zero-width characters fall away, every line ends with a line feed."""
    return text.translate(_ZERO_WIDTH).replace("\r\n", "\n").strip()


def is_storable(text: str, pattern: str = LINES) -> bool:
    """Tell whether a text of one line (``LINE``) or several can be stored and read without deceit."""
    return re.fullmatch(pattern, text) is not None and not _SURROGATE.search(text)
