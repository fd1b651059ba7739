"""Reads a plain form field by field: all errors are found before any is raised."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from uuid import UUID

from marshmallow import ValidationError

from service.errors import InvalidInput, Message
from service.validation.characters import tidy
from service.validation.fields import EARLIEST, LATEST, Boolean, Choice, Date, Field, Id, Integer, Text
from service.validation.messages import REQUIRED
from service.validation.record_fields import FieldKind, RecordField

T = TypeVar("T")


class FormReader:
    """The fields of one form. Reading collects errors; ``check`` raises them together."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.wrong: dict[str, Message] = {}

    def typed(self, name: str) -> str:
        """Return what stands in the field, trimmed; '' where nothing does."""
        return tidy(str(self._raw.get(name) or ""))

    def has(self, name: str) -> bool:
        """Tell whether the form has the field at all."""
        return name in self._raw

    def refuse(self, name: str, text: str | Message) -> None:
        """Remember an error at a field; the first one stays."""
        self.wrong.setdefault(name, text if isinstance(text, Message) else Message(text))

    def read(self, name: str, field: Field[T], *, required: bool = False) -> T | None:
        """Read a field; None when it is empty, or after remembering its error."""
        typed = self.typed(name)
        if not typed:
            if required:
                self.refuse(name, REQUIRED)
            return None
        try:
            return field.parse(typed)
        except ValidationError as error:
            self.refuse(name, error.messages[0])  # fields of fields.py raise one Message each
            return None

    def parse(self, parse: Callable[..., T], *arguments: Any) -> T | None:
        """Call a ``parse_…`` of the rules; None after remembering its errors."""
        try:
            return parse(*arguments)
        except InvalidInput as invalid:
            for name, message in invalid.fields.items():
                self.refuse(name, message)
            return None

    def text(self, name: str, max_length: int, *, required: bool = False) -> str | None:
        """Read one line of at most ``max_length`` characters."""
        return self.read(name, Text(max_length=max_length), required=required)

    def name(self, name: str, max_length: int) -> str:
        """Read a name that must be there; '' after remembering its error."""
        return self.read(name, Text(max_length=max_length, is_written=True), required=True) or ""

    def lines(self, name: str, max_length: int, *, required: bool = False) -> str | None:
        """Read a text where line breaks count."""
        return self.read(name, Text(max_length=max_length, multiline=True), required=required)

    def date(self, name: str, *, required: bool = False, latest: datetime.date | None = None) -> datetime.date | None:
        """Read a civil date from 1900 to 2200, or to ``latest``."""
        return self.read(name, Date(earliest=EARLIEST, latest=latest or LATEST), required=required)

    def choice(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """Read one of ``allowed``."""
        return self.read(name, Choice("", allowed), required=required)

    def id(self, name: str, *, required: bool = True) -> UUID | None:
        """Read the id of something chosen from a list."""
        return self.read(name, Id(), required=required)

    def integer(self, name: str, minimum: int, maximum: int) -> int | None:
        """Read a whole number that must be there."""
        return self.read(name, Integer("", minimum, maximum), required=True)

    def record_field(self, field: RecordField, today: datetime.date) -> Any:
        """Read a declared field that has no rule of its own; None when it is empty."""
        if field.parse is not None:
            typed = self.typed(field.input_name)
            return self.parse(field.parse, typed) if typed or field.required else None
        match field.kind:
            case FieldKind.INTEGER:
                number = Integer("", field.minimum, field.maximum)
                return self.read(field.input_name, number, required=field.required)
            case FieldKind.LINES:
                return self.lines(field.input_name, field.max_length, required=field.required)
            case FieldKind.DATE:
                latest = today if field.not_after_today else None
                return self.date(field.input_name, required=field.required, latest=latest)
            case FieldKind.BOOLEAN:
                return self.is_ticked(field.input_name)
            case FieldKind.CHOICE if field.choices:
                return self.choice(field.input_name, list(field.choices), required=field.required)
            case _:
                return self.text(field.input_name, field.max_length, required=field.required)

    def is_ticked(self, name: str) -> bool:
        """Tell whether a box is ticked."""
        return self.read(name, Boolean()) or False

    def check(self) -> None:
        """Raise ``InvalidInput`` if anything was wrong."""
        if self.wrong:
            raise InvalidInput(self.wrong)
