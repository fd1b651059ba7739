"""What a process that lays out hundreds of faces keeps: no picture of a page that is done, no copy of a font."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from service.config import FONTS
from service.infrastructure.documents import pdf, pdf_renderer
from tests.builders.world import portrait

HTML = (
    '<!doctype html><html lang="zh-CN"><head><title>x</title></head><body><img alt="x" src="{}">安全资格</body></html>'
)


def test_the_pictures_of_a_page_are_forgotten_with_it() -> None:
    """An address is remembered by what takes addresses apart, and a picture inside a document is one."""
    document = pdf.new_pdf("x", style="documents/paper.css")
    for size in range(3):
        document.add(HTML.format(pdf.picture(portrait(295 + size))))
    assert urlsplit.cache_info().currsize == 0
    assert document.content().startswith(b"%PDF")


def test_each_font_is_mapped_from_one_file_by_all_processes() -> None:
    present = {(FONTS / file).resolve() for _, _, file in pdf_renderer.FACES if (FONTS / file).exists()}
    copies = list(Path(pdf_renderer.fonts()._folder).iterdir())
    assert {copy.resolve() for copy in copies} == present
    assert present
