"""Settings that differ from their defaults. What there is to set, and within which range: domain/settings.py."""

from __future__ import annotations

import time

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.system.settings import SETTINGS
from service.models.db.session import Base, session
from service.models.db.tracked import Audited

PATIENCE = 5  # seconds after which another process's change is seen; every page asks, so not every page reads them


class Setting(Audited, Base):
    """One setting that was changed; who changed it and what it was stands in the history of rows."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[str] = mapped_column(String(200))


_known: tuple[float, dict[str, str]] | None = None  # until when (monotonic) the values of this process are believed


def values() -> dict[str, str]:
    """Every setting by its key as text, the default where nobody changed it; at most ``PATIENCE`` seconds old."""
    global _known
    known = _known
    if known is None or known[0] < time.monotonic():
        known = _known = time.monotonic() + PATIENCE, read()
    return known[1]


def read() -> dict[str, str]:
    """The same as it stands in the database now, for whoever is about to change it."""
    changed = {row.key: row.value for row in session().execute(select(Setting.key, Setting.value))}
    return {key: changed.get(key, setting.default) for key, setting in SETTINGS.items()}


def number(key: str) -> int:
    """A setting that is a whole number."""
    return int(values()[key])


def text(key: str) -> str:
    """A setting that is a text; '' when it is not set."""
    return values()[key]


def forget() -> None:
    """Read them anew at the next question: this process has just changed them."""
    global _known
    _known = None
