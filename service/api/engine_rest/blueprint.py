"""The blueprint of ``/engine-rest``: credentials, origins and JSON. Its routes are in the modules beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import orjson
from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType

from service.api.http.auth import authenticate
from service.api.http.errors import (
    language,
    render,
    render_database_error,
    render_fault,
    render_http,
)
from service.errors import N_, AnpeiError, NotAllowed, NotFound
from service.models.db.errors import DATABASE_ERRORS
from service.models.tables.accounts.user import User

VERSION = "7.24.0"  # of the dialect: what clients compare themselves with
ORIGINS = ("file://", "null")  # Camunda Modeler runs from a file
CROSS_SITE = ("cross-site", "same-site")
METHODS = ["GET", "POST", "PUT", "DELETE"]

blueprint = Blueprint("engine_rest", __name__, url_prefix="/engine-rest")
blueprint.register_error_handler(AnpeiError, render)
blueprint.register_error_handler(HTTPException, render_http)
for kind in DATABASE_ERRORS:
    blueprint.register_error_handler(kind, render_database_error)
blueprint.register_error_handler(Exception, render_fault)


@blueprint.before_request
def authenticate_request() -> Response | None:
    """Ask for credentials by HTTP Basic, never by a cookie; a preflight needs none."""
    g.language = language()
    if request.method == "OPTIONS":
        return no_content()
    if request.method != "GET" and _is_unasked():
        raise NotAllowed(N_("其他网站的页面不能调用本接口。"))
    g.user = authenticate()
    g.user_id = g.user.id  # for the line of the request in the log
    return None


def _is_unasked() -> bool:
    """Tell whether another site's page sent it without a preflight: with the password that the browser remembers.

    No page of a site has the origin of a file, which Camunda Modeler has.
    """
    is_elsewhere = request.headers.get("Sec-Fetch-Site") in CROSS_SITE and request.headers.get("Origin") != ORIGINS[0]
    return is_elsewhere and request.mimetype != "application/json"


@blueprint.after_request
def allow_origin(response: Response) -> Response:
    """Let a page opened from a file read the answers; no other origin."""
    origin = request.headers.get("Origin")
    if origin in ORIGINS:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Headers"] = "authorization,content-type,accept"
        response.headers["Access-Control-Allow-Methods"] = ",".join((*METHODS, "OPTIONS"))
    response.headers["Vary"] = "Origin"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/version")
def show_version() -> Response:
    return json_response({"version": VERSION})


@blueprint.route("/<path:_rest>", methods=[*METHODS, "PATCH"])
def unknown(_rest: str) -> Response:
    raise NotFound(N_("没有这个接口，或它不接受这种请求方法。"))


def user() -> User:
    """Return the account whose credentials came with this request."""
    return cast(User, g.user)


def json_response(content: Any, status: int = 200) -> Response:
    """Answer with the content as JSON."""
    return Response(orjson.dumps(content), status, content_type="application/json")


def no_content() -> Response:
    """Answer 204."""
    return Response(status=204)


def json_body() -> Mapping[str, Any]:
    """Read the JSON object of the request; an absent body is an empty one. Raises 415 and 400 as Camunda does."""
    if request.mimetype not in ("", "application/json"):
        raise UnsupportedMediaType
    if not (raw := request.get_data()):
        return {}
    if not request.mimetype:
        raise UnsupportedMediaType
    try:
        content = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(N_("请求正文不是有效的 JSON，请检查后再发。")) from error
    if not isinstance(content, dict):
        raise BadRequest(N_("请求正文必须是一个 JSON 对象。"))
    return content
