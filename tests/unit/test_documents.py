"""Documents: what the renderer may read, and that the face of a certificate fits one page."""

from __future__ import annotations

import re
import zlib

import pytest

from service.config import TEMPLATES
from service.infrastructure.documents.pdf import print_pdf, qr_code, render
from service.infrastructure.documents.pdf_renderer import OwnFiles
from tests.builders.faces import face


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd",
        "http://127.0.0.1:8000/",
        "https://example.org/x.png",
        "ftp://example.org/x",
        f"{TEMPLATES.as_uri()}/../pyproject.toml",
        f"{TEMPLATES.as_uri()}/%2e%2e/pyproject.toml",
        "data:text/html,<b>",
        "javascript:1",
    ],
)
def test_the_renderer_reads_nothing_but_our_own_files(address: str) -> None:
    with pytest.raises(ValueError, match="not one of our files"):
        OwnFiles(allow_redirects=False).fetch(address)


def test_what_people_typed_cannot_become_markup() -> None:
    typed = face(name='<img src="file:///etc/passwd">', unit_name="a & b")
    html = render("certificates/certificate.html", {"title": "x", "faces": [typed]})
    assert "&lt;img" in html
    assert '<img src="file' not in html
    assert "a &amp; b" in html
    assert "<svg" in html


def test_a_code_can_be_read_as_the_address_it_was_made_from() -> None:
    first, other = qr_code("https://example.org/verify/abc"), qr_code("https://example.org/verify/abd")
    assert first.startswith("<svg")
    assert first != other


@pytest.mark.parametrize("character", ["𠮷", "𡈽", "𪚥"])
def test_a_rare_character_of_a_name_has_a_glyph_on_paper(character: str) -> None:
    """domain.md §2 (GB 18030-2022): CJK Extension B to its end; our own fonts lack these, so another one must bring them"""
    assert _fonts_of("䶮·野") == {"Noto-Sans-SC"}
    assert _fonts_of(f"䶮·{character}野") > {"Noto-Sans-SC"}


def _fonts_of(name: str) -> set[str]:
    """The fonts that a paper with this name carries; a missing glyph stays with the first font."""
    file = print_pdf(f"<p style=\"font-family: 'Noto Sans SC'\">{name}</p>", style="certificates/certificate.css")
    parts = [zlib.decompress(s) for s in re.findall(rb"stream\r?\n(x.*?)\r?\nendstream", file, re.DOTALL)]
    return {found.decode() for found in re.findall(rb"/FontName /[A-Z]{6}\+([\w-]+)", b"\n".join([file, *parts]))}
