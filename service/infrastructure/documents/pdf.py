"""Documents for paper: Jinja templates of ``templates/certificates`` and ``templates/documents`` → PDF.

Facts come in ready, pictures as data: no query and no translation happens here.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import segno
from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from service.config import TEMPLATES
from service.infrastructure.documents import line_breaks

if TYPE_CHECKING:
    from service.infrastructure.documents.pdf_renderer import PdfDocument


def render(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template in; a fact that it asks for and nobody gave is an error."""
    return _environment().get_template(template).render(facts)


def print_pdf(html: str, *, style: str) -> bytes:
    """Lay the document out as PDF/A-3 with embedded fonts. ``style``: a style sheet's path below ``templates``."""
    document = new_pdf("", style=style)
    document.add(html)
    return document.content()


def new_pdf(title: str, *, style: str) -> PdfDocument:
    """Begin a file that is laid out piece by piece; all pieces have the same style sheet."""
    # WeasyPrint takes half a second to import, which programs that print nothing need not pay
    from service.infrastructure.documents import pdf_renderer

    return pdf_renderer.PdfDocument(title, style=style)


def qr_code(text: str) -> Markup:
    """An inline SVG square of the text, error correction M."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", border=0, xmldecl=False, svgns=True, omitsize=True)
    return Markup(out.getvalue().decode())  # noqa: S704 — made by segno from modules, no text from outside in it


def picture(jpeg: bytes) -> str:
    """A JPEG as an address inside the document."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["fit"] = _fit
    return environment


def _fit(text: str, width: float, height: float, size: float, **more: bool) -> Markup:
    """``{{ text | fit(65, 14, 15) }}``: in a box of millimetres, in type of at most so many points."""
    return line_breaks.markup(str(text), line_breaks.Box(width, height, size, **more))
