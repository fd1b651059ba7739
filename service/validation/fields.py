"""Marshmallow fields that give a clean value or a Message, never a fault, and describe themselves as JSON Schema.

``_deserialize`` reads strictly, as JSON is read. ``normalise`` tidies what a person typed before it is read, and
``parse`` does both: ``Integer(0, 500).parse(" ５４ ")`` is 54.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar
from uuid import UUID

from marshmallow import Schema, ValidationError
from marshmallow import fields as marshmallow_fields

from service.errors import Message
from service.validation.characters import LINE, LINES, PRINTABLE, is_storable, strip_unseen, tidy
from service.validation.messages import (
    DATE_OUT_OF_RANGE,
    NOT_A_BOOLEAN,
    NOT_A_DATE,
    NOT_A_LIST,
    NOT_A_NUMBER,
    NOT_AN_ID,
    NOT_AN_INSTANT,
    NOT_AN_INTEGER,
    NOT_AN_OPTION,
    NOT_BASE64,
    NOT_NULL,
    NOT_STORABLE,
    NOT_TEXT,
    OUT_OF_RANGE,
    REQUIRED,
    TOO_FEW_ITEMS,
    TOO_LARGE,
    TOO_LONG,
    TOO_MANY_DECIMALS,
    TOO_MANY_ITEMS,
    TOO_SHORT,
    TOO_SMALL,
    WRONG_FORM,
)
from service.validation.typed_text import as_decimal, as_id, as_instant, as_whole
from service.validation.written import plain_number, read_date

T = TypeVar("T")

MAX_INTEGER = 2**31 - 1  # of a column of type integer
MAX_NUMBER = 2**53  # beyond it JavaScript counts no longer exactly
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 12, 31)  # any other date is a slip of the keyboard
MAX_CODE = 100  # characters of an option that comes from case data

UUID_PATTERN = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
BASE64_PATTERN = re.compile(r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$")

_BLANKS = re.compile(r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]+")


DEFAULTS: dict[str, Any] = {
    "required": Message(REQUIRED),
    "null": Message(NOT_NULL),
    "validator_failed": Message(NOT_AN_OPTION),
}
"""Messages in place of marshmallow's English, for what every field can refuse."""


class Typed(Generic[T]):
    """Reading of typed text: tidied, then read as strictly as JSON."""

    def normalise(self, typed: Any) -> Any:
        """Tidy what a person typed; a value that is no text stays as it is."""
        return typed.strip() if isinstance(typed, str) else typed

    def parse(self, typed: Any) -> T:
        """Read what a person typed. Raises ValidationError with a Message."""
        value: T = self.deserialize(self.normalise(typed))  # type: ignore[attr-defined]
        return value


class Field(Typed[T], marshmallow_fields.Field[T]):
    """A value with its description (both languages, ``"姓名。 / Name."``) and the JSON Schema rules that it enforces.

    Options are marshmallow's: required, allow_none, load_default, data_key, attribute.
    """

    json_type = "string"

    def __init__(self, description: str = "", rules: Mapping[str, Any] | None = None, **options: Any) -> None:
        described = {"description": description} if description else {}
        super().__init__(metadata={**described, **(rules or {})}, error_messages=dict(DEFAULTS), **options)


class Text(Field[str]):
    """A text without control characters, of ``min_length`` to ``max_length`` characters.

    multiline: line breaks and tabs may stand in it. form: a regular expression that it matches, ``hint`` how to.
    is_written: a name or number as people write or paste it; characters that nobody sees fall away (R81).
    """

    def __init__(
        self,
        description: str = "",
        max_length: int = 200,
        *,
        min_length: int = 0,
        multiline: bool = False,
        form: str = "",
        hint: str = "",
        is_written: bool = False,
        **options: Any,
    ) -> None:
        self.min_length, self.max_length, self.multiline = min_length, max_length, multiline
        self.form, self.hint, self.is_written = form, hint, is_written
        self.pattern = LINES if multiline else LINE
        rules = {"maxLength": max_length, "pattern": form or (PRINTABLE if is_written else self.pattern)}
        super().__init__(description, rules | ({"minLength": min_length} if min_length else {}), **options)

    def normalise(self, typed: Any) -> Any:
        """Trim; in one line blanks are one space, of several lines each ends without blanks."""
        if not isinstance(typed, str):
            return typed
        text = tidy(typed)
        if self.multiline:
            return "\n".join(line.rstrip() for line in text.split("\n"))
        return _BLANKS.sub(" ", text)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str):
            raise invalid(NOT_TEXT)
        if self.is_written:
            value = strip_unseen(value)
        if not is_storable(value, self.pattern):
            raise invalid(NOT_STORABLE)
        if len(value) > self.max_length:
            raise invalid(TOO_LONG, most=self.max_length, now=len(value))
        if len(value) < self.min_length:
            raise invalid(TOO_SHORT, least=self.min_length)
        if self.form and not re.fullmatch(self.form, value):
            raise invalid(WRONG_FORM, hint=self.hint)
        return value


class Id(Field[UUID]):
    """The id of a row, a UUID."""

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, {"format": "uuid"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> UUID:
        found = as_id(value) if isinstance(value, str) and UUID_PATTERN.fullmatch(value) else None
        if found is None:
            raise invalid(NOT_AN_ID)
        return found

    def _serialize(self, value: UUID | None, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else str(value)


class Date(Field[date]):
    """A civil date in China, from ``earliest`` to ``latest``; None sets no limit."""

    def __init__(
        self, description: str = "", *, earliest: date | None = None, latest: date | None = None, **options: Any
    ) -> None:
        self.earliest, self.latest = earliest, latest
        super().__init__(description, {"format": "date"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> date:
        found = read_date(value) if isinstance(value, str) else None
        if found is None:
            raise invalid(NOT_A_DATE)
        if (self.earliest and found < self.earliest) or (self.latest and found > self.latest):
            raise invalid(DATE_OUT_OF_RANGE)
        return found

    def _serialize(self, value: date | None, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else value.isoformat()


class DateTime(Field[datetime]):
    """An instant with its offset."""

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, {"format": "date-time"}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> datetime:
        found = as_instant(value) if isinstance(value, str) else None
        if found is None or found.tzinfo is None:
            raise invalid(NOT_AN_INSTANT)
        return found

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **_options: Any) -> str | None:
        return None if value is None else value.isoformat()


class Base64(Field[bytes]):
    """A file, in base64."""

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, {"contentEncoding": "base64", "pattern": BASE64_PATTERN.pattern}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> bytes:
        if not isinstance(value, str) or not BASE64_PATTERN.fullmatch(value):
            raise invalid(NOT_BASE64)
        return base64.b64decode(value)


class Choice(Field[str]):
    """One of the ``allowed`` values."""

    def __init__(self, description: str, allowed: Iterable[str], **options: Any) -> None:
        self.allowed = [str(one) for one in allowed]
        enumerated: list[str | None] = [*self.allowed, *([None] if options.get("allow_none") else [])]
        super().__init__(description, {"enum": enumerated}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str) or value not in self.allowed:
            raise invalid(NOT_AN_OPTION)
        return value


class Code(Field[str]):
    """An option whose values case data give: the handler that uses it checks it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> str:
        if not isinstance(value, str) or len(value) > MAX_CODE or not is_storable(value, LINE):
            raise invalid(NOT_AN_OPTION)
        return value


class Boolean(Field[bool]):
    """True or false; in an address the words ``true`` and ``false``, in a page a box that is ticked."""

    json_type = "boolean"
    WORDS: Mapping[str, bool] = {"on": True, "1": True, "True": True, "off": False, "0": False, "False": False}

    def normalise(self, typed: Any) -> Any:
        """Read a box as a browser sends it."""
        text = typed.strip() if isinstance(typed, str) else typed
        return self.WORDS.get(text, text) if isinstance(text, str) else text

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> bool:
        if value is True or value == "true":
            return True
        if value is False or value == "false":
            return False
        raise invalid(NOT_A_BOOLEAN)


class Integer(Field[int]):
    """A whole number between ``minimum`` and ``maximum``."""

    json_type = "integer"

    def __init__(self, description: str = "", minimum: int = 0, maximum: int = MAX_INTEGER, **options: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(description, {"minimum": minimum, "maximum": maximum}, **options)

    def normalise(self, typed: Any) -> Any:
        """Full-width digits are digits."""
        return plain_number(typed) if isinstance(typed, str) else typed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> int:
        number = _integer(value)
        if number is None:
            raise invalid(NOT_AN_INTEGER)
        if not self.minimum <= number <= self.maximum:
            raise invalid(OUT_OF_RANGE, least=self.minimum, most=self.maximum)
        return number


class Number(Field[int]):
    """A number counted in units of its last digit: with one decimal ``54.5`` is 545.

    minimum, maximum: in the unit that people type; None sets no limit. decimals: digits after the point.
    """

    json_type = "number"

    def __init__(
        self,
        description: str = "",
        *,
        minimum: Decimal | None = None,
        maximum: Decimal | None = None,
        decimals: int = 0,
        **options: Any,
    ) -> None:
        self.minimum, self.maximum, self.decimals = minimum, maximum, decimals
        super().__init__(description, {}, **options)

    def normalise(self, typed: Any) -> Any:
        """Full-width digits are digits."""
        return plain_number(typed) if isinstance(typed, str) else typed

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> int:
        number = _decimal(value)
        if number is None:
            raise invalid(NOT_A_NUMBER)
        self._check_range(number)
        scaled = number.scaleb(self.decimals)
        if scaled != int(scaled):
            raise invalid(TOO_MANY_DECIMALS, digits=self.decimals) if self.decimals else invalid(NOT_AN_INTEGER)
        return int(scaled)

    def _check_range(self, number: Decimal) -> None:
        low, high = self.minimum, self.maximum
        is_low, is_high = low is not None and number < low, high is not None and number > high
        if (is_low or is_high) and low is not None and high is not None:
            raise invalid(OUT_OF_RANGE, least=low, most=high)
        if is_low:
            raise invalid(TOO_SMALL, least=low)
        if is_high or abs(number) >= MAX_NUMBER:
            raise invalid(TOO_LARGE, most=MAX_NUMBER - 1 if high is None else high)


class Score(Field[float]):
    """A score or pass mark in points, 0 to 100; stored in tenths."""

    json_type = "number"

    def __init__(self, description: str = "", **options: Any) -> None:
        super().__init__(description, {"minimum": 0, "maximum": 100}, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_options: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise invalid(NOT_A_NUMBER)
        if not 0 <= value <= 100:
            raise invalid(OUT_OF_RANGE, least=0, most=100)
        return value

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_options: Any) -> int | float | None:
        if value is None:
            return None
        tenths: int = value
        return tenths // 10 if tenths % 10 == 0 else tenths / 10


class List(Typed[list[Any]], marshmallow_fields.List[Any]):
    """A list of ``min_items`` to ``max_items`` values."""

    def __init__(
        self,
        inner: marshmallow_fields.Field[Any],
        description: str = "",
        min_items: int = 0,
        max_items: int | None = None,
        **options: Any,
    ) -> None:
        rules: dict[str, Any] = {"description": description} if description else {}
        rules |= ({"minItems": min_items} if min_items else {}) | ({"maxItems": max_items} if max_items else {})
        self.min_items, self.max_items = min_items, max_items
        super().__init__(inner, metadata=rules, error_messages=DEFAULTS | {"invalid": Message(NOT_A_LIST)}, **options)

    def normalise(self, typed: Any) -> Any:
        """A single value, as a browser sends the only box ticked, is a list of one."""
        items = typed if isinstance(typed, list) else [typed]
        return [self.inner.normalise(one) if isinstance(self.inner, Typed) else one for one in items]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        if not isinstance(value, list):
            raise invalid(NOT_A_LIST)
        if len(value) < self.min_items:
            raise invalid(TOO_FEW_ITEMS, least=self.min_items)
        if self.max_items and len(value) > self.max_items:
            raise invalid(TOO_MANY_ITEMS, most=self.max_items, now=len(value))
        return super()._deserialize(value, attr, data, **options)


def nested(schema: type[Schema], description: str = "", **options: Any) -> marshmallow_fields.Nested:
    """Put an object inside an object."""
    rules = {"description": description} if description else {}
    return marshmallow_fields.Nested(schema, metadata=rules, error_messages=dict(DEFAULTS), **options)


def invalid(text: str, **values: Any) -> ValidationError:
    """Build the error of one value."""
    return ValidationError([Message(text, **values)])


def by_path(found: Mapping[Any, Any], path: str = "") -> dict[str, Message]:
    """Flatten marshmallow's nested messages to the first one at each dotted path: ``persons.3``.

    ``_schema`` is no part of the path; an error of the whole is at ``body``.
    """
    flat: dict[str, Message] = {}
    for name, inner in found.items():
        here = path if name == "_schema" else f"{path}.{name}".lstrip(".")
        if isinstance(inner, Mapping):
            flat |= by_path(inner, here)
        else:
            first = inner[0] if isinstance(inner, list) else inner
            flat.setdefault(here or "body", first if isinstance(first, Message) else Message(str(first)))
    return flat


def _integer(value: Any) -> int | None:
    """Read a whole number of JSON (1.0 is one) or of an address."""
    if isinstance(value, str):
        return as_whole(value, -MAX_NUMBER, MAX_NUMBER)
    if isinstance(value, float):
        return int(value) if value.is_integer() else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _decimal(value: Any) -> Decimal | None:
    """Read a finite number of JSON or of a form."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and "e" in value.lower():  # nobody types an exponent, and whole numbers have none
        return None
    try:
        return as_decimal(str(value))
    except ValueError:  # an integer of more digits than Python writes
        return None
