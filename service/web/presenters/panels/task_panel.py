"""One card of a task's page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskPanel:
    """A template and its values; wide: over both columns."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    wide: bool = False
