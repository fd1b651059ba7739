"""Texts of pages are translated, marks between them too: a full-width colon in an English sentence is a Chinese one."""

from __future__ import annotations

import io
import re
import tokenize
from pathlib import Path

import pytest

from service.config import CHECKOUT

PAGES = sorted((CHECKOUT / "templates" / "pages").rglob("*.html"))
CHINESE = re.compile(r"[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef][^<{]*")
TRANSLATED = re.compile(r"""\bN?_\(\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")
COMMENT = re.compile(r"{#.*?#}", re.DOTALL)
SAID_IN_BOTH = {"中文", "安培"}  # the language by its own name, and ours


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PAGES[0].parents[1])))
def test_no_text_of_a_page_is_chinese_alone(page: Path) -> None:
    left = TRANSLATED.sub("", COMMENT.sub("", page.read_text(encoding="utf-8")))
    assert [found for found in CHINESE.findall(left) if found.strip() not in SAID_IN_BOTH] == []


SERVICE = [
    path for path in sorted((CHECKOUT / "service").rglob("*.py")) if not {"demo", "migrations"} & set(path.parts)
]
IDEOGRAPH = "\u4e00-\u9fff"
HALF_WIDTH = re.compile(
    rf"[{IDEOGRAPH}”》）][,;:?!]\s?[{IDEOGRAPH}“《（{{%]|[}}s][,;:?!]\s?[{IDEOGRAPH}]|[{IDEOGRAPH}”》）][,;:?!](?=\"$)"
)
NOTATION = ("键: 值", "种子:案卷编号")  # YAML, and what is hashed, as they are written


def test_marks_of_chinese_sentences_are_full_width() -> None:
    """In what Python says, gate and engine included; the texts of pages are the keys of the catalogue."""
    said = [
        token.string
        for path in SERVICE
        for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
        if token.type == tokenize.STRING and '"""' not in token.string
    ]
    catalogue = (CHECKOUT / "service/translations/en/LC_MESSAGES/messages.po").read_text(encoding="utf-8")
    keys = [line for entry in catalogue.split("\n\n") for line in entry.partition("\nmsgstr")[0].splitlines()]
    assert [
        text for text in [*said, *keys] if HALF_WIDTH.search(text) and not any(sign in text for sign in NOTATION)
    ] == []
