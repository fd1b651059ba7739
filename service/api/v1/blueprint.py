"""The door of ``/api/v1``: who may come in, and ``Room``, the blueprint whose operations say what they ask, answer and refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, TypeVar, cast

import orjson
from flask import Response, current_app, g, request
from flask.globals import request_ctx
from flask_babel import force_locale
from flask_smorest import Blueprint
from marshmallow import Schema
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from service.api.http.auth import identify
from service.api.http.errors import language
from service.api.v1 import problem_json
from service.api.v1.request_parser import IDEMPOTENCY, IF_MATCH, Parser
from service.domain.accounts.permissions import Action, may
from service.domain.accounts.roles import Role
from service.domain.values import privacy
from service.errors import N_, AnpeiError, NotAllowed
from service.models.db.errors import DatabaseAway
from service.models.tables.user import User
from service.workflow.authorization import obstacle_before_record

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/v1"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE")
ALWAYS = (400, 401, 403, 429, 500, 503)
FILE = {"type": "string", "contentMediaType": "application/octet-stream"}
HEADERS: Mapping[str, dict[str, Any]] = {
    IDEMPOTENCY: {
        "name": IDEMPOTENCY,
        "in": "header",
        "required": False,
        "schema": {"type": "string", "format": "uuid"},
        "description": "同一个键重发时不重复办理，给出同一答复。 / Sent twice with the same key, it is done once and answered alike.",
    },
    IF_MATCH: {
        "name": IF_MATCH,
        "in": "header",
        "required": False,
        "schema": {"type": "string"},
        "description": "读取时得到的 ETag；其间有人改过则 412。 / The ETag that was read; 412 if somebody changed it since.",
    },
}


class Room(Blueprint):
    """The operations on one noun."""

    ARGUMENTS_PARSER = Parser()

    def __init__(self, noun: str, says: str) -> None:
        super().__init__(f"v1_{noun}", __name__, url_prefix=PREFIX, description=says)
        self.noun = noun
        self.before_request(enter)
        self.after_request(close)
        self.register_error_handler(AnpeiError, problem_json.render)
        self.register_error_handler(HTTPException, problem_json.render_http)
        self.register_error_handler(DatabaseAway, problem_json.render_outage)
        self.register_error_handler(Exception, problem_json.render_fault)

    def operation(
        self,
        method: str,
        rule: str,
        says: str,
        english: str,
        *,
        needs: Iterable[Action] = (),
        query: type[Schema] | None = None,
        body: type[Schema] | None = None,
        answer: type[Schema] | None = None,
        status: int = 200,
        refuses: Iterable[int] = (),
        headers: Iterable[str] = (),
        gives: Mapping[str, Any] | None = None,
        file: str = "",
    ) -> Callable[[View], View]:
        """Register a view and describe it truly.

        needs: one of these the role must be able to do. The view takes the ids of the address, then what ``query`` and
        ``body`` read. refuses: statuses beyond those that follow from the rest. gives: headers of the answer; file: the
        media type of an answer that is no JSON.
        """

        def mark(view: View) -> View:
            run = _answered(view, answer, status, tuple(needs))
            run = self.response(
                status,
                FILE if file else answer,
                description=english,
                headers=dict(gives or {}),
                content_type=file or None,
            )(run)
            for code in sorted({*ALWAYS, *refuses, *_implied(rule, query, body)}):
                run = self.alt_response(code, response=f"PROBLEM_{code}")(run)
            if body:
                run = self.arguments(body, location="json")(run)
            if query:
                run = self.arguments(query, location="query")(run)
            told: dict[str, Any] = {"parameters": [HEADERS[name] for name in headers]} if headers else {}
            run = self.doc(summary=f"{says} / {english}", operationId=view.__name__, **told)(run)
            self.add_url_rule(rule, view.__name__, run, methods=[method], tags=[self.noun])
            return view

        return mark


def enter() -> Response | None:
    """Credentials by HTTP Basic and never by a cookie; then the unit's own record (R3); then the role.

    OPTIONS asks nothing of anybody: it tells the methods of an address.
    """
    if request.method == "OPTIONS":
        return Response(status=204, headers={"Allow": ", ".join(_taken())})
    if request.headers.get("Sec-Fetch-Site") in (
        "cross-site",
        "same-site",
    ):  # a browser sends what it remembers unasked
        raise NotAllowed(N_("其他网站的页面不能调用本接口。"))
    user = identify()
    g.user, g.user_id = user, user.id
    if user.privacy_version < privacy.VERSION:
        raise NotAllowed(N_("请先在网页上登录，阅读个人信息处理告知。"))
    actions: tuple[Action, ...] = getattr(current_app.view_functions[str(request.endpoint)], "needs", ())
    if why := obstacle_before_record(user, actions):
        raise NotAllowed(why)
    if actions and not any(may(Role(user.role), action) for action in actions):
        raise NotAllowed
    return None


def close(response: Response) -> Response:
    """Nothing of this is kept by a cache without asking."""
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Vary"] = "Authorization, Accept-Language"
    return response


def user() -> User:
    """The account whose credentials came with this request."""
    return cast(User, g.user)


def tagged(version: int) -> dict[str, str]:
    """The header by which a client can say which version of a row it read."""
    return {"ETag": f'"{version}"'}


def unknown(_rest: str) -> None:
    """No such address; or one that takes other methods, which are named in ``Allow`` (RFC 9110)."""
    if taken := _taken():
        raise MethodNotAllowed(valid_methods=taken)
    raise NotFound


def _taken() -> list[str]:
    """The methods that the address of this request takes."""
    adapter = request_ctx.url_adapter
    assert adapter is not None
    return [method for method in METHODS if not adapter.match(method=method)[0].startswith("v1_unknown.")]


def _answered(view: Callable[..., Any], schema: type[Schema] | None, status: int, needs: tuple[Action, ...]) -> Any:
    """The view, its result written by the schema: content, or content and headers."""
    shape = schema() if schema else None

    @wraps(view)
    def run(*read: Any, **ids: Any) -> Response:
        with force_locale(language()):
            found = view(*ids.values(), *read)
            if isinstance(found, Response):
                return found
            content, headers = found if isinstance(found, tuple) else (found, {})
            if shape is None:
                return Response(status=status, headers=headers)
            return Response(orjson.dumps(shape.dump(content)), status, headers, content_type="application/json")

    run.needs = needs  # type: ignore[attr-defined]
    return run


def _implied(rule: str, query: type[Schema] | None, body: type[Schema] | None) -> set[int]:
    """Statuses that follow from what an operation reads."""
    found = {404} if "<" in rule else set()
    found |= {422} if query or body else set()
    return found | ({413, 415} if body else set())
