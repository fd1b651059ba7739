"""Texts of pages are translated, marks between them too: a full-width colon in an English sentence is a Chinese one."""

from __future__ import annotations

import re
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
