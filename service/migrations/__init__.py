"""The steps that bring a database to the tables of ``service.models``, run through Alembic without Flask, and the
rights of the roles to them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError

from service.config import DatabaseRoles, InvalidSetting
from service.migrations import rights
from service.models.db.time_limits import MIGRATION

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent
LOCK_NOT_AVAILABLE = "55P03"
LOCK_WAITS = (1, 2, 4, 8, 15, 15, 15)  # seconds between the tries of a change that waits for a table
WRITERS_LOCK = 20260302  # an advisory lock: several processes may start at once


def upgrade(owner_url: str, roles: DatabaseRoles) -> bool:
    """Bring the database to the newest revision and the roles to their rights; whether anything was to be done.

    Raises InvalidSetting when something is, and the address is not the owner's.
    """
    return _beside_traffic(lambda: _upgrade(owner_url, roles))


def _beside_traffic(change: Callable[[], bool]) -> bool:
    """Try again what did not get the lock of a table: whoever works meanwhile goes first.

    Raises the last OperationalError.
    """
    for wait in LOCK_WAITS:
        try:
            return change()
        except OperationalError as error:
            if getattr(error.orig, "pgcode", None) != LOCK_NOT_AVAILABLE:
                raise
        time.sleep(wait)
    return change()


def _upgrade(owner_url: str, roles: DatabaseRoles) -> bool:
    with _alone(owner_url) as connection:
        is_newest, is_owner = _is_newest(connection), _is_owner(connection)
        if is_newest and (not is_owner or rights.is_in_force(connection, roles)):
            return False
        if not is_owner:
            raise InvalidSetting(
                f"The tables are not of this version, and the role {roles.owner} may not change them: set"
                " ANPEI_DATABASE_OWNER_URL, or run `anpei deploy` where it is set"
            )
        if not is_newest:
            from alembic import command  # not before: a start that changes nothing is to be quick

            command.upgrade(configuration(connection), "head")
        rights.enforce(connection, roles)
        return True


def grant(owner_url: str, roles: DatabaseRoles) -> None:
    """Give the roles their rights to the tables as they are; nothing is done without the owner's address."""
    with _alone(owner_url) as connection:
        if _is_owner(connection) and not rights.is_in_force(connection, roles):
            rights.enforce(connection, roles)


@contextmanager
def _alone(url: str) -> Iterator[Connection]:
    """A transaction of which there is one at a time."""
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": WRITERS_LOCK})
            for name, value in MIGRATION.settings().items():
                connection.execute(text(f"SET LOCAL {name} = '{value}'"))
            yield connection
    finally:
        engine.dispose()


def _is_owner(connection: Connection) -> bool:
    return bool(connection.scalar(text("SELECT has_schema_privilege('public', 'CREATE')")))


def _is_newest(connection: Connection) -> bool:
    """Tell whether the database says of itself that it is of the newest revision; one that may not be read does not."""
    found = "SELECT to_regclass('public.alembic_version') IS NOT NULL"
    if not connection.scalar(text(found)) or not connection.scalar(
        text("SELECT has_table_privilege('public.alembic_version', 'SELECT')")
    ):
        return False
    known = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return bool(known == newest())


@cache
def revisions() -> frozenset[str]:
    """The names of the steps that this version knows: the numbers of their files."""
    return frozenset(file.name[:4] for file in (FOLDER / "versions").glob("[0-9]*.py"))


def newest() -> str:
    """The name of the last step."""
    return max(revisions())


def configuration(connection: object = None) -> Config:
    """Alembic's configuration without a file; ``connection`` is the one that ``env.py`` works on."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
