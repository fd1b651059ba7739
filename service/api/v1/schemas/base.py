"""The two bases of every schema of ``/api/v1``: answers are whole, and a request names nothing unknown."""

from __future__ import annotations

from typing import Any

from marshmallow import EXCLUDE, RAISE, Schema, fields

from service.errors import Message
from service.validation.messages import NO_SUCH_MEMBER, NOT_AN_OBJECT

LIMITS = ("pattern", "maxLength", "minLength")


class ResponseSchema(Schema):
    """An answer: every member is always there, null where it may be empty; the length of a text is not promised."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = True
        field_obj.metadata = {name: rule for name, rule in field_obj.metadata.items() if name not in LIMITS}


class RequestSchema(Schema):
    """A request; a member that is not known is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": Message(NO_SUCH_MEMBER), "type": Message(NOT_AN_OBJECT)}  # type: ignore[dict-item]
