"""The check that models and migrations agree sees what Alembic's own comparison does not."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from service.infrastructure.postgres import Server
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
