"""Names of modules and classes are made of the glossary's words and of common English: no private vocabulary."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from service.config import CHECKOUT

GLOSSARY = CHECKOUT / "docs" / "glossary.md"
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
COMMON = set((CHECKOUT / "tests" / "unit" / "common_words.txt").read_text().split())
"""English that everybody reads alike, and the technical words of Python, SQL, HTTP and Flask."""


def test_names_of_modules_and_classes_use_known_words() -> None:
    known = words_of_glossary()
    private = sorted({f"{word} ({where})" for word, where in names() if not is_known(word, known)})
    assert not private, (
        "Words of one's own: take a word of docs/glossary.md, or give a new idea its line there.\n" + "\n".join(private)
    )


@pytest.mark.parametrize(
    ("word", "is_found"), [("cases", True), ("activities", True), ("desk", False), ("held", False)]
)
def test_a_word_is_known_in_its_singular(word: str, is_found: bool) -> None:
    assert is_known(word, words_of_glossary()) is is_found


def test_a_name_is_split_as_people_read_it() -> None:
    assert split("DMNTable") == ["dmn", "table"]
    assert split("class_worklists") == ["class", "worklists"]


def names() -> Iterator[tuple[str, str]]:
    """Each word of a name, with the module or class that bears it."""
    for path in sorted((CHECKOUT / "service").rglob("*.py")):
        where = path.relative_to(CHECKOUT)
        if "versions" in where.parts:
            continue
        for part in (*where.parent.parts[1:], where.stem):
            yield from ((word, str(where)) for word in split(part) if part != "__init__")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from ((word, f"{where}: {node.name}") for word in split(node.name))


def split(name: str) -> list[str]:
    return [word.lower() for word in WORD.findall(name)]


def words_of_glossary() -> set[str]:
    lines = [line for line in GLOSSARY.read_text().splitlines() if line.startswith("|")]
    return {word for line in lines for part in re.findall(r"[A-Za-z]+", line) for word in split(part)}


def is_known(word: str, known: set[str]) -> bool:
    """Whether it is known as it stands or in its singular."""
    singular = (word, word.removesuffix("s"), word.removesuffix("es"), word.removesuffix("ies") + "y")
    return any(one in known or one in COMMON for one in singular)
