"""Lines of a text in a box of fixed size: the largest type at which it fits, broken as GB/T 15834 says.

The advances are those of the fonts that the paper embeds; a character that they lack counts as a full em.
"""

from __future__ import annotations

import struct
import sys
import unicodedata
from array import array
from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from fontTools.ttLib import TTFont
from markupsafe import Markup, escape

from service.config import FONTS

NOT_FIRST = frozenset("·•、，。；：？！…—～）］｝〉》」』】〕”’%‰℃,.;:?!)]}-/")
"""Signs that never begin a line; of these · is what names are made of."""
NOT_LAST = frozenset("（［｛〈《「『【〔“‘([{")
SMALLEST, STEP = 4.5, 0.5  # points
LEADING = 1.2  # height of a line in ems
MM_OF_POINT = 25.4 / 72
SAFETY = 0.995  # of the width: rounding of the renderer
REMEMBERED = 256  # texts: units, types and issuers are the same on many faces
FULL_UNICODE, MOST = 12, 1 << 32  # format of a table of characters; beyond all of them


@dataclass(frozen=True, slots=True)
class Fit:
    """A text in its box: size in points, and its lines."""

    size: float
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Box:
    """A place for a text: width and height in millimetres, the largest type in points.

    between_parts: break after · and blanks alone as long as the parts are shorter than a line, as names are read.
    """

    width: float
    height: float
    size: float
    is_bold: bool = False
    between_parts: bool = False


@lru_cache(REMEMBERED)
def fit(text: str, box: Box) -> Fit:
    """Find the largest type at which the text fits; the smallest there is when none does."""
    size = box.size
    while True:
        lines = wrap(text, replace(box, size=size))
        if size <= SMALLEST or len(lines) * size * LEADING * MM_OF_POINT <= box.height:
            return Fit(size, lines)
        size -= STEP


def markup(text: str, box: Box) -> Markup:
    """Write the text as the inside of its field, each line on its own."""
    found = fit(text, box)
    inside = Markup("<br>").join(escape(line) for line in found.lines)
    return Markup('<span class="fit" style="font-size:{}pt">{}</span>').format(f"{found.size:g}", inside)


def wrap(text: str, box: Box) -> tuple[str, ...]:
    """Break the text at the size of the box, however many lines it takes."""
    return _lines(text, box, box.width * SAFETY / (box.size * MM_OF_POINT))


def measure(text: str, size: float, *, is_bold: bool = False) -> float:
    """The length of a text on one line, in millimetres."""
    return _width(text, is_bold) * size * MM_OF_POINT


def _lines(text: str, box: Box, ems: float) -> tuple[str, ...]:
    """Fill the lines; where a last line of one character would be left over, fill them less, but break no word."""
    lines = _fill(text, box, ems)
    whole = len(_pieces(text, box, ems))
    for narrower in range(1, int(ems / 2)):
        if len(lines) < 2 or len(lines[-1]) > 2 or len(_pieces(text, box, ems - narrower)) > whole:
            break
        found = _fill(text, box, ems - narrower)
        if len(found) > len(lines):
            break
        lines = found
    return lines


def _fill(text: str, box: Box, ems: float) -> tuple[str, ...]:
    lines, line, used = [], "", 0.0
    for piece in _pieces(text, box, ems):
        wide, bare = _width(piece, box.is_bold), _width(piece.rstrip(), box.is_bold)
        if line and used + bare > ems:
            lines.append(line.strip())
            line, used = "", 0.0
        line, used = line + piece, used + wide
    return (*lines, line.strip())


def _pieces(text: str, box: Box, ems: float) -> list[str]:
    """Cut the text into what is not broken: parts of a name or words, or their characters if they are too long."""
    found: list[str] = []
    for part in _split(text, _ends_part if box.between_parts else _ends_word):
        too_long = _width(part.rstrip(), box.is_bold) > ems
        found += _split(part, _ends_character) if too_long else [part]
    return found


def _split(text: str, is_end: Callable[[str, str], bool]) -> list[str]:
    found, piece = [], ""
    for at, character in enumerate(text):
        piece += character
        follows = text[at + 1] if at + 1 < len(text) else ""
        if is_end(character, follows) and character not in NOT_LAST and follows not in NOT_FIRST:
            found.append(piece)
            piece = ""
    return [*found, piece] if piece else found


def _ends_part(character: str, follows: str) -> bool:
    return character in "· " and follows != " "


def _ends_word(character: str, follows: str) -> bool:
    """Han characters stand each for themselves; other letters and digits hold together."""
    if character == " ":
        return follows != " "
    return follows != " " and (_is_wide(character) or _is_wide(follows))


def _ends_character(_character: str, follows: str) -> bool:
    return follows != " " and not unicodedata.category(follows or "x").startswith("M")


def _is_wide(character: str) -> bool:
    return bool(character) and unicodedata.east_asian_width(character) in "WF"


def _width(text: str, is_bold: bool) -> float:
    """In ems."""
    return sum(_advance(character, is_bold) for character in text)


@cache
def _advance(character: str, is_bold: bool) -> float:
    advances, glyphs, em = _metrics(is_bold)
    at = bisect(glyphs, (ord(character), MOST, MOST)) - 1
    first, last, glyph = glyphs[at] if at >= 0 else (0, -1, 0)
    if first <= ord(character) <= last:
        return advances[2 * min(glyph + ord(character) - first, len(advances) // 2 - 1)] / em
    return 0.0 if unicodedata.category(character) in ("Mn", "Me") else 1.0


@cache
def _metrics(is_bold: bool) -> tuple[array[int], list[tuple[int, int, int]], int]:
    """The font's advances, each with a bearing behind it; its characters, from, to and the glyph of the first; its em.

    Nothing while the fonts are not there. The tables are read as they lie in the file: the library's own reader makes
    names for 30,000 glyphs, for which it takes a second and 30 MB.
    """
    path = FONTS / ("NotoSansSC-Bold.ttf" if is_bold else "NotoSansSC-Regular.ttf")
    if not path.exists():
        return array("H"), [], 1
    with TTFont(path, lazy=True) as font:
        advances = array("H", font.reader["hmtx"][: 4 * font["hhea"].numberOfHMetrics])
        if sys.byteorder == "little":
            advances.byteswap()
        return advances, _groups(font.reader["cmap"]), font["head"].unitsPerEm


def _groups(cmap: bytes) -> list[tuple[int, int, int]]:
    """Read the segments of a table of the format 12, which has all of Unicode."""
    (count,) = struct.unpack_from(">H", cmap, 2)
    for n in range(count):
        (start,) = struct.unpack_from(">I", cmap, 8 + 8 * n)
        form, _, _, _, groups = struct.unpack_from(">HHIII", cmap, start)
        if form == FULL_UNICODE:
            return list(struct.iter_unpack(">III", cmap[start + 16 : start + 16 + 12 * groups]))
    return []
