"""Rich text of bulletins: what an author may mark up, everything else taken out; and the same as plain text."""

from __future__ import annotations

import html
import re
from itertools import groupby
from operator import itemgetter

import nh3

TAGS = {
    "p",
    "br",
    "b",
    "strong",
    "i",
    "em",
    "u",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "blockquote",
    "hr",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
ATTRIBUTES = {"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}
SCHEMES = {"http", "https", "mailto", "tel"}
_MARKS = {
    "heading": re.compile(r"\s*#{1,6}\s+"),
    "list": re.compile(r"\s*[-*+]\s+"),
    "numbered": re.compile(r"\s*\d{1,3}[.)]\s+"),
}
_INLINE = (
    (re.compile(r"\*\*([^*\n]+)\*\*"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![*\w])[*_]([^*_\n]+)[*_](?![*\w])"), r"<em>\1</em>"),
    (re.compile(r"\[([^\]\n]+)\]\(([^\s()\"<>]+)\)"), r'<a href="\2">\1</a>'),
)
_UNSEEN = re.compile(r"[\x00-\x20\x7f]")
_BREAKS = re.compile(r"<br\s*/?>|</(?:p|h2|h3|li|tr|blockquote)>", re.IGNORECASE)


def clean(markup: str) -> str:
    """HTML with the marks of ``TAGS`` alone: no script, style, picture, form or foreign address survives."""
    return nh3.clean(
        markup,
        tags=TAGS,
        attributes=ATTRIBUTES,
        attribute_filter=_filter_attribute,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
    ).strip()


def _filter_attribute(_tag: str, name: str, value: str) -> str | None:
    """Drop an address of another host that names no scheme, as a browser reads it: without blanks, ``\\`` as ``/``."""
    if name == "href" and _UNSEEN.sub("", value).replace("\\", "/").startswith("//"):
        return None
    return value


def from_plain(text: str) -> str:
    """HTML of a text typed without an editor: a paragraph a line."""
    return "".join(f"<p>{html.escape(line.strip())}</p>" for line in text.splitlines() if line.strip())


def from_markdown(text: str) -> str:
    """HTML of the marks that people write in a form's text: headings, lists, emphasis, links; the rest is text."""
    blocks = (_block(lines) for block in re.split(r"\n\s*\n", text.strip()) for lines in _alike(block.splitlines()))
    return clean("".join(blocks))


def _alike(lines: list[str]) -> list[list[str]]:
    """Part the lines of a block into headings, lists and the rest."""
    parts = [(_kind(line), line) for line in lines]
    return [[line for _, line in group] for _, group in groupby(parts, key=itemgetter(0))]


def _kind(line: str) -> str:
    return next((kind for kind, mark in _MARKS.items() if mark.match(line)), "")


def _block(lines: list[str]) -> str:
    kind = _kind(lines[0])
    texts = [_inline(_MARKS[kind].sub("", line, count=1) if kind else line.strip()) for line in lines]
    if kind == "heading":
        return "".join(f"<h3>{text}</h3>" for text in texts)
    if kind:
        tag = "ul" if kind == "list" else "ol"
        return f"<{tag}>{''.join(f'<li>{text}</li>' for text in texts)}</{tag}>"
    return f"<p>{'<br>'.join(texts)}</p>"


def _inline(text: str) -> str:
    text = html.escape(text, quote=False)
    for mark, markup in _INLINE:
        text = mark.sub(markup, text)
    return text


def to_plain(markup: str) -> str:
    """The text without marks, line by line, for exports and search."""
    text = html.unescape(nh3.clean(_BREAKS.sub("\n", markup), tags=set()))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
