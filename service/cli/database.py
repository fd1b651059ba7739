"""Commands about the database and its accounts."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import sys
from urllib.parse import unquote

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
    from service.models.tables.organisation import authority_id
    from service.workflow.accounts.administration import create_user

    with application():
        organisation = authority_id("platform")
        _user, password = create_user(None, login=login, display_name=name, role=role, organisation_id=organisation)
    click.echo(f"{login}: first password {password}")


@click.command()
@click.argument("login")
def unlock(login: str) -> None:
    """Free an account that failed sign-ins have locked, before its half hour is over."""
    from service.workflow.accounts.console import unlock_account

    with application():
        unlock_account(login, operator())
    click.echo(f"{login}: unlocked")


@click.command("reset-password")
@click.argument("login")
def reset_password(login: str) -> None:
    """Give an account a new first password, printed once; for the last administrator, whom nobody else can help."""
    from service.workflow.accounts.console import reset_account

    with application():
        password = reset_account(login, operator())
    click.echo(f"{login}: first password {password}")


@click.command()
def db() -> None:
    """A psql prompt on the database."""
    with database() as chosen:
        call(chosen, "psql", libpq(chosen))


def operator() -> dict[str, str]:
    """Who works on the command line, as the audit trail remembers it: the system's account, and the machine."""
    return {"who": pwd.getpwuid(os.geteuid()).pw_name, "host": socket.gethostname()}


def program(chosen: Settings, name: str) -> str:
    """The wheel's program for the embedded server; the machine's own for another server, whose version it fits."""
    from service.infrastructure.postgres import Server

    return Server(chosen.data_dir).program(name) if chosen.is_embedded else name


def libpq(chosen: Settings) -> str:
    """The database's address as PostgreSQL's programs take it, without the password: arguments are for all to see."""
    return _parted(chosen)[0]


def environment(chosen: Settings) -> dict[str, str]:
    """What PostgreSQL's programs run in: the database's password stands here, which only their owner reads."""
    password = _parted(chosen)[1]
    return {**os.environ, "PGPASSWORD": password} if password else dict(os.environ)


def _parted(chosen: Settings) -> tuple[str, str]:
    """The address without its password, and the password, which stands before the host or among the options."""
    rest, _, query = chosen.database_url.removeprefix("postgresql+psycopg2://").partition("?")
    authority, slash, path = rest.partition("/")
    account, at, host = authority.rpartition("@")
    user, _, password = account.partition(":")
    options = [option.partition("=") for option in query.split("&")]
    given = [value for name, _, value in options if name == "password"]
    others = "&".join("".join(option) for option in options if option[0] != "password")
    address = f"postgresql://{user}{at}{host}{slash}{path}{'?' if others else ''}{others}"
    return address, unquote([password, *given][-1])


def call(chosen: Settings, name: str, *arguments: str) -> None:
    """Run a program of PostgreSQL; when it fails, so does the command, the program's own words standing above."""
    if code := subprocess.call([program(chosen, name), *arguments], env=environment(chosen)):  # noqa: S603 - its own programs
        sys.exit(code)


COMMANDS = (create_admin, unlock, reset_password, db)
