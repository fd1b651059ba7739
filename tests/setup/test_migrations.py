"""The check that models and migrations agree sees what Alembic's own comparison does not; data go with the steps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import nullcontext
from uuid import uuid4

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import Connection, create_engine, text

from service.config import EMBEDDED_ROLES, InvalidSetting, settings
from service.errors import AnpeiError
from service.infrastructure.postgres import Server
from service.migrations import configuration, rights, upgrade
from service.models.db.encryption import decrypt, encrypt
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
    """Steps 0012 and 0022: keys follow the names, which stay as they were typed; two units that are one name now stay apart."""
    engine = create_engine(server.url(database, EMBEDDED_ROLES.owner))
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0011")
        province, kind = uuid4(), uuid4()
        connection.execute(text(ORGANISATION), {"id": province, "name": "山东省", "of": None, "kind": "province"})
        twins = [uuid4(), uuid4()]
        for key, name in zip(twins, ("同名民爆(山东)公司", "同名民爆（山东）公司"), strict=True):
            connection.execute(text(ORGANISATION), {"id": key, "name": name, "of": province, "kind": "enterprise"})
        connection.execute(text(TYPE), {"id": kind})
        for n, name in enumerate(("张 三", "曾志伟", "O'Neil")):
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
        ("O'Neil", "o’neil O'Neil", "o’neil", "oneil"),
        ("张 三", "zhang san 张 三", "张三", "zhangsan zs"),
        ("曾志伟", "zeng zhi wei 曾志伟", "曾志伟", "zengzhiwei zzw zengzw cengzhiwei czw cengzw"),
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


UNIT = "0190b5a0-0000-7000-8000-000000000001"
BEFORE_SEALING = f"""
    INSERT INTO organisation (id, created_at, updated_at, version, kind, code, name, sort_key, state, contact, address,
        names_history, folded_name, spelling)
        VALUES ('{UNIT}', now(), now(), 1, 'academy', '', '院校', '', 'complete', '吴戊', NULL, '[]', '院校', '');
    INSERT INTO notice (id, created_at, updated_at, version, kind, title, body, authorities, roles, units, facts, state)
        VALUES ('{UNIT}', now(), now(), 1, 'notice', '通知', '联系：吴戊', '{{}}', '{{}}', '{{}}', '{{"body": ["吴戊"]}}', 'draft');
    INSERT INTO export_log (id, at, user_id, organisation_id, name, chosen, purpose, masked, language, total, done, state)
        VALUES ('{UNIT}', now(), '{UNIT}', '{UNIT}', 'persons', '{{}}', '', true, 'zh', 0, 0, 'done');
    INSERT INTO row_change (id, at, use_case, kind, table_name, row_id, before, after) VALUES
        ('{UNIT}', now(), 'save_unit', 'update', 'organisation', '{UNIT}',
         '{{"contact": null, "state": "draft"}}', '{{"contact": "吴戊", "state": "complete"}}');
    INSERT INTO row_change (id, at, use_case, kind, table_name, row_id, before, after) VALUES
        ('{UNIT[:-1]}2', now(), 'save_plan', 'insert', 'training_plan', '{UNIT}', NULL, '{{"title": "甲"}}');
    INSERT INTO audit_event (id, at, action, outcome, detail)
        VALUES ('{UNIT}', now(), 'export', 'ok', '{{"purpose": "吴戊", "rows": 1}}');
"""


@pytest.fixture
def unsealed(application: Flask, server: Server) -> Iterator[Connection]:
    """A database of the step before texts were encrypted, with a row of each kind that the step handles."""
    name = f"test_{os.getpid()}_unsealed"
    server.create_database(name)
    engine = create_engine(server.url(name, EMBEDDED_ROLES.owner))
    with engine.connect() as connection, connection.begin():
        command.upgrade(configuration(connection), "0013")
        connection.execute(text(BEFORE_SEALING.replace(":", r"\:")))
        rights.enforce(connection, EMBEDDED_ROLES)  # history and audit trail refuse changes, even their owner's
        yield connection
    engine.dispose()
    server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def everything(connection: Connection) -> str:
    tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")).all()
    return "\n".join(row for name in tables for row in connection.scalars(text(f'SELECT t::text FROM "{name}" t')))


def test_texts_that_stood_in_the_clear_are_encrypted_and_come_back(unsealed: Connection) -> None:
    kept = {
        name: unsealed.execute(text(f"SELECT * FROM {name} ORDER BY id")).mappings().all()
        for name in ("organisation", "notice", "export_log", "row_change")
    }
    assert everything(unsealed).count("吴戊") == 5
    command.upgrade(configuration(unsealed), "0014")
    assert "吴戊" not in everything(unsealed)
    assert decrypt(bytes(unsealed.scalar(text("SELECT contact FROM organisation")) or b"")).decode() == "吴戊"
    assert unsealed.scalar(text("SELECT address FROM organisation")) is None
    changed, other = unsealed.execute(text("SELECT before, after, sealed FROM row_change ORDER BY id")).all()
    assert changed.before == {"contact": None, "state": "draft"}
    assert changed.after == {"contact": "hidden", "state": "complete"}
    assert (other.before, other.after, other.sealed) == (None, {"title": "甲"}, None)
    assert unsealed.scalar(text("SELECT detail FROM audit_event WHERE action = 'export'")) == {"rows": 1}
    command.downgrade(configuration(unsealed), "0013")
    for name, rows in kept.items():
        assert unsealed.execute(text(f"SELECT * FROM {name} ORDER BY id")).mappings().all() == rows


def test_nothing_is_encrypted_by_keys_that_do_not_open_what_is_there(unsealed: Connection) -> None:
    """What a wrong key encrypted, the right one, put back, could not open (docs/operations.md, Keys)."""
    sealed = encrypt(b"x@example.com").replace(settings().current_key.encode(), b"other", 1)
    unsealed.execute(
        text(
            "INSERT INTO user_account (id, created_at, updated_at, version, login, organisation_id, role, display_name, "
            "password_hash, password_at, must_change, state, epoch, preferences, mail_sealed) VALUES "
            f"('{UNIT}', now(), now(), 1, 'x', '{UNIT}', 'association', 'x', 'x', now(), false, 'active', 1, '{{}}', :m)"
        ),
        {"m": sealed},
    )
    with pytest.raises(InvalidSetting):
        command.upgrade(configuration(unsealed), "0014")
    assert "吴戊" in everything(unsealed)
