"""Rich text of bulletins: what an author may mark up, everything else taken out; and the same as plain text."""

from __future__ import annotations

import html
import re

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


def to_plain(markup: str) -> str:
    """The text without marks, line by line, for exports and search."""
    text = html.unescape(nh3.clean(_BREAKS.sub("\n", markup), tags=set()))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
