"""Commands about the database and its accounts."""

from __future__ import annotations

import subprocess
import sys

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
        call(program(chosen, "psql"), libpq(chosen))


def program(chosen: Settings, name: str) -> str:
    """The wheel's program for the embedded server; the machine's own for another server, whose version it fits."""
    from service.postgres import Server

    return Server(chosen.data_dir).program(name) if chosen.is_embedded else name


def libpq(chosen: Settings) -> str:
    """The database's address as PostgreSQL's programs take it."""
    return chosen.database_url.replace("postgresql+psycopg2://", "postgresql://", 1)


def call(*command: str) -> None:
    """Run a program; when it fails, so does the command, the program's own words standing above."""
    if code := subprocess.call(command):  # noqa: S603 - PostgreSQL's own programs
        sys.exit(code)


COMMANDS = (create_admin, db)
