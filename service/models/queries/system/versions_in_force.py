"""The versions of processes that new cases take, as every page asks for them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from sqlalchemy import select

from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.tables.runtime.process import DefinitionVersion

LIFETIME = timedelta(seconds=10)  # after which a process asks again: a deployment went through another one


class VersionInForce(NamedTuple):
    """A version by the key of its process."""

    key: str
    name: str
    digest: str


_known: ProcessCache[list[VersionInForce]] = ProcessCache()


def versions_in_force() -> list[VersionInForce]:
    """The versions in force by key, at most ``LIFETIME`` old."""
    known = _known.get()
    return _known.put(_read(), LIFETIME) if known is None else known


def forget() -> None:
    """Read them again at the next question: this process has just changed them."""
    _known.clear()


def _read() -> list[VersionInForce]:
    columns = (DefinitionVersion.key, DefinitionVersion.name, DefinitionVersion.digest)
    query = select(*columns).where(DefinitionVersion.current).order_by(DefinitionVersion.key)
    return [VersionInForce(*row) for row in session().execute(query)]
