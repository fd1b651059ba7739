"""The order of Chinese names and what they are found by: pinyin without tones,
stored beside the name because the database has no such collation.
"""

from __future__ import annotations

import re
from functools import lru_cache

from service.domain.persons.surnames import surname_readings
from service.domain.values.names import fold, person_name

MAX_SPELLING = 1000  # characters


def name_keys(name: str, *, is_person: bool = False) -> dict[str, str]:
    """The columns of a row that follow its name.

    sort_key: ``zeng guo fan`` for 曾国藩, then the name itself so that homophones stay apart. folded_name: the form in
    which names are compared. spelling: the words by whose beginning it is found.
    """
    sort, found_by = _keys(name, is_person)
    return {"sort_key": sort[: 300 if is_person else 400], "folded_name": fold(name), "spelling": found_by}


@lru_cache(4096)
def _keys(name: str, is_person: bool) -> tuple[str, str]:
    """Sort key and spelling: pinyin in one word and initials, of a person by every reading of the surname (R81), and
    the surname written out before initials: ``zengzw``.
    """
    known = person_name(name) if is_person else name
    plain = _syllables(known)
    length, readings = _readings(known) if is_person else (0, [plain])
    return f"{' '.join(readings[0])} {name}", _words([*readings, plain], length)


def _readings(name: str) -> tuple[int, list[list[str]]]:
    """The syllables of the surname, and the whole name by each of its readings."""
    length, readings = surname_readings(name)
    rest = _syllables(name[length:])
    return length, [[*surname, *rest] for surname in readings] or [_syllables(name)]


def _syllables(name: str) -> list[str]:
    from pypinyin import Style, lazy_pinyin  # reads its dictionaries when imported: 0.2 s

    return lazy_pinyin(name, style=Style.NORMAL, errors=lambda rest: rest.lower())


def _words(readings: list[list[str]], surname: int) -> str:
    found: dict[str, None] = {}
    for syllables in readings:
        parts = [part for one in syllables for part in re.findall(r"[a-z0-9]+", one)]
        initials = "".join(part[0] for part in parts)
        for word in ("".join(parts), initials, "".join(parts[:surname]) + initials[surname:]):
            if not any(known.startswith(word) for known in found):
                found |= dict.fromkeys(_umlauts(word))
    return " ".join(word for word in found if word)[:MAX_SPELLING]


def _umlauts(word: str) -> list[str]:
    """The ways in which ü is typed: lv, lu, lyu for 吕."""
    return [word] if "v" not in word else [word, word.replace("v", "u"), word.replace("v", "yu")]
