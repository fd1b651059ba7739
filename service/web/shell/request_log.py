"""One line a request, without personal data: the rule of the address, never the address;
the account's id, never its name.
"""

from __future__ import annotations

import secrets
import time

import structlog
from flask import Flask, Response, g, request

from service.infrastructure import logging

log = structlog.get_logger("anpei.request")
QUIET = ("static", "health.healthz", "health.readyz")


def register(app: Flask) -> None:
    """Number and time every request."""
    logging.configure()
    app.before_request(begin)
    app.after_request(finish)


def begin() -> None:
    """Give the request its id, which error pages show and logs hold."""
    g.request_id = secrets.token_hex(6)
    g.began = time.perf_counter()


def finish(response: Response) -> Response:
    """Write the line; the id goes along in ``X-Request-ID``."""
    response.headers["X-Request-ID"] = g.get("request_id", "-")
    if request.endpoint not in QUIET:
        rule = str(request.url_rule) if request.url_rule else "-"
        milliseconds = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
        log.info(
            "request",
            id=g.get("request_id"),
            method=request.method,
            rule=rule,
            status=response.status_code,
            ms=milliseconds,
            user=str(g.get("user_id", "-")),
        )
    return response
