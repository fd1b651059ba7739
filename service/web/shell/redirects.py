"""Addresses that a browser sends: only those of this site lead anywhere."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from flask import url_for


def split_address(address: str | None) -> SplitResult:
    """Take an address apart; one that is malformed is empty."""
    try:
        return urlsplit(address or "")
    except ValueError:
        return urlsplit("")


def local_address(address: str) -> str:
    """Return an address of this site, the start page for every other one and for one with control characters."""
    is_local = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if is_local else url_for("home.index")
