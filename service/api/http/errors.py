"""One renderer of errors for the API: ``{type, message, code}`` with Camunda's type names, in the reader's language."""

from __future__ import annotations

from typing import Any

import orjson
from flask import Response, current_app, g, request
from werkzeug.exceptions import BadRequest, HTTPException, RequestEntityTooLarge, UnsupportedMediaType

from service.errors import (
    N_,
    AnpeiError,
    CaseSuspended,
    Conflict,
    DefinitionRefused,
    InvalidInput,
    Message,
    NotAllowed,
    NotFound,
    ProcessError,
    SignInNeeded,
    TooManyAttempts,
    Unavailable,
)
from service.infrastructure.translation import translate
from service.models.db.errors import refusal_of

LANGUAGES = ("zh", "en")
PARSE_ERROR = "ENGINE-09005 Could not parse BPMN process."  # by which Camunda Modeler knows what is wrong
OPTIMISTIC_LOCKING = 1  # Camunda's code of a lost race
# Camunda's name and status of each error; the first that fits counts.
CAMUNDA_ERRORS: tuple[tuple[type[AnpeiError], str, int], ...] = (
    (InvalidInput, "InvalidRequestException", 400),
    (SignInNeeded, "AuthenticationException", 401),
    (TooManyAttempts, "AuthenticationException", 429),
    (NotAllowed, "AuthorizationException", 403),
    (NotFound, "InvalidRequestException", 404),
    (CaseSuspended, "SuspendedEntityInteractionException", 409),
    (Conflict, "OptimisticLockingException", 409),
    (DefinitionRefused, "ParseException", 400),
    (ProcessError, "ProcessEngineException", 500),
    (Unavailable, "RestException", 503),
    (AnpeiError, "RestException", 500),
)
HTTP_MESSAGES = {
    UnsupportedMediaType: N_("请求的 Content-Type 必须是 application/json。"),
    RequestEntityTooLarge: N_("请求正文过大。"),
}


def render(error: AnpeiError) -> Response:
    """Render an AnpeiError as Camunda does;
    what is wrong with each field follows the message and stands in ``fields``.
    """
    name, status = next((name, status) for kind, name, status in CAMUNDA_ERRORS if isinstance(error, kind))
    content: dict[str, Any] = {"type": name, "message": translate(error.message), "code": None}
    if isinstance(error, InvalidInput) and error.fields:
        content["fields"] = {field: translate(message) for field, message in error.fields.items()}
        told = "; ".join(f"{field}: {text}" for field, text in content["fields"].items())
        content["message"] = f"{content['message']} {told}"
    if isinstance(error, DefinitionRefused):
        content |= _parse_errors(error)
    if name == "OptimisticLockingException":
        content["code"] = OPTIMISTIC_LOCKING
    if status == 500:
        current_app.logger.error("engine-rest failed", exc_info=error)
    response = Response(orjson.dumps(content), status, content_type="application/json")
    if error.retry_after:
        response.headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Anpei", charset="UTF-8"'
    return response


def _parse_errors(error: DefinitionRefused) -> dict[str, Any]:
    """Name what was refused by file and element, as Camunda's ParseException does."""
    details: dict[str, dict[str, list[Any]]] = {}
    told = []
    for problem in error.problems:
        words = (problem.zh, problem.remedy_zh) if g.get("language") != "en" else (problem.en, problem.remedy_en)
        text = " ".join(filter(None, words))
        found = details.setdefault(problem.file, {"errors": [], "warnings": []})
        found["errors"].append(
            {
                "message": text,
                "line": problem.line,
                "column": 0,
                "mainElementId": problem.element or None,
                "elementIds": [problem.element] if problem.element else [],
            }
        )
        told.append(f"* {text} | resource {problem.file} | line {problem.line} | element {problem.element or '-'}")
    message = "\n".join([f"{PARSE_ERROR} {translate(error.message)} Errors:", *told])
    return {"message": message, "code": 0, "details": details}


def render_http(error: HTTPException) -> Response:
    """Render Flask's own refusals (405, 413, 415, malformed JSON)."""
    status = error.code or 500
    text = HTTP_MESSAGES.get(type(error)) or error.description or N_("系统出错，请稍后再试。")
    name = "InvalidRequestException" if isinstance(error, BadRequest) else "RestException"
    content = {"type": name, "message": translate(Message(text)), "code": None}
    headers = dict(error.get_headers())
    kept = {"Allow": headers["Allow"]} if "Allow" in headers else {}
    return Response(orjson.dumps(content), status, kept, content_type="application/json")


def render_database_error(error: Exception) -> Response:
    """Render what the database refused: nothing of the request was done."""
    refusal = refusal_of(error)
    return render_fault(error) if refusal is None else render(refusal)


def render_fault(error: Exception) -> Response:
    """Render an unforeseen error: the trace goes to the log, the client learns only that it failed."""
    failed = AnpeiError()
    failed.__cause__ = error
    return render(failed)


def language() -> str:
    """Choose the language by Accept-Language; Chinese unless another is preferred."""
    return request.accept_languages.best_match(LANGUAGES, default="zh") or "zh"
