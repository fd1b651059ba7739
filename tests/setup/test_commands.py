"""The `anpei` command on a database of its own."""

from __future__ import annotations

import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from argon2 import PasswordHasher

from service.cli.database import environment, libpq
from service.config import CHECKOUT, EMBEDDED_ROLES, make_password
from service.infrastructure.database_roles import scram_verifier
from service.infrastructure.postgres import Server
from tests.database import addresses

LOGINS = "SELECT login FROM user_account ORDER BY login"


class Command:
    """``anpei …`` as a person types it, on the embedded database of one folder."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("ANPEI_")}
        self._environment["ANPEI_DATA_DIR"] = str(home)

    def __call__(self, *words: str | Path, code: int = 0) -> str:
        command = [sys.executable, "-m", "service.cli", *map(str, words)]
        done = subprocess.run(command, cwd=CHECKOUT, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def ask(self, question: str) -> list[tuple[object, ...]]:
        with Server(self.home).running() as server:
            return server.execute(question, "anpei")


@pytest.fixture(scope="module")
def anpei() -> Iterator[Command]:
    home = Path(tempfile.mkdtemp(prefix="anpei commands "))
    home.chmod(0o755)
    command = Command(home)
    command("create-admin", "first")  # on an empty database, as after an installation
    command("deploy")
    yield command
    shutil.rmtree(home)


def test_help_lists_each_command_with_a_sentence() -> None:
    said = subprocess.run(
        [sys.executable, "-m", "service.cli", "--help"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    for name in (
        "serve",
        "worker",
        "run",
        "demo",
        "deploy",
        "check",
        "seal",
        "verify",
        "evidence",
        "export-events",
        "check-data",
        "conformance",
        "create-admin",
        "unlock",
        "reset-password",
        "database-roles",
        "backup",
        "restore",
        "db",
    ):
        assert f"\n  {name} " in said


def test_a_backup_brings_back_what_was_there(anpei: Command) -> None:
    assert "first password" in anpei("create-admin", "keeper")
    before = anpei.ask(LOGINS)
    anpei("backup", anpei.home / "saved")
    anpei("create-admin", "later", "--role", "audit_admin")
    assert anpei.ask(LOGINS) != before
    anpei("restore", "--yes", anpei.home / "saved")
    assert anpei.ask(LOGINS) == before


def test_an_event_log_is_written_and_one_with_names_asks_what_for(anpei: Command) -> None:
    events = "SELECT detail->>'purpose' FROM audit_event WHERE action = 'export_events'"
    assert ": 0 cases, 0 events" in anpei("export-events", anpei.home / "log.xes", "--format", "xes")
    assert anpei.ask(events) == []
    anpei("export-events", anpei.home / "log.csv", "--format", "csv", "--names", "--purpose", "yearly audit")
    assert anpei.ask(events) == [("yearly audit",)]


def test_a_file_that_is_no_backup_changes_nothing(anpei: Command) -> None:
    before = anpei.ask(LOGINS)
    broken = anpei.home / "broken"
    broken.write_bytes(b"PGDMP and nothing more")
    anpei("restore", "--yes", broken, code=1)
    assert anpei.ask(LOGINS) == before


def test_a_refused_diagram_leaves_the_version_in_force_and_says_why(anpei: Command) -> None:
    versions = "SELECT key, number FROM definition_version WHERE current ORDER BY key"
    before = anpei.ask(versions)
    broken = anpei.home / "training_class.bpmn"
    broken.write_bytes(
        (CHECKOUT / "processes" / "training_class.bpmn").read_bytes().replace(b"</bpmn:process>", b"", 1)
    )
    for command in ("check", "deploy", "backtest"):
        assert "training_class.bpmn:" in anpei(command, broken, code=1)
    assert anpei.ask(versions) == before
    assert len(before) == len(list((CHECKOUT / "processes").glob("*.bpmn")))


def test_the_log_is_sealed_and_evidence_of_no_case_is_refused_in_a_line(anpei: Command) -> None:
    head = json.loads(anpei("seal").splitlines()[-1])
    assert anpei("seal").startswith("Everything is sealed already")
    assert head["signatures"].keys() == {anpei("seal", "--keys").split()[0]}
    said = anpei("evidence", "--case", str(UUID(int=7)), "--out", anpei.home / "e.zip", code=1)
    assert said.startswith("anpei: ")
    assert "Traceback" not in said


def test_r81_the_data_are_compared_with_a_fresh_computation(anpei: Command) -> None:
    said = anpei("check-data")
    assert "姓名和单位名称的检索：核对" in said
    assert "Search keys of names:" in said
    anpei.ask("UPDATE organisation SET spelling = 'xyz', sort_key = 'secret' WHERE code = '37'")
    broken = anpei("check-data", "names", code=1)
    assert re.search(r"^organisation [0-9a-f-]{36} spelling$", broken, re.MULTILINE)
    assert "secret" not in broken
    assert "names: 姓名和单位名称的检索：核对" in broken
    assert "2 differences" in broken
    assert "one of training_need" in anpei("check-data", "everything", code=2)


def test_a_login_that_cannot_be_is_told_in_a_line(anpei: Command) -> None:
    said = anpei("create-admin", "Ü", code=1)
    assert said.startswith("anpei: ")
    assert "Traceback" not in said


def test_r2_the_command_line_unlocks_an_account_and_resets_the_last_administrator(anpei: Command) -> None:
    anpei("create-admin", "guard", "--role", "security_admin")
    with Server(anpei.home).running() as server:
        server.execute("UPDATE user_account SET must_change = false, locked_until = now() + '1 hour'", "anpei")
    state = "SELECT must_change, locked_until IS NULL, epoch FROM user_account WHERE login = 'guard'"
    assert "guard: unlocked" in anpei("unlock", "guard")
    ((_, _, epoch),) = told = anpei.ask(state)
    assert told == [(False, True, epoch)]
    first = re.search(r"guard: first password (\S{14})\n", anpei("reset-password", "guard"))
    assert first
    assert anpei.ask(state) == [(True, True, epoch + 1)]  # type: ignore[operator]
    ((kept,),) = anpei.ask("SELECT password_hash FROM user_account WHERE login = 'guard'")
    assert PasswordHasher().verify(str(kept), first[1])
    trail = anpei.ask(
        "SELECT e.action, e.detail ->> 'who', e.detail ->> 'host' FROM audit_event e JOIN user_account u ON u.id = e.object_id "
        "WHERE u.login = 'guard' ORDER BY e.at"
    )
    operator = (pwd.getpwuid(os.geteuid()).pw_name, os.uname().nodename)
    assert trail == [("unlock", *operator), ("reset_password", *operator)]
    for command in ("unlock", "reset-password"):
        said = anpei(command, "nobody", code=1)
        assert said.startswith("anpei: ")
        assert "Traceback" not in said


@contextmanager
def passwords(server: Server, chosen: dict[str, str]) -> Iterator[None]:
    """Other passwords of database roles than those in the data folder, inside the block."""
    known = {role: make_password(server.home, role) for role in chosen}
    for role, password in chosen.items():
        server.execute(f"ALTER ROLE {role} PASSWORD '{scram_verifier(password)}'")
    try:
        yield
    finally:
        for role, password in known.items():
            server.execute(f"ALTER ROLE {role} PASSWORD '{scram_verifier(password)}'")


def test_the_database_s_password_stands_in_no_argument(
    anpei: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Server(anpei.home).running() as server:
        for name in ("psql", "pg_dump", "pg_restore"):
            called = tmp_path / name
            real = f'exec {shlex.quote(server.program(name))} "$@"'
            called.write_text(
                f'#!/bin/sh\necho "{name} $* [$PGPASSWORD]" >>{shlex.quote(str(tmp_path / "log"))}\n{real}\n'
            )
            called.chmod(0o755)
        for name, address in addresses(server, "anpei").items():
            monkeypatch.setitem(anpei._environment, name, address.replace("@/", ":s3%40cret%25@/"))
        monkeypatch.setitem(anpei._environment, "PATH", f"{tmp_path}:{os.environ['PATH']}")
        with passwords(server, dict.fromkeys(EMBEDDED_ROLES, "s3@cret%")):
            anpei("backup", tmp_path / "saved")
            anpei("restore", "--yes", tmp_path / "saved")
            anpei("db")
    called_as = (tmp_path / "log").read_text()
    for name in ("psql", "pg_dump", "pg_restore"):
        assert re.search(rf"^{name} .*\[s3@cret%\]$", called_as, re.MULTILINE | re.DOTALL)
    assert "cret" not in called_as.replace("[s3@cret%]", "")


def test_a_password_among_the_options_of_the_address_is_no_argument_either(monkeypatch: pytest.MonkeyPatch) -> None:
    for address, told, password in (
        ("u@/anpei?password=p%26q&host=/run/pg", "u@/anpei?host=/run/pg", "p&q"),
        ("u:p@h1:1,h2:2/anpei", "u@h1:1,h2:2/anpei", "p"),
        ("u@h/anpei?sslmode=require", "u@h/anpei?sslmode=require", None),
        ("h/anpei", "h/anpei", None),
        ("/anpei", "/anpei", None),
    ):
        monkeypatch.delenv("PGPASSWORD", raising=False)
        url = f"postgresql+psycopg2://{address}"
        assert libpq(url) == f"postgresql://{told}"
        assert environment(url).get("PGPASSWORD") == password


def test_a_database_that_cannot_be_reached_is_told_in_a_line(anpei: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(anpei._environment, "ANPEI_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    said = anpei("verify", code=1)
    assert said.startswith("anpei: The database of ANPEI_DATABASE_URL cannot be reached")
    assert "Traceback" not in said
