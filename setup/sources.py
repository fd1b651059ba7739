"""Every Chinese text that people read, collected from Python, templates, diagrams, forms and decision tables."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from babel.messages.extract import extract_from_dir
from lxml import etree

from setup.step import CHECKOUT

CHINESE = re.compile(r"[\u3400-\u9fff]")
KEYWORDS = {
    "_": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "Message": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}


def texts() -> dict[str, str]:
    """Each msgid with the file where it was met first; a pair of singular and plural counts by its singular."""
    found: dict[str, str] = {}
    for name, text in [*_marked(), *_error_messages(), *_diagram_names(), *_form_texts()]:
        found.setdefault(text, name)
    return found


def _marked() -> Iterator[tuple[str, str]]:
    """Texts marked in Python and in templates."""
    for folder in ("service", "templates"):
        methods = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]
        for name, _line, message, _comments, _context in extract_from_dir(
            CHECKOUT / folder, methods, keywords=KEYWORDS, directory_filter=lambda _folder: True
        ):
            text = message[0] if isinstance(message, tuple) else message
            if text and not text.isascii():  # a subscript inside Message(…) is no text
                yield f"{folder}/{name}", text


def _error_messages() -> Iterator[tuple[str, str]]:
    """The first line of an error's docstring is its default message."""
    for file in sorted((CHECKOUT / "service").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_bytes())):
            first = (ast.get_docstring(node) or "").partition("\n")[0] if isinstance(node, ast.ClassDef) else ""
            if CHINESE.match(first):  # a docstring in English may quote a word
                yield _short(file), first


def _diagram_names() -> Iterator[tuple[str, str]]:
    """Names in diagrams, names and labels in decision tables."""
    for file in sorted([*(CHECKOUT / "processes").glob("*.bpmn"), *(CHECKOUT / "processes").glob("*.dmn")]):
        for element in etree.fromstring(file.read_bytes(), etree.XMLParser(resolve_entities=False)).iter(etree.Element):
            for text in (element.get("name", ""), element.get("label", "")):
                if CHINESE.search(text):
                    yield _short(file), text


def _form_texts() -> Iterator[tuple[str, str]]:
    for file in sorted((CHECKOUT / "forms").glob("*.form")):
        for text in _strings(json.loads(file.read_bytes())):
            if CHINESE.search(text):
                yield _short(file), text


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from _strings(part)


def _short(file: Path) -> str:
    return str(file.relative_to(CHECKOUT))
