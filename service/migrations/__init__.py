"""The steps that bring a database to the tables of ``service.models``, run through Alembic without Flask."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

FOLDER = Path(__file__).parent
WRITERS_LOCK = 20260302  # an advisory lock: several processes may start at once


def upgrade(database_url: str) -> bool:
    """Bring the database to the newest revision; whether anything was to be done."""
    engine = create_engine(database_url)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITERS_LOCK})
            known = inspect(connection).has_table("alembic_version")
            before = connection.scalar(text("SELECT version_num FROM alembic_version")) if known else None
            if before == ScriptDirectory.from_config(configuration()).get_current_head():
                return False
            command.upgrade(configuration(connection), "head")
            return True
    finally:
        engine.dispose()


def revisions() -> set[str]:
    """The names of the steps that this version knows."""
    return {step.revision for step in ScriptDirectory.from_config(configuration()).walk_revisions()}


def configuration(connection: object = None) -> Config:
    """Alembic's configuration without a file; ``connection`` is the one that ``env.py`` works on."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
