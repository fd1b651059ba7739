"""Documents for paper: Jinja templates of ``templates/certificates`` and ``templates/documents`` → PDF. Knows no table.

The renderer reads nothing but our own styles and fonts; pictures come in as data. Facts come in ready: no query, no
translation happens here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import segno
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher

from service.config import CHECKOUT

TEMPLATES = CHECKOUT / "templates"
FONTS = CHECKOUT / "service" / "static" / "vendor" / "fonts"
FACES = (
    ("Noto Sans SC", 400, "NotoSansSC-Regular.ttf"),
    ("Noto Sans SC", 700, "NotoSansSC-Bold.ttf"),
    ("Noto Serif SC", 700, "NotoSerifSC-Bold.ttf"),
)


class OwnFiles(URLFetcher):
    """Fetches files below our own folders and data in the document; every other address is refused."""

    def fetch(self, url: str, headers: Any = None) -> Any:
        """Raises ``ValueError`` for an address that is not ours; the renderer then leaves the thing out."""
        folders = (TEMPLATES.as_uri() + "/", FONTS.as_uri() + "/")
        if url.startswith("data:image/") or (url.startswith(folders) and ".." not in url and "%2e" not in url.lower()):
            return super().fetch(url, headers)
        raise ValueError(f"not one of our files: {url[:80]}")


def render(template: str, facts: Mapping[str, Any]) -> str:
    """The document as HTML; a fact that the template asks for and nobody gave is an error."""
    return _environment().get_template(template).render(facts)


def print_pdf(html: str, *, style: str, title: str = "") -> bytes:
    """The document as PDF/A-3 with embedded fonts. ``style``: a style sheet's path below ``templates``."""
    font_config = _fonts()
    sheets = [CSS(TEMPLATES / style, font_config=font_config, url_fetcher=OwnFiles(allow_redirects=False))]
    page = HTML(string=html, base_url=TEMPLATES.as_uri() + "/", url_fetcher=OwnFiles(allow_redirects=False))
    return bytes(
        page.write_pdf(stylesheets=sheets, font_config=font_config, pdf_variant="pdf/a-3u", optimize_images=False)
    )


class Pages:
    """One file laid out piece by piece, so that its progress can be told; pieces have the same style sheet."""

    def __init__(self, title: str, *, style: str) -> None:
        self._title, self._fonts = title, _fonts()
        self._sheets = [CSS(TEMPLATES / style, font_config=self._fonts, url_fetcher=OwnFiles(allow_redirects=False))]
        self._documents: list[Any] = []

    def add(self, html: str) -> None:
        """Lay out one piece."""
        page = HTML(string=html, base_url=TEMPLATES.as_uri() + "/", url_fetcher=OwnFiles(allow_redirects=False))
        self._documents.append(
            page.render(
                stylesheets=self._sheets, font_config=self._fonts, pdf_variant="pdf/a-3u", optimize_images=False
            )
        )

    def pdf(self) -> bytes:
        """The whole file as PDF/A-3; there must be a piece."""
        pages = [page for document in self._documents for page in document.pages]
        whole = self._documents[0].copy(pages)
        whole.metadata.title = self._title
        return bytes(whole.write_pdf(pdf_variant="pdf/a-3u", optimize_images=False))


def qr_code(text: str) -> Markup:
    """An inline SVG square of the text, error correction M."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True)
    return Markup(out.getvalue().decode())  # noqa: S704 — made by segno from modules, no text of ours in it


def picture(jpeg: bytes) -> str:
    """A JPEG as an address inside the document."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _fonts() -> FontConfiguration:
    """The fonts of this process: ours where set-up put them, else what the system has for the same families."""
    configuration = FontConfiguration()
    for family, weight, file in FACES:
        if (FONTS / file).exists():
            address = (FONTS / file).as_uri()
            rule = f"@font-face {{ font-family: '{family}'; font-weight: {weight}; src: url('{address}'); }}"
            CSS(string=rule, font_config=configuration, url_fetcher=OwnFiles(allow_redirects=False))
    return configuration
