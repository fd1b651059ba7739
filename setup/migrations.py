"""``check``: the models say the same as the sum of the migrations. ``make TEXT``: write the migration that is missing.

The comparison is between two dumped schemas, since Alembic's own comparison does not see CHECK constraints.
"""

from __future__ import annotations

import difflib
import subprocess
import sys

from alembic import command
from sqlalchemy import create_engine

from service.cli.database import libpq
from service.config import EMBEDDED_ROLES
from service.infrastructure.postgres import SUPERUSER, Server
from service.migrations import FOLDER, configuration, rights, upgrade
from service.models import tables  # noqa: F401 - the metadata is filled by importing them
from service.models.db.session import db
from tests.database import test_server


def main() -> int:
    with test_server().running() as server:
        if sys.argv[1:2] == ["make"]:
            return _make(server, " ".join(sys.argv[2:]).strip() or "change")
        return _check(server)


def _check(server: Server) -> int:
    found = differences(server, "check_migrations", "check_models")
    print("\n".join(found) or "migrations: equal to the models")
    if found:
        print('The models differ from the migrations. Write the missing one: make migration MESSAGE="why"')
    return 1 if found else 0


def differences(server: Server, migrated: str, modelled: str) -> list[str]:
    """The lines in which two databases differ, one made anew by the migrations and one from the models."""
    _anew(server, migrated)
    upgrade(server.url(migrated, EMBEDDED_ROLES.owner), EMBEDDED_ROLES)
    _anew(server, modelled)
    engine = create_engine(server.url(modelled, EMBEDDED_ROLES.owner))
    with engine.begin() as connection:
        db.metadata.create_all(connection)
        command.stamp(configuration(connection), "head")  # so that a start takes it for up to date
        rights.enforce(connection, EMBEDDED_ROLES)
    engine.dispose()
    schemas = (schema(server, name) for name in (migrated, modelled))
    return list(difflib.unified_diff(*schemas, "migrations", "models", lineterm="", n=1))


def _make(server: Server, message: str) -> int:
    _anew(server, "check_migrations")
    owner_url = server.url("check_migrations", EMBEDDED_ROLES.owner)
    upgrade(owner_url, EMBEDDED_ROLES)
    number = len(list((FOLDER / "versions").glob("*.py"))) + 1
    engine = create_engine(owner_url)
    with engine.connect() as connection:
        made = command.revision(configuration(connection), message, autogenerate=True, rev_id=f"{number:04d}")
    engine.dispose()
    print(f"Written: {made.path}. Read it: CHECK constraints of existing tables are not found by themselves.")
    return 0


def _anew(server: Server, database: str) -> None:
    server.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    server.create_database(database)


def schema(server: Server, database: str) -> list[str]:
    """The dumped schema as sorted statements, each with its lines sorted: the order of columns means nothing."""
    dumped = subprocess.run(
        [
            server.program("pg_dump"),
            "--schema-only",
            "--no-owner",
            "--exclude-table=alembic_version",
            libpq(server.url(database, SUPERUSER)),
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in dumped.splitlines() if line and not line.startswith(("--", "\\", "SET ", "SELECT "))]
    statements = "\n".join(lines).split(";\n")
    return [line for statement in sorted(statements) for line in _tidy(statement)]


def _tidy(statement: str) -> list[str]:
    head, *body = statement.splitlines()
    return [head, *sorted(line.rstrip(",") for line in body)]


if __name__ == "__main__":
    sys.exit(main())
