"""What an upgrade rewrites is in the history of rows, counted and sealed: the proof accuses nobody, and what is changed
in the same columns besides is named."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from alembic import command
from flask import Flask
from sqlalchemy import create_engine, func, select

from service.config import EMBEDDED_ROLES
from service.infrastructure.postgres import Server
from service.migrations import configuration, upgrade
from service.migrations.upgrade_history import UpgradeHistory
from service.models.db.encryption import encrypt
from service.models.db.process_cache import ProcessCache
from service.models.db.session import session
from service.models.tables.system.audit import RowChange
from service.workflow.system.mark_verification import mark_differences, unmarked
from service.workflow.system.row_verification import row_differences, taken_over

PROVINCE, ACADEMY, UNIT, TWIN, KIND, CLASS, RUNNING, MESSAGE = (UUID(int=n) for n in range(1, 9))
COMMON = {"created_at": "2026-01-01Z", "updated_at": "2026-01-01Z", "version": 1}
DATES = {"enrol_from": "2026-01-01", "enrol_until": "2026-01-02", "starts_on": "2026-02-01", "ends_on": "2026-02-02"}
HIDDEN = {"id_number_sealed": "hidden", "id_number_digest": "hidden"}


def organisation(key: UUID, kind: str, name: str, of: UUID | None = None) -> dict[str, Any]:
    told = {"id": str(key), "kind": kind, "code": "", "name": name, "sort_key": "", "state": "complete"}
    return told | {"names_history": [], **({"authority_id": str(of)} if of else {})}


def training_class(key: UUID, state: str) -> dict[str, Any]:
    told = {"id": str(key), "code": f"C{key.int}", "title": "一班", "kind": "initial", "organiser_id": str(PROVINCE)}
    told |= {"institution_id": str(ACADEMY), "place": "甲", "hours": 48, "capacity": 10, "taken": 0, "state": state}
    return (
        told
        | DATES
        | {"qualification_types": [], "pass_mark": 600, "makeup_allowed": True}
        | {"open_to_other_provinces": False}
    )


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Rows of the time before the first step that rewrites them, of every table that one rewrites."""
    yield "organisation", organisation(PROVINCE, "province", "某省")
    yield "organisation", organisation(ACADEMY, "training_institution", "某院校")
    yield "organisation", organisation(UNIT, "enterprise", "同名民爆(山东)公司", PROVINCE)
    yield "organisation", organisation(TWIN, "enterprise", "同名民爆（山东）公司", PROVINCE)
    for number, name in enumerate(("张 三", "曾志伟")):
        told = {"id": str(UUID(int=20 + number)), "name": name, "sort_key": "", "id_type": "resident_id"}
        told |= {"id_number_masked": "3***", "sex": "male", "birth_date": "1980-01-01", "unit_id": str(UNIT)}
        yield (
            "person",
            told | {"qualification_type_id": str(KIND), "no_criminal_record": True, "state": "approved"},
        )
    yield "training_class", training_class(CLASS, "completed")
    yield "training_class", training_class(RUNNING, "enrolling")
    told = {"id": str(uuid4()), "class_id": str(RUNNING), "person_id": str(UUID(int=20)), "unit_id": str(UNIT)}
    told |= {"via": "enterprise", "enrolled_on": "2026-01-01", "kind": "initial", "needs_confirmation": False}
    yield "enrollment", told | {"state": "checked_in", "case_id": str(uuid4()), "snapshot": {}}


def history(table: str, told: dict[str, Any]) -> dict[str, Any]:
    return told | (HIDDEN if table == "person" else {})


def fill(server: Server, name: str) -> None:
    number = "\\x" + encrypt(b"370101198001011234").hex()
    with contextlib.closing(server.connect(name)) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(
            "INSERT INTO qualification_type (id, code, name, initial_hours, refresher_hours, renewal_hours, pass_mark,"
            " active, created_at, updated_at, version) VALUES (%s, 'X', 'X', 48, 16, 16, 600, true, now(), now(), 1)",
            [str(KIND)],
        )
        for table, told in rows():
            values = told | COMMON
            values |= (
                {"id_number_sealed": number, "id_number_digest": f"\\x{told['id'][-2:]}"} if table == "person" else {}
            )
            values |= {"attempts": 0} if table == "enrollment" else {}
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(values)}) SELECT {', '.join(values)}"
                f" FROM jsonb_populate_record(NULL::{table}, %s)",
                [json.dumps(values)],
            )
            cursor.execute(
                "INSERT INTO row_change (id, at, use_case, kind, table_name, row_id, after)"
                " VALUES (gen_random_uuid(), now(), 'test', 'insert', %s, %s, %s)",
                [table, told["id"], json.dumps(history(table, told))],
            )
        cursor.execute(
            "INSERT INTO job (id, element, kind, name, due_at, payload, state, retries, run_at, created_at)"
            " VALUES (%s, '', 'message', 'no_show', now(), '{\"a\": 1}', 'done', 3, now(), now())",
            [str(MESSAGE)],
        )


@pytest.fixture(params=["noted as it was done", "noted at the upgrade"])
def upgraded(
    application: Flask, server: Server, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """A database that was brought up from before the steps that rewrite, by this version, or by one that noted nothing."""
    from service.models.db.session import db

    name = f"test_{os.getpid()}"  # the application's own
    server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    server.create_database(name)
    owner_url = server.url(name, EMBEDDED_ROLES.owner)
    bring_up(owner_url, "0011")
    fill(server, name)
    if request.param == "noted at the upgrade":
        with monkeypatch.context() as older:
            older.setattr(UpgradeHistory, "watch", lambda *_: None)
            bring_up(owner_url, "0027")
        server.execute("DELETE FROM audit_event", name)
    assert upgrade(owner_url, EMBEDDED_ROLES)
    ProcessCache.clear_all()
    with application.app_context():
        yield name
        db.session.remove()
        db.engine.dispose()


def bring_up(owner_url: str, step: str) -> None:
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        command.upgrade(configuration(connection), step)
    engine.dispose()


def differences() -> list[str]:
    session().rollback()
    session().expunge_all()
    return [f"{found.what}: {found.detail}" for found in (*row_differences(), *mark_differences())]


def test_an_upgraded_database_is_proved_and_what_was_not_noted_is_said(
    upgraded: str, request: pytest.FixtureRequest
) -> None:
    assert differences() == []
    bare = session().scalar(select(func.count()).select_from(RowChange).where(RowChange.mac.is_(None)))
    assert unmarked()["row_change"] == bare > 3
    told = taken_over()
    assert told["job.insert"] == 1
    is_late = request.node.callspec.params["upgraded"] == "noted at the upgrade"
    assert (told.keys() == {"job.insert"}) != is_late
    if is_late:
        assert {"person.spelling", "person.sort_key", "organisation.folded_name"} <= told.keys()
        assert {"training_class.enrolment_closed", "training_class.state"} <= told.keys()


FORGED = (  # what the history says a step rewrote, though it did not
    "INSERT INTO row_change (id, at, use_case, kind, table_name, row_id, after, written_in) SELECT gen_random_uuid(), now(),"
    " 'migration 0028', 'update', 'person', id, '{\"spelling\": \"x\"}', (SELECT max(written_in) FROM audit_event) FROM person"
)
ATTACKS = [
    ("UPDATE person SET spelling = 'x'", "row: person .*: spelling is not"),
    ("UPDATE person SET sort_key = 'x'", "row: person .*: sort_key is not"),
    ("UPDATE organisation SET folded_name = id::text", "row: organisation .*: folded_name is not"),
    ("UPDATE training_class SET enrolment_closed = NOT enrolment_closed", "training_class .*: enrolment_closed is not"),
    ("UPDATE training_class SET state = 'cancelled'", "training_class .*: state is not"),
    ("UPDATE job SET payload = '{}'", "jobs: message no_show: it was sent otherwise"),
    (
        "INSERT INTO job SELECT gen_random_uuid(), case_id, token, element, kind, name, due_at, payload, coalesce, state,"
        " retries, locked_by, locked_until, run_at, error, created_at FROM job",
        "jobs: message no_show: nobody sent it",
    ),
    (FORGED, "upgrade: step 0028: person.spelling: . rows say it rewrote them, its upgrade counted"),
    (FORGED, "mark: row_change .*migration 0028 update of person .*: not written by this service"),
    (
        "INSERT INTO audit_event (id, at, action, outcome, detail) VALUES (gen_random_uuid(), now(), 'export', 'ok', '{}')",
        "mark: audit_event .*: not written by this service",
    ),
    (f"{FORGED}; UPDATE person SET spelling = 'x'", "person .*: spelling is said to come from step 0028"),
    (
        "INSERT INTO audit_event (id, at, action, outcome, detail) VALUES (gen_random_uuid(), now(), 'upgrade_database',"
        ' \'ok\', \'{"since": "0027", "until": "0028", "rewritten": {}}\')',
        "upgrade: .*: from step 0027, not 00",
    ),
]


def test_what_is_changed_in_the_same_columns_is_named(upgraded: str, server: Server) -> None:
    for attack, named in ATTACKS:
        with contextlib.closing(server.connect(upgraded)) as connection, connection.cursor() as cursor:
            connection.autocommit = False
            cursor.execute("SET session_replication_role = replica")
            cursor.execute("CREATE TABLE kept AS SELECT 1")
            for table in ("person", "organisation", "training_class", "job", "row_change", "audit_event"):
                cursor.execute(f"CREATE TABLE kept_{table} AS TABLE {table}")
            for statement in attack.split("; "):
                cursor.execute(statement)
            connection.commit()
            found = differences()
            session().rollback()
            assert any(re.search(named, one) for one in found), (attack, found[:5])
            for table in ("person", "organisation", "training_class", "job", "row_change", "audit_event"):
                cursor.execute(f"DELETE FROM {table}")
                cursor.execute(f"INSERT INTO {table} SELECT * FROM kept_{table}")
                cursor.execute(f"DROP TABLE kept_{table}")
            cursor.execute("DROP TABLE kept")
            connection.commit()
    assert differences() == []


def test_every_table_that_a_step_rewrites_is_among_those_tried(
    application: Flask, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new step that writes to business rows fails here until its rows are tried above, and its rule is declared."""
    name = f"test_{os.getpid()}_tried"
    written: dict[str, set[str]] = {}
    tables: set[str] = set()
    watch, write_history = UpgradeHistory.watch, UpgradeHistory.write_history

    def see(self: UpgradeHistory, connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        tables.update(self.tables_written(statement))
        watch(self, connection, cursor, statement, *rest)

    def keep(self: UpgradeHistory, step: str) -> None:
        written[step] = set(tables)
        tables.clear()
        write_history(self, step)

    monkeypatch.setattr(UpgradeHistory, "watch", see)
    monkeypatch.setattr(UpgradeHistory, "write_history", keep)
    server.create_database(name)
    try:
        bring_up(server.url(name, EMBEDDED_ROLES.owner), "0011")
        fill(server, name)
        bring_up(server.url(name, EMBEDDED_ROLES.owner), "head")
    finally:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    written.pop("0014")  # it writes encrypted columns, of which the history holds no value
    assert {step: found for step, found in written.items() if found} == {
        "0012": {"person", "organisation"},
        "0015": {"training_class"},
        "0022": {"organisation"},  # of persons 0012 makes the keys of today already
    }
