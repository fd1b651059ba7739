"""Settings that differ from their defaults. What there is to set, and within which range: domain/settings.py."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from service.domain.system.settings import SETTINGS
from service.models.db.process_cache import ProcessCache
from service.models.db.session import Base, session
from service.models.db.tracked import Audited

LIFETIME = timedelta(seconds=5)  # after which another process's change is seen; every page asks, few read them


class Setting(Audited, Base):
    """One setting that was changed; who changed it and what it was stands in the history of rows."""

    __tablename__ = "setting"
    key: Mapped[str] = mapped_column(String(40), unique=True)
    value: Mapped[str] = mapped_column(String(200))


_values: ProcessCache[dict[str, str]] = ProcessCache()


def values() -> dict[str, str]:
    """Every setting by its key as text, the default where nobody changed it; at most ``LIFETIME`` old."""
    return _values.get() or _values.put(read(), LIFETIME)


def read() -> dict[str, str]:
    """Every setting as it stands in the database now."""
    changed = {row.key: row.value for row in session().execute(select(Setting.key, Setting.value))}
    return {key: changed.get(key, setting.default) for key, setting in SETTINGS.items()}


def number(key: str) -> int:
    """A setting that is a whole number."""
    return int(values()[key])


def text(key: str) -> str:
    """A setting that is a text; '' when it is not set."""
    return values()[key]


def forget() -> None:
    """Read them again at the next question: this process has just changed them."""
    _values.clear()
