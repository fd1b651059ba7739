"""How a request of ``/api/v1`` is read: address and body by their schemas, everything that does not fit told at its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from service.api.v1.problem_json import Malformed, PreconditionFailed
from service.api.v1.schemas.fields import UUID_FORM
from service.errors import N_, Message
from service.models.db.ids import new_id

IDEMPOTENCY, IF_MATCH = "Idempotency-Key", "If-Match"


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
        """What is wrong with each member, under its path: ``persons.3``."""
        raise Malformed(_flat(error.messages_dict)) from error


def submission() -> UUID:
    """The client's key of what it sends, so that the same sent twice is done once; a new one when it gave none."""
    given = request.headers.get(IDEMPOTENCY)
    if given is None:
        return new_id()
    if not UUID_FORM.fullmatch(given):
        raise Malformed({IDEMPOTENCY: N_("须为 UUID，如 0190b5a0-0000-7000-8000-000000000000。")})
    return UUID(given)


def check_version(version: int) -> None:
    """Raise PreconditionFailed when the client names another version of the row than this one (RFC 9110, If-Match)."""
    if IF_MATCH in request.headers and not request.if_match.contains(str(version)):
        raise PreconditionFailed


def _flat(messages: Mapping[Any, Any], path: str = "") -> dict[str, str | Message]:
    """Nested messages by dotted path, without the location and without marshmallow's name for the whole."""
    found: dict[str, str | Message] = {}
    for name, inner in messages.items():
        here = path if name in ("json", "query", "_schema") else f"{path}.{name}".lstrip(".")
        if isinstance(inner, Mapping):
            found |= _flat(inner, here)
        else:
            found.setdefault(here or "body", inner[0] if isinstance(inner, list) else inner)
    return found
