"""The layout of HTML as PDF by WeasyPrint, which reads nothing but the style sheets and fonts of this service."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import clear_cache  # type: ignore[attr-defined] # typeshed leaves it out

from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from service.config import FONTS, TEMPLATES

FACES = (
    ("Noto Sans SC", 400, "NotoSansSC-Regular.ttf"),
    ("Noto Sans SC", 700, "NotoSansSC-Bold.ttf"),
    ("Noto Serif SC", 700, "NotoSerifSC-Bold.ttf"),
)


VARIANT = "pdf/a-3a"  # tagged, with embedded fonts and the text behind every glyph


class OwnFiles(URLFetcher):
    """Fetches style sheets, fonts and pictures inside the document; refuses every other address."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Raises ``ValueError`` for any other address; the renderer then leaves the thing out."""
        folders = (TEMPLATES.as_uri() + "/", FONTS.as_uri() + "/")
        if url.startswith("data:image/") or (url.startswith(folders) and ".." not in url and "%2e" not in url.lower()):
            return super().fetch(url, headers)
        raise ValueError(f"not one of our files: {url[:80]}")


class PdfDocument:
    """One file laid out piece by piece, so that its progress can be told.

    An empty ``title`` keeps that of the first piece; ``style`` is the style sheet's path below ``templates``.
    """

    def __init__(self, title: str, *, style: str) -> None:
        self._title, self._fonts, self._sheets = title, fonts(), [sheet(style)]
        self._documents: list[Any] = []

    def add(self, html: str) -> None:
        """Lay out one piece."""
        page = HTML(string=html, base_url=TEMPLATES.as_uri() + "/", url_fetcher=OwnFiles(allow_redirects=False))
        self._documents.append(
            page.render(stylesheets=self._sheets, font_config=self._fonts, pdf_variant=VARIANT, optimize_images=False)
        )
        clear_cache()  # of addresses: it would keep the pictures of the last 128 pages, which are addresses

    def content(self) -> bytes:
        """The whole file as PDF/A-3; there must be a piece."""
        pages = [page for document in self._documents for page in document.pages]
        whole = self._documents[0].copy(pages)
        if self._title:
            whole.metadata.title = self._title
        return bytes(whole.write_pdf(pdf_variant=VARIANT, optimize_images=False))


@cache
def sheet(style: str) -> CSS:
    """Read a style sheet, once: it costs as much as a page. It declares no fonts, which would have to be loaded."""
    return CSS(TEMPLATES / style, url_fetcher=OwnFiles(allow_redirects=False))


@cache
def fonts() -> FontConfiguration:
    """Load the fonts that set-up fetched; the system's own of the same families stand in for what is missing."""
    configuration = FontConfiguration()
    for family, weight, file in FACES:
        if (FONTS / file).exists():
            address = (FONTS / file).as_uri()
            rule = f"@font-face {{ font-family: '{family}'; font-weight: {weight}; src: url('{address}'); }}"
            CSS(string=rule, font_config=configuration, url_fetcher=OwnFiles(allow_redirects=False))
            _share(FONTS / file, configuration)
    return configuration


def _share(font: Path, configuration: FontConfiguration) -> None:
    """Put the file of a font in the place of the copy that was made of it: processes share the pages of one file."""
    for copy in Path(configuration._folder).iterdir():
        if not copy.is_symlink() and copy.stat().st_size == font.stat().st_size:
            copy.unlink()
            copy.symlink_to(font)
