"""Values that narrow a list or report; the names are the parameters of the addresses of pages, exports and REST."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """One class for every list, so that page, export, print and REST read the same names.

    Unset fields do not narrow.
    """

    q: str = ""
    by: str = ""
    year: int | None = None
    province: UUID | None = None
    unit: UUID | None = None
    type: UUID | None = None
    class_id: UUID | None = None
    person: UUID | None = None
    kind: str = ""
    need: str = ""
    state: str = ""
    band: str = ""
    print: str = ""
    photo: str = ""
    role: str = ""
    find: str = ""
    number: str = ""
    actor: str = ""
    batch: str = ""
    holder: str = ""
    view: str = ""
    process: str = ""
    definition: str = ""
    element: str = ""
    outcome: str = ""
    notice: UUID | None = None
    owner: UUID | None = None
    since: date | None = None
    until: date | None = None
    what: str = ""
    unread: str = ""
    received: str = ""

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> ReportFilter:
        """Take the fields it has from parsed parameters; None does not narrow."""
        names = {f.name for f in fields(cls)}
        return cls(**{name: value for name, value in values.items() if name in names and value is not None})

    def arguments(self) -> dict[str, str]:
        """Return the set fields as parameters of an address."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: str(value) for name, value in values.items() if value}
