"""Routes of requests before a thread is used: which threads serve one, and how many bytes it may be sent."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter, RequestRedirect

from service.infrastructure.http_server import Route, Router
from service.web.shell.security_headers import MAX_SENT_BYTES

THREADS = {"pages": 4, "api": 4, "files": 2, "passwords": 1, "health": 1}
"""Threads of one web process, by pool. A check of a password is slow and wants 64 MB: one at a time. Whether the
service lives is answered also when everybody waits."""

HEALTH = ("/healthz", "/readyz")

SMALL_BYTES = 64 * 1024  # a form without a file

CHECKS_PASSWORD: set[str] = set()
"""Endpoints whose POST checks a password."""


def router(app: Flask) -> Router:
    """Make the function that routes the requests of an application."""
    adapter, most_bytes = app.url_map.bind(""), app.config["MAX_CONTENT_LENGTH"]

    def route(method: str, path: str, headers: Mapping[str, str], length: int) -> Route:
        endpoint = "" if method == "GET" else _endpoint(adapter, method, path)
        if path in HEALTH:
            return Route("health", SMALL_BYTES)
        return Route(_pool(endpoint, headers, length), MAX_SENT_BYTES.get(endpoint, most_bytes))

    return route


def _pool(endpoint: str, headers: Mapping[str, str], length: int) -> str:
    if endpoint in CHECKS_PASSWORD:
        return "passwords"
    if not 0 <= length <= SMALL_BYTES or headers.get("CONTENT_TYPE", "").startswith("multipart/"):
        return "files"
    return "api" if "AUTHORIZATION" in headers else "pages"


def _endpoint(adapter: MapAdapter, method: str, path: str) -> str:
    """Find the endpoint of an address, '' when there is none."""
    try:
        return str(adapter.match(path.encode("latin-1").decode(errors="replace"), method)[0])
    except (HTTPException, RequestRedirect):
        return ""
