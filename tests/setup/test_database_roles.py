"""The database lets in nobody without a secret, and each of its three roles does what is declared and no more.

Issue 8: the embedded database is not ``trust``; owner for migrations, application with INSERT only on journal, history
of rows and audit, also by trigger; a role that reads for proofs; the same scripts for another server.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import IntegrityError

from service.cli.database import split_password
from service.config import EMBEDDED_ROLES, data_dir, embedded_url, password_file, settings
from service.infrastructure.postgres import LOGINS, SUPERUSER, Server
from service.migrations import rights, upgrade
from service.models.db.session import db, session
from tests.database import alter_as_owner
from tests.setup.test_commands import Command

REFUSED = "42501"  # insufficient_privilege
GUARDED = "23001"  # restrict_violation: the trigger's, told apart from a right that is missing
REFERENCED = "0A000"  # a table that others name is emptied with them or not at all: asked after the right
ACTS = {
    "SELECT": "SELECT * FROM {0} LIMIT 0",
    "INSERT": "INSERT INTO {0} SELECT * FROM {0} WHERE false",
    "UPDATE": "UPDATE {0} SET {1} = {1} WHERE false",
    "DELETE": "DELETE FROM {0} WHERE false",
    "TRUNCATE": "TRUNCATE {0}",
}
CHANGES = ("UPDATE", "DELETE", "TRUNCATE")
NEVER = (
    "CREATE TABLE mine (id int)",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine",
    "CREATE EXTENSION file_fdw",
    "CREATE ROLE mine SUPERUSER",
    "CREATE DATABASE mine",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "CREATE INDEX ON person (name)",
    "CREATE TRIGGER mine BEFORE UPDATE ON person EXECUTE FUNCTION refuse_change()",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER TABLE person ADD COLUMN mine int",
    "ALTER TABLE journal DISABLE TRIGGER refuse_change",
    "ALTER TABLE journal OWNER TO anpei_app",
    "ALTER ROLE anpei_owner PASSWORD 'x'",
    "ALTER SYSTEM SET log_statement = 'all'",
    "ALTER DATABASE postgres SET log_statement = 'all'",
    "DROP TABLE person",
    "DROP TRIGGER refuse_change ON journal",
    "DROP FUNCTION refuse_change() CASCADE",
    "DROP SCHEMA public CASCADE",
    "DROP DATABASE template1",
    "COPY person TO PROGRAM 'cat'",
    "COPY person FROM PROGRAM 'id'",
    "COPY person TO '/tmp/person'",
    "COPY person FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_read_binary_file('PG_VERSION')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'anpei'",
    "SET ROLE anpei_owner",
    "SET ROLE anpei",
    "SET SESSION AUTHORIZATION anpei_owner",
    "SET session_replication_role = replica",
)


@contextlib.contextmanager
def connected(url: str) -> Iterator[Any]:
    connection = psycopg2.connect(url.replace("+psycopg2", "", 1))
    try:
        yield connection
    finally:
        connection.close()


def code_of(connection: Any, statement: str) -> str | None:
    """The code of the error that a statement ends in, None when it is done; nothing of it stays."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(statement)
        except psycopg2.Error as error:
            return str(error.pgcode)
        finally:
            connection.rollback()
    return None


def address(role: str) -> str:
    chosen = settings()
    return {"owner": chosen.owner_url, "app": chosen.database_url, "read": chosen.read_url}[role]


def declared(role: str, table: str) -> set[str]:
    """What the declaration lets a role do with a table."""
    kind = rights.TABLES[table]
    if role == "owner":
        return set(ACTS) - set(CHANGES if kind is rights.Kind.APPEND_ONLY else ())
    return {"SELECT", *(kind.value if role == "app" else ())}


def columns() -> dict[str, str]:
    """Each table that the database has, with one of its columns."""
    found = session().execute(
        text(
            "SELECT table_name, min(column_name) FROM information_schema.columns WHERE table_schema = 'public' GROUP BY 1"
        )
    )
    return {str(table): str(column) for table, column in found}


@pytest.mark.parametrize("role", ["owner", "app", "read"])
def test_every_table_gives_each_role_what_is_declared_and_nothing_else(app: object, role: str) -> None:
    """Every table × act is tried, as the role itself."""
    tables = columns()
    session().rollback()
    assert set(tables) == set(rights.TABLES)
    differing = []
    with connected(address(role)) as connection:
        connection.set_session(readonly=False)
        for table, column in tables.items():
            given = set()
            for act, statement in ACTS.items():
                code = code_of(connection, statement.format(table, f'"{column}"'))
                assert code in (None, REFUSED, GUARDED, REFERENCED), (table, act, code)
                given |= {act} if code != (GUARDED if role == "owner" else REFUSED) else set()
            if given != declared(role, table):
                differing.append((table, sorted(given), sorted(declared(role, table))))
    assert not differing


def test_sequences_are_read_by_readers_and_drawn_from_by_nobody(app: object) -> None:
    names = session().scalars(text("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")).all()
    assert names
    tried = {"read": ("SELECT last_value FROM {0}", None), "draw": ("SELECT nextval('{0}')", REFUSED)}
    for role in ("app", "read"):
        with connected(address(role)) as connection:
            connection.set_session(readonly=False)
            for name in names:
                for act, (statement, code) in tried.items():
                    wanted = REFUSED if role == "app" else code
                    assert code_of(connection, statement.format(name)) == wanted, (role, name, act)


def test_what_a_case_did_who_changed_a_row_and_who_looked_only_grows() -> None:
    """Invariant 3: the three tables that prove what happened, and what they name."""
    assert {"journal", "row_change", "audit_event", "definition_file"} <= rights.APPEND_ONLY


def test_a_table_that_nobody_declared_fails_the_migration(app: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(db.metadata.tables) | {"alembic_version"} == set(rights.TABLES)
    for table in db.metadata.tables:
        with monkeypatch.context() as forgetful:
            forgetful.delitem(rights.TABLES, table)
            with pytest.raises(RuntimeError, match=f"declare in .*: {table}"):
                upgrade(settings().owner_url, settings().roles)


@pytest.mark.parametrize("role", ["app", "read"])
def test_neither_application_nor_readers_make_change_or_drop_anything_nor_reach_a_file(app: object, role: str) -> None:
    with connected(address(role)) as connection:
        connection.set_session(readonly=False, autocommit=True)  # some are no part of a transaction for anybody
        allowed = [(statement, code) for statement in NEVER if (code := code_of(connection, statement)) != REFUSED]
    assert not allowed


@pytest.mark.parametrize("role", ["app", "read"])
def test_the_setting_of_maintenance_opens_nothing_to_who_does_not_own_the_tables(app: object, role: str) -> None:
    with connected(address(role)) as connection:
        connection.set_session(readonly=False)
        for table, column in columns().items():
            for act in CHANGES if table in rights.APPEND_ONLY else ():
                statement = f"SET LOCAL {rights.MAINTENANCE} = 'on'; {ACTS[act].format(table, column)}"
                assert code_of(connection, statement) == REFUSED, (table, act)


def test_a_reader_begins_every_transaction_as_one_that_reads(app: object) -> None:
    with connected(address("read")) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        assert cursor.fetchone() == ("on",)


def test_the_tests_themselves_work_as_the_application_s_role(app: object) -> None:
    """A right that is missing fails the test of what needs it."""
    who = "SELECT current_user, rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    assert session().execute(text(who)).one() == (EMBEDDED_ROLES.app, False)


def test_no_trigger_is_asked_when_a_row_is_added_and_none_for_each_row(app: object) -> None:
    """An input of a case costs what it cost: bit 1 is ``FOR EACH ROW``, bit 4 ``INSERT``."""
    own = "SELECT bool_or((tgtype & 5) <> 0), count(*) FROM pg_trigger WHERE NOT tgisinternal"
    assert session().execute(text(own)).one() == (False, len(rights.APPEND_ONLY))


@pytest.mark.parametrize(
    "drift",
    [
        "GRANT DELETE ON journal TO anpei_app",
        "GRANT SELECT ON person TO PUBLIC",
        "REVOKE INSERT ON journal FROM anpei_app",
        "REVOKE SELECT ON photo FROM anpei_read",
        "DROP TRIGGER refuse_change ON audit_event",
        "ALTER TABLE row_change DISABLE TRIGGER refuse_change",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ],
)
def test_the_next_start_puts_back_what_was_changed_by_hand(app: object, drift: str) -> None:
    chosen = settings()
    assert upgrade(chosen.owner_url, chosen.roles) is False
    alter_as_owner(drift)
    assert upgrade(chosen.owner_url, chosen.roles) is True
    assert upgrade(chosen.owner_url, chosen.roles) is False


def test_maintenance_of_the_owner_is_one_transaction_and_nothing_is_open_after_it(app: object) -> None:
    alter_as_owner("DELETE FROM audit_event")
    engine = create_engine(settings().owner_url)
    with engine.begin() as connection, pytest.raises(IntegrityError, match="DELETE of audit_event is refused"):
        connection.execute(text("DELETE FROM audit_event"))
    engine.dispose()


# The embedded server


@pytest.fixture
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="anpei roles "))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def quick(home: Path) -> Server:
    return Server(home, is_durable=False, programs_in=data_dir())


def refusals(server: Server) -> dict[tuple[str, str, str], str]:
    """By role, database and password what the server says to whoever comes over its socket."""
    said = {}
    for role in (*LOGINS, "postgres", "nobody", "root", pwd.getpwuid(os.geteuid()).pw_name):
        for database in ("postgres", "template1", "anpei"):
            for password in ("", "wrong", role):
                asked = {
                    "host": str(server.sockets),
                    "user": role,
                    "dbname": database,
                    "passfile": str(server.home / "none"),
                }
                try:
                    psycopg2.connect(**asked, **({"password": password} if password else {})).close()
                except psycopg2.OperationalError as refused:
                    said[role, database, password] = str(refused)
                else:
                    said[role, database, password] = "let in"
    return said


def holds_the_door(server: Server) -> None:
    """Without its password no role is let in, and only the server's owner reads one."""
    said = refusals(server)
    assert {text for text in said.values() if "password" not in text} == set()
    for role in LOGINS:
        file = password_file(server.home, role)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.stat().st_uid == os.geteuid()
        with connected(server.url("anpei", role)) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == (role,)


def test_nobody_is_let_in_without_the_password_of_a_role(home: Path) -> None:
    with quick(home).running() as server:
        server.create_database("anpei")
        holds_the_door(server)
        if os.geteuid() == 0:  # the user under whom the server runs has no way in either
            nobody = pwd.getpwnam("nobody")
            files = [str(password_file(home, role)) for role in LOGINS]
            done = subprocess.run(
                ["/bin/cat", *files], user=nobody.pw_uid, group=nobody.pw_gid, capture_output=True, check=False
            )
            assert (done.returncode, done.stdout) == (1, b"")
            address = f"host={server.sockets} user={SUPERUSER} dbname=anpei"
            done = subprocess.run(
                [server.program("psql"), "-w", address, "-c", "SELECT 1"],
                env={"PGPASSFILE": files[0], "LC_ALL": "C.UTF-8"},
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                cwd="/",
                capture_output=True,
                check=False,
            )
            assert done.returncode == 2, done
            assert b"no password supplied" in done.stderr


def test_application_and_readers_come_into_no_other_database(home: Path) -> None:
    with quick(home).running() as server:
        server.create_database("anpei")
        for role in (EMBEDDED_ROLES.app, EMBEDDED_ROLES.read):
            for database in ("postgres", "template1"):
                with pytest.raises(psycopg2.OperationalError, match="does not have CONNECT"):
                    psycopg2.connect(server.url(database, role).replace("+psycopg2", "", 1))


@pytest.mark.parametrize("runs", [False, True])
def test_a_data_folder_that_trusted_everybody_is_guarded_at_the_next_start(home: Path, runs: bool) -> None:
    old = quick(home)
    old._own(old.sockets)
    old._own(old.data)
    old._run("initdb", "-D", str(old.data), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    old._launch()
    old.execute("CREATE DATABASE anpei")
    old.execute("CREATE TABLE kept (word text)", "anpei")
    old.execute("INSERT INTO kept VALUES ('old')", "anpei")
    assert "let in" in refusals(old).values()
    if not runs:
        old.stop()
    with quick(home).running() as server:
        server.create_database("anpei")
        holds_the_door(server)
        owner = "SELECT tableowner, (SELECT word FROM kept) FROM pg_tables WHERE tablename = 'kept'"
        assert server.execute(owner, "anpei") == [(EMBEDDED_ROLES.owner, "old")]


def test_passwords_that_were_removed_are_made_anew(home: Path) -> None:
    with quick(home).running() as server:
        server.create_database("anpei")
        before = {role: password_file(home, role).read_text() for role in LOGINS}
    for role in LOGINS[1:]:
        password_file(home, role).unlink()
    with quick(home).running() as server:
        holds_the_door(server)
    after = {role: password_file(home, role).read_text() for role in LOGINS}
    assert {role for role in LOGINS if after[role] == before[role]} == {SUPERUSER}


def test_no_secret_stands_in_an_address_nor_in_what_the_server_writes(home: Path) -> None:
    with quick(home).running() as server:
        server.create_database("anpei")
    written = "".join(file.read_text(errors="replace") for file in (server.data / "server.log", home / "postgres.out"))
    addresses = "".join(server.url("anpei", role) for role in LOGINS)
    for role in LOGINS:
        secret = password_file(home, role).read_text().strip().rpartition(":")[2]
        assert len(secret) > 40
        assert secret not in written + addresses
    assert "SCRAM" not in written


# Another server


class Elsewhere(Command):
    """``anpei …`` with three roles of its own on a server that is not the embedded one of its data folder."""

    def __init__(self, home: Path, server: Server) -> None:
        super().__init__(home)
        self.server, self.name = server, f"test_{os.getpid()}_elsewhere"
        self.roles = [f"{self.name}_{role}" for role in ("owner", "app", "read")]
        host = f"@/{self.name}?host={server.sockets}"
        owner, app, read = (f"postgresql://{role}:pass-{role}{host}" for role in self.roles)
        self._environment |= {
            "ANPEI_DATABASE_OWNER_URL": owner,
            "ANPEI_DATABASE_URL": app,
            "ANPEI_DATABASE_READ_URL": read,
            "ANPEI_DATABASE_ADMIN_URL": server.url(self.name, SUPERUSER),
        }

    def forget(self, *names: str) -> None:
        for name in names:
            self._environment.pop(f"ANPEI_DATABASE_{name}")

    def asked_as(self, role: str, statement: str) -> str | None:
        with connected(self._environment[f"ANPEI_DATABASE_{role}"]) as connection:
            return code_of(connection, statement)


@pytest.fixture
def elsewhere(home: Path, server: Server) -> Iterator[Elsewhere]:
    made = Elsewhere(home, server)
    server.execute(f'CREATE DATABASE "{made.name}"')
    yield made
    server.execute(f'DROP DATABASE "{made.name}" WITH (FORCE)')
    for role in made.roles:
        server.execute(f'DROP ROLE IF EXISTS "{role}"')


def test_the_same_statements_serve_another_server(elsewhere: Elsewhere) -> None:
    assert "works" in elsewhere("database-roles")
    owner = elsewhere._environment["ANPEI_DATABASE_OWNER_URL"]
    elsewhere.forget("ADMIN_URL", "OWNER_URL")
    assert "may not change them: set ANPEI_DATABASE_OWNER_URL" in elsewhere("create-admin", "first", code=1)
    elsewhere._environment["ANPEI_DATABASE_OWNER_URL"] = owner
    elsewhere("deploy")
    assert elsewhere.asked_as("OWNER_URL", "DELETE FROM journal") == GUARDED
    elsewhere.forget("OWNER_URL")  # where nothing is migrated the owner's address is not needed
    assert "first password" in elsewhere("create-admin", "first")
    assert " 0 differences" in elsewhere("verify")
    assert elsewhere.asked_as("URL", "INSERT INTO journal SELECT * FROM journal") is None
    for statement in ("DELETE FROM journal", "TRUNCATE journal", "CREATE TABLE mine (id int)"):
        assert elsewhere.asked_as("URL", statement) == REFUSED
        assert elsewhere.asked_as("READ_URL", statement) in (REFUSED, "25006")  # a transaction that only reads


def test_a_database_that_one_role_owned_is_handed_over_with_what_it_holds(elsewhere: Elsewhere) -> None:
    chosen = dict(elsewhere._environment)
    admin = chosen["ANPEI_DATABASE_ADMIN_URL"]
    elsewhere.forget("OWNER_URL", "READ_URL")
    elsewhere._environment["ANPEI_DATABASE_URL"] = admin
    assert "works on tables that it owns" in elsewhere("deploy")
    elsewhere._environment |= chosen
    elsewhere("database-roles")
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert elsewhere.server.execute(owners, elsewhere.name) == [(elsewhere.roles[0],)]
    elsewhere("deploy")
    assert elsewhere.asked_as("URL", "DELETE FROM journal") == REFUSED


def test_the_statements_can_be_read_first_and_hold_no_password(elsewhere: Elsewhere) -> None:
    said = elsewhere("database-roles", "--sql")
    assert "pass-" not in said
    program = [elsewhere.server.program("psql"), "-q", "-v", "ON_ERROR_STOP=1"]
    admin, password = split_password(elsewhere._environment["ANPEI_DATABASE_ADMIN_URL"])
    assert not password
    subprocess.run([*program, admin], input=said, text=True, check=True)
    elsewhere.forget("ADMIN_URL")
    elsewhere("deploy")
    assert elsewhere.asked_as("URL", "DELETE FROM journal") == REFUSED


def test_roles_that_are_one_or_mighty_are_refused_with_a_sentence(elsewhere: Elsewhere) -> None:
    mighty = elsewhere.roles[1]
    elsewhere.server.execute(f'CREATE ROLE "{mighty}" SUPERUSER')
    said = elsewhere("database-roles", code=1)
    assert said.startswith(f"anpei: These roles may do more than they should, take it from them first: {mighty}")
    elsewhere._environment["ANPEI_DATABASE_ADMIN_URL"] = elsewhere.server.url("postgres", SUPERUSER)
    assert f"must be an address of {elsewhere.name} too" in elsewhere("database-roles", code=1)
    elsewhere._environment["ANPEI_DATABASE_READ_URL"] = elsewhere._environment["ANPEI_DATABASE_URL"]
    assert "must name three different roles" in elsewhere("database-roles", code=1)
    elsewhere.forget("URL")
    assert "without ANPEI_DATABASE_URL" in elsewhere("database-roles", code=1)


def test_the_address_of_the_embedded_server_names_the_file_of_its_role_alone(tmp_path: Path) -> None:
    for role in LOGINS:
        assert embedded_url(tmp_path / "a b", "anpei", role).endswith(f"/a%20b/database-password-{role}")
