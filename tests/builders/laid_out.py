"""Documents as they are laid out: the texts of each page with their places, without writing a PDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from weasyprint import CSS, HTML

from service.config import TEMPLATES
from service.infrastructure.documents import pdf_renderer


class Text(NamedTuple):
    """A piece of text and its extent in pixels of CSS: of its em square, which the ink fills."""

    words: str
    left: float
    top: float
    right: float
    bottom: float


def lay_out(html: str, style: str) -> list[Any]:
    """The pages of a document. style: below ``templates``."""
    fetcher, fonts = pdf_renderer.OwnFiles(allow_redirects=False), pdf_renderer.fonts()
    sheet = CSS(TEMPLATES / style, font_config=fonts, url_fetcher=fetcher)
    page = HTML(string=html, base_url=TEMPLATES.as_uri() + "/", url_fetcher=fetcher)
    return list(page.render(stylesheets=[sheet], font_config=fonts).pages)


def boxes(box: Any) -> Iterator[Any]:
    """A box and everything in it."""
    yield box
    for child in getattr(box, "children", ()):
        yield from boxes(child)


def root(page: Any) -> Any:
    """The box of a page, margins included."""
    return page._page_box


def tag(box: Any) -> str:
    """The element that made the box."""
    return str(getattr(box, "element_tag", ""))


def text_of(box: Any) -> Text | None:
    """The text of a box, if it is one."""
    if not hasattr(box, "text"):
        return None
    base, size = box.position_y + box.baseline, box.style["font_size"]
    return Text(box.text, box.position_x, base - 0.88 * size, box.position_x + box.width, base + 0.12 * size)


def texts_of(box: Any) -> list[Text]:
    """All texts in a box, in their order."""
    return [found for one in boxes(box) if (found := text_of(one)) is not None and found.words.strip()]


def words_of(box: Any) -> str:
    """The words in a box."""
    return "".join(text.words for text in texts_of(box))
