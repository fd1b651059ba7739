"""Commands about the database and its accounts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click

from service.cli.context import application, database
from service.config import Settings

ADMINISTRATORS = ("sys_admin", "security_admin", "audit_admin", "process_admin")  # separated powers (R1)


@click.command("create-admin")
@click.argument("login")
@click.option("--name", default="系统管理员", help="The name shown to others.")
@click.option("--role", type=click.Choice(ADMINISTRATORS), default=ADMINISTRATORS[0], show_default=True)
def create_admin(login: str, name: str, role: str) -> None:
    """Make the account of an administrator; its first password is printed once and changed at the first sign-in."""
    from service.models import authority_id
    from service.workflow.accounts import create_user

    with application():
        organisation = authority_id("platform")
        _user, password = create_user(None, login=login, display_name=name, role=role, organisation_id=organisation)
    click.echo(f"{login}: first password {password}")


@click.command()
def db() -> None:
    """A psql prompt on the database."""
    with database() as chosen:
        _call(_program(chosen, "psql"), _libpq(chosen))


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write the whole database to FILE. The keys (ANPEI_KEYS) are not in it: keep them apart."""
    with database() as chosen:
        _call(
            _program(chosen, "pg_dump"), "--format=custom", "--no-owner", f"--file={file}", f"--dbname={_libpq(chosen)}"
        )
    click.echo(
        f"{file}: {file.stat().st_size:,} bytes. Personal data in it can be read only with the keys; keep those apart."
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask whether the present data may go.")
def restore(file: Path, yes: bool) -> None:
    """Put the database back as FILE holds it: all at once, or not at all. Stop Anpei before."""
    if not yes:
        click.confirm("Everything that is in the database now will be replaced. Go on?", abort=True)
    replace = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    with database() as chosen:
        _call(_program(chosen, "pg_restore"), *replace, f"--dbname={_libpq(chosen)}", str(file))
    click.echo(f"The database is as {file} holds it.")


def _program(chosen: Settings, name: str) -> str:
    """The wheel's program for the embedded server; the machine's own for another server, whose version it fits."""
    from service.postgres import Server

    return Server(chosen.data_dir).program(name) if chosen.is_embedded else name


def _libpq(chosen: Settings) -> str:
    return chosen.database_url.replace("postgresql+psycopg2://", "postgresql://", 1)


def _call(*command: str) -> None:
    if code := subprocess.call(command):  # noqa: S603 - PostgreSQL's own programs
        sys.exit(code)


COMMANDS = (create_admin, db, backup, restore)
