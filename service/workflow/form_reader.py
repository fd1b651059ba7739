"""What was typed into a plain form, read field by field: all errors are found before any is told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from service.errors import N_, InvalidInput, Message

Value = TypeVar("Value")


class FormReader:
    """The fields of one form. Reading collects errors; ``check`` raises them together."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self._raw = raw
        self.wrong: dict[str, Message] = {}

    def typed(self, name: str) -> str:
        """What stands in the field, trimmed."""
        return str(self._raw.get(name) or "").strip()

    def has(self, name: str) -> bool:
        """Whether the form has the field at all."""
        return name in self._raw

    def refuse(self, name: str, text: str | Message) -> None:
        """Remember an error at a field; the first one stays."""
        self.wrong.setdefault(name, text if isinstance(text, Message) else Message(text))

    def parse(self, parse: Callable[..., Value], *arguments: Any) -> Value | None:
        """What a ``parse_…`` of the rules gives, or None after remembering its errors."""
        try:
            return parse(*arguments)
        except InvalidInput as invalid:
            for name, message in invalid.fields.items():
                self.refuse(name, message)
            return None

    def text(self, name: str, longest: int, *, must: bool = False) -> str | None:
        """A text of at most ``longest`` characters; empty is None."""
        value = " ".join(self.typed(name).split())
        if len(value) > longest:
            self.refuse(name, Message(N_("最多 %(longest)s 个字，请精简。"), longest=longest))
        if must and not value:
            self.refuse(name, N_("请填写这一项。"))
        return value or None

    def lines(self, name: str, longest: int) -> str | None:
        """Like ``text`` where line breaks count."""
        value = "\n".join(line.rstrip() for line in self.typed(name).splitlines())
        if len(value) > longest:
            self.refuse(name, Message(N_("最多 %(longest)s 个字，请精简。"), longest=longest))
        return value or None

    def day(self, name: str, *, must: bool = False, latest: date | None = None) -> date | None:
        """A date ``YYYY-MM-DD`` from 1900 on; empty is None."""
        value = self.typed(name).replace("/", "-").replace(".", "-")
        if not value:
            if must:
                self.refuse(name, N_("请填写日期。"))
            return None
        try:
            found = date(*map(int, value.split("-")))
        except (ValueError, TypeError):
            self.refuse(name, N_("日期应写作 2026-11-24 的形式。"))
            return None
        if found.year < 1900 or (latest is not None and found > latest):
            self.refuse(name, N_("日期早于 1900 年或晚于允许的日期，请核对。"))
        return found

    def choice(self, name: str, allowed: Collection[str], *, must: bool = False) -> str | None:
        """One of ``allowed``; empty is None."""
        value = self.typed(name)
        if (value and value not in allowed) or (must and not value):
            self.refuse(name, N_("请从列表中选择一项。"))
            return None
        return value or None

    def key(self, name: str, *, must: bool = True) -> UUID | None:
        """The id of something chosen from a list; empty is None."""
        try:
            return UUID(self.typed(name))
        except ValueError:
            if must or self.typed(name):
                self.refuse(name, N_("请从列表中选择一项。"))
            return None

    def number(self, name: str, least: int, most: int) -> int | None:
        """A whole number from ``least`` to ``most``."""
        value = self.typed(name)
        if not value.isascii() or not value.isdigit() or not least <= int(value[:9]) <= most:
            self.refuse(name, Message(N_("请填写 %(least)s 至 %(most)s 的整数。"), least=least, most=most))
            return None
        return int(value)

    def is_ticked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return self.typed(name) not in ("", "0", "false", "off")

    def check(self) -> None:
        """Raise ``InvalidInput`` if anything was wrong."""
        if self.wrong:
            raise InvalidInput(self.wrong)
