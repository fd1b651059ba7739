"""The check that models and migrations agree sees what Alembic's own comparison does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext

import pytest
from alembic import command
from sqlalchemy import create_engine

from service.config import EMBEDDED_ROLES
from service.errors import AnpeiError
from service.infrastructure.postgres import Server
from service.migrations import configuration, upgrade
from setup.migrations import schema


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    name = f"test_{os.getpid()}_schema"
    server.create_database(name)
    server.execute("CREATE TABLE thing (id int PRIMARY KEY, a int, b text)", name)
    yield name
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE thing ADD CONSTRAINT small CHECK (a < 5)",
        "ALTER TABLE thing ALTER COLUMN b SET NOT NULL",
        "ALTER TABLE thing ALTER COLUMN a TYPE bigint",
        "CREATE INDEX ON thing (b) WHERE a IS NULL",
        "CREATE TABLE other (id int)",
    ],
)
def test_each_kind_of_difference_is_seen(server: Server, database: str, change: str) -> None:
    before = schema(server, database)
    server.execute(change, database)
    assert schema(server, database) != before


def test_the_order_of_columns_is_no_difference(server: Server, database: str) -> None:
    before = schema(server, database)
    server.execute("DROP TABLE thing", database)
    server.execute("CREATE TABLE thing (b text, id int PRIMARY KEY, a int)", database)
    assert schema(server, database) == before


@pytest.mark.parametrize("has_cases", [False, True])
def test_a_database_with_cases_of_an_older_engine_is_refused_with_what_to_do(server: Server, has_cases: bool) -> None:
    """Issue 10.1: states and journals changed once, and no case of the earlier form may be moved on."""
    name = f"test_{os.getpid()}_older"
    server.create_database(name)
    try:
        owner_url = server.url(name, EMBEDDED_ROLES.owner)
        made = create_engine(owner_url)
        with made.connect() as connection, connection.begin():
            command.upgrade(configuration(connection), "0008")
        made.dispose()
        if has_cases:
            server.execute(
                "SET session_replication_role = replica; INSERT INTO case_instance (id, process, definition, state, seq,"
                " last_hash, awaited, subject, started_at, moved_at, incidents) VALUES (gen_random_uuid(), 'p', '', '',"
                " 0, '', '{}', '', now(), now(), 0)",
                name,
            )
        with pytest.raises(AnpeiError, match="empty database") if has_cases else nullcontext():
            assert upgrade(owner_url, EMBEDDED_ROLES)
    finally:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
