"""The mark of this service on rows of tables that only grow: a MAC under a key that does not stand in the database.

Whoever writes such a row past the service, and has not the key, writes one without it: ``anpei verify`` names it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

import orjson
from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from service.config import settings

SINCE = "0034"  # the step of the upgrade from which rows are marked
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


class Marked:
    """A row with the mark. __marked__: the columns that it covers; rows of earlier versions have none."""

    __tablename__: str
    __marked__: ClassVar[tuple[str, ...]]
    mac: Mapped[bytes | None] = mapped_column(LargeBinary)

    @classmethod
    def mark_of(cls, values: Mapping[str, Any]) -> bytes:
        """The mark of a row with these columns; one that is absent is empty."""
        return mark(cls.__tablename__, (values.get(name) for name in cls.__marked__))

    def is_forged(self) -> bool:
        """Tell whether the row has a mark that is not its own."""
        if self.mac is None:
            return False
        return not hmac.compare_digest(bytes(self.mac), self.mark_of({n: getattr(self, n) for n in self.__marked__}))


def mark(table: str, values: Iterable[Any]) -> bytes:
    """The mark of a row of a table (HMAC-SHA-256)."""
    told = [value.astimezone(UTC) if isinstance(value, datetime) else value for value in values]
    return hmac.digest(_key(settings().digest_key), orjson.dumps([table, told], option=_JSON), hashlib.sha256)


@lru_cache
def _key(own: bytes) -> bytes:
    """A key for this use alone."""
    return hmac.digest(own, b"row mark", hashlib.sha256)
