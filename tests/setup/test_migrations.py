"""The check that models and migrations agree sees what Alembic's own comparison does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import create_engine, text

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


def test_r81_names_of_before_are_found_as_they_are_now(server: Server, database: str) -> None:
    """Step 0012: keys follow the names, which stay as they were typed; two units that are one name now stay apart."""
    engine = create_engine(server.url(database))
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0011")
        province, kind = uuid4(), uuid4()
        connection.execute(text(ORGANISATION), {"id": province, "name": "山东省", "of": None, "kind": "province"})
        twins = [uuid4(), uuid4()]
        for key, name in zip(twins, ("同名民爆(山东)公司", "同名民爆（山东）公司"), strict=True):
            connection.execute(text(ORGANISATION), {"id": key, "name": name, "of": province, "kind": "enterprise"})
        connection.execute(text(TYPE), {"id": kind})
        for n, name in enumerate(("张 三", "曾志伟")):
            values = {"id": uuid4(), "name": name, "unit": twins[0], "type": kind, "digest": bytes([n])}
            connection.execute(text(PERSON), values)
        command.upgrade(configuration(connection), "head")
        people = connection.execute(
            text("SELECT name, sort_key, folded_name, spelling FROM person ORDER BY name")
        ).all()
        units = connection.execute(text("SELECT name, folded_name FROM organisation WHERE kind = 'enterprise'")).all()
        command.downgrade(configuration(connection), "0011")
    engine.dispose()
    assert [tuple(row) for row in people] == [
        ("张 三", "zhang san 张 三", "张三", "zhangsan zs"),
        ("曾志伟", "zeng zhi wei 曾志伟", "曾志伟", "zengzhiwei zzw cengzhiwei czw"),
    ]
    assert sorted(row.name for row in units) == ["同名民爆(山东)公司", "同名民爆（山东）公司"]
    assert len({row.folded_name for row in units}) == 2
    assert min(row.folded_name for row in units) == "同名民爆(山东)公司"


ORGANISATION = (
    "INSERT INTO organisation (id, kind, code, name, sort_key, state, authority_id, names_history, created_at, updated_at,"
    " version) VALUES (:id, :kind, '', :name, '', 'complete', :of, '[]', now(), now(), 1)"
)
TYPE = (
    "INSERT INTO qualification_type (id, code, name, initial_hours, refresher_hours, renewal_hours, pass_mark, active,"
    " created_at, updated_at, version) VALUES (:id, 'X', 'X', 48, 16, 16, 600, true, now(), now(), 1)"
)
PERSON = (
    "INSERT INTO person (id, name, sort_key, id_type, id_number_sealed, id_number_digest, id_number_masked, sex,"
    " birth_date, unit_id, qualification_type_id, no_criminal_record, state, created_at, updated_at, version)"
    " VALUES (:id, :name, '', 'resident_id', '', :digest, '', 'male', '1980-01-01', :unit, :type, true, 'approved',"
    " now(), now(), 1)"
)
