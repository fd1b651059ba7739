"""Errors of ``/api/v1`` as ``application/problem+json`` (RFC 9457),
in the reader's language; rendered here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Response, current_app, g, request
from werkzeug.exceptions import HTTPException

from service.errors import N_, AnpeiError, InvalidInput, Message, SignInNeeded
from service.infrastructure.translation import translate
from service.models.db.errors import refusal_of

PROBLEM = "application/problem+json"
TITLES = {
    400: N_("请求有误"),
    401: N_("请先登录"),
    403: N_("没有权限"),
    404: N_("没有找到"),
    405: N_("不能这样操作"),
    409: N_("情况已经变化"),
    412: N_("情况已经变化"),
    413: N_("文件太大"),
    415: N_("格式不对"),
    422: N_("填写有误"),
    429: N_("操作过于频繁"),
    500: N_("系统出错"),
    503: N_("系统暂时不可用"),
}
TEXTS = {
    400: N_("请求无法识别，请检查地址、参数和正文。"),
    404: N_("没有这个接口，请对照接口文档核对地址。"),
    405: N_("这个地址不接受这种请求方法，可用的见 Allow。"),
    413: N_("上传的内容超过 %(most)s MB，请缩小后再传。"),
    415: N_("请求的 Content-Type 必须是 application/json。"),
    500: N_("系统出错，已记录。请稍后重试；若仍不行，请把下面的编号告诉管理员。"),
}
CODES = {
    400: "malformed_request",
    404: "no_such_address",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    500: "error",
}


class Malformed(InvalidInput):
    """请求的内容与接口文档不符，请按提示修改后再发。"""

    code = "malformed_input"


class PreconditionFailed(AnpeiError):
    """您读取之后，别人已经修改并保存。请重新读取，核对后再改。"""

    status = 412
    code = "precondition_failed"


def render(error: AnpeiError) -> Response:
    """Render an AnpeiError; what is wrong with each field stands in ``errors``."""
    if error.status == 500:
        return render_fault(error)
    fields = error.fields if isinstance(error, InvalidInput) else None
    answer = _answer(error.status, error.code, error.message, fields)
    if error.retry_after:
        answer.headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, SignInNeeded):
        answer.headers["WWW-Authenticate"] = 'Basic realm="Anpei", charset="UTF-8"'
    return answer


def render_http(error: HTTPException) -> Response:
    """Render Flask's own refusals: a malformed request, a wrong method, too large a body."""
    status = error.code if error.code in TEXTS else 400 if (error.code or 500) < 500 else 500
    values = {"most": (request.max_content_length or 0) >> 20} if status == 413 else {}
    answer = _answer(status, CODES[status], Message(TEXTS[status], **values))
    if allowed := getattr(error, "valid_methods", None):
        answer.headers["Allow"] = ", ".join(allowed)
    return answer


def render_database_error(error: Exception) -> Response:
    """Render what the database refused: nothing of the request was done."""
    refusal = refusal_of(error)
    return render_fault(error) if refusal is None else render(refusal)


def render_fault(error: Exception) -> Response:
    """Render an unforeseen error: the trace goes to the log,
    the client learns the number under which it stands there.
    """
    current_app.logger.error("api/v1 failed", exc_info=error)
    return _answer(500, CODES[500], Message(TEXTS[500]))


def _answer(status: int, code: str, message: Message, fields: Mapping[str, Message] | None = None) -> Response:
    content: dict[str, Any] = {
        "type": f"urn:anpei:problem:{code}",
        "title": translate(Message(TITLES[status])),
        "status": status,
        "detail": translate(message),
        "instance": request.path,
        "request_id": g.get("request_id", "-"),
    }
    if fields is not None:
        content["errors"] = {name: translate(text) for name, text in fields.items()}
    return Response(orjson.dumps(content, default=str), status, content_type=PROBLEM)
