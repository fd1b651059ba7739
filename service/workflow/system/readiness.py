"""Readiness of the database: it answers, its tables are of the newest migration, processes are in force."""

from __future__ import annotations

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError

from service.migrations import configuration
from service.models.db.session import session
from service.models.tables.process import DefinitionVersion


def faults() -> list[str]:
    """The obstacles to work, in plain words for the operator; empty when there is none."""
    try:
        is_migrated = session().scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
        applied = set(session().scalars(text("SELECT version_num FROM alembic_version"))) if is_migrated else set()
        found = [] if applied == newest() else ["the database is not at the newest migration; run: anpei prepare"]
        if not session().scalar(select(exists().where(DefinitionVersion.current))):
            found.append("no process is in force; run: anpei deploy processes/*.bpmn")
    except DBAPIError as error:
        session().rollback()
        return [f"the database does not answer: {type(error.orig).__name__}"]
    return found


@cache
def newest() -> set[str]:
    """The revisions at the head of this program's migrations."""
    return set(ScriptDirectory.from_config(configuration()).get_heads())
