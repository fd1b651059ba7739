"""The order of Chinese names: pinyin without tones,
stored beside the name because the database has no such collation.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(4096)
def sort_key(name: str, longest: int = 300) -> str:
    """``chen wu chen`` for 陈戊辰, other letters lower-case, then the name itself so that homophones stay apart."""
    from pypinyin import Style, lazy_pinyin  # reads its dictionaries when imported: 0.2 s

    syllables = lazy_pinyin(name, style=Style.NORMAL, errors=lambda rest: rest.lower())
    return f"{' '.join(syllables)} {name}"[:longest]
