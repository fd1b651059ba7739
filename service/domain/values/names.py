"""Names of persons and units as they are written in life: the one form that is stored, the one that is compared (R81).

``张 三`` and ``张三``, ``买买提.吐尔逊`` and ``买买提·吐尔逊``, ``民爆(山东)`` and ``民爆（山东）`` are one name each.
"""

from __future__ import annotations

import re
import unicodedata

from service.validation.characters import strip_unseen

MIDDLE_DOT = "·"
_DOTS = "•‧∙･⋅・᛫⸱ꞏ●◦˙ㆍ⸳﹒⦁"  # of other keyboards, fonts and code pages
_STOPS = str.maketrans("。｡", "..")
_APOSTROPHES, _HYPHENS = "'‘`´′ʹʼ", "‐‑‒–−﹣"
_FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_OPENING, _CLOSING = "([{〔【［｛〖﹙﹝﹛❨⦅", ")]}〕】］｝〗﹚﹞﹜❩⦆"
_LAST_HAN = 0x323AF  # extension H
_HAN = r"㐀-鿿豈-﫿𠀀-\U0003ffff〇々"
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # choose the shape of a sign, not the sign
_RADICALS = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0x2F00, 0x2FD6)} | str.maketrans(
    "⺟⺠⻁⻄⻅⻆⻉⻋⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰⻳",
    "母民虎西见角贝车长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙龟",
)  # look like characters and are none: what is copied from a PDF often has them
_ALIKE = (
    dict.fromkeys(map(ord, _DOTS), MIDDLE_DOT)
    | dict.fromkeys(map(ord, _HYPHENS), "-")
    | dict.fromkeys(map(ord, "○◯"), "〇")
    | _RADICALS
)
"""Signs that are typed for another one → that one."""


def person_name(text: str | None) -> str:
    """Write the name of a person in its normal form: no blanks between Chinese characters, one dot, none at the ends.

    A full stop is the dot of many peoples unless it ends an abbreviation in Latin letters: ``John F. Kennedy``.
    """
    name = join_characters(_plain(text).translate(_STOPS))
    name = re.sub(r"(?<![A-Za-z])\.|\.(?=[^\sA-Za-z.])", MIDDLE_DOT, name)
    name = re.sub(rf"[\s{MIDDLE_DOT}]*{MIDDLE_DOT}[\s{MIDDLE_DOT}]*", MIDDLE_DOT, name)
    return _without_mark(name.strip(f" {MIDDLE_DOT}-"))


def unit_name(text: str | None) -> str:
    """Write the name of a unit in its normal form: no blanks beside Chinese characters, brackets of one width.

    Brackets are full-width in a name with Chinese characters, as on the licence, half-width in another.
    """
    name = _without_mark(_brackets(_plain(text)))
    if not re.search(f"[{_HAN}]", name):
        return name
    name = re.sub(rf"(?<=[{_HAN}()·]) | (?=[{_HAN}()·])", "", name)
    return name.replace("(", "（").replace(")", "）")


def is_han(sign: str) -> bool:
    """Tell whether it is a Chinese character, of the newest planes too, which Python has no names for yet."""
    return re.fullmatch(f"[{_HAN}]", sign) is not None and ord(sign) <= _LAST_HAN


def join_characters(text: str) -> str:
    """Take out the blanks between Chinese characters."""
    return re.sub(rf"(?<=[{_HAN}])\s+(?=[{_HAN}])", "", text)


def fold(text: str | None) -> str:
    """Write a name as it is compared: small half-width letters, without blanks, dots and shapes of signs."""
    name = _without_mark(unicodedata.normalize("NFKC", _brackets(_plain(text))).casefold())
    return re.sub(rf"[\s.。{MIDDLE_DOT}]", "", _SELECTORS.sub("", name))


def _plain(text: str | None) -> str:
    name = unicodedata.normalize("NFC", strip_unseen(text or "")).translate(_FULL_WIDTH).translate(_ALIKE)
    return " ".join(name.translate(dict.fromkeys(map(ord, _APOSTROPHES), "’")).split())


def _without_mark(name: str) -> str:
    """Take away the apostrophe by which a sheet is told that a cell is text; ``’t Hooft`` keeps the one of the name."""
    return re.sub(r"^’+(?![a-z][ -])\s*", "", name)


def _brackets(name: str) -> str:
    return name.translate(dict.fromkeys(map(ord, _OPENING), "(") | dict.fromkeys(map(ord, _CLOSING), ")"))
