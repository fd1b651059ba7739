"""Protection of the browser: response headers and the session's cookie."""

from __future__ import annotations

from flask import Flask, Response, abort, request
from flask.sessions import SecureCookieSessionInterface
from flask_login import current_user

from service.infrastructure.http_server import HOLD_ANSWER

# Styles may stand in the page: bpmn-js writes style attributes. Scripts may not, not even with a nonce.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
CAMERA = "camera=(self), microphone=(), geolocation=()"  # of a page that reads codes with the camera
REFUSAL_SECONDS = 2.0  # before "too many attempts" is sent, so that whoever goes on trying waits, and we do not
YEAR = 365 * 24 * 60 * 60


MAX_SENT_BYTES: dict[str, int] = {}
"""Endpoints that take more in one request than ``MAX_CONTENT_LENGTH``,
from whoever is signed in, and how many bytes.
"""

CACHEABLE = {"static"}
"""Endpoints whose answers a cache may keep, because an address never shows anything else; nothing personal is one."""


class Cookies(SecureCookieSessionInterface):
    """Session cookies that are Secure whenever the request came by HTTPS, so that plain HTTP works on one machine."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def register(app: Flask) -> None:
    """Cookies and headers of every answer."""
    app.session_interface = Cookies()
    app.config.update(
        SESSION_COOKIE_NAME="anpei",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SEND_FILE_MAX_AGE_DEFAULT=YEAR,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
    )
    app.config.setdefault("WTF_CSRF_ENABLED", True)
    app.before_request(refuse_nul)
    app.after_request(protect)


def refuse_nul() -> None:
    """No text has a NUL in it, and the database keeps none: a request that sends one is malformed (400)."""
    if (
        request.endpoint in MAX_SENT_BYTES and current_user.is_authenticated
    ):  # before the form is read for the first time
        request.max_content_length = MAX_SENT_BYTES[request.endpoint]
    sent = (text for values in (request.args, request.form) for pair in values.items(multi=True) for text in pair)
    if "\0" in request.path or any("\0" in text for text in sent):
        abort(400)


def protect(response: Response) -> Response:
    """Add the headers, hold refusals back; no cache keeps an answer, whatever the view or the library says of it."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
    if request.endpoint not in CACHEABLE or response.status_code >= 400:
        response.headers["Cache-Control"] = "no-store"
    if response.status_code == 429 and (hold := request.environ.get(HOLD_ANSWER)):
        hold(REFUSAL_SECONDS)
    return response
