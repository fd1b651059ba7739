"""One template database for all tests, and a fresh copy of it for each test that asks (some 30 ms)."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import create_mock_engine, text
from sqlalchemy.schema import ExecutableDDLElement

from service.config import CHECKOUT, EMBEDDED_ROLES, data_dir, settings
from service.infrastructure.database_roles import quote_name
from service.infrastructure.postgres import Server
from service.migrations.rights import maintenance

SOURCES = (  # what fills a new database; its tables and diagrams are compared by what they are
    "service/migrations",
    "service/infrastructure/database_roles.py",
    "service/engine/definition.py",
    "service/workflow/processes/definitions.py",
    "service/workflow/versions/deployments.py",
    "service/workflow/versions/path_deployments.py",
    "service/workflow/system/reference_data.py",
    "service/domain/units/provinces.py",
)
KEPT_TEMPLATES = 5  # of older states of the sources: another run may be copying one
KEPT_WORLDS = 12
WRITERS = ("service/**/*.py", "processes/*.*", "forms/*")  # what a filled database depends on


def test_server() -> Server:
    """The server of the tests: apart from the service's own, and careless of crashes."""
    return Server(data_dir() / "test", is_durable=False, programs_in=data_dir())


@contextlib.contextmanager
def template(server: Server) -> Iterator[str]:
    """The name of a database after migrations and deployment; made again only when their sources changed.

    ``ANPEI_TEST_TEMPLATE`` names one that is there already, whatever the sources say: a mutant runs on that of the checkout.
    """
    if named := os.environ.get("ANPEI_TEST_TEMPLATE"):
        yield named
        return
    name = f"template_{fingerprint()}"
    with (server.home / "template.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _drop_leftovers(server)
        if not server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            _build(name)
    yield name


def addresses(server: Server, database: str) -> dict[str, str]:
    """The environment of a process that works on a database, with each role where production has it."""
    urls = {role: server.url(database, name) for role, name in EMBEDDED_ROLES._asdict().items()}
    return {
        "ANPEI_DATABASE_URL": urls["app"],
        "ANPEI_DATABASE_OWNER_URL": urls["owner"],
        "ANPEI_DATABASE_READ_URL": urls["read"],
        "ANPEI_DATA_DIR": str(server.home),
    }


def copy(server: Server, source: str, name: str) -> None:
    """Put a fresh copy of ``source`` in the place of ``name``; connections to the old one are cut.

    What a copy does not take along are the rights to the database itself: nobody makes temporary tables either.
    """
    owner = quote_name(EMBEDDED_ROLES.owner)
    with contextlib.closing(server.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" OWNER {owner} TEMPLATE "{source}" STRATEGY FILE_COPY')
        cursor.execute(f'REVOKE TEMPORARY ON DATABASE "{name}" FROM PUBLIC')


def alter_as_owner(*statements: str) -> None:
    """Do to the test's database what no use case may: as the owner of its tables, in maintenance."""
    with maintenance(settings().owner_url) as connection:
        for statement in statements:
            connection.execute(text(statement))


def copy_of_world(server: Server, world: str, name: str, fill: Callable[[], None]) -> None:
    """Put a copy of the database that ``fill`` makes of ``name`` in its place; filled once for each state of the sources.

    ``fill`` leaves no connection open. Whichever test process is first fills, the others wait for it.
    """
    made = f"world_{world}_{_digest_of_writers()}"
    with (server.home / f"{made}.lock").open("a") as lock:  # of its own: other states are filled meanwhile
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not server.execute(f"SELECT 1 FROM pg_database WHERE datname = '{made}'"):
            fill()
            server.execute(f'ALTER DATABASE "{name}" RENAME TO "{made}"')
            for old in _of_kind(server, "world_")[:-KEPT_WORLDS]:
                server.execute(f'DROP DATABASE "{old}" WITH (FORCE)')
        copy(server, made, name)


def _digest_of_writers() -> str:
    digest = hashlib.sha256()
    for file in (file for pattern in WRITERS for file in sorted(CHECKOUT.glob(pattern))):
        digest.update(str(file.relative_to(CHECKOUT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def _of_kind(server: Server, prefix: str) -> list[str]:
    """Databases whose name begins so, oldest first."""
    found = server.execute("SELECT datname FROM pg_database ORDER BY oid")
    return [str(name) for (name,) in found if str(name).startswith(prefix)]


def _build(name: str) -> None:
    command = [sys.executable, "-m", "tests.make_template", name]
    done = subprocess.run(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    print(done.stdout, end="", file=sys.stderr)
    if done.returncode:
        raise RuntimeError(f"The template database could not be made:\n{done.stdout}")


def _drop_leftovers(server: Server) -> None:
    """Databases of test processes that were killed, and templates of states long gone."""
    dead = [
        name
        for name in _of_kind(server, "test_")
        if (found := re.fullmatch(r"test_(\d+)(?:_\w+)?", name)) and not _lives(int(found[1]))
    ]
    for name in dead + _of_kind(server, "template_")[:-KEPT_TEMPLATES]:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def fingerprint() -> str:
    """The digest of what the template holds: an edit of a rule or a page leaves it, one of a column or a form does not."""
    digest = hashlib.sha256("\0".join([*table_statements(), *bundle_digests()]).encode())
    for source in SOURCES:
        path = CHECKOUT / source
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(str(file.relative_to(CHECKOUT)).encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def table_statements() -> list[str]:
    """The SQL that makes the tables of the models with their indexes, sorted: the models keep indexes in sets."""
    from service.models import tables  # noqa: F401 - the metadata is filled by importing them
    from service.models.db.session import db

    statements: list[str] = []

    def keep(statement: ExecutableDDLElement, *_: object, **__: object) -> None:
        statements.append(str(statement.compile(dialect=writer.dialect)))

    writer = create_mock_engine("postgresql+psycopg2://", keep)
    db.metadata.create_all(writer, checkfirst=False)
    return sorted(statements)


def bundle_digests() -> list[str]:
    """The digest of each shipped diagram with everything that is deployed with it, in the order of their names."""
    from service.engine.definition import digest_of
    from service.workflow.processes.definitions import PROCESSES, bundle

    return [digest_of(bundle(diagram)) for diagram in sorted(PROCESSES.glob("*.bpmn"))]
