"""Whether the database is fit for this program: it answers, its tables are of the newest migration, processes are in force."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import exists, select, text
from sqlalchemy.exc import DBAPIError

from service.models.base import session
from service.models.process import DefinitionVersion

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"


def faults() -> list[str]:
    """What stands in the way of work, in plain words for the operator; empty when nothing does."""
    try:
        applied = set(session().scalars(text("SELECT version_num FROM alembic_version")))
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
    configuration = Config()
    configuration.set_main_option("script_location", str(MIGRATIONS))
    return set(ScriptDirectory.from_config(configuration).get_heads())
