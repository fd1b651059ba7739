"""Commands ``backup`` and ``restore``: the whole database as one file of PostgreSQL's format, without the keys."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from service.cli.context import application, application_as_it_is, database
from service.cli.database import call, environment, libpq, operator, program
from service.config import Settings, settings

# Tables of a later version may hang on those of the file, so all of them go first; --clean takes the rest.
EMPTY = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', name);
    END LOOP;
END $$
"""


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database to FILE, also while Anpei runs. The keys (ANPEI_KEYS) are not in it: keep them apart."""
    from service.workflow.system.backups import record_backup

    with application_as_it_is() as chosen:
        part = file.with_name(f"{file.name}.part")
        os.umask(0o077)  # the file is for its owner alone
        plain = ("--format=custom", "--no-owner", "--no-privileges")
        call(chosen, chosen.read_url, "pg_dump", *plain, f"--file={part}", f"--dbname={libpq(chosen.read_url)}")
        _call_quietly(chosen, "pg_restore", f"--file={os.devnull}", str(part))  # can be read to its end
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
        foreign = ("--no-owner", "--no-privileges")  # roles of another server; the rights are given anew
        _call_quietly(
            chosen, "pg_restore", "--clean", "--if-exists", *foreign, f"--file={script}", str(file)
        )  # a file that is not whole fails here, before anything is touched
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

    command = [program(chosen, "pg_restore"), "--data-only", "--table=alembic_version", "--file=-", str(file)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - PostgreSQL's own program
    found = re.search(r"^COPY public\.alembic_version .*\n(\w+)$", said.stdout, re.MULTILINE)
    if said.returncode == 0 and found is None:
        sys.exit(f"anpei: {file} is no backup of Anpei. Nothing was changed.")
    if found and found[1] not in revisions():
        sys.exit(f"anpei: {file} was made by a later version of Anpei (tables {found[1]}). Nothing was changed.")


def _call_quietly(chosen: Settings, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL as the owner; its output is shown only when it fails."""
    command = [program(chosen, name), *arguments]
    done = subprocess.run(command, env=environment(chosen.owner_url), capture_output=True, text=True, check=False)  # noqa: S603 - its own programs
    if done.returncode:
        sys.exit(f"anpei: {done.stderr.strip()[-2000:]}\nNothing was changed.")


COMMANDS = (backup, restore)
