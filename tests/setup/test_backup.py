"""`anpei backup` and `anpei restore` on a filled database, with the keys kept apart."""

from __future__ import annotations

import base64
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from service.cli.database import libpq
from service.config import CHECKOUT, read_keys
from service.infrastructure.postgres import SUPERUSER, Server
from service.models.db.clock import MovingClock
from service.models.queries.system.backup import Backup, last_backup
from service.workflow.system.backups import record_backup, record_restore
from tests.database import addresses
from tests.setup.test_commands import Command

FILL = """
from service import demo
from service.app import create_app
from service.cli.processes import bring_up_to_date
from service.config import settings
app = create_app(settings())
bring_up_to_date(app, settings())
with app.app_context():
    assert demo.fill(share=0.05)
"""
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
OWN = "action NOT IN ('backup', 'restore')"  # what the two commands write themselves


@pytest.fixture(scope="module")
def filled() -> Iterator[Command]:
    """A data folder with a small demonstration in its database."""
    command = folder()
    with Server(command.home).running() as server:
        server.create_database("anpei")
        subprocess.run(
            [sys.executable, "-c", FILL], cwd=CHECKOUT, env=command._environment, check=True, capture_output=True
        )
    yield command
    shutil.rmtree(command.home)


@pytest.fixture(scope="module")
def saved(filled: Command) -> Path:
    """Its backup, made while nobody works."""
    filled("backup", filled.home / "saved")
    return filled.home / "saved"


@pytest.fixture
def other() -> Iterator[Command]:
    """Another data folder, empty, with keys of its own."""
    command = folder()
    yield command
    shutil.rmtree(command.home)


def folder() -> Command:
    home = Path(tempfile.mkdtemp(prefix="anpei backup "))
    home.chmod(0o755)
    return Command(home)


def contents(command: Command) -> dict[str, tuple[object, ...]]:
    """Number of rows and a digest of all of them, for every table."""
    found = {}
    with Server(command.home).running() as server:
        for (table,) in server.execute(TABLES, "anpei"):
            kept = f"WHERE {OWN}" if table == "audit_event" else ""
            (found[str(table)],) = server.execute(
                f"SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} t {kept}",
                "anpei",
            )
    return found


def test_a_filled_database_comes_back_row_by_row_in_another_folder_and_can_be_proved(
    filled: Command, saved: Path, other: Command
) -> None:
    shutil.copy(filled.home / "keys", other.home / "keys")
    said = other("restore", "--yes", saved)
    assert "The keys at hand open its personal data." in said
    before, after = contents(filled), contents(other)
    assert after == before
    assert before["person"][0] > 20  # type: ignore[operator]
    assert before["journal"][0] > 100  # type: ignore[operator]
    assert " 0 differences" in other("verify")


def test_the_keys_are_in_no_form_in_the_file(filled: Command, saved: Path) -> None:
    keys, digest = read_keys(filled.home / "keys")
    program = Server(filled.home).program("pg_restore")
    script = subprocess.run([program, "--file=-", str(saved)], capture_output=True, check=True).stdout
    assert b"COPY public.person" in script
    secret = (filled.home / "secret-key").read_bytes().strip()
    for key in (*keys.values(), digest):
        for form in (key, base64.b64encode(key), key.hex().encode(), secret):
            assert form not in script
            assert form not in saved.read_bytes()


def test_the_file_is_for_its_owner_alone(saved: Path) -> None:
    assert saved.stat().st_mode & 0o077 == 0
    assert list(saved.parent.glob("*.part")) == []


def test_without_its_keys_a_restored_database_says_so_and_with_them_it_opens(
    filled: Command, saved: Path, other: Command
) -> None:
    other("create-admin", "first")  # makes keys of its own
    said = other("restore", "--yes", saved, code=1)
    closed = said.partition("do not open the personal data of this backup: ")[2].partition(". Put back")[0].split(", ")
    assert {"person.id_number_sealed (k1)", "photo.sealed (k1)"} <= set(closed)
    assert "Traceback" not in said
    assert contents(other)["person"] == contents(filled)["person"]
    shutil.copy(filled.home / "keys", other.home / "keys")
    assert "The keys at hand open" in other("restore", "--yes", saved)


def test_a_changed_digest_key_is_found_too(filled: Command, saved: Path, other: Command) -> None:
    changed = base64.b64encode(b"d" * 32).decode()
    lines = (filled.home / "keys").read_text().splitlines()
    (other.home / "keys").write_text("\n".join(f"digest:{changed}" if n.startswith("digest:") else n for n in lines))
    assert "person.id_number_digest (digest)" in other("restore", "--yes", saved, code=1)


@pytest.fixture(scope="module")
def script(filled: Command) -> Path:
    """The same as a script."""
    filled("backup", "--format", "plain", filled.home / "script")
    return filled.home / "script"


EARLIER = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)  # where Debian's packages put servers


@pytest.fixture
def production(other: Command) -> Iterator[Command]:
    """An installation on a server of another version of PostgreSQL, where the machine has one."""
    if EARLIER is None:
        yield other
        return
    home = Path(tempfile.mkdtemp(prefix="anpei-earlier-"))
    nobody = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else os.geteuid()
    os.chown(home, nobody, -1)
    options = f"-c listen_addresses= -c unix_socket_directories={home}"

    def run(name: str, *words: str) -> None:
        subprocess.run([EARLIER / name, "-D", home / "data", *words], user=nobody, check=True, capture_output=True)

    run("initdb", "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
    run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
    try:
        subprocess.run(["psql", "-qh", home, "-U", "postgres", "-c", "CREATE DATABASE anpei"], check=True)
        other._environment["ANPEI_DATABASE_URL"] = f"postgresql://postgres@/anpei?host={home}"
        yield other
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(home)


def test_a_pilot_moves_to_a_server_of_an_earlier_version_as_a_script(
    filled: Command, script: Path, production: Command
) -> None:
    """The embedded server is newer than what a distribution brings, whose programs do not read its own format."""
    shutil.copy(filled.home / "keys", production.home / "keys")
    assert "The keys at hand open its personal data." in production("restore", "--yes", script)
    assert " 0 differences" in production("verify")
    assert "differences" in production("check-data")


@pytest.mark.parametrize("kept", [0.02, 0.5, 0.999])
@pytest.mark.parametrize("form", ["saved", "script"])
def test_a_file_that_is_not_whole_leaves_the_database_untouched(
    filled: Command, request: pytest.FixtureRequest, form: str, kept: float, tmp_path: Path
) -> None:
    before, whole = contents(filled), request.getfixturevalue(form)
    cut = tmp_path / "cut"
    cut.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * kept)])
    assert "Nothing was changed." in filled("restore", "--yes", cut, code=1)
    assert contents(filled) == before


def test_another_database_s_file_and_a_later_version_s_are_refused(
    filled: Command, other: Command, tmp_path: Path
) -> None:
    with Server(filled.home).running() as server:
        server.create_database("foreign")
        server.execute("CREATE TABLE thing (id int)", "foreign")
        foreign = libpq(server.url("foreign", SUPERUSER))
        dump = [server.program("pg_dump"), "--format=custom", f"--file={tmp_path / 'foreign'}", foreign]
        subprocess.run(dump, check=True)
    before = contents(filled)
    assert "is no backup of Anpei" in filled("restore", "--yes", tmp_path / "foreign", code=1)
    other("deploy")
    with Server(other.home).running() as server:
        server.execute("UPDATE alembic_version SET version_num = '9999'", "anpei")
    other("backup", tmp_path / "later")
    assert "was made by a later version of Anpei" in filled("restore", "--yes", tmp_path / "later", code=1)
    assert contents(filled) == before


def test_tables_of_a_later_version_go_with_an_earlier_backup(filled: Command, saved: Path, other: Command) -> None:
    shutil.copy(filled.home / "keys", other.home / "keys")
    other("deploy")
    with Server(other.home).running() as server:
        server.execute("CREATE TABLE later (user_id uuid REFERENCES user_account (id))", "anpei")
    other("restore", "--yes", saved)
    assert contents(other) == contents(filled)


def test_a_restore_is_refused_while_anpei_runs(filled: Command, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(filled.home).running() as server:
        assert "Stop it, then restore again" in filled("restore", "--yes", saved, code=1)
        for name, address in addresses(server, "anpei").items():
            monkeypatch.setitem(filled._environment, name, address)
        idle = server.connect("anpei")
        assert "Stop it, then restore again" in filled("restore", "--yes", saved, code=1)
        idle.close()


def test_a_backup_made_while_others_write_is_of_one_moment(filled: Command, other: Command, tmp_path: Path) -> None:
    with Server(filled.home).running() as server:
        ending = threading.Event()

        def write() -> None:
            connection = server.connect("anpei")
            connection.autocommit = False
            with connection.cursor() as cursor:
                while not ending.is_set():  # one row in a table that is read early, one in a late one
                    cursor.execute(
                        "INSERT INTO attempt (id, at, kind, key) VALUES (gen_random_uuid(), now(), 'pair', 'pair')"
                    )
                    cursor.execute(
                        "INSERT INTO submission (id, user_id, at, result) VALUES (gen_random_uuid(), gen_random_uuid(), now(), '{}')"
                    )
                    connection.commit()
            connection.close()

        writer = threading.Thread(target=write)
        writer.start()
        filled("backup", tmp_path / "busy")
        ending.set()
        writer.join()
        for table in ("attempt", "submission"):  # the others compare what was saved before
            server.execute(f"DELETE FROM {table}", "anpei")
    shutil.copy(filled.home / "keys", other.home / "keys")
    other("restore", "--yes", tmp_path / "busy")
    pairs, halves = other.ask(
        "SELECT count(*) FROM attempt WHERE kind = 'pair' UNION ALL SELECT count(*) FROM submission"
    )
    assert pairs == halves
    assert pairs[0] > 0  # type: ignore[operator]
    assert other.ask("SELECT count(*) FROM audit_event WHERE action = 'restore'") == [(1,)]


def test_the_last_backup_is_remembered_with_who_made_it(filled: Command, saved: Path) -> None:
    import pwd

    size = saved.stat().st_size
    ((detail,),) = filled.ask(
        f"SELECT detail FROM audit_event WHERE action = 'backup' AND (detail->>'bytes')::bigint = {size} LIMIT 1"
    )
    assert detail == {
        "who": pwd.getpwuid(os.geteuid()).pw_name,
        "host": os.uname().nodename,
        "bytes": size,
    }


def test_the_page_of_the_administrator_learns_of_the_last_backup(app: object, clock: MovingClock) -> None:
    assert last_backup() is None
    record_backup("keeper", "vault", 1000)
    clock.move(timedelta(hours=1))
    record_backup("keeper", "vault", 2000)
    record_restore("keeper", "vault", 2000)
    assert last_backup() == Backup(clock.instant, "keeper", "vault", 2000)
