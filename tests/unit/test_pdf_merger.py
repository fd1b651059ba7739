"""Parts of a print as one PDF/A-3a: what stood in each part stands in the whole, and each page has its own structure."""

from __future__ import annotations

import io
from typing import Any

import pikepdf
import pytest
from fontTools.ttLib import TTFont

from service.config import FONTS
from service.infrastructure.documents import line_breaks, pdf
from service.infrastructure.documents.pdf_merger import merge
from service.infrastructure.documents.pdf_process import print_piece

TEXT = "12 0 R (7 0 R) \\\\ )5 0 R("
"""In a string it is no reference."""
STYLE = "documents/paper.css"


def _part(first: int, count: int) -> bytes:
    dot = pdf.picture(_dot())
    pages = tuple(
        f'<html lang="zh"><title>部分</title><body><p>第 {n} 份</p><img src="{dot}" alt="{TEXT} {n}">'
        f"{'<p>行</p>' * 30}</body></html>"
        for n in range(first, first + count)
    )
    return print_piece((pages, ""), STYLE)


def _dot() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def parts() -> list[bytes]:
    return [_part(1, 3), _part(4, 1), _part(5, 8)]  # the last has more objects than are compressed together


@pytest.fixture(scope="module")
def whole(parts: list[bytes]) -> Any:
    with pikepdf.open(io.BytesIO(merge(parts, "安全资格证书"))) as document:
        yield document


def test_the_whole_is_sound_and_has_every_page_once_in_order(whole: Any, parts: list[bytes]) -> None:
    assert whole.check_pdf_syntax() == []
    said = []
    for part in parts:
        with pikepdf.open(io.BytesIO(part)) as document:
            said += [page.Contents.read_bytes() for page in document.pages]
    assert [page.Contents.read_bytes() for page in whole.pages] == said
    assert len(set(said)) == 12
    assert {page.obj.Parent.objgen for page in whole.pages} == {whole.Root.Pages.objgen}


def test_each_page_keeps_its_own_structure(whole: Any) -> None:
    numbers = whole.Root.StructTreeRoot.ParentTree.Nums
    found = {int(numbers[at]): numbers[at + 1] for at in range(0, len(numbers), 2)}
    assert sorted(found) == list(range(12))
    for n, page in enumerate(whole.pages):
        elements = [one for one in found[int(page.obj.StructParents)] if one is not None]
        assert {one.Pg.objgen for one in elements} == {page.obj.objgen}
        assert f"{TEXT} {n + 1}" in {str(one.get("/Alt", "")) for one in elements}
        top = elements[0]
        while "/P" in top:
            top = top.P
        assert top.objgen == whole.Root.StructTreeRoot.objgen
    assert len(whole.Root.StructTreeRoot.K) == 3  # a document each


def test_it_is_pdf_a_3a_with_fonts_intent_and_metadata_of_the_whole(whole: Any) -> None:
    """Issue 9 (documents): nothing of a holder in the metadata; a marked document with its language"""
    metadata = whole.Root.Metadata.read_bytes().decode()
    for text in ('pdfaid:part="3"', 'pdfaid:conformance="A"', "安全资格证书"):
        assert text in metadata
    assert "部分" not in metadata
    assert "/Filter" not in whole.Root.Metadata.stream_dict
    assert whole.Root.MarkInfo.Marked
    assert str(whole.Root.Lang) == "zh"
    assert whole.Root.OutputIntents[0].DestOutputProfile.read_bytes()
    fonts = [
        one for one in whole.objects if isinstance(one, pikepdf.Dictionary) and one.get("/Type") == "/FontDescriptor"
    ]
    assert fonts
    assert all("/FontFile2" in one or "/FontFile3" in one for one in fonts)
    assert "/Info" not in whole.trailer


def test_the_same_parts_give_the_same_bytes(parts: list[bytes]) -> None:
    assert merge(parts, "x") == merge(iter(parts), "x")
    assert merge(parts, "x") != merge(parts[::-1], "x")


@pytest.mark.parametrize(("is_bold", "file"), [(False, "NotoSansSC-Regular.ttf"), (True, "NotoSansSC-Bold.ttf")])
def test_every_character_has_the_advance_that_the_font_gives_it(is_bold: bool, file: str) -> None:
    """The tables are read as bytes; the library's own reader says the same of each."""
    with TTFont(FONTS / file, lazy=True) as font:
        em, advances, known = font["head"].unitsPerEm, font["hmtx"].metrics, font.getBestCmap()
    assert [
        code for code, glyph in known.items() if line_breaks._advance(chr(code), is_bold) != advances[glyph][0] / em
    ] == []
    assert line_breaks._advance("\U0010fffd", is_bold) == 1.0
