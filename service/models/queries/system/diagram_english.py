"""English that administrators wrote beside the texts of their diagrams and forms, for the pages."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.tables.runtime.process import DefinitionVersion

LIFETIME = timedelta(seconds=10)  # after which a process asks again: a deployment went through another one

_known: ProcessCache[dict[str, str]] = ProcessCache()


def english_of(text: str) -> str | None:
    """The English of a text of some version, the latest first; None where nobody wrote it."""
    known = _known.get()
    if known is None:
        try:
            known = _known.put(_read(), LIFETIME)
        except SQLAlchemyError:  # a page that says the database is away is not held up by its language
            return None
    return known.get(text)


def forget() -> None:
    """Read them again for the next text."""
    _known.clear()


def _read() -> dict[str, str]:
    column = DefinitionVersion.english
    rows = session().scalars(select(column).where(column != {}).order_by(DefinitionVersion.deployed_at))
    return {text: english for texts in rows for text, english in texts.items()}
