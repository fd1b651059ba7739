"""The OpenAPI document of ``/api/v1`` and the page on which it is read and tried out."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import orjson
from apispec import BasePlugin
from flask import Blueprint as PlainBlueprint
from flask import Flask, Response, render_template
from flask_smorest import Api
from werkzeug.routing import PathConverter

from service.api.v1.blueprint import METHODS, Blueprint, unknown
from service.api.v1.problem_json import PROBLEM, TITLES
from service.api.v1.schemas import pages as schemas
from service.validation.fields import Field

ALWAYS = (400, 401, 403, 429, 500, 503)
OF_A_BODY = (413, 415)
INVALID = 422  # the problem that names the fields
HEADER = {"description": "请求编号。 / Number of the request.", "schema": {"type": "string"}}
ABOUT = """安培的业务接口：单位、人员、培训班、报名、成绩、证书、报表。
规则、范围和提示与网页完全一致；所有改动照常记入办理记录。

- **身份**：HTTP Basic，用自己的账号和密码；没有会话，不用 Cookie。
- **范围**：管辖范围之外的一律 404。个人号码默认遮挡，查看全号用 POST，每次记入审计。
- **列表**：`limit`、`cursor` 翻页，`next` 为 null 即到底；要总数加 `total=true`。
- **错误**：`application/problem+json`（RFC 9457），`detail` 说明该怎么办，`errors` 指出各项的问题；
  语言随 `Accept-Language`。
- **并发**：读取时得到 `ETag`，修改时放入 `If-Match`，其间被改过则 412。批量办理带 `Idempotency-Key`，重发不重办。

The business interface of Anpei, with the same rules, scopes and messages as its pages.
HTTP Basic; what is out of scope is 404; personal numbers are masked; lists go by `cursor`;
errors are RFC 9457 problems in the language of `Accept-Language`;
`If-Match` guards changes and `Idempotency-Key` makes batches safe to send again."""


class Operations(BasePlugin):
    """Completes every operation: its id, its tag, and the problems that follow from what it reads."""

    def operation_helper(
        self, path: str | None = None, operations: dict[Any, Any] | None = None, **options: Any
    ) -> None:
        """Complete the operations of one address; ``rule`` is Flask's."""
        noun, _, name = options["rule"].endpoint.removeprefix("v1_").partition(".")
        for operation in (operations or {}).values():
            operation |= {"operationId": name, "tags": [noun]}
            responses = operation["responses"]
            found = {*ALWAYS, *({INVALID} & set(responses))}
            found |= {404} if "{" in str(path) else set()
            found |= set(OF_A_BODY) if "requestBody" in operation else set()
            responses |= {status: f"PROBLEM_{status}" for status in sorted(found)}


class Anything(PathConverter):
    """The rest of an address, line breaks included."""

    regex = "[^/](?s:.)*?"


def register(app: Flask, blueprints: Sequence[Blueprint]) -> None:
    """Put the blueprints into the application, with the document and its page beside them."""
    api = Api(
        app,
        spec_kwargs={
            "title": "安培 REST 接口 / Anpei REST",
            "version": "1",
            "openapi_version": "3.1.0",
            "extra_plugins": [Operations()],
            "info": {"description": ABOUT},
            "servers": [{"url": "/"}],
            "security": [{"basic": []}],
        },
    )
    api.DEFAULT_ERROR_RESPONSE_NAME = None  # each operation names its own problems
    api.spec.components.security_scheme("basic", {"type": "http", "scheme": "basic"})
    for kind in Field.__subclasses__():
        api.register_field(kind, kind.json_type, None)
    for status, title in TITLES.items():
        schema = schemas.FieldProblem if status == INVALID else schemas.Problem
        content = {"description": title, "content": {PROBLEM: {"schema": schema}}, "headers": {"X-Request-ID": HEADER}}
        api.spec.components.response(f"PROBLEM_{status}", content, lazy=True)
    for blueprint in blueprints:
        api.register_blueprint(blueprint)
    app.url_map.converters["anything"] = Anything
    rest = Blueprint("v1_unknown", __name__)
    rest.add_url_rule("/", view_func=unknown, methods=METHODS, defaults={"_rest": ""}, strict_slashes=False)
    rest.add_url_rule("/<anything:_rest>", view_func=unknown, methods=METHODS)
    app.register_blueprint(rest)
    app.register_blueprint(_pages(api))


def _pages(api: Api) -> PlainBlueprint:
    pages = PlainBlueprint("api_documents", __name__, url_prefix="/api")

    @cache
    def document() -> bytes:
        content = api.spec.to_dict()
        content["tags"] = [{**tag, "name": tag["name"].removeprefix("v1_")} for tag in content["tags"]]
        return orjson.dumps(content, option=orjson.OPT_NON_STR_KEYS)

    @pages.get("/openapi.json")
    def openapi() -> Response:
        return Response(document(), content_type="application/json")

    @pages.get("/docs")
    def docs() -> str:
        return render_template("pages/api/docs.html")

    return pages
