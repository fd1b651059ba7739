"""Docstrings of the whole service begin with a verb or a noun, and call a user neither he nor she."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import service

ROOT = Path(service.__file__).parent
QUESTION = re.compile(r"(What|Whether|Whom?|Whose|Which|How|When|Where|Why|By)\b")
PRONOUN = re.compile(r"\b(he|his|him|himself|she|her|hers|herself)\b", re.IGNORECASE)


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring, those below a constant or field too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            for statement in node.body:
                value = statement.value if isinstance(statement, ast.Expr) else None
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.lineno, value.value.strip()


def faults(name: str, source: str) -> list[str]:
    found = [(line, text) for line, text in docstrings(source) if QUESTION.match(text) or PRONOUN.search(text)]
    return [f"{name}:{line}: {text.splitlines()[0]}" for line, text in found]


def test_docstrings_begin_with_a_verb_or_a_noun_and_call_nobody_he() -> None:
    files = sorted(ROOT.rglob("*.py"))
    assert len(files) > 300
    found = [fault for file in files for fault in faults(str(file.relative_to(ROOT)), file.read_text())]
    assert found == []


def test_faults_of_modules_classes_functions_and_constants_are_found() -> None:
    source = '"""What it is."""\nclass A:\n    """Whose."""\n    x = 1\n    """Sold to him."""\n    def f(self):\n        """How."""\n'
    assert [fault.partition(":")[2][0] for fault in faults("a", source)] == ["1", "3", "5", "7"]
    assert faults("a", '"""Whatever the theme is, the user chooses it."""') == []
