"""Reads address and body of ``/api/v1`` by their schemas; all that does not fit is told at its name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from service.api.v1.problem_json import Malformed, PreconditionFailed
from service.errors import N_
from service.models.db.ids import new_id
from service.validation.fields import Id, by_path

IDEMPOTENCY, IF_MATCH = "Idempotency-Key", "If-Match"
IDEMPOTENCY_HEADER = {
    "name": IDEMPOTENCY,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "format": "uuid"},
    "description": (
        "同一个键重发时不重复办理，给出同一答复。 / Sent twice with the same key, it is done once and answered alike."
    ),
}
IF_MATCH_HEADER = {
    "name": IF_MATCH,
    "in": "header",
    "required": False,
    "schema": {"type": "string"},
    "description": "读取时得到的 ETag；其间有人改过则 412。"
    " / The ETag that was read; 412 if somebody changed it since.",
}


class Parser(FlaskParser):
    """Reads strictly: no parameter twice, no member unknown, a JSON body only as JSON."""

    DEFAULT_VALIDATION_STATUS = 422
    DEFAULT_UNKNOWN_BY_LOCATION = {"query": RAISE, "json": RAISE}

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        twice = [name for name, values in req.args.lists() if len(values) > 1]
        if twice:
            raise Malformed({name: N_("这个参数只能给一次。") for name in twice})
        return req.args.to_dict()

    def load_json(self, req: Request, schema: Schema) -> Any:
        if req.mimetype != "application/json":
            raise UnsupportedMediaType
        try:
            return orjson.loads(req.get_data())
        except orjson.JSONDecodeError as error:
            raise BadRequest from error

    def handle_error(self, error: ValidationError, *_more: Any, **_words: Any) -> Any:
        """Raise Malformed with what is wrong with each member, under its path: ``persons.3``."""
        (found,) = error.messages_dict.values()  # of the one location that was read
        raise Malformed(by_path(found)) from error


def idempotency_key() -> UUID:
    """Return the key under which the same request sent twice is done once; a new one when the client gave none."""
    given = request.headers.get(IDEMPOTENCY)
    if given is None:
        return new_id()
    try:
        return Id().parse(given)
    except ValidationError as error:
        raise Malformed(by_path({IDEMPOTENCY: error.messages})) from error


def check_version(version: int) -> None:
    """Raise PreconditionFailed when the client names another version of the row than this one (RFC 9110, If-Match)."""
    if IF_MATCH in request.headers and not request.if_match.contains(str(version)):
        raise PreconditionFailed
