"""What a value may be in ``/api/v1``: read strictly, told in Chinese when wrong, described truly in the OpenAPI document."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from marshmallow import EXCLUDE, RAISE, Schema, ValidationError, fields

from service.errors import N_, Message

UUID_FORM = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DAY_FORM = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LINE, LINES = (
    "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
    "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$",
)
BASE64 = re.compile(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")
MOST_WHOLE = 2**31 - 1

REQUIRED = N_("这一项必填。")
NOT_NULL = N_("不能为 null；没有内容时请省略这一项。")
UNKNOWN = N_("没有这一项，请对照接口文档核对名称。")
NOT_TEXT = N_("须为文本。")
NOT_AN_OPTION = N_("须为文档列出的值之一。")
NOT_AN_OBJECT = N_("须为 JSON 对象。")
NOT_A_LIST = N_("须为列表。")
WORDS: dict[str, Any] = {
    "required": Message(REQUIRED),
    "null": Message(NOT_NULL),
    "validator_failed": Message(NOT_AN_OPTION),
}


class Shape(Schema):
    """What is answered: every member is always there, null where it may be empty; how long a text is, is not promised."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        field_obj.required = True
        rules = dict(field_obj.metadata)
        field_obj.metadata = {
            name: rule for name, rule in rules.items() if name not in ("pattern", "maxLength", "minLength")
        }


class Asked(Schema):
    """What a client sends; a member that is not known is refused."""

    class Meta:
        unknown = RAISE

    error_messages = {"unknown": Message(UNKNOWN), "type": Message(NOT_AN_OBJECT)}  # type: ignore[dict-item]


class Value(fields.Field[Any]):
    """A field of our own: ``says`` describes it, ``rules`` are the JSON Schema that ``_read`` enforces."""

    kind = "string"

    def __init__(self, says: str = "", rules: Mapping[str, Any] | None = None, **more: Any) -> None:
        described = {"description": says} if says else {}
        super().__init__(metadata={**described, **(rules or {})}, error_messages=dict(WORDS), **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_more: Any) -> Any:
        return self._read(value)

    def _read(self, value: Any) -> Any:
        """The clean value, or ValidationError: what each kind of field answers for itself."""
        raise NotImplementedError


class Text(Value):
    """A text without control characters; shortest, longest: in characters. is_long: line breaks and tabs may stand in it."""

    def __init__(
        self, says: str = "", longest: int = 200, *, shortest: int = 0, is_long: bool = False, **more: Any
    ) -> None:
        self.pattern = re.compile(LINES if is_long else LINE)
        self.shortest, self.longest = shortest, longest
        rules = {"maxLength": longest, "pattern": self.pattern.pattern} | ({"minLength": shortest} if shortest else {})
        super().__init__(says, rules, **more)

    def _read(self, value: Any) -> str:
        if not isinstance(value, str):
            raise refused(NOT_TEXT)
        if len(value) > self.longest:
            raise refused(N_("最多 %(most)s 个字，现在有 %(now)s 个。"), most=self.longest, now=len(value))
        if len(value) < self.shortest:
            raise refused(N_("至少 %(least)s 个字。"), least=self.shortest)
        if not self.pattern.fullmatch(value):
            raise refused(N_("含有不能保存的字符，请删去后重试。"))
        return value


class Id(Value):
    """The id of a row."""

    def __init__(self, says: str = "", **more: Any) -> None:
        super().__init__(says, {"format": "uuid"}, **more)

    def _read(self, value: Any) -> UUID:
        if not isinstance(value, str) or not UUID_FORM.fullmatch(value):
            raise refused(N_("须为 UUID，如 0190b5a0-0000-7000-8000-000000000000。"))
        return UUID(value)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_more: Any) -> str | None:
        return None if value is None else str(value)


class Day(Value):
    """A civil date in China."""

    def __init__(self, says: str = "", **more: Any) -> None:
        super().__init__(says, {"format": "date"}, **more)

    def _read(self, value: Any) -> date:
        try:
            if not isinstance(value, str) or not DAY_FORM.fullmatch(value):
                raise ValueError(value)
            return date.fromisoformat(value)
        except ValueError:
            raise refused(N_("请按“年-月-日”填写日期，如 2026-11-24。")) from None

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_more: Any) -> str | None:
        return None if value is None else value.isoformat()


class Instant(Value):
    """An instant with its offset; answered, never asked for."""

    def __init__(self, says: str = "", **more: Any) -> None:
        super().__init__(says, {"format": "date-time"}, **more)

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_more: Any) -> str | None:
        return None if value is None else value.isoformat()


class Bytes(Value):
    """A file, in base64."""

    def __init__(self, says: str = "", **more: Any) -> None:
        super().__init__(says, {"contentEncoding": "base64", "pattern": BASE64.pattern}, **more)

    def _read(self, value: Any) -> bytes:
        if not isinstance(value, str) or not BASE64.fullmatch(value):
            raise refused(N_("须为 base64。"))
        return base64.b64decode(value)


class Choice(Value):
    """One of a few words."""

    def __init__(self, says: str, allowed: Iterable[str], **more: Any) -> None:
        self.allowed = [str(one) for one in allowed]
        enumerated: list[str | None] = [*self.allowed, *([None] if more.get("allow_none") else [])]
        super().__init__(says, {"enum": enumerated}, **more)

    def _read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.allowed:
            raise refused(NOT_AN_OPTION)
        return value


class Flag(Value):
    """Yes or no; in an address the words ``true`` and ``false``."""

    kind = "boolean"

    def _read(self, value: Any) -> bool:
        if value is True or value == "true":
            return True
        if value is False or value == "false":
            return False
        raise refused(N_("只能是 true 或 false。"))


class Whole(Value):
    """A whole number between ``least`` and ``most``."""

    kind = "integer"

    def __init__(self, says: str = "", least: int = 0, most: int = MOST_WHOLE, **more: Any) -> None:
        self.least, self.most = least, most
        super().__init__(says, {"minimum": least, "maximum": most}, **more)

    def _read(self, value: Any) -> int:
        number = _whole(value)
        if number is None:
            raise refused(N_("请填写整数。"))
        if not self.least <= number <= self.most:
            raise refused(N_("须在 %(least)s 与 %(most)s 之间。"), least=self.least, most=self.most)
        return number


class Mark(Value):
    """A score or pass mark in points, 0 to 100; stored in tenths."""

    kind = "number"

    def __init__(self, says: str = "", **more: Any) -> None:
        super().__init__(says, {"minimum": 0, "maximum": 100}, **more)

    def _read(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused(N_("请填写数字。"))
        if not 0 <= value <= 100:
            raise refused(N_("须在 %(least)s 与 %(most)s 之间。"), least=0, most=100)
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_more: Any) -> int | float | None:
        if value is None:
            return None
        return value // 10 if value % 10 == 0 else value / 10


class Many(fields.List[Any]):
    """A list of ``least`` to ``most`` values."""

    def __init__(
        self, inner: fields.Field[Any], says: str = "", least: int = 0, most: int | None = None, **more: Any
    ) -> None:
        rules: dict[str, Any] = {"description": says} if says else {}
        rules |= ({"minItems": least} if least else {}) | ({"maxItems": most} if most else {})
        self.least, self.most = least, most
        super().__init__(inner, metadata=rules, error_messages=WORDS | {"invalid": Message(NOT_A_LIST)}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **more: Any) -> list[Any]:
        if isinstance(value, list) and len(value) < self.least:
            raise refused(N_("至少 %(least)s 项。"), least=self.least)
        if isinstance(value, list) and self.most and len(value) > self.most:
            raise refused(N_("最多 %(most)s 项，现在有 %(now)s 项。"), most=self.most, now=len(value))
        return super()._deserialize(value, attr, data, **more)


def nested(schema: type[Schema], says: str = "", **more: Any) -> fields.Nested:
    """An object inside an object."""
    rules = {"description": says} if says else {}
    return fields.Nested(schema, metadata=rules, error_messages=dict(WORDS), **more)


def refused(text: str, **values: Any) -> ValidationError:
    """A message at a field."""
    return ValidationError([Message(text, **values)])


def describe(_converter: Any, field: Any, **_more: Any) -> dict[str, Any]:
    """For apispec: the JSON type of our own fields, in the notation of OpenAPI 3.1."""
    if not isinstance(field, Value):
        return {}
    return {"type": [field.kind, "null"] if field.allow_none else field.kind}


def _whole(value: Any) -> int | None:
    """A whole number of JSON (1.0 is one) or of an address."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return int(value) if re.fullmatch(r"-?[0-9]{1,18}", value) else None
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) else None
