"""Files as users upload them."""

from __future__ import annotations

import io
from typing import Any

import pikepdf


def pdf(catalogue: dict[str, str] | None = None, **saved: Any) -> bytes:
    """A PDF of one empty page, with more in its catalogue, in the syntax of PDF. saved: how it is written."""
    out = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        for key, value in (catalogue or {}).items():
            document.Root[key] = document.make_indirect(pikepdf.Object.parse(value.encode()))
        document.save(out, **saved)
    return out.getvalue()
