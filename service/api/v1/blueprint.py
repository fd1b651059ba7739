"""The blueprint of ``/api/v1``: credentials, the unit's record and the role before each view;
headers and errors after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import flask_smorest
from flask import Response, current_app, g, request
from flask.globals import request_ctx
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service.api.http.auth import identify
from service.api.http.errors import language
from service.api.v1 import problem_json
from service.api.v1.request_parser import Parser
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.errors import N_, AnpeiError, NotAllowed
from service.models.db.errors import DATABASE_ERRORS
from service.models.tables.accounts.user import User
from service.workflow.authorization import obstacle_before_record

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
CROSS_SITE = ("cross-site", "same-site")


class Blueprint(flask_smorest.Blueprint):
    """The operations on one noun, under ``/api/v1``."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, import_name: str, **options: Any) -> None:
        super().__init__(name, import_name, url_prefix=PREFIX, **options)
        self.before_request(authenticate_request)
        self.after_request(set_headers)
        self.register_error_handler(AnpeiError, problem_json.render)
        self.register_error_handler(HTTPException, problem_json.render_http)
        for kind in DATABASE_ERRORS:
            self.register_error_handler(kind, problem_json.render_database_error)
        self.register_error_handler(Exception, problem_json.render_fault)


def requires_permission(*actions: Action) -> Callable[[View], View]:
    """Open the view to roles that may do one of ``actions``; one without this mark is for every account."""

    def mark(view: View) -> View:
        view.access = actions  # type: ignore[attr-defined]
        return view

    return mark


def authenticate_request() -> Response | None:
    """Ask for credentials by HTTP Basic, never by a cookie; then for the unit's record (R3); then for the role.

    OPTIONS asks nothing of anybody: it tells the methods of an address. Raises SignInNeeded, NotAllowed.
    """
    g.language = language()
    if request.method == "OPTIONS":
        return Response(status=204, headers={"Allow": ", ".join(_allowed_methods())})
    if request.headers.get("Sec-Fetch-Site") in CROSS_SITE:  # a browser sends what it remembers unasked
        raise NotAllowed(N_("其他网站的页面不能调用本接口。"))
    user = identify()
    g.user, g.user_id = user, user.id
    actions: tuple[Action, ...] = getattr(current_app.view_functions[str(request.endpoint)], "access", ())
    if why := obstacle_before_record(user, actions):
        raise NotAllowed(why)
    if actions and not any(may(Role(user.role), action) for action in actions):
        raise NotAllowed
    return None


def set_headers(response: Response) -> Response:
    """Let no cache keep an answer without asking."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Vary"] = "Authorization, Accept-Language"
    return response


def user() -> User:
    """Return the account whose credentials came with this request."""
    return cast(User, g.user)


def etag(version: int) -> dict[str, str]:
    """Build the header by which a client can name the version of a row that it read."""
    return {"ETag": f'"{version}"'}


def unknown(_rest: str) -> None:
    """Refuse an address that is none (404), or the method of one that takes others, named in ``Allow`` (RFC 9110)."""
    if allowed := _allowed_methods():
        raise MethodNotAllowed(valid_methods=allowed)
    raise NotFound


def _allowed_methods() -> list[str]:
    """Return the methods that the address of this request takes."""
    adapter = request_ctx.url_adapter
    assert adapter is not None
    return [method for method in METHODS if not adapter.match(method=method)[0].startswith("v1_unknown.")]
