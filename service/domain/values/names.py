"""Names of persons and units as they are written in life: the one form that is stored, the one that is compared (R81).

``张 三`` and ``张三``, ``买买提.吐尔逊`` and ``买买提·吐尔逊``, ``民爆(山东)`` and ``民爆（山东）`` are one name each.
"""

from __future__ import annotations

import re
import unicodedata

from service.validation.characters import strip_unseen

MIDDLE_DOT = "·"
_DOTS = "•‧∙･⋅・・᛫⸱．。｡ꞏ●◦"  # of other keyboards, fonts and code pages
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_OPENING, _CLOSING = "([{〔【［｛〖﹙", ")]}〕】］｝〗﹚"
_HAN = r"㐀-鿿豈-﫿𠀀-\U0003ffff〇々"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose the shape of a sign, not the sign


def person_name(text: str | None) -> str:
    """Write the name of a person in its normal form: no blanks between Chinese characters, one dot, none at the ends.

    A full stop is the dot of many peoples unless it ends an abbreviation in Latin letters: ``John F. Kennedy``.
    """
    name = join_characters(_plain(text))
    name = re.sub(r"(?<![A-Za-z])\.|\.(?=[^\sA-Za-z])", MIDDLE_DOT, name)
    return re.sub(rf"[\s{MIDDLE_DOT}]*{MIDDLE_DOT}[\s{MIDDLE_DOT}]*", MIDDLE_DOT, name).strip(f" {MIDDLE_DOT}-")


def unit_name(text: str | None) -> str:
    """Write the name of a unit in its normal form: no blanks beside Chinese characters, brackets of one width.

    Brackets are full-width in a name with Chinese characters, as on the licence, half-width in another.
    """
    name = _brackets(_plain(text))
    if not re.search(f"[{_HAN}]", name):
        return name
    name = re.sub(rf"(?<=[{_HAN}()·]) | (?=[{_HAN}()·])", "", name)
    return name.replace("(", "（").replace(")", "）")


def join_characters(text: str) -> str:
    """Take out the blanks between Chinese characters."""
    return re.sub(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])", "", text)


def fold(text: str | None) -> str:
    """Write a name as it is compared: small half-width letters, without blanks, dots and shapes of signs."""
    name = unicodedata.normalize("NFKC", _brackets(_plain(text))).casefold()
    return re.sub(rf"[\s.{MIDDLE_DOT}]", "", _SELECTORS.sub("", name))


def _plain(text: str | None) -> str:
    name = unicodedata.normalize("NFC", strip_unseen(text or "")).translate(dict.fromkeys(map(ord, _DOTS), MIDDLE_DOT))
    return " ".join(name.translate(_FULL_WIDTH).split())


def _brackets(name: str) -> str:
    return name.translate(dict.fromkeys(map(ord, _OPENING), "(") | dict.fromkeys(map(ord, _CLOSING), ")"))
