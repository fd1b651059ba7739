"""The OpenAPI document of ``/api/v1`` and the page on which it is read and tried out."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Blueprint, Flask, Response, render_template
from flask_smorest import Api
from werkzeug.routing import PathConverter

from service.api.v1.blueprint import (
    ALWAYS,
    METHODS,
    PREFIX,
    Room,
    unknown,
)
from service.api.v1.problem_json import PROBLEM, TITLES
from service.api.v1.schemas import pages as shapes
from service.validation.fields import Field

FIELDED = (422,)  # statuses whose problem names the fields
HEADER = {"description": "请求编号。 / Number of the request.", "schema": {"type": "string"}}
ABOUT = """安培的业务接口：单位、人员、培训班、报名、成绩、证书、报表。规则、范围和提示与网页完全一致；所有改动照常记入办理记录。

- **身份**：HTTP Basic，用自己的账号和密码；没有会话，不用 Cookie。
- **范围**：管辖范围之外的一律 404。个人号码默认遮挡，查看全号用 POST，每次记入审计。
- **列表**：`limit`、`cursor` 翻页，`next` 为 null 即到底；要总数加 `total=true`。
- **错误**：`application/problem+json`（RFC 9457），`detail` 说明该怎么办，`errors` 指出各项的问题；语言随 `Accept-Language`。
- **并发**：读取时得到 `ETag`，修改时放入 `If-Match`，其间被改过则 412。批量办理带 `Idempotency-Key`，重发不重办。

The business interface of Anpei, with the same rules, scopes and messages as its pages. HTTP Basic; what is out of scope is
404; personal numbers are masked; lists go by `cursor`; errors are RFC 9457 problems in the language of `Accept-Language`;
`If-Match` guards changes and `Idempotency-Key` makes batches safe to send again."""


def json_type(_converter: Any, field: Any, **_options: Any) -> dict[str, Any]:
    """For apispec: the JSON type of our fields, in the notation of OpenAPI 3.1."""
    if not isinstance(field, Field):
        return {}
    return {"type": [field.json_type, "null"] if field.allow_none else field.json_type}


class Interface(Api):
    """The collector of operations; error handlers and pages are our own."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self) -> None:
        plugin = MarshmallowPlugin()
        super().__init__(
            spec_kwargs={
                "title": "安培 REST 接口 / Anpei REST",
                "version": "1",
                "openapi_version": "3.1.0",
                "marshmallow_plugin": plugin,
                "info": {"description": ABOUT},
                "servers": [{"url": "/"}],
                "security": [{"basic": []}],
            }
        )
        self.plugin = plugin

    def _register_error_handlers(self) -> None:
        """None for the whole application: errors of the pages are the pages' matter."""

    def _register_responses(self) -> None:
        for status in TITLES:
            schema = shapes.FieldProblem if status in FIELDED else shapes.Problem
            content: dict[str, Any] = {
                "description": TITLES[status],
                "content": {PROBLEM: {"schema": schema}},
                "headers": {"X-Request-ID": HEADER},
            }
            self.spec.components.response(f"PROBLEM_{status}", content, lazy=True)

    def init_app(self, app: Flask, **more: Any) -> None:
        """Prepare the document; then the rooms are registered."""
        super().init_app(app, **more)
        assert self.plugin.converter is not None
        self.plugin.converter.add_attribute_function(json_type)  # type: ignore[no-untyped-call]
        self.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})

    @cached_property
    def document(self) -> bytes:
        """The OpenAPI document as JSON."""
        content = self.spec.to_dict()
        content["tags"] = [{**tag, "name": tag["name"].removeprefix("v1_")} for tag in content["tags"]]
        return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)


class Anything(PathConverter):
    """The rest of an address, line breaks included."""

    regex = "[^/](?s:.)*?"


def register(app: Flask, rooms: tuple[Room, ...]) -> list[Blueprint]:
    """Put the rooms into the application, and the document and its page beside them; returns the blueprints."""
    interface = Interface()
    interface.init_app(app)
    for room in rooms:
        interface.register_blueprint(room)
    app.url_map.converters["anything"] = Anything
    rest = Room("unknown", "")
    rest.add_url_rule("/", unknown.__name__, unknown, methods=METHODS, defaults={"_rest": ""}, strict_slashes=False)
    rest.add_url_rule("/<anything:_rest>", unknown.__name__, unknown, methods=METHODS)
    app.register_blueprint(rest)
    pages = _pages(interface)
    app.register_blueprint(pages)
    return [*rooms, rest, pages]


def _pages(interface: Interface) -> Blueprint:
    pages = Blueprint("api_documents", __name__, url_prefix="/api")

    @pages.get("/openapi.json")
    def openapi() -> Response:
        return Response(interface.document, content_type="application/json")

    @pages.get("/docs")
    def docs() -> str:
        return render_template("pages/api/docs.html")

    return pages


__all__ = ["ALWAYS", "PREFIX", "Interface", "register"]
