"""A case as event logs tell it: its activities and the objects they are about, under pseudonyms or with names."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.evidence.event_log.activities import Activity

OBJECT_TYPES = ("case", "person", "class", "enrollment", "certificate", "unit")
NAMES = frozenset({"subject", "name", "code", "number"})  # attributes that tell who or what an object is
Value = str | int | bool


@dataclass(frozen=True, slots=True)
class LogObject:
    """An object of an event log. at: since when its attributes are known; related: other objects, and as what."""

    id: str
    type: str
    at: str
    attributes: Mapping[str, Value]
    related: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class LoggedCase:
    """A case for a log: its object, the others it is about, and what happened, in order."""

    object: LogObject
    process: str
    others: tuple[LogObject, ...]
    activities: tuple[Activity, ...]

    @property
    def relations(self) -> list[tuple[str, str]]:
        """The objects that each of its events is about, with what they are to it."""
        return [(one.id, one.type) for one in (self.object, *self.others)]


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Names for ids that only the key of one export gives; without a key the ids themselves."""

    key: bytes | None
    length: int = field(default=20)  # hexadecimal digits: 80 bits

    def __call__(self, kind: str, value: object) -> str:
        """The same for the same kind and id within one export."""
        if self.key is None:
            return f"{kind}-{value}"
        return f"{kind}-{hmac.digest(self.key, f'{kind}/{value}'.encode(), 'sha256').hex()[: self.length]}"
