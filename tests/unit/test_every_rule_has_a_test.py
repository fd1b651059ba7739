"""Completeness: each rule R1–R75 of the domain is named by a test, in its name or beside it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
LAST_RULE = 75


def _named() -> set[int]:
    text = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py") if path != Path(__file__))
    found = {int(number) for number in re.findall(r"(?:\bR|_r)(\d{1,2})(?!\d)", text)}
    for first, last in re.findall(r"\bR(\d{1,2})[–-]R(\d{1,2})", text):
        found |= set(range(int(first), int(last) + 1))
    return found


def test_every_rule_of_the_domain_is_named_by_a_test() -> None:
    assert sorted(set(range(1, LAST_RULE + 1)) - _named()) == []
