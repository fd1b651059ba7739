"""Commands ``backup`` and ``restore``: the whole database as one file of PostgreSQL's format, without the keys."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

from service.cli.context import application, application_as_it_is, database
from service.cli.database import call, environment, libpq, operator, program
from service.config import Settings, settings
from service.infrastructure.supervisor import die_with

# Tables of a later version may hang on those of the file, so all of them go first; --clean takes the rest.
EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', name);
    END LOOP;
END $$
"""


CONNECTION_LOST = 2  # exit code of psql
COMPLETE = b"-- PostgreSQL database dump complete"  # ends a script that is whole
UNKNOWN = re.compile(rb"SET transaction_timeout = 0;\s*")  # by servers before 17, to which a script may be taken


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(["custom", "plain"]),
    default="custom",
    help="custom: compressed; plain: a script that an earlier version of PostgreSQL reads too.",
)
def backup(file: Path, form: str) -> None:
    """Write the whole database to FILE, also while Anpei runs. The keys (ANPEI_KEYS) are not in it: keep them apart."""
    from service.workflow.system.backups import record_backup

    with application_as_it_is() as chosen:
        part = file.with_name(f"{file.name}.part")
        os.umask(0o077)  # the file is for its owner alone
        whole = (f"--format={form}", "--no-owner", "--no-privileges", "--exclude-table-data=public.file_piece")
        cleaned = ("--clean", "--if-exists") if form == "plain" else ()
        call(
            chosen, chosen.read_url, "pg_dump", *whole, *cleaned, f"--file={part}", f"--dbname={libpq(chosen.read_url)}"
        )
        _write_script(chosen, part, Path(os.devnull))  # can be read to its end
        part.replace(file)
        record_backup(**operator(), size=file.stat().st_size)
    click.echo(
        f"{file}: {file.stat().st_size:,} bytes. Personal data in it can be read only with the keys; keep those apart."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask whether the present data may go.")
def restore(file: Path, yes: bool) -> None:
    """Put the database back as FILE holds it, all at once or not at all. Refused while Anpei runs.

    Afterwards the keys are tried: without the right ones the exit code is 1, and personal data cannot be read.
    """
    if not yes:
        click.confirm("Everything that is in the database now will be replaced. Go on?", abort=True)
    _refuse_if_running()
    with database() as chosen, tempfile.TemporaryDirectory(dir=chosen.data_dir) as folder:
        script = Path(folder) / "restore.sql"
        _refuse_newer(chosen, file)
        _write_script(chosen, file, script)  # a file that is not whole fails here, before anything is touched
        at_once = ("-X", "-q", "-o", os.devnull, "-v", "ON_ERROR_STOP=1", "--single-transaction")
        _call_quietly(chosen, "psql", *at_once, "-c", EMPTY, "-f", str(script), "-d", libpq(chosen.owner_url))
    click.echo(f"The database is as {file} holds it.")
    _try_keys(file)


def _try_keys(file: Path) -> None:
    from service.models.queries.system.backup import closed_columns
    from service.workflow.system.backups import record_restore

    with application():
        record_restore(**operator(), size=file.stat().st_size)
        closed = closed_columns()
    if closed:
        sys.exit(
            "anpei: The keys of this installation do not open the personal data of this backup: "
            + ", ".join(closed)
            + ". Put back the key file that belongs to it (ANPEI_KEYS, or the file keys in the data folder);"
            " nothing has to be restored again."
        )
    click.echo("The keys at hand open its personal data.")


def _refuse_if_running() -> None:
    """Exit if Anpei runs: pages and workers would go on with cached rows of the replaced data."""
    from service.infrastructure.postgres import Server, connections

    chosen = settings()
    is_running = chosen.is_embedded and Server(chosen.data_dir).is_in_use()
    if not is_running:
        with database():
            is_running = connections(chosen.owner_url) > 0
    if is_running:
        sys.exit("anpei: Anpei or another program works on this database. Stop it, then restore again.")


def _refuse_newer(chosen: Settings, file: Path) -> None:
    """Exit for a backup of a later version, which has tables that this one does not know."""
    from service.migrations import revisions

    copied: str | None = None
    if _is_script(file):
        copied = _copied_version(file)
    else:
        command = [program(chosen, "pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(file)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's own program
        copied = said.stdout if said.returncode == 0 else None
    found = re.search(r"^COPY public\.alembic_version .*\n(\w+)$", copied or "", re.MULTILINE)
    if copied is not None and found is None:
        sys.exit(f"anpei: {file} is no backup of Anpei. Nothing was changed.")
    if found and found[1] not in revisions():
        sys.exit(f"anpei: {file} was made by a later version of Anpei (tables {found[1]}). Nothing was changed.")


def _copied_version(file: Path) -> str:
    """The lines of a script that hold the version of its tables."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        return next((line + next(lines, "") for line in lines if line.startswith("COPY public.alembic_version ")), "")


def _is_script(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(5) != b"PGDMP"


def _write_script(chosen: Settings, file: Path, script: Path) -> None:
    """Write what a backup does to an empty database as a script; exit when the backup is not whole."""
    if not _is_script(file):
        foreign = ("--no-owner", "--no-privileges")  # roles of another server; the rights are given anew
        _call_quietly(chosen, "pg_restore", "--clean", "--if-exists", *foreign, f"--file={script}", str(file))
        return
    last = b""
    with file.open("rb") as lines, script.open("wb") as written:
        for line in lines:
            if not UNKNOWN.fullmatch(line):
                written.write(line)
            last = line if line.startswith(COMPLETE) else last
    if not last:
        sys.exit(f"anpei: {file} is not whole. Nothing was changed.")


def _call_quietly(chosen: Settings, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL as the owner; its output is shown only when it fails."""
    command = [program(chosen, name), *arguments]
    with_us = partial(die_with, os.getpid())  # killed, we leave nobody behind
    done = subprocess.run(  # noqa: S603 - its own programs
        command, env=environment(chosen.owner_url), capture_output=True, text=True, check=False, preexec_fn=with_us
    )
    if name == "psql" and done.returncode == CONNECTION_LOST:
        sys.exit(
            f"anpei: {done.stderr.strip()[-2000:]}\nThe connection to the database was lost. It is as it was before or,"
            " when that happened in the last moment, as the file holds it, never half: see that the server runs and has"
            " space, then restore again."
        )
    if done.returncode:
        is_later = "unsupported version" in done.stderr
        script = " A later PostgreSQL made it: make it there with anpei backup --format plain." if is_later else ""
        sys.exit(f"anpei: {done.stderr.strip()[-2000:]}\nNothing was changed.{script}")


COMMANDS = (backup, restore)
